"""Sequences to learn from, made of what every installation already has.

Real text (the standard library's own source), real images in an order that
obeys a rule (scikit-learn's digits), and generators whose best possible accuracy
is known. Every function returns a `Bunch`, or `(X, y)` with `return_X_y=True`.
Padded data has NaN in X and -1 in y behind the end of each sequence.
"""

import datetime
import io
import keyword
import os
import re
import sysconfig
import token
import tokenize
from collections.abc import Iterator
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import (
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = [
    "load_hello",
    "load_python_source",
    "make_digit_strings",
    "make_hmm_sequences",
    "make_recall",
]

Array = NDArray[Any]
Seed = int | np.random.RandomState | None

_POSITIVE = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SEED = Interval(Integral, 0, 2**32 - 1, closed="both")
_CONSTRAINTS: dict[str, list[Any]] = {
    "n_lines": [_POSITIVE, None],
    "n_sequences": [_POSITIVE],
    "n_steps": [_POSITIVE],
    "n_symbols": [_POSITIVE],
    "n_codes": [_POSITIVE],
    "n_states": [_POSITIVE],
    "n_features": [_POSITIVE],
    "min_length": [_POSITIVE],
    "max_length": [_POSITIVE],
    "lag": [Interval(Integral, 0, None, closed="left")],
    "noise": [_NOT_NEGATIVE],
    "separation": [_NOT_NEGATIVE],
    # A probability of 1 would leave states that no sequence can reach.
    "stay": [Interval(Real, 0, 1, closed="left")],
    "rule": [StrOptions({"checksum", "date", "repeat", "lexicon"})],
    "subset": [StrOptions({"train", "test", "all"})],
    "emission": [StrOptions({"gaussian", "categorical"})],
    "lexicon_seed": [_SEED],
    "chain_seed": [_SEED],
    "return_X_y": ["boolean"],
    "random_state": ["random_state"],
}


def _validate(caller: str, arguments: dict[str, Any], **special: list[Any]) -> None:
    validate_parameter_constraints(_CONSTRAINTS | special, arguments, caller)
    shortest, longest = arguments.get("min_length"), arguments.get("max_length")
    if shortest is not None and longest is not None and shortest > longest:
        raise ValueError(
            f"min_length={shortest} is greater than max_length={longest}; "
            "no length lies between them"
        )


def _finish(bunch: Bunch, return_X_y: bool) -> Any:
    return (bunch.data, bunch.target) if return_X_y else bunch


def _objects(items: list[Any]) -> Array:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


# Python source: each character labelled by the token it belongs to

_LABELS = np.array(
    ["space", "keyword", "name", "number", "string", "comment", "operator"]
)
_CODE = {str(label): code for code, label in enumerate(_LABELS)}
_LABEL_OF_TOKEN = {
    token.NAME: "name",
    token.NUMBER: "number",
    token.STRING: "string",
    token.COMMENT: "comment",
    token.OP: "operator",
}
_NOT_LIBRARY = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
_OPERATORS = set(token.EXACT_TOKEN_TYPES) - {"!"}
_LINES_PER_FILE = 50


def load_python_source(
    n_lines: int | None = 2000,
    *,
    min_length: int = 1,
    max_length: int | None = 79,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Load lines of the Python standard library, every character labelled.

    The source that comes with the running Python is real text of variable length,
    and the `tokenize` module knows the truth about it. Each line is a sequence,
    each character a step, labelled space, keyword, name, number, string, comment
    or operator.

    Parameters
    ----------
    n_lines : int or None, default=2000
        How many lines. They come from files drawn at random, at first at most 50
        from each, so that few files are read. None gives every line there is
        (some seconds), in the order of the library.
    min_length : int, default=1
        Shortest line, in characters, indentation included.
    max_length : int or None, default=79
        Longest line; None for no limit.
    random_state : int, RandomState instance or None, default=None
        Determines which lines are drawn. The same seed gives the same lines as
        long as Python is the same.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_lines,), dtype object
            The lines, str without the newline. No two are equal, none is blank.
        target : ndarray of shape (n_lines,), dtype object
            For each line an ndarray of shape (n_characters,) of str labels.
        target_names : ndarray of shape (7,)
            The labels.
        groups : ndarray of shape (n_lines,)
            The file each line comes from, for
            :class:`~sklearn.model_selection.GroupKFold`.

    (data, target) : tuple
        These two alone, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If the library has fewer than `n_lines` lines of the lengths wanted.
    FileNotFoundError
        If this Python comes without its source.

    Notes
    -----
    Keywords are those of :func:`keyword.iskeyword`, so `match`, `case` and `type`
    are names. Brackets, commas and the backslash at a line's end count as
    operators. Left out are blank lines, lines that share a token with another line
    (docstrings), lines with an expression inside an f-string, which Python labels
    since 3.12 only, files that cannot be decoded or tokenised, and test
    directories.

    Examples
    --------
    >>> from skrnn.datasets import load_python_source
    >>> source = load_python_source(n_lines=100, random_state=0)
    >>> source.data.shape, source.target.shape
    ((100,), (100,))
    >>> len(source.data[0]) == len(source.target[0])
    True
    >>> source.target_names.tolist()
    ['space', 'keyword', 'name', 'number', 'string', 'comment', 'operator']
    """
    _validate("load_python_source", locals(), max_length=[_POSITIVE, None])
    rng = check_random_state(random_state)
    root = Path(sysconfig.get_path("stdlib"))
    paths = _library_files(root)
    if n_lines is not None:
        paths = [paths[i] for i in rng.permutation(len(paths))]
    longest = float("inf") if max_length is None else max_length
    chosen: list[tuple[str, bytes, str]] = []
    spare: list[tuple[str, bytes, str]] = []
    seen: set[str] = set()
    for path in paths:
        fresh = []
        for line, codes in _lines_of_file(path):
            if min_length <= len(line) <= longest and line not in seen:
                seen.add(line)
                fresh.append((line, codes, path.relative_to(root).as_posix()))
        if n_lines is None:
            chosen += fresh
            continue
        order = rng.permutation(len(fresh))
        chosen += [fresh[i] for i in order[:_LINES_PER_FILE]]
        spare += [fresh[i] for i in order[_LINES_PER_FILE:]]
        if len(chosen) >= n_lines:
            break
    if n_lines is not None:
        chosen = _top_up(chosen, spare, n_lines, rng)
    bunch = Bunch(
        data=_objects([line for line, _, _ in chosen]),
        target=_objects([_LABELS[list(codes)] for _, codes, _ in chosen]),
        target_names=_LABELS.copy(),
        groups=np.array([group for _, _, group in chosen], dtype=str),
    )
    return _finish(bunch, return_X_y)


def _top_up(
    chosen: list[Any], spare: list[Any], n_lines: int, rng: np.random.RandomState
) -> list[Any]:
    n_missing = n_lines - len(chosen)
    if n_missing > len(spare):
        raise ValueError(
            f"n_lines={n_lines} but there are only {len(chosen) + len(spare)} lines "
            "of such lengths; ask for fewer lines, or for all with n_lines=None"
        )
    if n_missing > 0:
        order = rng.permutation(len(spare))[:n_missing]
        chosen = chosen + [spare[i] for i in order]
    return chosen[:n_lines]


def _library_files(root: Path) -> list[Path]:
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_LIBRARY]
        paths += [Path(folder, name) for name in files if name.endswith(".py")]
    if not paths:
        raise FileNotFoundError(
            f"no Python source under {root}; this Python comes without the source "
            "of its standard library"
        )
    return sorted(paths)


def _lines_of_file(path: Path) -> list[tuple[str, bytes]]:
    try:
        with tokenize.open(path) as file:
            return list(_labelled_lines(file.read()))
    except (OSError, SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return []


def _labelled_lines(source: str) -> Iterator[tuple[str, bytes]]:
    """Yield the lines and, per character, the index of its label in `_LABELS`."""
    lines = source.split("\n")
    codes = [bytearray(len(line)) for line in lines]
    left_out: set[int] = set()
    for kind, (first, start), (last, end) in _tokens(source):
        if first != last:
            left_out.update(range(first - 1, last))
            continue
        row, text = first - 1, lines[first - 1][start:end]
        if kind == token.STRING and _has_expression(text):
            left_out.add(row)
        label = "keyword" if keyword.iskeyword(text) else _LABEL_OF_TOKEN[kind]
        codes[row][start:end] = bytes([_CODE[label]]) * len(text)
    for row, (line, code) in enumerate(zip(lines, codes, strict=True)):
        if row in left_out or not line.strip():
            continue
        if line.endswith("\\") and code[-1] == _CODE["space"]:
            code[-1] = _CODE["operator"]
        yield line, bytes(code)


def _tokens(source: str) -> Iterator[tuple[int, tuple[int, int], tuple[int, int]]]:
    """Yield type, start and end of each token, an f-string as one string.

    Python 3.11 gives an f-string as one token, later versions as many.
    """
    depth, start = 0, (0, 0)
    for item in tokenize.generate_tokens(io.StringIO(source).readline):
        name = token.tok_name[item.type]
        if name.endswith("STRING_START"):
            start = start if depth else item.start
            depth += 1
        elif name.endswith("STRING_END"):
            depth -= 1
            if not depth:
                yield token.STRING, start, item.end
        elif depth:
            continue
        elif _is_stray(item):
            raise tokenize.TokenError(f"no token of Python: {item.string!r}")
        elif item.type in _LABEL_OF_TOKEN:
            yield item.type, item.start, item.end


def _is_stray(item: tokenize.TokenInfo) -> bool:
    # From Python 3.12 on stray characters come as operators or names, not as errors.
    if item.type == token.OP:
        return item.string not in _OPERATORS
    if item.type == token.NAME:
        return not item.string.isidentifier()
    return item.type == token.ERRORTOKEN


def _has_expression(string: str) -> bool:
    prefix = re.split("['\"]", string, maxsplit=1)[0].lower()
    if not {"f", "t"} & set(prefix):
        return False
    # A brace doubled is text, and so is the one in \N{DASH} unless raw.
    literal = r"\{\{" if "r" in prefix else r"\{\{|\\N\{|\\[^N{]"
    return "{" in re.sub(literal, "", string)


# Handwritten digits in an order that obeys a rule


def make_digit_strings(
    n_sequences: int = 500,
    *,
    rule: Literal["checksum", "date", "repeat", "lexicon"] = "lexicon",
    min_length: int = 4,
    max_length: int = 14,
    n_codes: int = 200,
    lexicon_seed: int = 0,
    noise: float = 0.4,
    subset: Literal["train", "test", "all"] = "all",
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Make strings of handwritten digits that obey a rule, so that context helps.

    Every step is one of scikit-learn's bundled images of digits, its label the
    digit. Noise makes a single image hard to read; the rule makes the string as a
    whole easier.

    Parameters
    ----------
    n_sequences : int, default=500
        How many strings.
    rule : {"checksum", "date", "repeat", "lexicon"}, default="lexicon"
        What a string obeys:

        - "checksum": its digits sum to a multiple of ten;
        - "date": it is a day between 1900 and 2099 as `yyyymmdd`;
        - "repeat": its second half says the first half again;
        - "lexicon": it is one of `n_codes` codes.
    min_length : int, default=4
        Shortest string. Dates have eight digits whatever the range.
    max_length : int, default=14
        Longest string. Lengths are drawn evenly ("repeat": from the even numbers).
    n_codes : int, default=200
        How many codes the lexicon holds.
    lexicon_seed : int, default=0
        Determines the lexicon and nothing else, so that a training set and a test
        set drawn with different `random_state` speak the same language.
    noise : float, default=0.4
        Standard deviation of the Gaussian noise added to each pixel; pixels lie in
        [0, 1] without it.
    subset : {"train", "test", "all"}, default="all"
        Which images to use. "test" is every third image and "train" the others:
        no image is in both.
    random_state : int, RandomState instance or None, default=None
        Determines strings, images and noise.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, n_steps, 64)
            The pixels, NaN as padding; `n_steps` is `max_length` (8 for dates).
        target : ndarray of shape (n_sequences, n_steps)
            The digits, -1 as padding.
        target_names : ndarray of shape (10,)
            The digits 0 to 9.
        lengths : ndarray of shape (n_sequences,)
            The number of digits of each string.
        images : ndarray of shape (n_sequences, n_steps)
            Each step's index in :func:`~sklearn.datasets.load_digits`, -1 as
            padding.
        lexicon : ndarray of shape (n_codes,)
            The codes as str; only where `rule="lexicon"`.

    (data, target) : tuple
        These two alone, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If `min_length` to `max_length` holds no length that the rule can have.

    Examples
    --------
    >>> from skrnn.datasets import make_digit_strings
    >>> X, y = make_digit_strings(
    ...     3, rule="repeat", max_length=8, random_state=0, return_X_y=True
    ... )
    >>> X.shape
    (3, 8, 64)
    >>> y
    array([[ 3,  3,  3,  3, -1, -1, -1, -1],
           [ 3,  5,  2,  3,  5,  2, -1, -1],
           [ 7,  6,  7,  6, -1, -1, -1, -1]])
    """
    _validate("make_digit_strings", locals())
    rng = check_random_state(random_state)
    bunch = Bunch()
    if rule == "lexicon":
        codes = _free(check_random_state(lexicon_seed), n_codes, min_length, max_length)
        bunch.lexicon = np.array(
            ["".join(map(str, code[:n])) for code, n in zip(*codes, strict=True)]
        )
        chosen = rng.randint(n_codes, size=n_sequences)
        digits, lengths = codes[0][chosen], codes[1][chosen]
    elif rule == "date":
        digits, lengths = _dates(rng, n_sequences)
    else:
        strings = {"checksum": _checksums, "repeat": _repeats}[rule]
        digits, lengths = strings(rng, n_sequences, min_length, max_length)
    pixels, images = _draw_images(rng, digits, subset)
    padding = np.arange(digits.shape[1]) >= lengths[:, None]
    bunch.update(
        data=pixels + noise * rng.standard_normal(pixels.shape),
        target=np.where(padding, -1, digits),
        target_names=np.arange(10),
        lengths=lengths,
        images=np.where(padding, -1, images),
    )
    bunch.data[padding] = np.nan
    return _finish(bunch, return_X_y)


def _free(
    rng: np.random.RandomState, n: int, shortest: int, longest: int
) -> tuple[Array, Array]:
    """Digits without any rule, (n, longest), and their lengths, (n,)."""
    lengths = rng.randint(shortest, longest + 1, size=n)
    return rng.randint(10, size=(n, longest)), lengths


def _checksums(
    rng: np.random.RandomState, n: int, shortest: int, longest: int
) -> tuple[Array, Array]:
    digits, lengths = _free(rng, n, shortest, longest)
    before = np.arange(longest) < lengths[:, None] - 1
    total = np.sum(digits, axis=1, where=before)
    digits[np.arange(n), lengths - 1] = -total % 10
    return digits, lengths


def _repeats(
    rng: np.random.RandomState, n: int, shortest: int, longest: int
) -> tuple[Array, Array]:
    smallest, largest = (shortest + 1) // 2, longest // 2
    if smallest > largest:
        raise ValueError(
            f"rule='repeat' has strings of even length, and there is none from "
            f"min_length={shortest} to max_length={longest}; widen the range"
        )
    group, sizes = _free(rng, n, smallest, largest)
    again = np.arange(longest) % sizes[:, None]
    return np.take_along_axis(group, again, axis=1), 2 * sizes


def _dates(rng: np.random.RandomState, n: int) -> tuple[Array, Array]:
    first = datetime.date(1900, 1, 1).toordinal()
    end = datetime.date(2100, 1, 1).toordinal()
    days = map(datetime.date.fromordinal, rng.randint(first, end, size=n).tolist())
    digits = np.array([list(f"{day:%Y%m%d}") for day in days], dtype=int)
    return digits, np.full(n, 8)


def _draw_images(
    rng: np.random.RandomState, digits: Array, subset: str
) -> tuple[Array, Array]:
    """One image for each digit: its pixels, digits.shape + (64,), and its index."""
    pixels, labels = load_digits(return_X_y=True)
    third = np.arange(len(labels)) % 3
    allowed = {"train": third < 2, "test": third == 2, "all": third < 3}[subset]
    of_digit = [np.flatnonzero(allowed & (labels == digit)) for digit in range(10)]
    n_images = np.array([len(indices) for indices in of_digit])
    first = np.cumsum(n_images) - n_images
    nth = rng.randint(n_images[digits])
    images = np.concatenate(of_digit)[first[digits] + nth]
    return pixels[images] / 16, images


# Generators with a known optimum


def make_hmm_sequences(
    n_sequences: int = 200,
    *,
    n_states: int = 3,
    n_features: int = 4,
    emission: Literal["gaussian", "categorical"] = "gaussian",
    min_length: int = 10,
    max_length: int = 30,
    stay: float = 0.8,
    separation: float = 0.7,
    chain_seed: int = 0,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Make observations of a hidden Markov chain, labelled with its states.

    The chain is known, so the exact probability of each state is known too: given
    the observations so far (filtering), which no model that reads forward only
    can beat, and given the whole sequence (smoothing), which no model can beat.

    Parameters
    ----------
    n_sequences : int, default=200
        How many sequences.
    n_states : int, default=3
        Number of hidden states, the classes.
    n_features : int, default=4
        Size of an observation; for categorical emissions the number of symbols.
    emission : {"gaussian", "categorical"}, default="gaussian"
        Whether a state emits a Gaussian vector of unit covariance around its mean,
        or one of `n_features` symbols, given one-hot.
    min_length : int, default=10
        Shortest sequence.
    max_length : int, default=30
        Longest sequence; lengths are drawn evenly.
    stay : float, default=0.8
        Each row of the transition matrix is `stay` times the state itself plus
        `1 - stay` times a random distribution; in [0, 1).
    separation : float, default=0.7
        How different the states look: scale of the standard normal variables that
        are the Gaussian means, or the logits of the symbol probabilities.
    chain_seed : int, default=0
        Determines the chain and nothing else, so that sets drawn with different
        `random_state` come from the same chain.
    random_state : int, RandomState instance or None, default=None
        Determines lengths, states and observations.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, max_length, n_features)
            The observations, NaN as padding.
        target : ndarray of shape (n_sequences, max_length)
            The states, -1 as padding.
        target_names : ndarray of shape (n_states,)
            The states 0 to `n_states - 1`.
        lengths : ndarray of shape (n_sequences,)
            The number of steps of each sequence.
        filtering : ndarray of shape (n_sequences, max_length, n_states)
            Probabilities of the states given the observations up to and with this
            step, NaN as padding.
        smoothing : ndarray of shape (n_sequences, max_length, n_states)
            The same given the whole sequence.
        start : ndarray of shape (n_states,)
            Probabilities of the first state.
        transition : ndarray of shape (n_states, n_states)
            Entry (i, j) is the probability of j after i.
        emission_parameters : ndarray of shape (n_states, n_features)
            The means, or the probabilities of the symbols.

    (data, target) : tuple
        These two alone, if `return_X_y` is True.

    Notes
    -----
    With `x_{1:t}` for the first t observations, the filter goes forward and the
    smoother back through it::

        p(s_t | x_{1:t-1}) = sum_i p(s_{t-1} = i | x_{1:t-1}) p(s_t | s_{t-1} = i)
        p(s_t | x_{1:t}) is proportional to p(s_t | x_{1:t-1}) p(x_t | s_t)
        p(s_t | x_{1:T}) = p(s_t | x_{1:t})
            sum_j p(s_{t+1} = j | s_t) p(s_{t+1} = j | x_{1:T})
                  / p(s_{t+1} = j | x_{1:t})

    References
    ----------
    L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in
    speech recognition", Proceedings of the IEEE 77 (2), 1989.

    Examples
    --------
    >>> from skrnn.datasets import make_hmm_sequences
    >>> chain = make_hmm_sequences(400, random_state=0)
    >>> valid = chain.target >= 0
    >>> for posterior in (chain.filtering, chain.smoothing):
    ...     best = posterior[valid].argmax(axis=-1)
    ...     print(f"{(best == chain.target[valid]).mean():.2f}")
    0.84
    0.89
    """
    _validate("make_hmm_sequences", locals())
    chain = check_random_state(chain_seed)
    start = chain.dirichlet(np.ones(n_states))
    transition = stay * np.eye(n_states)
    transition += (1 - stay) * chain.dirichlet(np.ones(n_states), size=n_states)
    look = separation * chain.standard_normal((n_states, n_features))
    if emission == "categorical":
        look = softmax(look, axis=1)
    rng = check_random_state(random_state)
    lengths = rng.randint(min_length, max_length + 1, size=n_sequences)
    valid = np.arange(max_length) < lengths[:, None]
    states = _walk(rng, start, transition, (n_sequences, max_length))
    if emission == "categorical":
        X = np.eye(n_features)[_draw(rng, look[states])]
        likelihood = X @ look.T
    else:
        X = look[states] + rng.standard_normal((*states.shape, n_features))
        scores = X @ look.T - (look**2).sum(axis=1) / 2
        # Factors common to all states cancel; without them nothing underflows.
        likelihood = np.exp(scores - scores.max(axis=-1, keepdims=True))
    filtering, smoothing = _posteriors(likelihood, valid, start, transition)
    for padded in (X, filtering, smoothing):
        padded[~valid] = np.nan
    bunch = Bunch(
        data=X,
        target=np.where(valid, states, -1),
        target_names=np.arange(n_states),
        lengths=lengths,
        filtering=filtering,
        smoothing=smoothing,
        start=start,
        transition=transition,
        emission_parameters=look,
    )
    return _finish(bunch, return_X_y)


def _draw(rng: np.random.RandomState, proba: Array) -> Array:
    """One index for each distribution along the last axis."""
    bounds = proba.cumsum(axis=-1)[..., :-1]
    drawn = rng.uniform(size=(*proba.shape[:-1], 1)) > bounds
    return np.asarray(drawn.sum(axis=-1))


def _walk(
    rng: np.random.RandomState, start: Array, transition: Array, shape: tuple[int, int]
) -> Array:
    """Hidden states of shape (n_sequences, n_steps)."""
    states = np.empty(shape, dtype=int)
    states[:, 0] = _draw(rng, np.tile(start, (shape[0], 1)))
    for t in range(1, shape[1]):
        states[:, t] = _draw(rng, transition[states[:, t - 1]])
    return states


def _posteriors(
    likelihood: Array, valid: Array, start: Array, transition: Array
) -> tuple[Array, Array]:
    """Return filtering and smoothing probabilities, both (N, T, K)."""
    predicted, filtering = np.empty((2, *likelihood.shape))
    predicted[:, 0] = start
    for t in range(likelihood.shape[1]):
        if t:
            predicted[:, t] = filtering[:, t - 1] @ transition
        joint = predicted[:, t] * likelihood[:, t]
        filtering[:, t] = joint / joint.sum(axis=1, keepdims=True)
    smoothing = filtering.copy()
    for t in reversed(range(likelihood.shape[1] - 1)):
        ahead = (smoothing[:, t + 1] / predicted[:, t + 1]) @ transition.T
        smoothing[:, t] *= np.where(valid[:, t + 1, None], ahead, 1)
    return filtering, smoothing


def make_recall(
    n_sequences: int = 200,
    *,
    n_steps: int = 20,
    n_symbols: int = 4,
    lag: int = 5,
    random_state: Seed = None,
    return_X_y: bool = False,
) -> Any:
    """Make random symbols, each labelled with the symbol seen `lag` steps before.

    A test of memory alone. The first `lag` steps of every sequence, where there is
    nothing to recall, have a class of their own, so 100 % can be reached.

    Parameters
    ----------
    n_sequences : int, default=200
        How many sequences.
    n_steps : int, default=20
        Length of every sequence.
    n_symbols : int, default=4
        How many symbols there are.
    lag : int, default=5
        How far back the label lies; below `n_steps`.
    random_state : int, RandomState instance or None, default=None
        Determines the symbols.
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (n_sequences, n_steps, n_symbols)
            One-hot symbols; symbol k (from 1 on) is column k - 1.
        target : ndarray of shape (n_sequences, n_steps)
            The symbol `lag` steps before, 1 to `n_symbols`, or 0 for none yet.
        target_names : ndarray of shape (n_symbols + 1,)
            The labels 0 to `n_symbols`.

    (data, target) : tuple
        These two alone, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If `lag` is not below `n_steps`.

    Examples
    --------
    >>> from skrnn.datasets import make_recall
    >>> X, y = make_recall(1, n_steps=6, lag=2, random_state=0, return_X_y=True)
    >>> X.argmax(axis=-1) + 1
    array([[1, 4, 2, 1, 4, 4]])
    >>> y
    array([[0, 0, 1, 4, 2, 1]])
    """
    _validate("make_recall", locals())
    if lag >= n_steps:
        raise ValueError(
            f"lag={lag} reaches beyond sequences of n_steps={n_steps}; "
            "give sequences of more steps than the lag"
        )
    rng = check_random_state(random_state)
    symbols = rng.randint(n_symbols, size=(n_sequences, n_steps))
    target = np.zeros_like(symbols)
    target[:, lag:] = symbols[:, : n_steps - lag] + 1
    bunch = Bunch(
        data=np.eye(n_symbols)[symbols],
        target=target,
        target_names=np.arange(n_symbols + 1),
    )
    return _finish(bunch, return_X_y)


def load_hello(*, return_X_y: bool = False) -> Any:
    """Load the textbook's four letters: h, e, l, l, each labelled with the next.

    The same letter l is to be followed by l once and by o once, so only a model
    that remembers can label all four steps.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return `(data, target)` instead of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes:

        data : ndarray of shape (1, 4, 4)
            The letters h, e, l, l, one-hot.
        target : ndarray of shape (1, 4)
            The letters that follow: e, l, l, o.
        tokens : ndarray of shape (1, 4)
            The letters of `data` as str.
        feature_names : list of str
            The alphabet, in the order of the last axis of `data`: h, e, l, o.
        target_names : ndarray of shape (3,)
            The letters that occur as labels, sorted: e, l, o.

    (data, target) : tuple
        These two alone, if `return_X_y` is True.

    Examples
    --------
    >>> from skrnn.datasets import load_hello
    >>> hello = load_hello()
    >>> hello.data[0]
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.],
           [0., 0., 1., 0.]])
    >>> hello.target
    array([['e', 'l', 'l', 'o']], dtype='<U1')
    """
    _validate("load_hello", locals())
    alphabet = np.array(list("helo"))
    tokens, target = np.array([list("hell")]), np.array([list("ello")])
    bunch = Bunch(
        data=(tokens[..., None] == alphabet).astype(float),
        target=target,
        tokens=tokens,
        feature_names=alphabet.tolist(),
        target_names=np.unique(target),
    )
    return _finish(bunch, return_X_y)
