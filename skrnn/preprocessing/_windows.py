"""The features of each step joined with those of its neighbors.

row t of a sequence  ->  rows t - before, ..., t, ..., t + after, side by side
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skrnn._sklearn_compat import (
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
    get_output_config,
)
from skrnn._validation.arrays import Array, Ids
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.sequences import Form, check_sequences, set_fitted
from skrnn._validation.steps import NO_FRAME, restore_steps


@set_module("skrnn")
class WindowTransformer(VersionedState, TransformerMixin, BaseEstimator):
    """Join the features of each step and its neighbors.

    Padding and other sequences never contribute features.

    Parameters
    ----------
    before : int, default=1
        Number of steps to take before each step.
    after : int, default=1
        Number of steps to take after each step.
    edge : {"zero", "nearest"}, default="zero"
        Replacement for steps beyond the ends of a sequence: zeros, or the first or last
        step of the sequence.
    padding_value : float, default=nan
        In a 3-D array, trailing steps whose features all equal this value are padding.

    Attributes
    ----------
    n_features_in_ : int
        Number of features per step.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a data frame, or a list of data
        frames, with column names that are all strings.

    See Also
    --------
    StepwiseTransformer : Applies a scikit-learn transformer to every step.

    Notes
    -----
    X is padded, ragged or 2-D, as for :class:`VanillaRNNClassifier`. The result has the
    same form: padding stays padding, and sparse stays sparse. In 2-D X every sequence
    has one step without neighbors.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import WindowTransformer
    >>> X = np.array([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [np.nan]]])
    >>> windows = WindowTransformer(before=1, after=1)
    >>> windows.fit_transform(X)
    array([[[ 0.,  1.,  2.],
            [ 1.,  2.,  3.],
            [ 2.,  3.,  0.]],
           [[ 0.,  4.,  5.],
            [ 4.,  5.,  0.],
            [nan, nan, nan]]])
    >>> windows.get_feature_names_out()
    array(['x0[-1]', 'x0', 'x0[+1]'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "before": [Interval(Integral, 0, None, closed="left")],
        "after": [Interval(Integral, 0, None, closed="left")],
        "edge": [StrOptions({"zero", "nearest"})],
        "padding_value": [Real],
    }

    def __init__(
        self,
        before: int = 1,
        after: int = 1,
        *,
        edge: Literal["zero", "nearest"] = "zero",
        padding_value: float = np.nan,
    ) -> None:
        self.before = before
        self.after = after
        self.edge = edge
        self.padding_value = padding_value

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Store the number of features and their names.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.
        y : object, default=None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        WindowTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If X is invalid: NaN or infinity at a valid step, a sequence without valid
            steps, or sequences with different features. A parameter out of range raises
            scikit-learn's ``InvalidParameterError``, a ValueError.
        TypeError
            If X has an unsupported type, such as dates or masked arrays.
        """
        sequences = check_sequences(
            self, X, padding_value=self.padding_value, fitting=True
        )
        set_fitted(self, Form.of(sequences).attributes(sequences.n_features))
        return self

    def transform(self, X: Any) -> Any:
        """Join the rows around every step, in their order.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.

        Returns
        -------
        ndarray, or {ndarray, sparse array} of shape (n_sequences, n_features_out)
            The windows in the form of X, with `n_features_out = (before + 1 + after) *
            n_features`: for padded X, shape (n_sequences, n_steps, n_features_out) with
            the padding of X; for ragged X, an object array of arrays or
            :class:`scipy.sparse.csr_array`; for 2-D X, 2-D. The type is float32 if X is
            float32, otherwise float64.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If X is invalid, as in :class:`VanillaRNNClassifier`, or its features differ
            from those in `fit`; if `set_output` asks for data frames and X is not 2-D;
            if the last valid step of a padded sequence becomes padding.
        TypeError
            If X has an unsupported type, such as dates or masked arrays.
        """
        check_is_fitted(self)
        sequences = check_sequences(
            self, X, padding_value=self.padding_value, fitting=False
        )
        is_2d = sequences.form == "rows"
        if not is_2d and get_output_config("transform", self)["dense"] != "default":
            raise ValueError(NO_FRAME)
        steps = sequences.take(np.arange(len(sequences.lengths)), sequences.dtype)
        around = self._around(sequences.lengths)
        if self.edge == "zero":  # steps beyond the ends refer to an extra row
            zeros = np.zeros((1, sequences.n_features), sequences.dtype)
            if sparse.issparse(steps):
                steps = sparse.vstack([steps, sparse.csr_array(zeros)], format="csr")
            else:
                steps = np.concatenate([steps, zeros])
        if sparse.issparse(steps):
            windows = sparse.hstack([steps[rows] for rows in around.T], format="csr")
        else:
            n_columns = around.shape[1] * sequences.n_features
            windows = steps[around].reshape(len(around), n_columns)
        return restore_steps(windows, None if is_2d else sequences, self.padding_value)

    def _around(self, lengths: Ids) -> Ids:
        """Return the row of each step of each window, of shape (n_steps, width).

        Beyond the ends it is the extra row after all others, or the nearest row.
        """
        ends = np.repeat(lengths.cumsum(), lengths)[:, None]
        starts = ends - np.repeat(lengths, lengths)[:, None]
        own = np.arange(len(ends))[:, None]
        around = own + np.arange(-self.before, self.after + 1)
        if self.edge == "nearest":
            around = np.clip(around, starts, ends - 1)
        else:
            around[(around < starts) | (around >= ends)] = len(own)
        return around

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the feature names of a window, based on those of a step.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the input features; by default those seen in `fit`, or `x0`, `x1`
            and so on.

        Returns
        -------
        ndarray of shape (n_features_out,)
            Names such as `x0[-1]` for the previous step, `x0` for the step itself, and
            `x0[+1]` for the next step.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `input_features` does not match the number or the names of the features.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        offsets = range(-self.before, self.after + 1)
        places = [f"[{offset:+d}]" if offset else "" for offset in offsets]
        return np.array([name + at for at in places for name in names], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Declare the accepted forms of X, and that float32 is preserved."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
