"""Imports between packages, and along the way of the data, run one way."""

import ast
import sys
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path
from runpy import run_path

import pytest

import skrnn

PACKAGE = Path(skrnn.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
NETWORK = [name for name in MODULES if name.startswith("skrnn._network.")]

# The way of the data: a module may import those above it in this list.
WAY = [
    "workspace",
    "data.inputs",
    "data.steps",
    "data.ngrams",
    "data.packing",
    "data.memmap",
    "model.parameters",
    "model.recurrence",
    "model.loss",
    "model.network",
    "model.messages",
    "model.paths",
    "model.chain",
    "parallel",
    "inference",
    "forecast",
    "training.target_scaling",
    "training.regularization",
    "training.initialization",
    "training.objective",
    "training.shared_weights",
    "training.checkpoint",
    "training.subsample",
    "training.output_initialization",
    "training.preconditioning",
    "training.problem",
    "training.lbfgs",
    "training.strength",
    "training.linear_start",
    "training.warm_up",
    "training.train",
]
# The same for packages: each knows those above it, and no others.
ROOMS = [
    ["_version", "_sklearn_compat"],
    ["_network"],
    ["_validation"],
    ["_estimators", "preprocessing"],
    ["metrics"],
    ["_language_model", "datasets", "model_selection", "dask"],
    ["export", "plotting"],
]


def imports(name):
    """Return the full names of all that a module imports, wherever it does so."""
    found = set()
    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{origin}.{alias.name}"
                found.add(full if full in MODULES else origin)
    return found


def own(names):
    """Return those of the names that are modules of the package."""
    return {name for name in names if name.split(".")[0] == "skrnn"}


def test_the_way_of_the_data_names_every_module_of_the_network():
    assert sorted(f"skrnn._network.{name}" for name in WAY) == sorted(
        name for name in NETWORK if not name.endswith("__init__")
    )


def test_the_rooms_are_all_there_is():
    found = {
        path.stem for path in PACKAGE.iterdir() if not path.stem.startswith("__")
    } - {"py"}
    assert set(chain.from_iterable(ROOMS)) == found
    entries = [*found, "__init__", "py.typed"]
    assert len(entries) <= 16
    assert sum(name.startswith("_") and name != "__init__" for name in entries) <= 6


@pytest.mark.parametrize("name", MODULES)
def test_imports_between_rooms_run_one_way(name):
    room = name.split(".")[1]
    if room == "__init__":
        return
    (level,) = (i for i, rooms in enumerate(ROOMS) if room in rooms)
    known = {room, *chain.from_iterable(ROOMS[:level])}
    assert {other.split(".")[1] for other in own(imports(name)) - {"skrnn"}} <= known


@pytest.mark.parametrize("name", WAY)
def test_imports_follow_the_way_of_the_data(name):
    above = {f"skrnn._network.{other}" for other in WAY[: WAY.index(name)]}
    assert own(imports(f"skrnn._network.{name}")) <= above


@pytest.mark.parametrize("name", NETWORK)
def test_the_numerical_floor_needs_numpy_scipy_and_threadpoolctl_only(name):
    outside = imports(name) - own(imports(name))
    roots = {other.split(".")[0] for other in outside} - set(sys.stdlib_module_names)
    assert roots <= {"numpy", "scipy", "threadpoolctl"}


def private_parts_of_scikit_learn(name):
    """Yield what a module imports of scikit-learn's underscored names."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                parts = f"{node.module}.{alias.name}".split(".")
                if parts[0] == "sklearn" and any(p.startswith("_") for p in parts):
                    yield ".".join(parts)


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"skrnn._sklearn_compat"}))
def test_private_parts_of_scikit_learn_are_in_one_module(name):
    assert [*private_parts_of_scikit_learn(name)] == []


def test_the_private_parts_of_scikit_learn_are_found():
    found = [*private_parts_of_scikit_learn("skrnn._sklearn_compat")]
    assert "sklearn.base._fit_context" in found
    assert "sklearn.utils._param_validation.Interval" in found


def test_no_module_imports_itself_through_others():
    graph = {name: own(imports(name)) - {"skrnn"} for name in MODULES}
    assert list(TopologicalSorter(graph).static_order())


def test_imports_are_found_in_every_form():
    assert "skrnn._network.data.packing" in imports("skrnn._network.training.train")
    assert "skrnn._network.model.recurrence" in imports("skrnn._network.model.network")
    assert "scipy" in imports("skrnn._network.training.lbfgs")
    assert "skrnn._estimators.classifier" in imports("skrnn.__init__")


# The picture: packages as boxes, imports between them as arrows.
DRAWING = PACKAGE.parent / "docs" / "make_architecture_picture.py"
PICTURE = DRAWING.parent / "images" / "architecture.svg"


def package_of(name):
    """Return the package of a module, one in `_network` included, without skrnn."""
    if f"{name}.__init__" not in MODULES:
        name = name.rpartition(".")[0]
    parts = name.split(".")[1:]
    return ".".join(parts[: 2 if parts[:1] == ["_network"] else 1])


def test_the_picture_names_every_package():
    names = {package_of(name) for name in MODULES} - {""}
    shown = PICTURE.read_text(encoding="utf-8")

    missing = {name for name in names if f">{name.split('.')[-1]}</text>" not in shown}

    assert missing == set()


def test_the_picture_has_an_arrow_for_every_import_between_packages():
    pairs = {
        (package_of(name), package_of(other))
        for name in MODULES
        for other in own(imports(name))
    }
    # From outside `_network` is one package; its arrows are those within it.
    expected = {
        (here, there if here.startswith("_network.") else there.split(".")[0])
        for here, there in pairs
        if here not in {"", "_network"} and there not in {"", "_network", here}
    }

    assert run_path(str(DRAWING))["arrows"]() == expected


def test_the_picture_is_up_to_date():
    committed = PICTURE.read_text(encoding="utf-8")

    assert run_path(str(DRAWING))["picture"]() == committed
