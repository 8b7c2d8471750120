"""Make docs/images/architecture.svg: packages, their imports, and the data flow.

The packages in skrnn and in `skrnn._network` are boxes, the imports between them
arrows. Both are read from the source; only positions are written down here. A package
without a box or an import without a route is an error. The same source makes the same
file.
"""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skrnn"
IMAGE = ROOT / "docs" / "images" / "architecture.svg"

WIDTH, HEIGHT = 960, 616
Point = tuple[float, float]


class Box(NamedTuple):
    """A package: upper left corner, size, and purpose."""

    x: float
    y: float
    width: float
    height: float
    purpose: str


class Label(NamedTuple):
    """One state of the data; x and y are its center."""

    x: float
    y: float
    width: float
    text: str


BOXES = {
    "model_selection": Box(224, 20, 190, 46, "folds, predictions, importance"),
    "export": Box(434, 20, 370, 46, "ONNX, PyTorch"),
    "plotting": Box(20, 106, 88, 46, "displays"),
    "datasets": Box(122, 106, 88, 46, "examples"),
    "metrics": Box(262, 106, 152, 46, "steps and spans"),
    "_language_model": Box(466, 106, 152, 46, "completion"),
    "dask": Box(810, 106, 130, 46, "on a cluster"),
    "preprocessing": Box(330, 200, 200, 76, "tokens and tables to steps"),
    "_estimators": Box(654, 200, 230, 76, "classifier and regressor"),
    "_validation": Box(20, 328, 680, 70, "checks of everything users pass"),
    "_network": Box(20, 440, 920, 158, "NumPy, SciPy"),
    "_network.data": Box(36, 494, 170, 76, "no padding"),
    "_network.model": Box(242, 494, 450, 76, "forward and backward"),
    "_network.training": Box(736, 494, 188, 76, "solver"),
}

# From the importing package to the imported one: the x of a vertical line, or points.
# `export` spans what it imports, so that its lines pass beside `_language_model`.
ROUTES: dict[tuple[str, str], float | list[Point]] = {
    ("plotting", "_validation"): 64,
    ("datasets", "_validation"): 166,
    ("model_selection", "_validation"): 243,
    ("model_selection", "metrics"): 338,
    ("metrics", "_validation"): 296,
    ("metrics", "preprocessing"): 372,
    ("export", "preprocessing"): 450,
    ("export", "_validation"): 636,
    ("export", "_estimators"): 740,
    ("_language_model", "preprocessing"): 498,
    ("_language_model", "_validation"): 574,
    ("_language_model", "_estimators"): [(618, 129), (690, 129), (690, 200)],
    ("_language_model", "_network"): [
        (618, 144),
        (645, 144),
        (645, 302),
        (716, 302),
        (716, 440),
    ],
    ("preprocessing", "_validation"): 380,
    ("_estimators", "_validation"): 677,
    ("_estimators", "_network"): 752,
    ("dask", "_estimators"): 847,
    ("dask", "_validation"): [(900, 152), (900, 363), (700, 363)],
    ("dask", "_network"): 921,
    ("_network.model", "_network.data"): [(242, 514), (206, 514)],
    ("_network.training", "_network.model"): [(736, 514), (692, 514)],
    ("_network.training", "_network.data"): [
        (880, 570),
        (880, 584),
        (146, 584),
        (146, 570),
    ],
}

# What the data are made into, each label in the package that does it.
DATA_FLOW = [
    Label(386, 258, 56, "tokens"),
    Label(472, 258, 66, "one-hot"),
    Label(472, 380, 72, "padded X"),
    Label(140, 551, 112, "packed batches"),
    Label(286, 551, 58, "states"),
    Label(366, 551, 54, "logits"),
    Label(438, 551, 46, "loss"),
    Label(516, 551, 70, "gradient"),
    Label(616, 551, 84, "flat vector"),
    Label(826, 551, 70, "L-BFGS"),
    Label(826, 258, 94, "fitted arrays"),
    Label(708, 258, 56, "labels"),
]

STYLE = """\
text { font-family: Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #1b2733; }
.name { font-size: 14px; font-weight: bold; }
.purpose { font-size: 11px; fill: #4a5966; }
.label { font-size: 11px; text-anchor: middle; fill: #5c2f00; }
.panel { fill: #ffffff; stroke: #c5ced6; }
.outer { fill: #e6eff7; stroke: #5b7b99; }
.inner { fill: #ffffff; stroke: #5b7b99; }
.form { fill: #ffe3bf; stroke: #d97706; }
.import { fill: none; stroke: #45617a; stroke-width: 1.3; marker-end: url(#import); }
.flow { fill: none; stroke: #d97706; stroke-width: 2.4; marker-end: url(#flow); }"""


def main() -> None:
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_text(picture(), encoding="utf-8")
    print(f"{IMAGE.name}: {IMAGE.stat().st_size / 1000:.0f} kB")


def packages() -> set[str]:
    """Return every package, by its name within skrnn."""
    inner = PACKAGE / "_network"
    folders = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    folders += [path.parent for path in inner.glob("*/__init__.py")]
    return {".".join(folder.relative_to(PACKAGE).parts) for folder in folders}


def package_of(module: str) -> str:
    """Return the package of a module."""
    parts = module.split(".")[1:]
    inner = ".".join(parts[:2])
    return inner if inner in BOXES else parts[0] if parts else ""


def imported(path: Path) -> Iterator[str]:
    """Name what a file imports from skrnn, wherever in the file it does so."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{origin}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "skrnn")


def arrows() -> set[tuple[str, str]]:
    """Return the imports between packages; from outside, `_network` is one."""
    found = set()
    for path in PACKAGE.glob("*/**/*.py"):
        here = package_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name in imported(path):
            there = package_of(name)
            if not here.startswith("_network"):
                there = there.split(".")[0]
            found.add((here, there))
    # A package and those in it are drawn inside each other, without arrows.
    return {
        (here, there)
        for here, there in found
        if there in BOXES
        and there not in {here, here.split(".")[0]}
        and here != "_network"
    }


def route(here: str, there: str) -> list[Point]:
    """Return the points of an arrow."""
    points = ROUTES[here, there]
    if isinstance(points, list):
        return points
    return [(points, BOXES[here].y + BOXES[here].height), (points, BOXES[there].y)]


def data_flow() -> Iterator[list[Point]]:
    """Connect each label to the next, from border to border."""
    half = 10  # of a label's height
    for a, b in pairwise(DATA_FLOW):
        if a.y == b.y:
            side = 1 if b.x > a.x else -1
            yield [(a.x + side * a.width / 2, a.y), (b.x - side * b.width / 2, b.y)]
        elif a.x == b.x:
            side = 1 if b.y > a.y else -1
            yield [(a.x, a.y + side * half), (b.x, b.y - side * half)]
        else:
            yield [(a.x - a.width / 2, a.y), (b.x, a.y), (b.x, b.y - half)]


def picture() -> str:
    """Return the picture as SVG."""
    found = arrows()
    missing = [*(packages() - set(BOXES)), *(found - set(ROUTES))]
    if missing:
        raise ValueError(f"no position in BOXES or ROUTES for {missing}")
    return "\n".join([*head(), *boxes(), *lines(sorted(found)), *labels(), "</svg>\n"])


def head() -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">'
    )
    yield "<title>The packages of skrnn, their imports, and the data flow</title>"
    yield f"<style>\n{STYLE}\n</style>"
    yield "<defs>"
    for name, color, size in ("import", "#45617a", 7), ("flow", "#d97706", 9):
        yield (
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9.5" refY="5" '
            f'markerWidth="{size}" markerHeight="{size}" orient="auto" '
            f'markerUnits="userSpaceOnUse">'
            f'<path d="M0,0.5 L10,5 L0,9.5 z" fill="{color}"/></marker>'
        )
    yield "</defs>"
    # An opaque background keeps the picture readable on dark pages.
    yield (
        f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" '
        f'height="{HEIGHT - 1}" rx="10"/>'
    )


def boxes() -> Iterator[str]:
    for name, box in BOXES.items():
        kind = "inner" if "." in name else "outer"
        yield (
            f'<rect class="{kind}" x="{box.x}" y="{box.y}" width="{box.width}" '
            f'height="{box.height}" rx="6"/>'
        )
        x, y = box.x + 10, box.y + 19
        yield f'<text class="name" x="{x}" y="{y}">{name.split(".")[-1]}</text>'
        yield f'<text class="purpose" x="{x}" y="{y + 16}">{box.purpose}</text>'


def lines(found: list[tuple[str, str]]) -> Iterator[str]:
    for here, there in found:
        yield f'<path class="import" d="{path_of(route(here, there))}"/>'
    for points in data_flow():
        yield f'<path class="flow" d="{path_of(points)}"/>'
    for y, kind, text in (30, "import", "imports"), (54, "flow", "data flow"):
        yield f'<path class="{kind}" d="M20,{y} L52,{y}"/>'
        yield f'<text class="purpose" x="60" y="{y + 4}">{text}</text>'


def labels() -> Iterator[str]:
    for x, y, width, text in DATA_FLOW:
        yield (
            f'<rect class="form" x="{x - width / 2:g}" y="{y - 10}" '
            f'width="{width}" height="20" rx="10"/>'
        )
        yield f'<text class="label" x="{x}" y="{y + 4}">{text}</text>'


def path_of(points: list[Point]) -> str:
    return "M" + " L".join(f"{x:g},{y:g}" for x, y in points)


if __name__ == "__main__":
    main()
