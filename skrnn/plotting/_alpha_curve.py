"""Held-out scores of the strengths that `alpha="auto"` tried."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from skrnn._validation.persistence import set_module

from ._common import axes_or_new, check_matplotlib, fitted_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@set_module("skrnn.plotting")
class AlphaCurveDisplay:
    """Held-out score against the strength of the penalty.

    It is recommended to use :meth:`from_estimator` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        The strengths, ascending and above zero.
    scores : array-like of shape (n_alphas,)
        Score of each strength on held-out data. Scores that are not finite are not
        drawn.
    alpha : float, default=None
        The strength that was chosen, one of `alphas`. None marks no strength.
    name : str, default=None
        Name of the model in the legend.
    score_name : str, default="held-out score"
        Label of the y axis.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The scores, with a small dot for each strength.
    chosen_ : matplotlib Line2D or None
        The marker at the strength that was chosen.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    LossCurveDisplay : Loss after each iteration of training.
    sklearn.model_selection.ValidationCurveDisplay : Score against any parameter, by
        cross-validation.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.plotting import AlphaCurveDisplay
    >>> X, y = make_recall(60, lag=1, random_state=0, return_X_y=True)
    >>> model = VanillaRNNClassifier(4, tol=0.01, random_state=0).fit(X, y)
    >>> AlphaCurveDisplay.from_estimator(model)
    <...>
    """

    def __init__(
        self,
        alphas: ArrayLike,
        scores: ArrayLike,
        *,
        alpha: float | None = None,
        name: str | None = None,
        score_name: str = "held-out score",
    ) -> None:
        self.alphas = alphas
        self.scores = scores
        self.alpha = alpha
        self.name = name
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | None = None,
        ax: "Axes | None" = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw `alpha_scores_` against `alphas_`, and mark `alpha_`.

        Parameters
        ----------
        estimator : estimator instance
            A network fitted with `alpha="auto"`, or a Pipeline or search that ends in
            one.
        name : str, default=None
            Name of the model in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        line_kw : dict, default=None
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot` for the curve.

        Returns
        -------
        AlphaCurveDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the model is not fitted.
        TypeError
            If the model has no `alphas_`.
        ValueError
            If no strengths were tried.
        """
        caller = f"{cls.__name__}.from_estimator"
        check_matplotlib(caller)
        network = fitted_network(estimator, caller, "alphas_")
        if network.alphas_ is None:
            raise ValueError(
                f"{caller} has nothing to draw: the fit used alpha={network.alpha_:g} "
                'and tried no other; fit with alpha="auto", on at least five sequences '
                "or on some of 100 steps"
            )
        display = cls(
            network.alphas_,
            network.alpha_scores_,
            alpha=network.alpha_,
            name=name,
            score_name="negative log-loss of held-out steps, nats"
            if is_classifier(network)
            else "held-out score",
        )
        return display.plot(ax, line_kw=line_kw)

    def plot(
        self, ax: "Axes | None" = None, *, line_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        line_kw : dict, default=None
            Keyword arguments of :meth:`matplotlib.axes.Axes.plot` for the curve.

        Returns
        -------
        AlphaCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If `alphas` and `scores` differ in length, or `alpha` is not among `alphas`.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        alphas, scores = np.asarray(self.alphas), np.asarray(self.scores)
        if alphas.shape != scores.shape:
            raise ValueError(
                f"there are {alphas.size} alphas and {scores.size} scores; give every "
                "alpha one score"
            )
        if self.alpha is not None and self.alpha not in alphas:
            raise ValueError(f"alpha={self.alpha:g} is not one of the alphas {alphas}")
        ax = axes_or_new(ax, 6.4, 4.2)
        style = {"marker": ".", "label": self.name, **(line_kw or {})}
        self.line_: Any = ax.plot(alphas, scores, **style)[0]
        self.chosen_: Any = None
        if self.alpha is not None:
            self.chosen_ = ax.plot(
                self.alpha,
                scores[alphas == self.alpha][0],
                marker="D",
                markersize=9,
                markerfacecolor="white",
                markeredgewidth=2,
                color=self.line_.get_color(),
                linestyle="none",
                label=f"{self.name + ', ' if self.name else ''}alpha={self.alpha:g}",
            )[0]
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set(xlabel="alpha", ylabel=self.score_name)
        if ax.get_legend_handles_labels()[1]:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
