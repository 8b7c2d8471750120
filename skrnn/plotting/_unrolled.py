"""The textbook diagram of a recurrent network, unrolled over a short sequence."""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from skrnn._validation.arrays import Array
from skrnn._validation.persistence import set_module

from ._common import (
    PROBABLE,
    WRONG,
    check_matplotlib,
    label_codes,
    per_step,
    predicted_codes,
    probabilities_of,
    read_sequence,
    visible,
)
from ._layout import CELL, CHARACTER, GAP, NAME, SMALL_FONT, TEXT_FONT, Canvas, Vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Orange and green beside the blue of probabilities, light enough for black numbers.
_INPUT, _HIDDEN = "#f2b36b", "#7fc9a4"

# Tokens and labels are not parsed as mathematics, whatever characters they contain.
_LITERAL = {"family": "monospace", "parse_math": False}

_TANGLE = (
    "the network is bidirectional and has {} hidden layers, too many to draw; "
    "UnrolledDisplay draws bidirectional networks with one hidden layer"
)


@set_module("skrnn.plotting")
@dataclass(eq=False, repr=False)
class UnrolledDisplay:  # numpydoc ignore=PR02
    """A network unrolled over the steps of one short sequence.

    Each column is a step, with the input vector at the bottom, the states of the hidden
    units in the middle, and the probabilities of the classes at the top. All values are
    shown as numbers; arrows are labeled with the names of the weights, those of a chain
    of labels from one output to the next. The true class of each step has a thick
    frame, a wrong prediction a cross.

    It is recommended to use :meth:`from_estimator` to create a display. All parameters
    are stored as attributes.

    Parameters
    ----------
    inputs : array-like of shape (n_steps, n_features)
        Input vector at each step.
    states : list of array-like of shape (n_steps, n_directions * n_hidden_i)
        The states of each hidden layer, from the input to the output.
    probabilities : array-like of shape (n_steps, n_classes)
        Probability of every class at every step.
    classes : array-like of shape (n_classes,)
        The classes, in the order of the columns of `probabilities`.
    labels : array-like of shape (n_steps,), default=None
        The true class of every step.
    tokens : array-like of shape (n_steps,), default=None
        Labels below the inputs. If None, the steps are numbered from 0.
    feature_names : array-like of shape (n_features,), default=None
        Names of the features. If None, they are numbered from 0.
    n_directions : {1, 2}, default=1
        If 2, the first half of the states belongs to the forward direction and the
        second half to the backward direction.
    predictions : array-like of shape (n_steps,), default=None
        The predicted class of every step. If None, the most probable ones.
    skip_connection : bool, default=False
        Whether the input has direct weights to the output.
    transitions : bool, default=False
        Whether the labels form a chain.

    Attributes
    ----------
    input_text_ : ndarray of shape (n_steps, n_rows) of matplotlib Text
        The values of the inputs; `n_rows` is the number of components that are drawn.
    state_text_ : list of ndarray of shape (n_steps, n_rows_i) of matplotlib Text
        The values of each layer, or of both directions.
    output_text_ : ndarray of shape (n_steps, n_rows) of matplotlib Text
        The values of the outputs.
    token_text_, prediction_text_, target_text_ : list of matplotlib Text
        The texts below and above each column; the last is None without `labels`.
    frames_ : list of matplotlib Rectangle, or None
        The thick frame of the true class of each step, None for unknown labels.
    crosses_ : list of matplotlib Line2D
        The crosses at wrong predictions.
    arrows_ : list of matplotlib FancyArrowPatch
        The straight arrows.
    detours_ : list of matplotlib FancyArrowPatch
        The arrows of direct weights, past the states.
    ax_ : matplotlib Axes
        Axes with the plot.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    StepPredictionDisplay : Only the probabilities, for longer sequences.
    HiddenStateDisplay : Only the states, for longer sequences and many units.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import OneHotSequenceEncoder, VanillaRNNClassifier
    >>> from skrnn.plotting import UnrolledDisplay
    >>> encoder = OneHotSequenceEncoder(categories=list("helo"))
    >>> network = VanillaRNNClassifier(3, alpha=0.001, random_state=0)
    >>> model = make_pipeline(encoder, network).fit(["hell"], [list("ello")])
    >>> UnrolledDisplay.from_estimator(model, "hell", "ello")
    <...>
    """

    inputs: ArrayLike
    states: Sequence[ArrayLike]
    probabilities: ArrayLike
    _: KW_ONLY
    classes: ArrayLike
    labels: ArrayLike | None = None
    tokens: ArrayLike | None = None
    feature_names: ArrayLike | None = None
    n_directions: int = 1
    predictions: ArrayLike | None = None
    skip_connection: bool = False
    transitions: bool = False

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        sequence: Any,
        labels: ArrayLike | None = None,
        *,
        tokens: ArrayLike | None = None,
        feature_names: ArrayLike | None = None,
        max_steps: int = 10,
        max_rows: int = 8,
        ax: "Axes | None" = None,
    ) -> Self:
        """Draw a fitted classifier unrolled over one sequence.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier of steps, or a Pipeline or search that ends in one.
        sequence : str, or array-like of n_steps tokens or steps
            One sequence in a form that the estimator accepts: `X[i]` of any `X`.
        labels : array-like of shape (n_steps,) or str, default=None
            The true class of every step.
        tokens : array-like of shape (n_steps,) or str, default=None
            Labels below the inputs. If None, the tokens of `sequence` if it has any,
            else numbers.
        feature_names : array-like of shape (n_features,), default=None
            Names of the features. If None, the names known to the estimator, such as
            the categories of an encoder, else numbers.
        max_steps : int, default=10
            Maximum length of the sequence.
        max_rows : int, default=8
            Maximum number of rows of a vector. For longer vectors, only the components
            with the largest values, and all predicted and true classes, are drawn.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.

        Returns
        -------
        UnrolledDisplay
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
            If `sequence` is not a single sequence or has more than `max_steps` steps;
            if `labels` or `tokens` do not match its steps; if the network is
            bidirectional and has several layers.
        """
        one = read_sequence(cls, estimator, sequence, "predict_proba")
        network = one.network
        proba = one.values("predict_proba")
        _check_length(len(proba), max_steps)
        inputs = one.X[0].toarray() if sparse.issparse(one.X[0]) else one.X[0]
        inputs = np.asarray(inputs, dtype=float)[: len(proba)]
        coefs, n_layers = network.recurrent_coefs_, network.n_layers_ - 2
        n_directions = len(coefs[0]) if n_layers else 1
        if not n_layers:
            states: list[Array] = []
        elif n_directions == 1:
            states = _states_of_layers(network, inputs)
        elif n_layers == 1:
            states = [one.values("hidden_states")]
        else:
            raise ValueError(_TANGLE.format(n_layers))
        display = cls(
            inputs,
            states,
            proba,
            classes=network.classes_,
            labels=labels,
            tokens=one.tokens if tokens is None else tokens,
            feature_names=one.feature_names if feature_names is None else feature_names,
            n_directions=n_directions,
            predictions=network.predict(one.X)[0],
            skip_connection=vars(network).get("skip_coef_") is not None,
            transitions=vars(network).get("transition_coef_") is not None,
        )
        return display.plot(ax, max_steps=max_steps, max_rows=max_rows)

    def plot(
        self, ax: "Axes | None" = None, *, max_steps: int = 10, max_rows: int = 8
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is made.
        max_steps : int, default=10
            Maximum length of the sequence.
        max_rows : int, default=8
            Maximum number of rows of a vector. For longer vectors, only the components
            with the largest values, and all predicted and true classes, are drawn.

        Returns
        -------
        UnrolledDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are more than `max_steps` steps, or shapes do not match.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        proba = probabilities_of(self.probabilities, self.classes)
        predicted = predicted_codes(self.predictions, proba, self.classes)
        n_steps = len(proba)
        _check_length(n_steps, max_steps)
        truth = label_codes(self.labels, self.classes, n_steps)
        drawn = {*predicted.tolist()}
        if truth is not None:
            drawn.update(truth[truth >= 0].tolist())
        vectors = self._vectors(proba, drawn, max_rows)
        pitch = 2.35 if self.n_directions == 2 else 1.95
        # Beside the states, there must be room for the arrow of direct weights.
        aside = 0.75 if self.skip_connection and self.states else 0.0
        pitch += aside
        edge = min(vector.shift for vector in vectors) - 0.5
        longest = max(len(name) for vector in vectors for name in vector.names)
        left = edge - 1.45 - CHARACTER * SMALL_FONT * max(longest, len("12 more"))
        right = (n_steps - 1) * pitch - edge + 0.3 + aside
        bottom, top = -0.75, vectors[-1].top + 0.65
        if truth is not None:
            # The legend of the marks may be wider than the columns.
            right = max(right, 2.1 if (truth == predicted).all() else 4.7)
            bottom, top = -1.45, vectors[-1].top + 1.1
        canvas = Canvas.of_size(ax, pitch, (left, right), (bottom, top))

        texts = [canvas.draw_vector(vector) for vector in vectors]
        self.input_text_, *self.state_text_, self.output_text_ = texts
        for vector in vectors:
            canvas.write_names(vector, edge - 0.12, left + 0.1)
        self._connect(canvas, vectors)
        self._write_tokens(canvas, left + 0.1, vectors[-1].top, predicted)
        self.frames_: list[Any] = []
        self.crosses_: list[Any] = []
        if truth is not None:
            self._mark(canvas, vectors[-1], predicted, truth)
        self.ax_, self.figure_ = canvas.ax, canvas.ax.figure
        return self

    def _vectors(self, proba: Array, drawn: set[int], max_rows: int) -> list[Vector]:
        """Stack the vectors of a column, from the input to the output."""
        states = [np.asarray(layer, dtype=float) for layer in self.states]
        titles, shifts = ["hidden"] * len(states), [0.0] * len(states)
        if self.n_directions == 2:
            if len(states) > 1:
                raise ValueError(_TANGLE.format(len(states)))
            states = np.split(states[0], 2, axis=1)
            titles, shifts = ["forward", "backward"], [-0.62, 0.62]
        elif len(states) > 1:
            titles = [f"hidden {i + 1}" for i in range(len(states))]
        inputs = np.asarray(self.inputs, dtype=float)
        for name, values in zip(["input", *titles], [inputs, *states], strict=True):
            if len(values) != len(proba):
                raise ValueError(
                    f"{name} has {len(values)} steps but probabilities has {len(proba)}"
                )
        vectors = [
            Vector.of("input\n$x_t$", inputs, self.feature_names, max_rows, _INPUT)
        ]
        for title, values, shift in zip(titles, states, shifts, strict=True):
            vector = Vector.of(f"{title}\n$h_t$", values, None, max_rows, _HIDDEN)
            vector.shift = shift
            vectors.append(vector)
        vectors.append(
            Vector.of("output\n$p_t$", proba, self.classes, max_rows, PROBABLE, drawn)
        )
        for below, above in pairwise(vectors):
            above.bottom = below.top + GAP
        return vectors

    def _connect(self, canvas: Canvas, vectors: list[Vector]) -> None:
        """Draw the arrows of the weights, which all steps share."""
        below, *hidden, output = vectors
        n_steps, two_way = len(output.values), self.n_directions == 2
        # The arrows of the other direction cross the first half of this one.
        along = 0.66 if two_way else 0.5
        if two_way and self.skip_connection:  # so does that of direct weights
            along = 0.85
        self.arrows_: list[Any] = []
        self.detours_: list[Any] = []

        def draw(start: Any, end: Any, weights: str) -> None:
            self.arrows_.append(canvas.draw_arrow(start, end, weights, along))

        for i, vector in enumerate(hidden):
            layer = f"^{{({i + 1})}}" if len(hidden) > 1 else ""
            way = (r"^{\rightarrow}", r"^{\leftarrow}")[i] if two_way else layer
            for t in range(n_steps):
                # Each direction connects to its half of the input and output vectors.
                x = t * canvas.pitch + vector.shift / 2
                draw((x, below.top), (x, vector.bottom), f"$W_{{xh}}{way}$")
                if two_way or vector is hidden[-1]:
                    weights = f"$W_{{hy}}{way}$" if two_way else "$W_{hy}$"
                    draw((x, vector.top), (x, output.bottom), weights)
            for t in range(n_steps - 1):
                x = t * canvas.pitch + vector.shift
                tail = (x + 0.5, vector.middle)
                head = (x + canvas.pitch - 0.5, vector.middle)
                if vector.shift > 0:
                    tail, head = head, tail
                draw(tail, head, f"$W_{{hh}}{way}$")
            if not two_way:
                below = vector
        self._connect_outputs(canvas, vectors, draw)

    def _connect_outputs(
        self, canvas: Canvas, vectors: list[Vector], draw: Callable[..., None]
    ) -> None:
        """Draw the arrows of direct weights and of the chain."""
        first, *hidden, output = vectors
        # Right of the states of all layers and directions.
        side = 0.7 + max((vector.shift for vector in hidden), default=0.0)
        for t in range(len(output.values)):
            x = t * canvas.pitch
            if self.skip_connection and not hidden:
                draw((x, first.top), (x, output.bottom), "$W_{xy}$")
            elif self.skip_connection:
                start = (x + 0.5, first.top - CELL / 2)
                end = (x + 0.5, output.bottom + CELL / 2)
                detour = canvas.draw_detour(start, end, x + side, "$W_{xy}$")
                self.detours_.append(detour)
            if self.transitions and t:
                tail = (x - canvas.pitch + 0.5, output.middle)
                draw(tail, (x - 0.5, output.middle), "$A$")

    def _mark(
        self, canvas: Canvas, output: Vector, predicted: Array, truth: Array
    ) -> None:
        """Frame the true classes, mark wrong predictions, and draw the legend."""
        row_of = {int(k): output.row(i) for i, k in enumerate(output.kept)}
        pairs = zip(truth.tolist(), predicted.tolist(), strict=True)
        for t, (true, guess) in enumerate(pairs):
            x = t * canvas.pitch
            known = true >= 0
            self.frames_.append(canvas.draw_frame(x, row_of[true]) if known else None)
            if true != guess:
                self.crosses_.append(canvas.draw_cross(x, row_of[guess]))
                self.prediction_text_[t].set(color=WRONG, weight="bold")
        y = -1.05
        canvas.draw_frame(0, y - CELL / 2)
        canvas.write(0.65, y, "true class", SMALL_FONT, ha="left")
        if self.crosses_:
            canvas.draw_cross(1.8, y - CELL / 2)
            canvas.write(2.5, y, "wrong prediction", SMALL_FONT, ha="left")

    def _write_tokens(
        self, canvas: Canvas, left: float, top: float, predicted: Array
    ) -> None:
        """Write the inputs below the columns, and the predictions above them."""

        def write(title: str, y: float, items: Any) -> list[Any]:
            canvas.write(left, y, title, TEXT_FONT, ha="left")
            texts = [visible(item, NAME) for item in items]
            size = min(0.3, 1.5 / (CHARACTER * max(map(len, texts))))
            return [
                canvas.write(t * canvas.pitch, y, text, size, **_LITERAL)
                for t, text in enumerate(texts)
            ]

        n_steps, classes = len(predicted), np.asarray(self.classes).tolist()
        tokens = per_step(self.tokens, n_steps, "tokens")
        title = "step" if tokens is None else "token"
        self.token_text_ = write(title, -0.35, tokens or range(n_steps))
        answers = [classes[k] for k in predicted]
        self.prediction_text_ = write("predicted", top + 0.35, answers)
        labels = per_step(self.labels, n_steps, "labels")
        self.target_text_ = labels and write("true", top + 0.8, labels)


def _check_length(n_steps: int, max_steps: int) -> None:
    if n_steps > max_steps:
        raise ValueError(
            f"sequence has {n_steps} steps but max_steps={max_steps}; pass a part of "
            "it, raise max_steps, or use StepPredictionDisplay"
        )


def _states_of_layers(network: Any, inputs: Array) -> list[Array]:
    """Process a sequence step by step; return the states of every layer."""
    state = network.initial_state(1)
    states = []
    for x in inputs:
        _, state = network.step(x[None], state)
        # The state of a chain of labels is behind those of the layers.
        states.append(state[: len(network.recurrent_coefs_)])
    return [np.concatenate(layer) for layer in zip(*states, strict=True)]
