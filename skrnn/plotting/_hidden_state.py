"""The states of the hidden units along one sequence."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skrnn._validation.arrays import Array, Ids
from skrnn._validation.persistence import set_module

from ._common import (
    axes_or_new,
    check_matplotlib,
    label_steps,
    per_step,
    read_sequence,
    size_of,
    valid_rows,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@set_module("skrnn.plotting")
@dataclass(eq=False, repr=False)
class HiddenStateDisplay:  # numpydoc ignore=PR02
    """States of the last hidden layer along the steps of one sequence.

    Each column is a step and each row a unit. Units with similar states are adjacent,
    so that groups become visible.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    states : array-like of shape (n_steps, n_units)
        State of every unit after every step. Rows of NaN are padding.
    labels : array-like of shape (n_steps,), default=None
        The class of every step, shown above the steps where it changes.
    tokens : array-like of shape (n_steps,), default=None
        Labels of the steps. If None, steps are numbered from 0.
    n_directions : {1, 2}, default=1
        If 2, the first half of the units reads forward and the second half backward;
        they are drawn separately.

    Attributes
    ----------
    order_ : ndarray of shape (n_units,)
        The units from the top row to the bottom row.
    im_ : matplotlib AxesImage
        The states.
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    StepPredictionDisplay : The probabilities computed from these states.
    UnrolledDisplay : All values inside the network, for short sequences.

    Notes
    -----
    The units are ordered by hierarchical clustering of their states with average
    linkage and optimal leaf ordering [1]_.

    References
    ----------
    .. [1] Z. Bar-Joseph, D. K. Gifford and T. S. Jaakkola. "Fast optimal leaf ordering
       for hierarchical clustering." Bioinformatics 17, 2001.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.plotting import HiddenStateDisplay
    >>> X, y = make_recall(60, lag=1, random_state=0, return_X_y=True)
    >>> model = VanillaRNNClassifier(16, tol=0.01, random_state=0).fit(X, y)
    >>> HiddenStateDisplay.from_estimator(model, X[0], y[0])
    <...>
    """

    states: ArrayLike
    _: KW_ONLY
    labels: ArrayLike | None = None
    tokens: ArrayLike | None = None
    n_directions: int = 1

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        sequence: Any,
        labels: ArrayLike | None = None,
        *,
        tokens: ArrayLike | None = None,
        cmap: Any = "cividis",
        colorbar: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the states of a fitted network on one sequence.

        Parameters
        ----------
        estimator : estimator instance
            A fitted network, or a Pipeline or search that ends in one.
        sequence : str, or array-like of n_steps tokens or steps
            One sequence in a form that the estimator accepts: `X[i]` of any `X`.
        labels : array-like of shape (n_steps,) or str, default=None
            The class of every step, shown above the steps where it changes.
        tokens : array-like of shape (n_steps,) or str, default=None
            Labels of the steps. If None, the tokens of `sequence` if it has any, else
            numbers.
        cmap : str or matplotlib Colormap, default="cividis"
            Color map of the states. The default is monotonic in lightness and looks the
            same to color-blind readers.
        colorbar : bool, default=True
            Whether to draw a color bar.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.

        Returns
        -------
        HiddenStateDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the final estimator has no method `hidden_states`.
        ValueError
            If `sequence` is not a single sequence, or `labels` or `tokens` do not match
            its steps; if the network has no hidden layers.
        """
        one = read_sequence(cls, estimator, sequence, "hidden_states")
        if not one.network.recurrent_coefs_:
            raise ValueError("the network has no hidden layers, so it has no states")
        display = cls(
            one.values("hidden_states"),
            labels=labels,
            tokens=one.tokens if tokens is None else tokens,
            n_directions=len(one.network.recurrent_coefs_[-1]),
        )
        return display.plot(ax, cmap=cmap, colorbar=colorbar)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        cmap: Any = "cividis",
        colorbar: bool = True,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        cmap : str or matplotlib Colormap, default="cividis"
            Color map of the states.
        colorbar : bool, default=True
            Whether to draw a color bar.

        Returns
        -------
        HiddenStateDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `states` is not 2-D, or `labels` or `tokens` do not match it.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        states = valid_rows(self.states, "states")
        n_steps, n_units = states.shape
        tokens = per_step(self.tokens, n_steps, "tokens")
        halves = np.split(np.arange(n_units), self.n_directions)
        self.order_ = np.concatenate([h[_similar(states[:, h])] for h in halves])
        width, token_height = size_of(n_steps, tokens)
        height = min(max(1.6, 0.12 * n_units), 6.0)
        ax = axes_or_new(ax, width + 2.0, height + token_height + 1.0)
        largest = max(1.0, np.abs(states).max())
        self.im_ = ax.imshow(
            states[:, self.order_].T,
            cmap=cmap,
            vmin=-largest if (states < 0).any() else 0,
            vmax=largest,
            aspect="auto",
            interpolation="nearest",
        )
        if colorbar:
            ax.figure.colorbar(self.im_, ax=ax, label="state", pad=0.02)
        self._label_units(ax, n_units)
        named = tokens is not None and label_steps(ax.xaxis, range(n_steps), tokens)
        ax.set_xlabel("token" if named else "step")
        labels = per_step(self.labels, n_steps, "labels")
        if labels is not None:
            _write_changes(ax, labels)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _label_units(self, ax: "Axes", n_units: int) -> None:
        """Label the units if there is room, or the directions."""
        ax.set_ylabel("hidden unit")
        if self.n_directions == 2:
            ax.axhline(n_units / 2 - 0.5, color="white", linewidth=3)
            middles = np.array([0.25, 0.75]) * n_units - 0.5
            ax.set_yticks(middles, ["forward", "backward"], rotation=90, va="center")
            ax.tick_params(axis="y", length=0)
        elif n_units <= 20:
            ax.set_yticks(range(n_units), [str(unit) for unit in self.order_])
        else:
            ax.set_yticks([])


def _similar(states: Array) -> Ids:
    """Order units so that neighbors have similar states."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    if states.shape[1] < 3:
        return np.arange(states.shape[1])
    # Optimal leaf ordering takes more than quadratic time.
    tree = linkage(states.T, "average", optimal_ordering=states.shape[1] <= 256)
    return np.asarray(leaves_list(tree), dtype=np.intp)


def _write_changes(ax: "Axes", labels: list[Any]) -> None:
    """Write each label above its first step."""
    starts = [t for t, label in enumerate(labels) if t == 0 or label != labels[t - 1]]
    above = ax.secondary_xaxis("top")
    # Its own limits are known only once it is drawn.
    above.set_xlim(ax.get_xlim())
    label_steps(above.xaxis, starts, [labels[t] for t in starts])
