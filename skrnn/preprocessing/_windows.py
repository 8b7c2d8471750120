"""Each step with its neighbors.

row t of a sequence  ->  rows t - before, ..., t, ..., t + after, side by side
"""

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
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
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.sequences import check_sequences
from skrnn._validation.steps import NO_FRAME, restore_steps

Array = NDArray[Any]


@set_module("skrnn")
class WindowTransformer(VersionedState, TransformerMixin, BaseEstimator):
    """Put the features of neighboring steps beside each step's own.

    No feature comes from padding or from another sequence.

    Parameters
    ----------
    before : int, default=1
        How many steps before each step to take.
    after : int, default=1
        How many steps behind each step to take.
    edge : {"zero", "nearest"}, default="zero"
        What stands for steps beyond the ends of a sequence: zeros, or the first and
        the last step.
    padding_value : float, default=nan
        In a 3-D array a trailing step whose features all equal this value is padding.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a step.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a data frame, or a list of data
        frames, whose names are all strings.

    See Also
    --------
    StepwiseTransformer : Applies a transformer of scikit-learn to every step.

    Notes
    -----
    X is padded, ragged or 2-D, as for :class:`VanillaRNNClassifier`, and the result has
    its form: padding stays padding, and sparse stays sparse. In 2-D X every sequence
    has one step, which has no neighbors.

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
        """Note the number of features and their names.

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
            The fitted transformer itself.
        """
        check_sequences(self, X, padding_value=self.padding_value, fitting=True)
        return self

    def transform(self, X: Any) -> Any:
        """Join the rows around every step, earlier ones first.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_steps, n_features), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, n_features), or \
{array-like, sparse matrix} of shape (n_sequences, n_features)
            The sequences: padded, ragged or of one step each.

        Returns
        -------
        ndarray, or {ndarray, sparse array} of shape (n_sequences, n_features_out)
            The windows in the form of X, `n_features_out = (before + 1 + after) *
            n_features`: of shape (n_sequences, n_steps, n_features_out) with the
            padding of X, or of shape (n_sequences,), an object array of arrays or
            :class:`scipy.sparse.csr_array`, or 2-D. float32 where X is, else float64.

        Raises
        ------
        ValueError
            If X is not what :class:`VanillaRNNClassifier` would take, or has other
            features than in `fit`.
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
        if self.edge == "zero":  # for which one more row stands
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

    def _around(self, lengths: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the row of each step of each window, of shape (n_steps, width).

        Beyond the ends it is the row behind all others, or the nearest.
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
        """Name the features of a window after those of a step.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Names of the features that go in; those seen in `fit`, or `x0`, `x1`, ...,
            by default.

        Returns
        -------
        ndarray of shape (n_features_out,)
            Names such as `x0[-1]` for the step before, `x0` for the step itself, and
            `x0[+1]` for the step behind.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        offsets = range(-self.before, self.after + 1)
        places = [f"[{offset:+d}]" if offset else "" for offset in offsets]
        return np.array([name + at for at in places for name in names], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Say what X may be, and that float32 stays float32."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
