"""Build sdist and wheel; install each in a clean environment and import it."""

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
    "print('skrnn', skrnn.__version__, 'from', skrnn.__file__)"
)


def run(*command, **options):
    """Run a command and fail where it fails."""
    subprocess.run([str(part) for part in command], check=True, **options)


def main():
    """Make both archives and try them."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ".")
    wheel, sdist = *DIST.glob("*.whl"), *DIST.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        for archive in wheel, sdist:
            print(archive.name, flush=True)
            run(*pip, "install", archive)
            run(python, "-I", "-W", "error", "-c", IMPORT, cwd=folder)
            run(*pip, "uninstall", "--yes", "skrnn")


if __name__ == "__main__":
    main()
