"""Make docs/images/searchbox.png: the page of a language model, as Chromium shows it.

    python docs/make_searchbox_picture.py [path of the browser]

It trains on names of the standard library, as `make demo` does; the names depend on the
version of Python.
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
from skrnn.datasets import load_python_names

IMAGE = Path(__file__).resolve().parent / "images" / "searchbox.png"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


def main(browser: str = "chromium") -> None:
    names = load_python_names(min_length=3, max_length=30)
    some = np.random.default_rng(0).permutation(len(names.data))[:8000]
    network = VanillaRNNClassifier((64,), max_iter=100, random_state=0)
    with warnings.catch_warnings():
        # Predictions settle long before the weights.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = VanillaRNNLanguageModel(network).fit(
            names.data[some], sample_weight=np.log1p(names.frequency[some])
        )
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "searchbox.html")
        title = "Names in Python's standard library"
        model.to_html(page, vocabulary=names.data, title=title)
        picture = (f"--screenshot={IMAGE}", "--window-size=1100,740")
        address = f"{page.as_uri()}#q=get_f"
        profile = f"--user-data-dir={folder}"
        subprocess.run([browser, *FLAGS, profile, *picture, address], check=True)
    print(f"{IMAGE.name}: {IMAGE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
