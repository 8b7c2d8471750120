"""Vectors as stacks of cells with numbers, and arrows between them.

The unit of all lengths is the width of a cell. The column of step t is centered at
``x = t * pitch``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skrnn._validation.arrays import Array, Ids

from ._common import WRONG, light_map, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]

CELL = 0.46  # height
GAP = 1.0  # between a vector and the one above it
NAME = 10  # maximum number of characters in the name of a row
_INCH = 0.72  # inches per unit in a new figure
# Font sizes in units of a cell's width, and the width of a character in ems.
NUMBER_FONT, TEXT_FONT, SMALL_FONT, CHARACTER = 0.26, 0.25, 0.21, 0.62


@dataclass
class Vector:
    """One vector per step, and its position in a column."""

    title: str
    values: Array  # (n_steps, n_kept)
    names: list[str]
    kept: Ids  # which components are drawn
    n_left_out: int
    color: str
    bottom: float = 0.0
    shift: float = 0.0

    @classmethod
    def of(
        cls,
        title: str,
        values: Array,
        names: Any,
        max_rows: int,
        color: str,
        needed: Collection[int] = (),
    ) -> Self:
        """Select the largest and the needed components, in their original order."""
        n_rows = values.shape[1]
        kept = np.arange(n_rows)
        if n_rows > max_rows:
            size = np.abs(values).max(axis=0)
            size[list(needed)] = np.inf
            # One row is for the dots; components that are always 0 are omitted.
            n_kept = max(max_rows - 1, len(needed))
            n_kept = max(min(n_kept, int(np.count_nonzero(size))), 1)
            kept = np.sort(np.argsort(-size, kind="stable")[:n_kept])
        named = range(n_rows) if names is None else np.asarray(names).tolist()
        if len(named) != n_rows:
            raise ValueError(f"there are {len(named)} names for {n_rows} components")
        shown = [visible(named[k], NAME) for k in kept]
        return cls(title, values[:, kept], shown, kept, n_rows - len(kept), color)

    @property
    def top(self) -> float:
        """Upper end of the stack, including a row of dots for omitted components."""
        return self.bottom + CELL * (len(self.kept) + bool(self.n_left_out))

    @property
    def middle(self) -> float:
        """Height of the middle of the stack."""
        return (self.bottom + self.top) / 2

    def row(self, k: int) -> float:
        """Return the lower end of a row; the first row is at the top."""
        return self.top - CELL * (k + 1)


@dataclass
class Canvas:
    """Axes to draw columns on."""

    ax: "Axes"
    pitch: float  # from one column to the next
    scale: float  # points per unit

    @classmethod
    def of_size(
        cls,
        ax: "Axes | None",
        pitch: float,
        x_limits: tuple[float, float],
        y_limits: tuple[float, float],
    ) -> Self:
        """Prepare the axes, or create a figure of matching size."""
        import matplotlib.pyplot as plt

        width, height = x_limits[1] - x_limits[0], y_limits[1] - y_limits[0]
        if ax is None:
            figure = plt.figure(figsize=(_INCH * width, _INCH * height))
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.set(xlim=x_limits, ylim=y_limits, aspect="equal")
        ax.set_axis_off()
        window = ax.get_window_extent()
        pixels = min(window.width / width, window.height / height)
        return cls(ax, pitch, pixels / ax.figure.dpi * 72)

    def write(self, x: float, y: float, text: str, size: float, **kw: Any) -> Any:
        """Write text with a size in units, centered by default."""
        kw = {"ha": "center", "va": "center", "fontsize": size * self.scale, **kw}
        return self.ax.text(x, y, text, **kw)

    def draw_vector(self, vector: Vector) -> Array:
        """Draw the vector of every step; return the texts, shape (n_steps, n_kept)."""
        from matplotlib.patches import Rectangle

        high = max(float(np.abs(vector.values).max()), 1e-300)
        low = -high if (vector.values < 0).any() else 0.0
        colors = light_map(vector.color)((vector.values - low) / (high - low))
        numbers = _numbers(vector.values)
        longest = max(len(number) for column in numbers for number in column)
        size = min(NUMBER_FONT, 0.9 / (CHARACTER * longest))
        texts = np.empty(vector.values.shape, dtype=object)
        line: dict[str, Any] = {"edgecolor": "0.75", "linewidth": 0.02 * self.scale}
        for t, column in enumerate(numbers):
            x = t * self.pitch + vector.shift
            for k, number in enumerate(column):
                corner, color = (x - 0.5, vector.row(k)), colors[t, k]
                self.ax.add_patch(Rectangle(corner, 1, CELL, facecolor=color, **line))
                y = corner[1] + CELL / 2
                texts[t, k] = self.write(x, y, number, size, color="black")
            if vector.n_left_out:
                y = vector.bottom + CELL / 2
                self.write(x, y, "\N{VERTICAL ELLIPSIS}", NUMBER_FONT)
            self.draw_frame(x, vector.bottom, vector.top - vector.bottom, 0.025)
        return texts

    def write_names(self, vector: Vector, right: float, left: float) -> None:
        """Write the names of a vector and its rows left of the first column."""
        names = [*vector.names, f"{vector.n_left_out} more"]
        for k, name in enumerate(names[: None if vector.n_left_out else -1]):
            y = vector.row(k) + CELL / 2
            self.write(right, y, name, SMALL_FONT, ha="right", parse_math=False)
        self.write(left, vector.middle, vector.title, TEXT_FONT, ha="left")

    def draw_arrow(self, start: Point, end: Point, weights: str, along: float) -> Any:
        """Draw an arrow, with the name of its weights above or to the right."""
        from matplotlib import rcParams
        from matplotlib.patches import FancyArrowPatch

        arrow = FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=0.25 * self.scale,
            shrinkA=0,
            shrinkB=0,
            linewidth=0.03 * self.scale,
            color=rcParams["text.color"],
        )
        self.ax.add_patch(arrow)
        if start[1] == end[1]:
            x = start[0] + along * (end[0] - start[0])
            self.write(x, start[1] + 0.07, weights, SMALL_FONT, va="bottom")
        else:
            y = start[1] + GAP / 2
            self.write(start[0] + 0.08, y, weights, SMALL_FONT, ha="left")
        return arrow

    def draw_detour(self, start: Point, end: Point, x: float, weights: str) -> Any:
        """Draw an arrow that turns aside to x, with a name at its first half."""
        from matplotlib import rcParams
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        arrow = FancyArrowPatch(
            path=Path([start, (x, start[1]), (x, end[1]), end]),
            arrowstyle="-|>",
            mutation_scale=0.25 * self.scale,
            linewidth=0.03 * self.scale,
            color=rcParams["text.color"],
            fill=False,
        )
        self.ax.add_patch(arrow)
        y = start[1] + CELL / 2 + GAP / 2
        self.write(x + 0.08, y, weights, SMALL_FONT, ha="left")
        return arrow

    def draw_frame(
        self, x: float, y: float, height: float = CELL, line: float = 0.05
    ) -> Any:
        """Draw a frame around cells, thick by default."""
        from matplotlib.patches import Rectangle

        frame = Rectangle((x - 0.5, y), 1, height, fill=False, edgecolor="black")
        # Thicker frames are on top.
        frame.set(linewidth=line * self.scale, zorder=2 + line)
        return self.ax.add_patch(frame)

    def draw_cross(self, x: float, y: float) -> Any:
        """Draw a cross beside the cell of a wrong prediction."""
        style: dict[str, Any] = {
            "color": WRONG,
            "markersize": 0.18 * self.scale,
            "markeredgewidth": 0.06 * self.scale,
        }
        return self.ax.plot(x + 0.5, y + CELL / 2, "x", zorder=4, **style)[0]


def _numbers(values: Array) -> list[list[str]]:
    """Format numbers with few digits, in the same format for all."""
    largest = np.abs(values).max()
    form = ".2f" if largest < 1000 else ".2g"
    if largest < 1e4 and (values == np.round(values)).all():
        form = ".0f"
    return [[f"{v:z{form}}".replace("-", "\N{MINUS SIGN}") for v in x] for x in values]
