"""Forecasts: outputs are fed back as the next input.

    x_{T+1} = L_T        x_{T+k+1} = L_{T+k}

L_t is the output of a unidirectional network at step t, of the same size as x_t.
"""

from typing import Any

import numpy as np

from . import inference
from .data.inputs import Array
from .data.packing import Source, by_length, pack, split_into_batches
from .data.steps import first_steps
from .model import network
from .model.parameters import Architecture, Parameters
from .workspace import Workspace


def forecast(
    architecture: Architecture,
    parameters: Parameters,
    source: Source,
    dtype: np.dtype[Any],
    n_steps: int,
) -> Array:
    """Continue every sequence; none may be empty.

    Returns
    -------
    ndarray of shape (n_sequences, n_steps, n_features)

    Raises
    ------
    OverflowError
        If a parameter is too large for the type.
    FloatingPointError
        If an output is not finite.
    """
    parameters = architecture.cast(parameters, dtype)
    activation = architecture.activation
    starts = first_steps(source.lengths)
    space = Workspace(dtype)
    out = np.empty((len(source.lengths), n_steps, architecture.n_features), dtype)
    with np.errstate(all="ignore"):  # non-finite values are detected below
        for batch_ids in split_into_batches(by_length(source.lengths), source.lengths):
            batch = pack(source, batch_ids, dtype, starts=starts)
            states, L = network.forward(parameters, batch, activation, space)
            last = np.array(batch.offsets)[source.lengths[batch_ids] - 1]
            end = last + np.arange(len(batch_ids))
            X_t, state = L[end], tuple(H[end] for H in states)
            out[batch_ids, 0] = X_t
            for t in range(1, n_steps):
                X_t, state = inference.step(parameters, activation, X_t, state)
                out[batch_ids, t] = X_t
    if not np.isfinite(out).all():
        raise FloatingPointError("the network overflows")
    return out
