"""A scikit-learn transformer applied to the valid steps of sequences.

    sequences  ->  valid steps, end to end  ->  transformer  ->  the same form again

The transformer receives one row, dict or string per step, and no padding.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._sklearn_compat import HasMethods, fit_context
from skrnn._validation.arrays import Array
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.sequences import Sequences
from skrnn._validation.steps import naming_the_step, read_steps, restore_steps
from skrnn._validation.targets import ValueSpec, check_weights, per_step

# The transformer, or a later step of its pipeline, checks the values of y.
_VALUE = ValueSpec("y", "value", 2)


def _transformer_has(name: str) -> Callable[["StepwiseTransformer"], bool]:
    def check(self: "StepwiseTransformer") -> bool:
        # The transformer's own AttributeError explains best why a method is missing.
        getattr(getattr(self, "transformer_", self.transformer), name)
        return True

    return check


@set_module("skrnn")
class StepwiseTransformer(  # type: ignore[call-arg]
    VersionedState,
    MetaEstimatorMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Apply a scikit-learn transformer to every step of sequences.

    The valid steps of all sequences become the samples of the transformer, and its
    results have the form of X. Padding is ignored and kept.

    Parameters
    ----------
    transformer : estimator
        Transformer of the steps: any object with `fit` and `transform`.
    padding_value : float, default=nan
        In a 3-D array, trailing steps whose features all equal this value are padding,
        both before and after the transformation.

    Attributes
    ----------
    transformer_ : estimator
        The fitted copy of `transformer`.
    n_features_in_ : int
        Number of features per step. Only defined if the transformer defines it.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features. Only defined if X was a data frame, or a list of data
        frames, with column names that are all strings.

    See Also
    --------
    WindowTransformer : Joins the features of each step and its neighbors.
    OneHotSequenceEncoder : Encodes sequences of tokens.

    Notes
    -----
    X is one of

    - **padded**: an array of shape (n_sequences, n_steps, n_features), with padding
      after the end of each sequence. Results are padded arrays, so sparse rows become
      dense;
    - **ragged**: a list or object array with one item per sequence: an array, sparse
      matrix or data frame of shape (n_steps_i, n_features), or a list or 1-D array of
      steps that are dicts, strings or lists of them, if the transformer accepts such
      samples. Results are object arrays of arrays, or of
      :class:`scipy.sparse.csr_array` if the transformer returns sparse rows. The
      transformer receives the steps of data frames as one data frame;
    - **2-D**, or a list of dicts or of strings: sequences of one step, passed to the
      transformer unchanged. Pass rows of strings as an array, since a list of lists of
      strings is ragged.

    y and `sample_weight`, in the forms that :class:`VanillaRNNClassifier` takes, are
    passed to the transformer with one value per valid step.

    `set_output` sets the output of the transformer. Results are data frames only if X
    is 2-D, or a list of data frames.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skrnn import StepwiseTransformer
    >>> X = np.array([[[1.0], [2.0], [5.0]], [[3.0], [np.nan], [np.nan]]])
    >>> StepwiseTransformer(MinMaxScaler()).fit_transform(X)[..., 0]
    array([[0.  , 0.25, 1.  ],
           [0.5 ,  nan,  nan]])

    Steps may be dicts, and results sparse:

    >>> from sklearn.feature_extraction import DictVectorizer
    >>> X = [[{"word": "to"}, {"word": "be"}], [{"word": "or", "end": True}]]
    >>> vectorizer = StepwiseTransformer(DictVectorizer()).fit(X)
    >>> vectorizer.get_feature_names_out()
    array(['end', 'word=be', 'word=or', 'word=to'], dtype=object)
    >>> [steps.toarray() for steps in vectorizer.transform(X)]
    [array([[0., 0., 0., 1.],
           [0., 1., 0., 0.]]), array([[1., 0., 1., 0.]])]
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "transformer": [HasMethods(["fit", "transform"])],
        "padding_value": [Real],
    }

    def __init__(self, transformer: Any, *, padding_value: float = np.nan) -> None:
        self.transformer = transformer
        self.padding_value = padding_value

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit the transformer to the valid steps of all sequences.

        Parameters
        ----------
        X : sequences in any of the forms listed in the class's notes
            The sequences. Empty sequences are ignored.
        y : array-like of shape (n_sequences, n_steps), list or object array of \
n_sequences array-like of shape (n_steps_i,), or None, default=None
            One value per step, for transformers that use y.
        **fit_params : dict
            Other arguments of the transformer's `fit`, or metadata routed to it.
            `sample_weight` has one weight per sequence, or the form of y.

        Returns
        -------
        StepwiseTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If X has no valid step, sequences differ in their features, y or
            `sample_weight` do not match the steps, or the transformer rejects the
            steps.
        TypeError
            If X is a masked array, or the transformer does not accept `fit_params`.
        """
        self._fit("fit", clone(self.transformer), X, y, fit_params)
        return self

    @available_if(_transformer_has("partial_fit"))
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Continue fitting the transformer on the valid steps of more sequences.

        Parameters
        ----------
        X : sequences in any of the forms listed in the class's notes
            The sequences.
        y : array-like, list or object array, default=None
            One value per step, as in `fit`.
        **fit_params : dict
            Other arguments of the transformer's `partial_fit`, as in `fit`.

        Returns
        -------
        StepwiseTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is invalid, as in `fit`.
        TypeError
            If X is a masked array, or the transformer does not accept `fit_params`.
        """
        is_first = not hasattr(self, "transformer_")
        transformer = clone(self.transformer) if is_first else self.transformer_
        self._fit("partial_fit", transformer, X, y, fit_params)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit the transformer and transform the same sequences.

        This calls the transformer's `fit_transform`, whose result may differ from `fit`
        followed by `transform`, as for :class:`~sklearn.preprocessing.TargetEncoder`.

        Parameters
        ----------
        X : sequences in any of the forms listed in the class's notes
            The sequences.
        y : array-like, list or object array, default=None
            One value per step, as in `fit`.
        **fit_params : dict
            Other arguments of the transformer's `fit_transform`, as in `fit`.

        Returns
        -------
        ndarray, or {array-like, sparse matrix} of shape (n_sequences, n_features_out)
            The transformed sequences, in the form that `transform` returns.

        Raises
        ------
        ValueError
            If X, y or `sample_weight` is invalid, as in `fit`, or the results are, as
            in `transform`.
        TypeError
            If X is a masked array, or the transformer does not accept `fit_params`.
        """
        if not hasattr(self.transformer, "fit_transform"):
            return self.fit(X, y, **fit_params).transform(X)
        transformer = clone(self.transformer)
        steps, sequences = self._fit("fit_transform", transformer, X, y, fit_params)
        return restore_steps(steps, sequences, self.padding_value)

    def _fit(
        self, method: str, transformer: Any, X: Any, y: Any, params: dict[str, Any]
    ) -> tuple[Any, Sequences | None]:
        """Fit a transformer by the named method; return its result."""
        steps, sequences = read_steps(X, self.padding_value)
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, method, **params)["transformer"][method]
        if sequences is not None:
            if not sequences.lengths.any():
                raise ValueError("X has no valid step to fit the transformer to")
            y = None if y is None else per_step(y, sequences, _VALUE)
            for name, value in params.items():
                # Also `step__sample_weight`, for a step of a Pipeline.
                if name.endswith("sample_weight") and value is not None:
                    params[name] = check_weights(value, sequences)
        with naming_the_step(steps, sequences):
            result = getattr(transformer, method)(steps, y, **params)
        self.transformer_ = transformer
        return result, sequences

    def transform(self, X: Any) -> Any:
        """Transform every valid step.

        Parameters
        ----------
        X : sequences in any of the forms listed in the class's notes
            The sequences.

        Returns
        -------
        ndarray, or {array-like, sparse matrix} of shape (n_sequences, n_features_out)
            The transformed sequences in the form of X: for padded X, shape
            (n_sequences, n_steps, n_features_out) with the padding of X; for ragged X,
            an object array of arrays or :class:`scipy.sparse.csr_array` of shape
            (n_steps_i, n_features_out); for 2-D X, the result of the transformer.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the transformer rejects the steps; if it does not return one row per
            step, or returns a data frame for sequences that are not data frames; if the
            last valid step of a padded sequence becomes padding.
        TypeError
            If X is a masked array.
        """
        check_is_fitted(self)
        steps, sequences = read_steps(X, self.padding_value)
        if sequences is not None and not sequences.lengths.any():
            # Transformers reject X without samples.
            result: Any = np.empty((0, len(self.get_feature_names_out())))
        else:
            with naming_the_step(steps, sequences):
                result = self.transformer_.transform(steps)
        return restore_steps(result, sequences, self.padding_value)

    @available_if(_transformer_has("inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """Convert transformed steps back to the original ones.

        Parameters
        ----------
        X : ndarray of shape (n_sequences, n_steps, n_features_out), list or object \
array of n_sequences {array-like, sparse matrix} of shape (n_steps_i, \
n_features_out), or {array-like, sparse matrix} of shape (n_sequences, n_features_out)
            Transformed sequences.

        Returns
        -------
        ndarray, or the result of the transformer for 2-D X
            The sequences in the form of X. Steps that are not rows, such as dicts, are
            returned in one 1-D object array per sequence.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If X has no valid step, or the transformer rejects it.
        TypeError
            If X is a masked array.
        """
        check_is_fitted(self)
        steps, sequences = read_steps(X, self.padding_value)
        if sequences is not None and not sequences.lengths.any():
            raise ValueError("X has no valid step to transform back")
        with naming_the_step(steps, sequences):
            result = self.transformer_.inverse_transform(steps)
        return restore_steps(result, sequences, self.padding_value)

    @available_if(_transformer_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the feature names of transformed steps.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the input features.

        Returns
        -------
        ndarray of shape (n_features_out,)
            Names of the output features, as the transformer defines them.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the transformer rejects `input_features`.
        """
        check_is_fitted(self)
        names: Array = self.transformer_.get_feature_names_out(input_features)
        return names

    @available_if(_transformer_has("set_output"))
    def set_output(self, *, transform: str | None = None) -> Self:
        """Set the container that the transformer returns for 2-D X.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container; None leaves it unchanged. Data frames have two axes, so
            `transform` of sequences that are not data frames raises an error unless it
            is "default".

        Returns
        -------
        StepwiseTransformer
            The transformer.
        """
        for name in ("transformer", "transformer_"):
            if hasattr(self, name):
                getattr(self, name).set_output(transform=transform)
        return self

    @property
    def n_features_in_(self) -> int:  # numpydoc ignore=RT01
        """Number of features per step, if the transformer defines it."""
        n_features: int = self.transformer_.n_features_in_
        return n_features

    @property
    def feature_names_in_(self) -> Array:  # numpydoc ignore=RT01
        """Feature names, if the transformer was fitted with them."""
        names: Array = self.transformer_.feature_names_in_
        return names

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing of metadata to the transformer.

        Returns
        -------
        MetadataRouter
            The argument of :func:`sklearn.utils.metadata_routing.process_routing`.
        """
        mapping = MethodMapping()
        for method in ("fit", "partial_fit", "fit_transform"):
            mapping.add(caller=method, callee=method)
        return MetadataRouter(owner=type(self).__name__).add(
            transformer=self.transformer, method_mapping=mapping
        )

    def __sklearn_tags__(self) -> Tags:
        """Declare that X is an input of the transformer, or sequences of such."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.transformer)
        tags.input_tags = inner.input_tags
        tags.input_tags.three_d_array = True
        tags.target_tags.required = inner.target_tags.required
        tags.transformer_tags = inner.transformer_tags or tags.transformer_tags
        tags.non_deterministic = inner.non_deterministic
        return tags
