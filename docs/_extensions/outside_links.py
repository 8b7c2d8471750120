"""Links to the references of Python, NumPy, SciPy and scikit-learn.

Intersphinx would download their lists of names at every build. Their addresses follow
rules, so the address is built by a rule, and an import checks that the name exists.
"""

import inspect
from importlib import import_module

from docutils import nodes

PAGES = {
    "numpy": "https://numpy.org/doc/stable/reference/generated/{name}.html",
    "scipy": "https://docs.scipy.org/doc/scipy/reference/generated/{name}.html",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{name}.html",
}
PYTHON = "https://docs.python.org/3/library/{module}.html#{name}"


def find(name):
    """Return the module that ``name`` begins with, and the object it names."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            module = import_module(".".join(parts[:n]))
        except ImportError:
            continue
        found = module
        for part in parts[n:]:
            found = getattr(found, part)
        return module, found
    raise ImportError(name)


def link(app, env, node, content):
    """Make the link that Sphinx has no target for, or leave it to be reported."""
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py" or name.split(".")[0] == "skrnn":
        return None
    try:
        module, found = find(name)
    except (AttributeError, ImportError, ValueError):
        return None
    page = PAGES.get(name.split(".")[0], PYTHON)
    owner, _, member = name.rpartition(".")
    if page != PYTHON and not inspect.ismodule(found) and owner != module.__name__:
        address = page.format(name=owner) + f"#{owner}.{member}"
    else:
        address = page.format(name=name, module=module.__name__)
    return nodes.reference("", "", content, internal=False, refuri=address)


def setup(app):
    """Ask after the names that nothing here defines."""
    app.connect("missing-reference", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
