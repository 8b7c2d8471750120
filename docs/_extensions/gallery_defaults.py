"""Common settings of all examples in the gallery."""

import warnings
from contextlib import ExitStack

import matplotlib as mpl

LOOKS = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 110,
    "savefig.bbox": "tight",
}
filters = ExitStack()


def same_start(gallery, file_name, when):
    """Turn warnings into errors during an example, and unify the style of plots."""
    if when == "after":
        filters.close()
        return
    filters.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")
    mpl.rcdefaults()
    mpl.use("agg")
    mpl.rcParams.update(LOOKS)
