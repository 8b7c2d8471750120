"""Sphinx configuration: MyST pages, numpydoc docstrings, a gallery, the PyData theme.

Nothing is downloaded: formulas are MathML, icons come with the theme, and links to
other projects follow rules (see `_extensions`).
"""

import sys
from pathlib import Path

from skrnn import __version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "skrnn"
author = "The skrnn developers"
copyright = "2026, The skrnn developers"
version = release = __version__

extensions = [
    "mathml",
    "outside_links",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_templates", "examples", "generated/gallery/*.ipynb"]
templates_path = ["_templates"]
nitpicky = True
default_role = "literal"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Docstrings have the types, with shapes.
autodoc_typehints = "none"
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "generated/gallery",
    "subsection_order": [
        "examples/ideas",
        "examples/applications",
        "examples/practice",
    ],
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("skrnn",),
    "reference_url": {"skrnn": None},
    # The script of `make demo` is not a page.
    "ignore_pattern": r"label_python_source\.py",
    "filename_pattern": r"plot_\w+\.py",
    "reset_modules": ("gallery_defaults.same_start",),
    "reset_modules_order": "both",
    "ignore_repr_types": r"matplotlib|skrnn\.plotting",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["skrnn.css"]
html_math_renderer = "mathml"
html_title = f"skrnn {release}"
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "start": [], "coming_from": [], "limits": []}


def skip_inherited(app, what, name, member, skip, options):
    """Skip members inherited from scikit-learn, which documents them itself."""
    module = getattr(member, "__module__", None) or ""
    return True if module.split(".")[0] == "sklearn" else None


def setup(app):
    """Connect the filter of class members."""
    app.connect("autodoc-skip-member", skip_inherited)
