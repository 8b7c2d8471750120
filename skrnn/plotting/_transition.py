"""Scores of the transitions between labels: the parameters of the chain.

Rows are the label before, and the start of a sequence; columns are the label after, and
the end of a sequence.
"""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from skrnn._validation.arrays import Array
from skrnn._validation.persistence import set_module

from ._common import (
    axes_or_new,
    check_matplotlib,
    fitted_network,
    label_rows,
    label_steps,
    length_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 12  # classes whose scores are not written by default
_FORBIDDEN = "0.85"  # gray of the cells


@set_module("skrnn.plotting")
@dataclass(eq=False, repr=False)
class TransitionDisplay:  # numpydoc ignore=PR02
    """Scores of the transitions between labels, learned with `transitions=True`.

    Each row is a label and each column the label that follows it. The last row is the
    start of a sequence and the last column its end. Transitions that `label_scheme`
    forbids have a gray cell with a cross.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    transition_coef : array-like of shape (n_classes, n_classes)
        Score of each class (column) after each class (row); -inf if it is forbidden.
    start_coef : array-like of shape (n_classes,)
        Score of each class at the first step.
    end_coef : array-like of shape (n_classes,)
        Score of each class at the last step.
    classes : array-like of shape (n_classes,)
        The classes, in the order of the rows and columns.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The scores, of shape (n_classes + 1, n_classes + 1); masked where transitions
        are forbidden, and in the last row of the last column, which has no meaning.
    text_ : ndarray of shape (n_classes + 1, n_classes + 1) of matplotlib Text, or None
        The numbers in the cells, None in cells without. None if no numbers are drawn.
    forbidden_ : matplotlib Line2D or None
        The crosses, None if everything is allowed.
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    UnrolledDisplay : The scores of the transitions in one short sequence.
    StepPredictionDisplay : The probabilities that result from them.

    Notes
    -----
    Scores are in nats: a transition whose score is larger by 1 is e times as probable,
    all else being equal. The colors are symmetric about 0.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.plotting import TransitionDisplay
    >>> X = [[[0.1], [0.9], [0.8]], [[0.7], [0.2]]]
    >>> y = [["O", "B-NAME", "I-NAME"], ["B-NAME", "O"]]
    >>> model = VanillaRNNClassifier(
    ...     2, transitions=True, label_scheme="BIO", alpha=1.0, random_state=0
    ... )
    >>> TransitionDisplay.from_estimator(model.fit(X, y))
    <...>
    """

    transition_coef: ArrayLike
    start_coef: ArrayLike
    end_coef: ArrayLike
    _: KW_ONLY
    classes: ArrayLike

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        include_values: bool | Literal["auto"] = "auto",
        cmap: Any = "cividis",
        colorbar: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the transitions of a fitted classifier.

        Parameters
        ----------
        estimator : estimator instance
            A classifier fitted with `transitions=True`, or a Pipeline or search that
            ends in one.
        include_values : bool or "auto", default="auto"
            Whether to write the scores into the cells. "auto" writes them for up to 12
            classes.
        cmap : str or matplotlib Colormap, default="cividis"
            Color map of the scores, whose middle is 0. The default is monotonic in
            lightness, from blue below 0 to yellow above.
        colorbar : bool, default=True
            Whether to draw a color bar.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.

        Returns
        -------
        TransitionDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the final estimator has no `transition_coef_`.
        ValueError
            If the classifier was fitted without transitions.
        """
        caller = f"{cls.__name__}.from_estimator"
        check_matplotlib(caller)
        network = fitted_network(estimator, caller, "transition_coef_")
        if network.transition_coef_ is None:
            raise ValueError(
                f"{caller} has nothing to draw: the network was fitted without "
                "transitions; fit a VanillaRNNClassifier with transitions=True"
            )
        display = cls(
            network.transition_coef_,
            network.start_coef_,
            network.end_coef_,
            classes=network.classes_,
        )
        return display.plot(
            ax, include_values=include_values, cmap=cmap, colorbar=colorbar
        )

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        include_values: bool | Literal["auto"] = "auto",
        cmap: Any = "cividis",
        colorbar: bool = True,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        include_values : bool or "auto", default="auto"
            Whether to write the scores into the cells. "auto" writes them for up to 12
            classes.
        cmap : str or matplotlib Colormap, default="cividis"
            Color map of the scores, whose middle is 0.
        colorbar : bool, default=True
            Whether to draw a color bar.

        Returns
        -------
        TransitionDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes do not match.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        import matplotlib as mpl

        classes = np.asarray(self.classes).tolist()
        scores = self._scores(len(classes))
        names = [*classes, "start"]
        side = min(max(2.4, 0.46 * len(names)), 9.0)
        margin = length_of(names)
        ax = axes_or_new(ax, side + margin + 1.7, side + margin + 0.6)
        colors = mpl.colormaps[cmap] if isinstance(cmap, str) else cmap
        largest = float(np.abs(scores[np.isfinite(scores)]).max(initial=0)) or 1.0
        self.im_ = ax.imshow(
            np.ma.masked_invalid(scores),
            cmap=colors.with_extremes(bad="none"),
            vmin=-largest,
            vmax=largest,
            aspect="auto",
            interpolation="nearest",
        )
        self._separate(ax, len(classes))
        self._cross_out(ax, scores)
        if include_values == "auto":
            include_values = len(classes) <= _MANY
        self.text_ = _write(ax, scores, self.im_) if include_values else None
        if colorbar:
            ax.figure.colorbar(self.im_, ax=ax, label="score, nats", pad=0.02)
        label_rows(ax, names)
        label_steps(ax.xaxis, range(len(names)), [*classes, "end"])
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_ticklabels()[-1].set_fontstyle("italic")
        ax.set(xlabel="to", ylabel="from")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _scores(self, n_classes: int) -> Array:
        """Return one array, with -inf if forbidden and NaN in the corner."""
        parts = {
            "transition_coef": (self.transition_coef, (n_classes, n_classes)),
            "start_coef": (self.start_coef, (n_classes,)),
            "end_coef": (self.end_coef, (n_classes,)),
        }
        arrays = []
        for name, (values, shape) in parts.items():
            array = np.asarray(values, dtype=float)
            if array.shape != shape:
                raise ValueError(
                    f"{name} has shape {array.shape}, but there are {n_classes} "
                    f"classes; pass shape {shape}"
                )
            arrays.append(array)
        scores = np.full((n_classes + 1, n_classes + 1), np.nan)
        scores[:-1, :-1], scores[-1, :-1], scores[:-1, -1] = arrays
        return scores

    def _separate(self, ax: "Axes", n_classes: int) -> None:
        """Separate the start and the end from the classes."""
        width = min(4.0, 0.15 * _points_per_cell(ax))
        line: dict[str, Any] = {"color": ax.get_facecolor(), "linewidth": width}
        ax.axhline(n_classes - 0.5, **line)
        ax.axvline(n_classes - 0.5, **line)

    def _cross_out(self, ax: "Axes", scores: Array) -> None:
        """Mark forbidden transitions."""
        from matplotlib.patches import Rectangle

        self.forbidden_: Any = None
        rows, columns = np.nonzero(scores == -np.inf)
        if not len(rows):
            return
        for row, column in zip(rows, columns, strict=True):
            corner = (column - 0.5, row - 0.5)
            # Below the lines that separate start and end.
            patch = Rectangle(corner, 1, 1, facecolor=_FORBIDDEN, linewidth=0)
            ax.add_patch(patch).set_zorder(0.5)
        self.forbidden_ = ax.plot(
            columns,
            rows,
            "x",
            color="0.35",
            markersize=0.3 * _points_per_cell(ax),
            markeredgewidth=0.04 * _points_per_cell(ax),
        )[0]


def _points_per_cell(ax: "Axes") -> float:
    window, (low, high) = ax.get_window_extent(), sorted(ax.get_xlim())
    side = min(window.width, window.height)
    return float(side / ax.figure.dpi * 72 / (high - low))


def _write(ax: "Axes", scores: Array, image: Any) -> Array:
    """Write the scores into their cells, in black or white."""
    texts = np.full(scores.shape, None, dtype=object)
    finite = np.isfinite(scores)
    form = ".1f" if np.abs(scores[finite]).max(initial=0) < 1000 else ".1g"
    numbers = {(i, k): f"{scores[i, k]:z{form}}" for i, k in np.argwhere(finite)}
    longest = max(map(len, numbers.values()), default=1)
    size = min(10.0, 0.85 * _points_per_cell(ax) / (0.62 * longest))
    for (i, k), number in numbers.items():
        color = image.cmap(image.norm(scores[i, k]))
        lightness = np.dot(color[:3], [0.299, 0.587, 0.114])
        texts[i, k] = ax.text(
            k,
            i,
            number.replace("-", "\N{MINUS SIGN}"),
            color="black" if lightness > 0.5 else "white",
            fontsize=size,
            ha="center",
            va="center",
        )
    return texts
