"""Loss curves of training."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from skrnn._validation.persistence import set_module

from ._common import axes_or_new, check_matplotlib, fitted_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "os^Dv*Xp"


@set_module("skrnn.plotting")
@dataclass(eq=False, repr=False)
class LossCurveDisplay:  # numpydoc ignore=PR02
    """Loss after each iteration of training, for one or several models.

    It is recommended to use :meth:`from_estimator` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    train_losses : list of array-like of shape (n_iterations_i,)
        The objective of each model after each iteration.
    validation_losses : list of array-like of shape (n_iterations_i,) or None, \
default=None
        Loss of each model on held-out data; None for a model without held-out data.
    names : list of str, default=None
        Names of the models in the legend. A single model needs no name.
    loss_name : str, default="loss"
        Label of the y axis.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The curve of the training loss of each model.
    validation_lines_ : list of matplotlib Line2D or None
        The curve of the validation loss of each model, dashed. A marker shows its
        minimum, whose weights early stopping keeps.
    ax_ : matplotlib Axes
        Axes with the curves.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Score against amount of data.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier
    >>> from skrnn.datasets import make_recall
    >>> from skrnn.plotting import LossCurveDisplay
    >>> X, y = make_recall(60, lag=1, random_state=0, return_X_y=True)
    >>> small = VanillaRNNClassifier(4, early_stopping=True, tol=0.01)
    >>> large = VanillaRNNClassifier(16, early_stopping=True, tol=0.01)
    >>> models = {"4 units": small.fit(X, y), "16 units": large.fit(X, y)}
    >>> LossCurveDisplay.from_estimator(models)
    <...>
    """

    train_losses: Sequence[ArrayLike]
    validation_losses: Sequence[ArrayLike | None] | None = None
    _: KW_ONLY
    names: Sequence[str] | None = None
    loss_name: str = "loss"

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        name: str | None = None,
        ax: "Axes | None" = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the loss curve of fitted models.

        The training loss is `loss_curve_`, which includes the penalty on the weights;
        the validation loss is `-validation_scores_`, which does not.

        Parameters
        ----------
        estimator : estimator instance, or dict of them by name
            A fitted network, or a Pipeline or search that ends in one.
        name : str, default=None
            Name of a single model in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        line_kw : dict, default=None
            Keyword arguments for all calls of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        LossCurveDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If a model is not fitted.
        TypeError
            If a model has no loss curve.
        """
        caller = f"{cls.__name__}.from_estimator"
        check_matplotlib(caller)
        by_name = estimator if isinstance(estimator, Mapping) else {name: estimator}
        if not by_name:
            raise ValueError("estimator is an empty dict; pass at least one model")
        networks = [fitted_network(e, caller, "loss_curve_") for e in by_name.values()]
        scores = [getattr(n, "validation_scores_", None) for n in networks]
        display = cls(
            [network.loss_curve_ for network in networks],
            [None if s is None else -np.asarray(s) for s in scores],
            names=None if list(by_name) == [None] else [str(n) for n in by_name],
            loss_name="nats per step" if is_classifier(networks[0]) else "loss",
        )
        return display.plot(ax, line_kw=line_kw)

    def plot(
        self, ax: "Axes | None" = None, *, line_kw: dict[str, Any] | None = None
    ) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        line_kw : dict, default=None
            Keyword arguments for all calls of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        LossCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If the numbers of models and names differ.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib import colormaps
        from matplotlib.ticker import MaxNLocator

        n_models = len(self.train_losses)
        validation = self.validation_losses or [None] * n_models
        names = self.names or [""] * n_models
        if not len(validation) == len(names) == n_models:
            raise ValueError(
                f"there are {n_models} train_losses, {len(validation)} "
                f"validation_losses and {len(names)} names; give every model one"
            )
        ax = axes_or_new(ax, 6.4, 4.2)
        # Evenly spaced in lightness, and dark enough for lines on white.
        colors = colormaps["viridis"](np.linspace(0, 0.8, n_models))
        self.lines_: list[Any] = []
        self.validation_lines_: list[Any] = []

        def draw(losses: Any, marked: int, label: str, style: dict[str, Any]) -> Any:
            # The marker is at the iteration that matters.
            kw = {"label": label, "markevery": [marked], **style, **(line_kw or {})}
            return ax.plot(np.arange(1, len(losses) + 1), losses, **kw)[0]

        for i, name in enumerate(names):
            style = {"color": colors[i], "marker": _MARKERS[i % len(_MARKERS)]}
            prefix = f"{name}, " if name else ""
            train, held_out = np.asarray(self.train_losses[i]), validation[i]
            label = f"{prefix}training"
            self.lines_.append(draw(train, len(train) - 1, label, style))
            if held_out is None:
                self.validation_lines_.append(None)
                continue
            style |= {"linestyle": "--", "markerfacecolor": "white"}
            best, label = int(np.argmin(held_out)), f"{prefix}validation"
            self.validation_lines_.append(draw(held_out, best, label, style))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.set(xlabel="iteration", ylabel=self.loss_name)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
