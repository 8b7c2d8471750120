"""Metrics of labeled steps, and scorers for scikit-learn's searches.

All functions accept labels and predictions in the forms that the estimators accept and
return. Padded positions are ignored, whatever their values. `flatten_steps` documents
which steps are valid.
"""

from ._classes import step_classification_report, step_confusion_matrix, step_f1_score
from ._flatten import flatten_steps
from ._scorers import get_step_scorer, make_step_scorer
from ._span_labels import convert_labels, labels_from_spans, spans_from_labels
from ._spans import (
    span_classification_report,
    span_f1_score,
    span_precision_recall_fscore_support,
)
from ._steps import sequence_accuracy_score, step_accuracy_score, step_log_loss

__all__ = [
    "convert_labels",
    "flatten_steps",
    "get_step_scorer",
    "labels_from_spans",
    "make_step_scorer",
    "sequence_accuracy_score",
    "span_classification_report",
    "span_f1_score",
    "span_precision_recall_fscore_support",
    "spans_from_labels",
    "step_accuracy_score",
    "step_classification_report",
    "step_confusion_matrix",
    "step_f1_score",
    "step_log_loss",
]
