"""One-hot rows for sequences of tokens, by way of scikit-learn's OneHotEncoder.

    token  ->  number of its category  ->  column of the 1 in its row

OneHotEncoder is handed numbers only, so a token may be any hashable.
"""

import copy
import warnings
from collections.abc import Hashable, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._sklearn_compat import Interval, StrOptions, fit_context
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.tokens import (
    Tokens,
    category_numbers,
    check_type_group,
    given_categories,
    largest_columns,
    place_of,
    read_tokens,
    sorted_categories,
    unknown_message,
)

# What stands for an unknown or infrequent character, where only a str will do.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@set_module("skrnn")
class OneHotSequenceEncoder(  # type: ignore[call-arg]
    VersionedState, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Encode sequences of tokens as sequences of one-hot rows.

    It is scikit-learn's :class:`~sklearn.preprocessing.OneHotEncoder` for a single
    feature, the token, at every step of sequences of any length. A string is a
    sequence of characters, one per code point.

    Parameters
    ----------
    categories : "auto" or array-like of tokens, default="auto"
        The tokens that get a column, in the order of the columns. "auto" sorts those
        that occur in `fit`.
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, \
default="error"
        What `transform` does about a token that is no category: "error" raises;
        "ignore" makes its row all zeros, which is a valid step, not padding;
        "infrequent_if_exist" counts it among the infrequent categories, and does as
        "ignore" where there are none; "warn" does the same with a warning.
    min_frequency : int or float, default=None
        Categories that occur fewer times, or make up a smaller share of all tokens,
        are infrequent: they share one column, the last.
    max_categories : int, default=None
        Upper limit to the number of columns, that of the infrequent categories
        included.
    dtype : dtype, default=numpy.float32
        Type of the output. Dense output has to be floating, for padding is NaN.
    sparse_output : bool, default=False
        Return a sparse array for every sequence instead of one padded array.
    padding_label : "auto" or scalar, default="auto"
        What fills the rows of a 2-D array of tokens behind the ends of its sequences.
        "auto" is `""` among strings and -1 among numbers. Before the end of a
        sequence it is a token like any other.
    n_steps : int, default=None
        Number of steps of padded output, and the length no sequence may exceed.
        By default that of the longest sequence, or the number of columns of a 2-D
        array of tokens.

    Attributes
    ----------
    categories_ : ndarray of shape (n_tokens,)
        The categories; their dtype is that of a 2-D array of numbers in `fit`, and
        object otherwise.
    infrequent_categories_ : ndarray or None
        The categories that share a column, None if there are none. Only defined if
        `min_frequency` or `max_categories` is given.
    padding_label_ : str or number
        The label of padding in a 2-D array. Only defined if `fit` got one.
    n_features_in_ : int
        Number of columns of a 2-D array of tokens. Only defined if `fit` got one.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns of a data frame. Only defined if `fit` got one whose
        names are all strings.

    See Also
    --------
    sklearn.preprocessing.OneHotEncoder : The same for the columns of a table.

    Notes
    -----
    X is a list, tuple, 1-D array or Series of sequences. They are all strings, or each
    is a list, tuple or 1-D array of hashable tokens of one type. Or X is a 2-D array
    or data frame of tokens, padded at the end of its rows; all of these have as many
    columns as the one in `fit`, while sequences in any other form have any length.

    NumPy's arrays of strings drop trailing NUL characters before anyone can see them;
    a list keeps them.

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

    Tokens need not be characters, nor rows dense:

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
            Sequences in any of the forms named in the class's notes. Empty ones are
            ignored.
        y : object, default=None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        OneHotSequenceEncoder
            The fitted encoder itself.

        Raises
        ------
        ValueError
            If X is a string or holds no tokens, or holds None, NaN or infinity; if
            `categories` is given, does not cover X, and `handle_unknown="error"`; if
            `dtype` cannot hold the padding.
        TypeError
            If tokens are unhashable, of several types, or have no order.
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
            handle_unknown="infrequent_if_exist" if self._unknowns_join else "ignore",
            min_frequency=self.min_frequency,
            max_categories=self.max_categories,
        )
        # Whatever the user's configuration says of outputs, this one stays sparse.
        encoder.set_output(transform="default").fit(numbers[tokens.indices][:, None])
        return self._store(X, tokens, categories, encoder)

    @property
    def _unknowns_join(self) -> bool:
        return self.handle_unknown in ("infrequent_if_exist", "warn")

    def _store(
        self,
        X: Any,
        tokens: Tokens,
        categories: NDArray[Any],
        encoder: OneHotEncoder,
    ) -> Self:
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

    def transform(self, X: Any) -> NDArray[Any]:
        """Encode every token as a row with a single 1.

        Parameters
        ----------
        X : array-like of n_sequences sequences
            Sequences in any of the forms named in the class's notes.

        Returns
        -------
        ndarray of shape (n_sequences, n_steps, n_columns), or of shape (n_sequences,)
            The rows, with NaN in all rows behind the end of a sequence. With
            `sparse_output=True` an object array of :class:`scipy.sparse.csr_array`,
            each of shape (length of the sequence, n_columns).

        Raises
        ------
        ValueError
            If a sequence is longer than `n_steps`, a token is unknown and
            `handle_unknown="error"`, a 2-D array has not as many columns as in `fit`,
            or X is not what `fit` would take.
        TypeError
            If tokens are unhashable or of another type than the categories, or X is
            strings and `fit` got lists of tokens, or the reverse.
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
        """Tell strings from lists of tokens: the characters of words are no words."""
        if not hasattr(self, "_form") or not tokens.lengths.any():
            return  # stored before forms were noted, or empty in any form
        was_text, is_text = (form == "strings" for form in (self._form, tokens.form))
        if was_text != is_text:
            kinds = ["lists or arrays of tokens", "strings"]
            raise TypeError(
                f"X is {kinds[is_text]}, but OneHotSequenceEncoder was fitted on "
                f"{kinds[was_text]}; pass a list of {kinds[was_text]}, also for a "
                "single sequence"
            )

    def _columns(self, tokens: Tokens) -> NDArray[np.intp]:
        """Find the column of every distinct token, -1 for a row of zeros."""
        numbers = category_numbers(tokens, self.categories_)
        if (numbers < 0).any():
            message = unknown_message(tokens, numbers < 0, "transform")
            if self.handle_unknown == "error":
                raise ValueError(message)
            if self.handle_unknown == "warn":
                infrequent = getattr(self, "infrequent_categories_", None)
                what = "all zeros" if infrequent is None else "the infrequent category"
                warnings.warn(f"{message}; encoded as {what}", stacklevel=3)
        columns = np.full(len(numbers), -1)
        if len(numbers):
            row, column = self._encoder.transform(numbers[:, None]).nonzero()
            columns[row] = column
        return columns

    def _padded(
        self,
        columns: NDArray[np.intp],
        lengths: NDArray[np.intp],
        n_steps: int,
        n_columns: int,
    ) -> NDArray[Any]:
        valid = np.arange(n_steps) < lengths[:, None]
        rows = np.zeros((*valid.shape, n_columns), self.dtype)
        sequence, step = valid.nonzero()
        known = columns >= 0
        rows[sequence[known], step[known], columns[known]] = 1
        rows[~valid] = np.nan
        return rows

    def _sparse(
        self, columns: NDArray[np.intp], lengths: NDArray[np.intp], n_columns: int
    ) -> NDArray[Any]:
        known = columns >= 0
        # int32, because not all of scikit-learn takes wider indices.
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

    def inverse_transform(self, X: Any) -> NDArray[Any]:
        """Turn one-hot rows, or probabilities of categories, into tokens.

        Parameters
        ----------
        X : ndarray of shape (n_sequences, n_steps, n_columns), or list of n_sequences \
arrays of shape (length, n_columns)
            A padded array, in which trailing steps that are all NaN are padding, or a
            list or object array of dense or sparse arrays. The largest entry of a row
            decides.

        Returns
        -------
        ndarray of shape (n_sequences,) or (n_sequences, n_steps)
            What `fit` was given: an object array of strings or of lists of tokens, or
            a 2-D array of tokens, padded with `padding_label_`. Instead of an unknown
            token (a row of zeros) there is None, and instead of an infrequent one
            "infrequent_sklearn"; in strings it is the replacement character U+FFFD
            for both.

        Raises
        ------
        ValueError
            If X has another number of columns, NaN elsewhere than in padding, or a row
            of zeros although `handle_unknown` has no use for one.
        """
        check_is_fitted(self)
        as_text = self._form == "strings"
        tokens = self._column_tokens(_REPLACEMENT if as_text else "infrequent_sklearn")
        columns, lengths = largest_columns(X, len(tokens))
        values, unknown = tokens[columns], columns < 0
        if unknown.any():
            self._check_unknown_allowed(place_of(int(unknown.argmax()), lengths))
            values = values.astype(object)
            values[unknown] = _REPLACEMENT if as_text else None
        if self._form == "array":
            return self._padded_tokens(values, lengths)
        flat = values.tolist()
        if as_text:
            flat = "".join(flat)
        ends = lengths.cumsum().tolist()
        pieces = (flat[a:b] for a, b in zip([0, *ends], ends, strict=False))
        return np.fromiter(pieces, object, len(ends))

    def _check_unknown_allowed(self, place: str) -> None:
        infrequent = getattr(self, "infrequent_categories_", None)
        if self.handle_unknown == "error" or (
            self._unknowns_join and infrequent is not None
        ):
            raise ValueError(
                f"{place} can not be inverted because it contains all zeros, which is "
                f"no category with handle_unknown={self.handle_unknown!r}"
            )

    def _padded_tokens(
        self, values: NDArray[Any], lengths: NDArray[np.intp]
    ) -> NDArray[Any]:
        n_columns = max(self.n_features_in_, int(lengths.max(initial=0)))
        valid = np.arange(n_columns) < lengths[:, None]
        if valid.all():
            return values.reshape(valid.shape)
        dtype = values.dtype
        if dtype.kind in "bu" and self.padding_label_ < 0:
            dtype = np.promote_types(dtype, np.int8)
        tokens = np.full(valid.shape, self.padding_label_, dtype)
        tokens[valid] = values
        return tokens

    def _column_tokens(
        self, infrequent_name: str = "infrequent_sklearn"
    ) -> NDArray[Any]:
        """List the token of every column, the infrequent ones under one name."""
        infrequent = getattr(self, "infrequent_categories_", None)
        if infrequent is None:
            return self.categories_
        kept = np.delete(self.categories_, self._encoder.infrequent_categories_[0])
        return np.append(kept.astype(object), infrequent_name)

    @property
    def infrequent_categories_(self) -> NDArray[Any] | None:  # numpydoc ignore=RT01
        """The categories that share a column, None if there are none."""
        (infrequent,) = self._encoder.infrequent_categories_
        return None if infrequent is None else self.categories_[infrequent]

    def get_feature_names_out(
        self, input_features: Sequence[str] | None = None
    ) -> NDArray[Any]:
        """Name the columns of the one-hot rows, as OneHotEncoder does.

        Parameters
        ----------
        input_features : array-like of one str, default=None
            What to call the token; `["x0"]` by default.

        Returns
        -------
        ndarray of shape (n_columns,)
            Names such as `"x0_a"`, and `"x0_infrequent_sklearn"` for the column that
            infrequent categories share.
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
        """Refuse data frames, which cannot hold sequences of rows.

        Parameters
        ----------
        transform : {"default"}, default=None
            The only container there is: NumPy arrays.

        Returns
        -------
        OneHotSequenceEncoder
            The encoder itself.

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
        """Say that X is categorical, and that the output's type is `dtype`."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags
