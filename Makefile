# Every target makes the environment it needs; Python, venv and make are enough.
# Another interpreter: make test PYTHON=/path/to/python3.13

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV := .venv
OLDEST := .venv-oldest
RUN := $(VENV)/bin/python
PYTEST_ARGS ?=
# COVERAGE=yes: `make test` also measures coverage and fails below the floor.
COVERAGE ?=

ifneq ($(COVERAGE),)
COVERAGE_ARGS := --cov --cov-report=term --cov-report=json
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/with-plot,progress ## label Python source; pictures in build/demo
	$(RUN) docs/examples/label_python_source.py

.PHONY: test
test: $(VENV)/with-test ## all tests, those in docstrings and pages included
	@mkdir -p build/coverage
	$(RUN) -m pytest $(COVERAGE_ARGS) $(PYTEST_ARGS)
ifneq ($(COVERAGE),)
	@$(RUN) .ci/coverage_floor.py
endif

.PHONY: coverage
coverage: ## all tests, with the lines and branches they reach
	@$(MAKE) --no-print-directory test COVERAGE=yes

.PHONY: lint
lint: $(VENV)/with-lint ## ruff, and numpydoc on the public docstrings
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m numpydoc lint skrnn/_estimators/*.py skrnn/_language_model/*.py skrnn/[a-z]*/*.py

.PHONY: format
format: $(VENV)/with-lint ## rewrite the code as `make lint` wants it
	$(RUN) -m ruff check --fix --exit-zero .
	$(RUN) -m ruff format .

.PHONY: types
types: $(VENV)/with-lint ## mypy in strict mode
	$(RUN) -m mypy
	$(RUN) -m mypy tests/typed_api.py

.PHONY: docs
docs: $(VENV)/with-docs ## the site with its gallery, in build/docs; warnings are errors
	rm -rf docs/generated build/docs
	$(RUN) -m sphinx -W --keep-going -q -E -b html -d build/doctrees docs build/docs
	$(RUN) docs/check_links.py build/docs

.PHONY: examples
examples: $(VENV)/with-plot,progress ## run what `make docs` does not: the scripts in docs/examples
	@set -e; for script in docs/examples/*.py; do \
		echo "$$script"; MPLBACKEND=Agg $(RUN) "$$script"; \
	done

.PHONY: oldest
oldest: $(OLDEST)/with-test ## all tests at the oldest supported versions
	$(OLDEST)/bin/python -m pytest $(PYTEST_ARGS)

.PHONY: mutants
mutants: $(VENV)/with-test ## faults in the code that the tests must notice, FAULTS=NAME for some
	$(RUN) tests/mutants $(FAULTS)

# How long `make fuzz` tries.
SECONDS ?= 3600

.PHONY: fuzz
fuzz: $(VENV)/with-test ## the public API at random, for SECONDS=3600
	$(RUN) tests/fuzz.py $(SECONDS)

.PHONY: bench
bench: $(VENV)/with-bench,plot ## run everything in benchmarks
	@set -e; for script in benchmarks/[a-z]*.py; do \
		echo "$$script"; $(RUN) "$$script"; \
	done

.PHONY: dist-check
dist-check: $(VENV)/with-dist ## wheel and sdist, each installed and imported
	$(RUN) .ci/dist_check.py

.PHONY: clean
clean: ## remove everything the other targets made
	rm -rf $(VENV) $(OLDEST) build dist docs/generated .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache
	find benchmarks docs skrnn tests -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# Shell code that makes the environment $@ belongs to with the first of the
# given interpreters that runs, is new enough and can make environments.
define make_venv
	@for python in $(1); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "making $(2) with $$("$$python" -V)"; \
			exec "$$python" -m venv --clear $(2); \
		fi; \
	done; \
	echo 'skrnn needs Python 3.11 or later with its venv module; tried: $(1)' >&2; \
	echo 'name one yourself: make PYTHON=/path/to/python3' >&2; \
	exit 1
endef

# Files with-EXTRAS remember what is installed, until pyproject.toml changes.
$(VENV)/with-%: pyproject.toml | $(RUN)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch '$@'

$(OLDEST)/with-%: pyproject.toml .ci/floors.py | $(OLDEST)/bin/python
	@mkdir -p build
	$(OLDEST)/bin/python .ci/floors.py > build/floors.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint build/floors.txt --editable '.[$*]'
	@touch '$@'

$(RUN):
	$(call make_venv,$(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3),$(VENV))

# No wheels of the oldest versions exist for interpreters after 3.13.
$(OLDEST)/bin/python:
	$(call make_venv,$(or $(PYTHON_OLDEST),python3.11 python3.12 python3.13 python3),$(OLDEST))
