"""Predicted probabilities of one sequence, step by step."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skrnn._validation.persistence import set_module

from ._common import (
    PROBABLE,
    WRONG,
    axes_or_new,
    check_matplotlib,
    label_codes,
    label_rows,
    label_steps,
    light_map,
    per_step,
    predicted_codes,
    probabilities_of,
    read_sequence,
    size_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@set_module("skrnn.plotting")
@dataclass(eq=False, repr=False)
class StepPredictionDisplay:  # numpydoc ignore=PR02
    """Probabilities of the classes along the steps of one sequence.

    Each column is a step and each row a class; darker cells are more probable. Dots
    mark predicted classes, rings mark true classes, and a cross with a triangle at the
    top marks a wrong prediction.

    It is recommended to use :meth:`from_estimator` or :meth:`from_predictions` to
    create a display. All parameters are stored as attributes.

    Parameters
    ----------
    probabilities : array-like of shape (n_steps, n_classes)
        Probability of every class at every step.
    classes : array-like of shape (n_classes,)
        The classes, in the order of the columns of `probabilities`.
    labels : array-like of shape (n_steps,), default=None
        The true class of every step.
    tokens : array-like of shape (n_steps,), default=None
        Labels of the steps. If None, steps are numbered from 0.
    predictions : array-like of shape (n_steps,), default=None
        The predicted class of every step. If None, the most probable ones; a model with
        a chain of labels may predict others.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The probabilities.
    right_, wrong_, truth_ : matplotlib Line2D or None
        The dots, the crosses and the rings; without `labels` all predictions have
        dots and the other two are None.
    flags_ : matplotlib Line2D or None
        The triangles above wrong steps.
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    UnrolledDisplay : All values inside the network, for short sequences.
    HiddenStateDisplay : The states from which the probabilities are computed.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
    >>> from skrnn.plotting import StepPredictionDisplay
    >>> network = VanillaRNNClassifier(8, alpha=0.01, random_state=0)
    >>> model = make_pipeline(OneHotSequenceEncoder(), network)
    >>> model = model.fit(
    ...     ["a1b22", "1c"],
    ...     [["letter", "digit", "letter", "digit", "digit"], ["digit", "letter"]],
    ... )
    >>> StepPredictionDisplay.from_estimator(model, "cab2")
    <...>
    """

    probabilities: ArrayLike
    _: KW_ONLY
    classes: ArrayLike
    labels: ArrayLike | None = None
    tokens: ArrayLike | None = None
    predictions: ArrayLike | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        sequence: Any,
        labels: ArrayLike | None = None,
        *,
        tokens: ArrayLike | None = None,
        cmap: Any = None,
        colorbar: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw the predictions of a fitted classifier for one sequence.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier of steps, or a Pipeline or search that ends in one.
        sequence : str, or array-like of n_steps tokens or steps
            One sequence in a form that the estimator accepts: `X[i]` of any `X`.
        labels : array-like of shape (n_steps,) or str, default=None
            The true class of every step.
        tokens : array-like of shape (n_steps,) or str, default=None
            Labels of the steps. If None, the tokens of `sequence` if it has any, else
            numbers.
        cmap : str or matplotlib Colormap, default=None
            Color map of the probabilities. If None, from white to a light blue.
        colorbar : bool, default=True
            Whether to draw a color bar.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.

        Returns
        -------
        StepPredictionDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the final estimator has no method `predict_proba`.
        ValueError
            If `sequence` is not a single sequence, or `labels` or `tokens` do not match
            its steps.
        """
        one = read_sequence(cls, estimator, sequence, "predict_proba")
        display = cls(
            one.values("predict_proba"),
            classes=one.network.classes_,
            labels=labels,
            tokens=one.tokens if tokens is None else tokens,
            predictions=one.network.predict(one.X)[0],
        )
        return display.plot(ax, cmap=cmap, colorbar=colorbar)

    @classmethod
    def from_predictions(
        cls,
        labels: ArrayLike | None,
        probabilities: ArrayLike,
        *,
        classes: ArrayLike,
        tokens: ArrayLike | None = None,
        cmap: Any = None,
        colorbar: bool = True,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw given probabilities.

        Parameters
        ----------
        labels : array-like of shape (n_steps,), str or None
            The true class of every step.
        probabilities : array-like of shape (n_steps, n_classes)
            Probability of every class at every step, such as `predict_proba(X)[i]`.
            Rows of NaN are padding.
        classes : array-like of shape (n_classes,)
            The classes, in the order of the columns of `probabilities`.
        tokens : array-like of shape (n_steps,) or str, default=None
            Labels of the steps. If None, steps are numbered from 0.
        cmap : str or matplotlib Colormap, default=None
            Color map of the probabilities. If None, from white to a light blue.
        colorbar : bool, default=True
            Whether to draw a color bar.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.

        Returns
        -------
        StepPredictionDisplay
            The display, drawn.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes do not match, or no label is one of the classes.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        display = cls(probabilities, classes=classes, labels=labels, tokens=tokens)
        return display.plot(ax, cmap=cmap, colorbar=colorbar)

    def plot(
        self, ax: "Axes | None" = None, *, cmap: Any = None, colorbar: bool = True
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        cmap : str or matplotlib Colormap, default=None
            Color map of the probabilities. If None, from white to a light blue.
        colorbar : bool, default=True
            Whether to draw a color bar.

        Returns
        -------
        StepPredictionDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If shapes do not match, or no label is one of the classes.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        proba = probabilities_of(self.probabilities, self.classes)
        n_steps, n_classes = proba.shape
        tokens = per_step(self.tokens, n_steps, "tokens")
        truth = label_codes(self.labels, self.classes, n_steps)
        width, token_height = size_of(n_steps, tokens)
        height = min(max(1.2, 0.27 * n_classes), 12.0)
        ax = axes_or_new(ax, width + 2.2, height + token_height + 1.0)
        self.im_ = ax.imshow(
            proba.T,
            cmap=light_map(PROBABLE) if cmap is None else cmap,
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
        )
        if colorbar:
            ax.figure.colorbar(self.im_, ax=ax, label="probability", pad=0.02)
        predicted = predicted_codes(self.predictions, proba, self.classes)
        self._mark(ax, predicted, truth)
        label_rows(ax, np.asarray(self.classes).tolist())
        named = tokens is not None and label_steps(ax.xaxis, range(n_steps), tokens)
        ax.set(xlabel="token" if named else "step", ylabel="class")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _mark(self, ax: "Axes", predicted: Any, truth: Any) -> None:
        """Mark predictions and true classes, and draw the legend."""
        from matplotlib.markers import CARETDOWN

        steps = np.arange(len(predicted))
        self.wrong_ = self.truth_ = self.flags_ = None
        wrong = np.zeros(len(steps), bool) if truth is None else predicted != truth

        def mark(chosen: Any, rows: Any, style: str, label: str, **kw: Any) -> Any:
            return ax.plot(steps[chosen], rows[chosen], style, label=label, **kw)[0]

        self.right_ = mark(~wrong, predicted, "k.", "prediction", markersize=4)
        if truth is not None:
            self.truth_ = mark(
                truth >= 0, truth, "ko", "truth", fillstyle="none", markersize=8
            )
            cross = {"color": WRONG, "markersize": 8, "markeredgewidth": 2.5}
            self.wrong_ = mark(wrong, predicted, "x", "wrong prediction", **cross)
            self.flags_ = ax.plot(
                steps[wrong],
                np.ones(wrong.sum()),
                marker=CARETDOWN,
                linestyle="none",
                color=WRONG,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
            )[0]
        ax.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderaxespad=1,
            ncols=3,
            frameon=False,
            fontsize="small",
            handletextpad=0.2,
        )
