"""Every private part of scikit-learn that skrnn uses.

All of them are where they are in scikit-learn 1.6, the oldest version supported, to
1.9. No other module of skrnn imports an underscored name of scikit-learn.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config as get_output_config
from sklearn.utils.validation import _check_feature_names as check_feature_names
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_response_method as check_response_method
from sklearn.utils.validation import _get_feature_names as get_feature_names

__all__ = [
    "BaseScorer",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "check_feature_names",
    "check_feature_names_in",
    "check_response_method",
    "fit_context",
    "get_feature_names",
    "get_output_config",
    "validate_parameter_constraints",
]
