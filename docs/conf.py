"""Sphinx configuration: MyST pages, numpydoc docstrings, the PyData theme."""

from skrnn import __version__

project = "skrnn"
author = "The skrnn developers"
copyright = "2026, The skrnn developers"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_templates"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Their text is scikit-learn's and refers to pages of its user guide.
autodoc_default_options = {"exclude-members": "set_fit_request, set_score_request"}
# Types stand in the docstrings, with shapes.
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_prev_next": True}
html_title = f"skrnn {release}"
