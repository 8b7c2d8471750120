"""One-hot encoding of sequences of tokens, based on scikit-learn's OneHotEncoder.

    token  ->  number of its category  ->  column of the 1 in its row

OneHotEncoder receives only numbers, so tokens may be any hashable objects.
"""

import copy
import warnings
from collections.abc import Hashable, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._sklearn_compat import Interval, StrOptions, fit_context
from skrnn._validation.arrays import Array, Ids, Mask
from skrnn._validation.containers import objects
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.sequences import mask_of_steps, place_of, split_steps
from skrnn._validation.tokens import (
    Tokens,
    category_numbers,
    check_type_group,
    given_categories,
    largest_columns,
    read_tokens,
    sorted_categories,
    unknown_message,
)

# Replaces unknown and infrequent characters in strings.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Name of the column that infrequent categories share, as in OneHotEncoder.
_INFREQUENT = "infrequent_sklearn"


@set_module("skrnn")
class OneHotSequenceEncoder(  # type: ignore[call-arg]
    VersionedState, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Encode sequences of tokens as sequences of one-hot rows.

    It applies scikit-learn's :class:`~sklearn.preprocessing.OneHotEncoder` to a single
    feature, the token, at every step of sequences of any length. A string is a
    sequence of characters, one per code point.

    Parameters
    ----------
    categories : "auto" or array-like of tokens, default="auto"
        The tokens with a column, in the order of the columns. "auto" takes the sorted
        tokens that occur in `fit`.
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, \
default="error"
        How `transform` handles unknown tokens: "error" raises; "ignore" encodes them as
        a row of zeros, which is a valid step, not padding; "infrequent_if_exist"
        encodes them as the infrequent category, or like "ignore" if there is none;
        "warn" does the same with a warning.
    min_frequency : int or float, default=None
        Categories with a smaller count (int) or a smaller fraction of all tokens
        (float) are infrequent: they share the last column.
    max_categories : int, default=None
        Upper limit on the number of columns, including that of the infrequent
        categories.
    dtype : dtype, default=numpy.float32
        Type of the output. It must be a floating type for dense output, because padding
        is NaN.
    sparse_output : bool, default=False
        Whether to return a sparse array for every sequence instead of one padded array.
    padding_label : "auto" or scalar, default="auto"
        Fill value after the ends of the sequences in a 2-D array of tokens. "auto" is
        `""` for strings and -1 for numbers. Before the end of a sequence this value is
        an ordinary token.
    n_steps : int, default=None
        Number of steps of padded output, and the maximum length of a sequence. None
        takes the length of the longest sequence, or the number of columns of a 2-D
        array of tokens.

    Attributes
    ----------
    categories_ : ndarray of shape (n_tokens,)
        The categories. If `fit` got a 2-D array of numbers, they have its dtype;
        otherwise the dtype is object.
    infrequent_categories_ : ndarray or None
        The categories that share a column, or None if there are none. Only defined if
        `min_frequency` or `max_categories` is given.
    padding_label_ : str or number
        The label of padding in a 2-D array. Only defined if `fit` got one.
    n_features_in_ : int
        Number of columns of a 2-D array of tokens. Only defined if `fit` got one.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of a data frame. Only defined if `fit` got one with column
        names that are all strings.

    See Also
    --------
    sklearn.preprocessing.OneHotEncoder : The same for the columns of a table.

    Notes
    -----
    X is one of

    - a list, tuple, 1-D array or Series of sequences. Either all sequences are strings,
      or each is a list, tuple or 1-D array of hashable tokens of one type. They may
      have any length;
    - a 2-D array or data frame of tokens, padded at the end of its rows, with as many
      columns as in `fit`.

    NumPy's arrays of strings drop trailing NUL characters; lists keep them.

    Examples
    --------
    >>> from skrnn import OneHotSequenceEncoder
    >>> encoder = OneHotSequenceEncoder().fit(["hello", "hole"])
    >>> encoder.categories_
    array(['e', 'h', 'l', 'o'], dtype=object)
    >>> encoder.transform(["he", "l"])
    array([[[ 0.,  1.,  0.,  0.],
            [ 1.,  0.,  0.,  0.]],
           [[ 0.,  0.,  1.,  0.],
            [nan, nan, nan, nan]]], dtype=float32)
    >>> encoder.inverse_transform(encoder.transform(["hello", "", "hole"]))
    array(['hello', '', 'hole'], dtype=object)

    Tokens may be words, and rows may be sparse:

    >>> encoder = OneHotSequenceEncoder(handle_unknown="ignore", sparse_output=True)
    >>> encoder.fit([["to", "be"], ["or", "not", "to", "be"]])
    OneHotSequenceEncoder(handle_unknown='ignore', sparse_output=True)
    >>> encoder.get_feature_names_out()
    array(['x0_be', 'x0_not', 'x0_or', 'x0_to'], dtype=object)
    >>> [sequence.toarray() for sequence in encoder.transform([["not", "me"]])]
    [array([[0., 1., 0., 0.],
            [0., 0., 0., 0.]], dtype=float32)]
    """

    _parameter_constraints: dict[str, Any] = {
        "categories": [StrOptions({"auto"}), "array-like"],
        "padding_label": [str, Real],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
    } | {
        name: OneHotEncoder._parameter_constraints[name]
        for name in (
            "handle_unknown",
            "min_frequency",
            "max_categories",
            "dtype",
            "sparse_output",
        )
    }

    def __init__(
        self,
        categories: Literal["auto"] | ArrayLike | Sequence[Hashable] = "auto",
        *,
        handle_unknown: str = "error",
        min_frequency: float | None = None,
        max_categories: int | None = None,
        dtype: DTypeLike = np.float32,
        sparse_output: bool = False,
        padding_label: str | float = "auto",
        n_steps: int | None = None,
    ) -> None:
        self.categories = categories
        self.handle_unknown = handle_unknown
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.dtype = dtype
        self.sparse_output = sparse_output
        self.padding_label = padding_label
        self.n_steps = n_steps

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the categories from all tokens of all sequences.

        Parameters
        ----------
        X : array-like of n_sequences sequences
            Sequences in any of the forms listed in the class's notes. Empty sequences
            are ignored.
        y : object, default=None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        OneHotSequenceEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If X is a string, has no tokens, or contains None, NaN or infinity; if X has
            tokens that are not in the given `categories` and `handle_unknown="error"`;
            if `dtype` cannot represent the padding.
        TypeError
            If tokens are not hashable, of several types, or cannot be sorted.
        """
        if not self.sparse_output and not np.issubdtype(self.dtype, np.floating):
            raise ValueError(
                f"dtype={self.dtype!r} cannot hold NaN, which is the padding; choose a "
                "floating type or sparse_output=True"
            )
        tokens = read_tokens(X, self.padding_label)
        if not tokens.indices.size:
            raise ValueError(
                f"X has no tokens: each of its {len(tokens.lengths)} sequences is empty"
            )
        if isinstance(self.categories, str):
            categories = sorted_categories(tokens)
        else:
            categories = given_categories(self.categories, tokens)
        numbers = category_numbers(tokens, categories)
        if self.handle_unknown == "error" and (numbers < 0).any():
            raise ValueError(unknown_message(tokens, numbers < 0, "fit"))
        encoder = OneHotEncoder(
            categories=[np.arange(len(categories))],
            handle_unknown="infrequent_if_exist" if self._may_group else "ignore",
            min_frequency=self.min_frequency,
            max_categories=self.max_categories,
        )
        # Its output stays sparse, whatever the user's global configuration is.
        encoder.set_output(transform="default").fit(numbers[tokens.indices][:, None])
        for name in ("n_features_in_", "feature_names_in_", "padding_label_"):
            if hasattr(self, name):
                delattr(self, name)
        if tokens.form == "array":
            validate_data(self, X, skip_check_array=True)
            self.padding_label_ = tokens.padding_label
        self.categories_ = categories
        self._form = tokens.form
        self._encoder = encoder
        return self

    @property
    def _may_group(self) -> bool:
        """Whether unknown tokens join the infrequent ones, if there are any."""
        return self.handle_unknown in ("infrequent_if_exist", "warn")

    @property
    def _infrequent(self) -> Mask:
        """Mask of the categories that share a column."""
        mask = np.zeros(len(self.categories_), dtype=bool)
        (numbers,) = getattr(self._encoder, "infrequent_categories_", [None])
        mask[[] if numbers is None else numbers] = True
        return mask

    @property
    def _column_of(self) -> Ids:
        """Column of every category, and of unknown tokens; -1 for a row of zeros."""
        infrequent = self._infrequent
        n_frequent = (~infrequent).sum()
        columns = np.where(infrequent, n_frequent, (~infrequent).cumsum() - 1)
        joins = self._may_group and infrequent.any()
        return np.append(columns, n_frequent if joins else -1)

    def transform(self, X: Any) -> Array:
        """Encode every token as a row with a single 1.

        Parameters
        ----------
        X : array-like of n_sequences sequences
            Sequences in any of the forms listed in the class's notes.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_columns), or of shape (n_sequences,)
            The rows, with NaN in all rows after the end of a sequence. With
            `sparse_output=True`, an object array of :class:`scipy.sparse.csr_array` of
            shape (length of the sequence, n_columns).

        Raises
        ------
        ValueError
            If a sequence is longer than `n_steps`; if a token is unknown and
            `handle_unknown="error"`; if a 2-D array does not have as many columns as in
            `fit`; if X is invalid in another way, as in `fit`.
        TypeError
            If tokens are not hashable or not of the type of the categories; if X
            consists of strings and `fit` got lists of tokens, or the reverse.
        """
        check_is_fitted(self)
        tokens = read_tokens(X, self.padding_label)
        if tokens.form == "array" and hasattr(self, "n_features_in_"):
            validate_data(self, X, reset=False, skip_check_array=True)
        self._check_form(tokens)
        check_type_group(tokens, self.categories_[:1].tolist())
        columns = self._columns(tokens)[tokens.indices]
        n_columns = len(self._column_tokens())
        if self.n_steps is not None and tokens.lengths.max() > self.n_steps:
            i = tokens.lengths.argmax()
            raise ValueError(
                f"X[{i}] has {tokens.lengths[i]} tokens but n_steps={self.n_steps}; "
                "raise n_steps or cut the sequence"
            )
        if self.sparse_output:
            return self._sparse(columns, tokens.lengths, n_columns)
        n_steps = self.n_steps or tokens.n_columns or max(tokens.lengths.max(), 1)
        return self._padded(columns, tokens.lengths, n_steps, n_columns)

    def _check_form(self, tokens: Tokens) -> None:
        """Raise for strings after lists of tokens, or the reverse."""
        if not hasattr(self, "_form") or not tokens.lengths.any():
            return  # from a version that did not store the form, or empty
        was_text, is_text = (form == "strings" for form in (self._form, tokens.form))
        if was_text != is_text:
            kinds = ["lists or arrays of tokens", "strings"]
            raise TypeError(
                f"X is {kinds[is_text]}, but OneHotSequenceEncoder was fitted on "
                f"{kinds[was_text]}; pass a list of {kinds[was_text]}, also for a "
                "single sequence"
            )

    def _columns(self, tokens: Tokens) -> Ids:
        """Return the column of every distinct token, -1 for a row of zeros."""
        numbers = category_numbers(tokens, self.categories_)
        if (numbers < 0).any():
            message = unknown_message(tokens, numbers < 0, "transform")
            if self.handle_unknown == "error":
                raise ValueError(message)
            if self.handle_unknown == "warn":
                joins = self._column_of[-1] >= 0
                what = "the infrequent category" if joins else "all zeros"
                warnings.warn(f"{message}; encoded as {what}", stacklevel=3)
        return self._column_of[numbers]

    def _padded(
        self, columns: Ids, lengths: Ids, n_steps: int, n_columns: int
    ) -> Array:
        valid = mask_of_steps(lengths, n_steps)
        rows = np.zeros((*valid.shape, n_columns), self.dtype)
        sequence, step = valid.nonzero()
        known = columns >= 0
        rows[sequence[known], step[known], columns[known]] = 1
        rows[~valid] = np.nan
        return rows

    def _sparse(self, columns: Ids, lengths: Ids, n_columns: int) -> Array:
        known = columns >= 0
        # int32, because parts of scikit-learn reject wider indices.
        indices = columns[known].astype(np.int32)
        ones = np.ones(indices.size, self.dtype)
        n_ones = np.append(0, known.cumsum())
        empty = {
            n_steps: sparse.csr_array((n_steps, n_columns), dtype=self.dtype)
            for n_steps in np.unique(lengths).tolist()
        }

        def rows(start: int, n_steps: int) -> sparse.csr_array:
            # The constructor's checks would take most of the time of `transform`.
            sequence = copy.copy(empty[n_steps])
            indptr = n_ones[start : start + n_steps + 1]
            sequence.data = ones[indptr[0] : indptr[-1]]
            sequence.indices = indices[indptr[0] : indptr[-1]]
            sequence.indptr = (indptr - indptr[0]).astype(np.int32)
            return sequence

        starts = lengths.cumsum() - lengths
        sequences = map(rows, starts.tolist(), lengths.tolist())
        return np.fromiter(sequences, object, len(lengths))

    def inverse_transform(self, X: Any) -> Array:
        """Convert one-hot rows, or probabilities of categories, to tokens.

        Parameters
        ----------
        X : ndarray of shape (n_sequences, n_steps, n_columns), or list of n_sequences \
arrays of shape (length, n_columns)
            A padded array, in which trailing steps that are all NaN are padding, or a
            list or object array of dense or sparse arrays. The largest entry of a row
            determines its token.

        Returns
        -------
        ndarray of shape (n_sequences,) or (n_sequences, n_steps)
            The tokens in the form of X in `fit`: an object array of strings or of lists
            of tokens, or a 2-D array of tokens, padded with `padding_label_`. Unknown
            tokens (rows of zeros) become None, and infrequent ones
            "infrequent_sklearn"; in strings both become the replacement character
            U+FFFD.

        Raises
        ------
        ValueError
            If X has a wrong number of columns, NaN outside of padding, or a row of
            zeros that `handle_unknown` does not produce.
        """
        check_is_fitted(self)
        as_text = self._form == "strings"
        tokens = self._column_tokens(_REPLACEMENT if as_text else _INFREQUENT)
        columns, lengths = largest_columns(X, len(tokens))
        values, unknown = tokens[columns], columns < 0
        if unknown.any():
            if self.handle_unknown == "error" or self._column_of[-1] >= 0:
                place = place_of(int(unknown.argmax()), lengths)
                raise ValueError(
                    f"{place} can not be inverted because it is all zeros, which is "
                    f"not a category with handle_unknown={self.handle_unknown!r}"
                )
            values = values.astype(object)
            values[unknown] = _REPLACEMENT if as_text else None
        if self._form == "array":
            return self._padded_tokens(values, lengths)
        flat = "".join(values.tolist()) if as_text else values.tolist()
        return objects(split_steps(flat, lengths))

    def _padded_tokens(self, values: Array, lengths: Ids) -> Array:
        n_columns = max(self.n_features_in_, int(lengths.max(initial=0)))
        valid = mask_of_steps(lengths, n_columns)
        if valid.all():
            return values.reshape(valid.shape)
        dtype = values.dtype
        if dtype.kind in "bu" and self.padding_label_ < 0:
            dtype = np.promote_types(dtype, np.int8)
        tokens = np.full(valid.shape, self.padding_label_, dtype)
        tokens[valid] = values
        return tokens

    def _column_tokens(self, infrequent_name: str = _INFREQUENT) -> Array:
        """Return the token of every column, with one name for the infrequent ones."""
        infrequent = self._infrequent
        if not infrequent.any():
            return self.categories_
        kept = self.categories_[~infrequent].astype(object)
        return np.append(kept, infrequent_name)

    @property
    def infrequent_categories_(self) -> Array | None:  # numpydoc ignore=RT01
        """The categories that share a column, or None if there are none."""
        (infrequent,) = self._encoder.infrequent_categories_
        return None if infrequent is None else self.categories_[infrequent]

    def get_feature_names_out(
        self, input_features: Sequence[str] | None = None
    ) -> Array:
        """Name the columns of the one-hot rows, as OneHotEncoder does.

        Parameters
        ----------
        input_features : array-like of one str, default=None
            Name of the token feature; `["x0"]` by default.

        Returns
        -------
        ndarray of shape (n_columns,)
            Names such as `"x0_a"`, and `"x0_infrequent_sklearn"` for the column that
            infrequent categories share.

        Raises
        ------
        NotFittedError
            If the encoder is not fitted.
        ValueError
            If `input_features` does not have exactly one name.
        """
        check_is_fitted(self)
        names = ["x0"] if input_features is None else list(input_features)
        if len(names) != 1:
            raise ValueError(
                "input_features should have length equal to number of features (1), "
                f"got {len(names)}"
            )
        return np.array([f"{names[0]}_{t}" for t in self._column_tokens()], object)

    def set_output(self, *, transform: str | None = None) -> Self:
        """Reject data frames, which cannot hold sequences of rows.

        Parameters
        ----------
        transform : {"default"}, default=None
            The only supported container: NumPy arrays.

        Returns
        -------
        OneHotSequenceEncoder
            The encoder.

        Raises
        ------
        ValueError
            If `transform` asks for a data frame.
        """
        if transform not in (None, "default"):
            raise ValueError(
                f"set_output(transform={transform!r}) is not possible: a frame has two "
                "axes, and sequences of one-hot rows have three"
            )
        return self

    def __sklearn_tags__(self) -> Tags:
        """Declare that X is categorical and that `dtype` sets the output's type."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags
