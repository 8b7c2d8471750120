"""Helpers of the displays: one sequence as the network reads it, axes, tick labels."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from skrnn._validation.arrays import Array, Ids
from skrnn._validation.containers import objects, plain_container
from skrnn._validation.reading import last_step, steps_of
from skrnn._validation.sequences import list_items, n_axes
from skrnn._validation.tables import is_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Distinguishable by color-blind readers, and by lightness in print.
PROBABLE = "#7db3e6"
WRONG = "#b03a00"

# In ems: the advance of a character of tick labels, and the height of their lines.
_CHARACTER, _LINE = 0.65, 1.25
_SMALLEST, _LARGEST = 5.0, 10.0  # points
_LONGEST = 16  # characters
_WIDEST = 12.0  # inches


class SequenceView(NamedTuple):
    """A sequence as input of a network, with names of its steps and features."""

    network: Any
    X: Any  # for the network's methods: only this sequence
    tokens: Array | None
    feature_names: list[str] | None

    def values(self, method: str) -> Array:
        """Return what a method of the network returns for the valid steps."""
        return valid_rows(getattr(self.network, method)(self.X)[0], "sequence")


def check_matplotlib(caller: str) -> None:
    """Raise an error with installation instructions if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install matplotlib with "
            "`pip install skrnn[plot]`"
        ) from error


def fitted_network(estimator: Any, caller: str, attribute: str) -> Any:
    """Return the network of a Pipeline or search; check that it has the attribute."""
    network = last_step(estimator)
    check_is_fitted(network)
    if not hasattr(network, attribute):
        raise TypeError(
            f"{caller} needs a network that has `{attribute}`, or a Pipeline or search "
            f"that ends in one; got {type(network).__name__}"
        )
    return network


def read_sequence(
    display: type, estimator: Any, sequence: Any, method: str
) -> SequenceView:
    """Apply the transformers before a network to one sequence."""
    caller = f"{display.__name__}.from_estimator"
    check_matplotlib(caller)
    network = fitted_network(estimator, caller, method)
    transformers = steps_of(estimator)[:-1]
    items = list_items(sequence, "sequence") or []
    if n_axes(sequence) > 2 or any(n_axes(item) == 2 for item in items):
        raise ValueError(
            f"sequence holds {len(sequence)} sequences, and {caller} shows one; pass "
            "one of them, such as sequence[0]"
        )
    X: Any = list_items([sequence], "sequence")
    sequence = X[0]
    # An array may be a row of a padded array, and then stays padded.
    if isinstance(sequence, np.ndarray) and (
        sequence.ndim == 2 or _is_row_of_tokens(sequence, transformers)
    ):
        X = sequence[None]
    tokens = _tokens(sequence) if transformers else None
    for transformer in transformers:
        X = transformer.transform(X)
    if sparse.issparse(X) or is_frame(X) or n_axes(X[0]) == 1:
        raise ValueError(
            "sequence has one axis, but the network needs two; pass shape "
            "(n_steps, n_features), or a Pipeline that encodes tokens"
        )
    return SequenceView(network, X, tokens, _feature_names(transformers, network))


def _feature_names(transformers: list[Any], network: Any) -> list[str] | None:
    """Return the names of the network's features, None if they are unknown."""
    names: Any = getattr(network, "feature_names_in_", None)
    try:
        for transformer in transformers:
            names = transformer.get_feature_names_out(names)
    except (AttributeError, TypeError, ValueError):
        return None  # not every transformer has names
    if names is None or len(names) != network.n_features_in_:
        return None
    # OneHotSequenceEncoder calls the tokens x0.
    return [str(name).removeprefix("x0_") for name in names]


def _is_row_of_tokens(sequence: Array, transformers: list[Any]) -> bool:
    """Tell whether a sequence is a row of an array of tokens for a fitted encoder."""
    encoder = transformers[0] if transformers else None
    n_columns = getattr(encoder, "n_features_in_", None)
    return hasattr(encoder, "padding_label_") and sequence.shape == (n_columns,)


def _tokens(sequence: Any) -> Array | None:
    """Return the steps of a sequence as text, None if they are vectors."""
    steps = list(sequence) if isinstance(sequence, str) else sequence
    if n_axes(steps) != 1 or any(isinstance(step, dict) for step in steps):
        return None
    return objects(map(str, steps))


def valid_rows(values: Any, name: str) -> Array:
    """Return the valid steps of one sequence; rows of NaN are padding."""
    rows: Array = np.asarray(values, dtype=float)
    if rows.ndim != 2:
        raise ValueError(
            f"{name} has {rows.ndim} axes; pass those of one sequence, of shape "
            "(n_steps, n_columns)"
        )
    rows = rows[~np.isnan(rows).all(axis=1)]
    if not len(rows):
        raise ValueError(f"{name} has no valid step, so there is nothing to draw")
    return rows


def probabilities_of(probabilities: Any, classes: Any) -> Array:
    """Return the probabilities of the valid steps of one sequence."""
    proba = valid_rows(probabilities, "probabilities")
    n_classes = len(np.asarray(classes))
    if proba.shape[1] != n_classes:
        raise ValueError(
            f"probabilities has {proba.shape[1]} columns, but there are {n_classes} "
            "classes"
        )
    return proba


def per_step(values: Any, n_steps: int, name: str) -> list[Any] | None:
    """Return one value per valid step; arrays may be longer, as padded ones are."""
    if values is None:
        return None
    read = plain_container(values)
    items = read.tolist() if hasattr(read, "tolist") else list(read)
    if len(items) < n_steps or (len(items) > n_steps and not hasattr(values, "dtype")):
        raise ValueError(
            f"{name} has {len(items)} entries but sequence has {n_steps} valid steps; "
            f"give every valid step one of the {name}"
        )
    return items[:n_steps]


def label_codes(
    labels: Any, classes: Any, n_steps: int, name: str = "labels"
) -> Ids | None:
    """Return the index of every label in the classes, -1 for unknown labels."""
    items = per_step(labels, n_steps, name)
    if items is None:
        return None
    position = {c: i for i, c in enumerate(np.asarray(classes).tolist())}
    codes = np.array([position.get(label, -1) for label in items], dtype=np.intp)
    if (codes < 0).all():
        raise ValueError(f"none of the {name} {items} is one of the classes {classes}")
    return codes


def predicted_codes(predictions: Any, proba: Array, classes: Any) -> Ids:
    """Return the index of every predicted class; by default the most probable."""
    codes = label_codes(predictions, classes, len(proba), "predictions")
    most_probable: Ids = proba.argmax(axis=1)
    return most_probable if codes is None else codes


def visible(token: Any, longest: int = _LONGEST) -> str:
    """Return text with visible blanks and control characters."""
    text = str(token)
    if len(text) > longest:
        text = text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
    text = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
    return "\N{OPEN BOX}" * len(text) if text.isspace() else text


def axes_or_new(ax: "Axes | None", width: float, height: float) -> "Axes":
    """Return the given axes, or those of a new figure with a size in inches."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def light_map(color: str) -> Any:
    """Return a color map from white to a light color, on which black is legible."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("light", ["#ffffff", color])


def label_steps(axis: Any, positions: Sequence[int], tokens: Sequence[Any]) -> bool:
    """Write tokens along an x axis with one step per unit, if there is room.

    Tokens are rotated if they do not fit horizontally. If the axes are too narrow for
    both, the axis keeps numbers and the result is False.
    """
    from matplotlib.ticker import MaxNLocator

    texts = [visible(token) for token in tokens]
    ax = axis.axes
    low, high = ax.get_xlim()
    points = ax.get_window_extent().width / ax.figure.dpi * 72 / abs(high - low)
    room = points * min(np.diff(positions), default=1)
    upright = room / (_CHARACTER * max(map(len, texts)))
    size, rotation = (upright, 0) if upright >= 7 else (room / _LINE, 90)
    if size < _SMALLEST:
        axis.set_major_locator(MaxNLocator(integer=True))
        return False
    axis.set_ticks(
        positions,
        texts,
        rotation=rotation,
        fontsize=min(size, _LARGEST),
        family="monospace",
        parse_math=False,
    )
    return True


def size_of(n_steps: int, tokens: Sequence[Any] | None) -> tuple[float, float]:
    """Return the width of axes with room for the tokens, and the height of the tokens.

    Both are in inches.
    """
    character, line = _CHARACTER * _LARGEST / 72, _LINE * _LARGEST / 72
    length = length_of(tokens or ())
    upright = n_steps * max(length + character, 0.2)
    if upright <= _WIDEST:
        return max(upright, 3.0), line
    return min(n_steps * line, _WIDEST), length


def length_of(names: Iterable[Any]) -> float:
    """Return the length of the longest name, in inches."""
    longest = max((len(visible(name)) for name in names), default=1)
    return longest * _CHARACTER * _LARGEST / 72


def label_rows(ax: "Axes", names: Sequence[Any]) -> None:
    """Write the names of the rows along the y axis."""
    points = ax.get_window_extent().height / ax.figure.dpi * 72 / len(names)
    ax.set_yticks(
        range(len(names)),
        [visible(name) for name in names],
        fontsize=min(max(points / _LINE, 1.0), _LARGEST),
        parse_math=False,
    )
