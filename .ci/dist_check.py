"""Build sdist and wheel; install each, and every extra, in clean environments."""

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

DIST = Path("build/dist").resolve()
# Isolated mode and a working directory elsewhere: the checkout must not be found.
IMPORT = (
    "import skrnn, importlib.metadata as m, importlib.resources as r; "
    "assert skrnn.__version__ == m.version('skrnn'); "
    "assert r.files('skrnn').joinpath('py.typed').is_file(); "
    "assert r.files('skrnn').joinpath('_language_model/html/page.html').is_file(); "
    "print('skrnn', skrnn.__version__, 'from', skrnn.__file__)"
)
# What users install an extra for.
EXTRAS = {
    "plot": "import matplotlib, skrnn.plotting",
    "progress": "import rich",
    "dask": "import skrnn.dask",
    "onnx": "import onnx, skrnn.export",
}


def run(*command, **options):
    """Run a command and fail where it fails."""
    subprocess.run([str(part) for part in command], check=True, **options)


def main():
    """Make both archives and try them."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ".")
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    for archive in wheel, sdist:
        print(archive.name, flush=True)
        try_in_clean_environment(archive, IMPORT)
    for extra, use in EXTRAS.items():
        print(f"skrnn[{extra}]", flush=True)
        try_in_clean_environment(f"{wheel}[{extra}]", use)


def try_in_clean_environment(requirement, code):
    """Install something where nothing else is, and run code there."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "install", requirement)
        run(python, "-I", "-W", "error", "-c", code, cwd=folder)


if __name__ == "__main__":
    main()
