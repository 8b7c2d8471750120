"""What every example of the gallery starts from."""

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
    """Make warnings errors during an example, and all pictures look alike."""
    if when == "after":
        filters.close()
        return
    filters.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")
    mpl.rcdefaults()
    mpl.use("agg")
    mpl.rcParams.update(LOOKS)
