"""Sequences of handwritten digits that follow a rule."""

import datetime
from typing import Any, Literal

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import Bunch, check_random_state

from skrnn._validation.persistence import set_module

from ._common import Array, Rng, Seed, finish, validate

Digits = tuple[Array, Array]  # (n, longest) and their lengths, (n,)


@set_module("skrnn.datasets")
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
    """Generate strings of handwritten digits that follow a rule.

    Every step is an image from scikit-learn's digits data set, labeled with its digit.
    Noise makes single images hard to classify; the rule makes context informative.

    Parameters
    ----------
    n_sequences : int, default=500
        Number of strings.
    rule : {"checksum", "date", "repeat", "lexicon"}, default="lexicon"
        The rule that all strings follow:

        - "checksum": the digits sum to a multiple of ten;
        - "date": the string is a day between 1900 and 2099 as `yyyymmdd`;
        - "repeat": the second half repeats the first half;
        - "lexicon": the string is one of `n_codes` codes.
    min_length : int, default=4
        Minimum length. Dates always have eight digits.
    max_length : int, default=14
        Maximum length. Lengths are distributed uniformly ("repeat": over even numbers).
    n_codes : int, default=200
        Number of codes in the lexicon.
    lexicon_seed : int, default=0
        Seed of the lexicon only, so that a training set and a test set with different
        `random_state` use the same codes.
    noise : float, default=0.4
        Standard deviation of the Gaussian noise added to each pixel; without noise,
        pixels are in [0, 1].
    subset : {"train", "test", "all"}, default="all"
        Which images to use. "test" is every third image and "train" the others; the
        two are disjoint.
    random_state : int, RandomState instance or None, default=None
        Seed or generator for strings, images and noise.
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
            The codes as str; only present if `rule="lexicon"`.

    (data, target) : tuple
        Only these two, if `return_X_y` is True.

    Raises
    ------
    ValueError
        If the rule allows no length from `min_length` to `max_length`.

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
    validate("make_digit_strings", locals())
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
    return finish(bunch, return_X_y)


def _free(rng: Rng, n: int, shortest: int, longest: int) -> Digits:
    """Return random digits and lengths."""
    lengths = rng.randint(shortest, longest + 1, size=n)
    return rng.randint(10, size=(n, longest)), lengths


def _checksums(rng: Rng, n: int, shortest: int, longest: int) -> Digits:
    digits, lengths = _free(rng, n, shortest, longest)
    before = np.arange(longest) < lengths[:, None] - 1
    total = np.sum(digits, axis=1, where=before)
    digits[np.arange(n), lengths - 1] = -total % 10
    return digits, lengths


def _repeats(rng: Rng, n: int, shortest: int, longest: int) -> Digits:
    smallest, largest = (shortest + 1) // 2, longest // 2
    if smallest > largest:
        raise ValueError(
            f"rule='repeat' has strings of even length, and there is none from "
            f"min_length={shortest} to max_length={longest}; widen the range"
        )
    group, sizes = _free(rng, n, smallest, largest)
    again = np.arange(longest) % sizes[:, None]
    return np.take_along_axis(group, again, axis=1), 2 * sizes


def _dates(rng: Rng, n: int) -> Digits:
    first = datetime.date(1900, 1, 1).toordinal()
    end = datetime.date(2100, 1, 1).toordinal()
    days = map(datetime.date.fromordinal, rng.randint(first, end, size=n).tolist())
    digits = np.array([list(f"{day:%Y%m%d}") for day in days], dtype=int)
    return digits, np.full(n, 8)


def _draw_images(rng: Rng, digits: Array, subset: str) -> tuple[Array, Array]:
    """Draw images of digits; return pixels, digits.shape + (64,), and indices."""
    pixels, labels = load_digits(return_X_y=True)
    third = np.arange(len(labels)) % 3
    allowed = {"train": third < 2, "test": third == 2, "all": third < 3}[subset]
    of_digit = [np.flatnonzero(allowed & (labels == digit)) for digit in range(10)]
    n_images = np.array([len(indices) for indices in of_digit])
    first = np.cumsum(n_images) - n_images
    nth = rng.randint(n_images[digits])
    images = np.concatenate(of_digit)[first[digits] + nth]
    return pixels[images] / 16, images
