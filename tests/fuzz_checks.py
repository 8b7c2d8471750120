"""What holds after every call, whatever was called with what."""

import pickle
import re
from contextlib import contextmanager

import numpy as np
from samples import fingerprint

# What a message has to name, and what only a fault inside would say.
NAMES = re.compile(
    r"\b(X|X_t|y|y_true|y_pred|df|column|sequences|tokens|sample_weight|array|state|labels?|targets|string|argument|sparse|estimator"
    r"|categories|early stopping|warm_start|padding_label|class_weight|Sample weights"
    r"|integer|Input|Complex data|numbers of samples|2-dimensional container)\b"
)
INTERNALS = re.compile(
    r"broadcast|not aligned|matmul|out of bounds|cannot reshape|zero-size|subscriptable"
    r"|has no attribute|has no len\(|^ufunc|unpack|not iterable|ambiguous"
    r"|'NoneType' object"
)


def snapshot(model):
    return pickle.dumps(vars(model))


@contextmanager
def unchanged(model, *inputs):
    """Check that neither a model nor what it is given changes, come what may."""
    before, content = snapshot(model), fingerprint(inputs)
    yield
    assert snapshot(model) == before
    assert fingerprint(inputs) == content


def attempt(call, *, named=True):
    """Call; return whether it went well rather than raised a documented error."""
    try:
        call()
    except (ValueError, TypeError) as error:
        message = str(error)
        if named and (INTERNALS.search(message) or not NAMES.search(message)):
            raise
        return False
    return True


def flat(form, result, posed_form_of):
    """Check the form of a result; return its values at valid steps and the fill."""
    X, lengths = posed_form_of
    if form == "rows":
        assert len(result) == len(lengths)
        return result, result[:0]
    if form == "ragged":
        assert result.dtype == object
        assert [len(item) for item in result] == lengths.tolist()
        return np.concatenate(list(result)), None
    assert result.shape[:2] == X.shape[:2]
    valid = np.arange(X.shape[1]) < lengths[:, None]
    return result[valid], result[~valid]


def target_shapes(X):
    """Guess which shapes y may have for an odd X."""
    if hasattr(X, "shape") and len(X.shape):
        return [X.shape[:1], X.shape[:2]]
    n = len(X) if hasattr(X, "__len__") else 1
    return [(n,), (n, 1)]
