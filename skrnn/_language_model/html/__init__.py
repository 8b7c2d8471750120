"""A language model as an HTML page: a search box with completions.

    page.html  <-  page.css, the model as JSON, model.js + page.js

The script implements `VanillaRNNLanguageModel.complete` in the same order of
operations, so the page needs no server. It shows text as text, never as HTML. A content
security policy blocks all connections and all scripts but its own.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from string import Template
from typing import Any

import numpy as np

from skrnn._language_model.ngrams import NgramTable
from skrnn._language_model.trie import Trie

# A search reads all weights about a hundred times, which takes a quarter of a second
# at this size.
MAX_BYTES = 4_000_000


def render_page(model: dict[str, Any], title: str) -> str:
    """Render the page.

    Parameters
    ----------
    model : dict
        The result of `model_data`.
    title : str
        The heading.

    Returns
    -------
    str
        A complete HTML document.
    """
    script = f"\n{_part('model.js')}\n{_part('page.js')}"
    style = "\n" + _part("page.css")
    low, high = ("−1", "1") if model["activation"] == "tanh" else ("0", "largest")
    return Template(_part("page.html")).substitute(
        title=html.escape(title),
        style=style,
        style_hash=_hash(style),
        low=low,
        high=high,
        # The only character that could end the script element.
        model=_json(model).replace("<", "\\u003c"),
        script=script,
        script_hash=_hash(script),
    )


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _hash(part: str) -> str:
    """Return the content security policy hash of a script or a style."""
    digest = hashlib.sha256(part.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def model_data(
    model: Any, vocabulary: Trie | None, n_completions: int
) -> dict[str, Any]:
    """Serialize a language model of characters: all that `model.js` reads.

    Parameters
    ----------
    model : VanillaRNNLanguageModel
        The fitted model.
    vocabulary : Trie or None
        The strings to which completions are restricted.
    n_completions : int
        Number of completions to show.

    Returns
    -------
    dict
        The network, the weights of n-grams, and for each token its column in the
        one-hot rows, its class, and the term to add to the log-probability of the
        class. The entries of the vocabulary are in the order of the trie's branches.

    Raises
    ------
    ValueError
        If the weights or the vocabulary take more than `MAX_BYTES`.
    """
    network = _network_data(model.classifier_)
    entries = None if vocabulary is None else [*_entries(vocabulary)]
    n_characters = sum(map(len, entries or []))
    _check_size(n_characters, "vocabulary", "fewer entries, the most frequent ones")
    vocab = model._vocab
    rows = vocab.dense_rows(np.arange(len(vocab.tokens) + 2))
    n_columns = len(vocab.tokens) + model.end
    return {
        **network,
        "tokens": vocab.tokens.tolist(),
        # The columns of all tokens, of the start and of unknown tokens.
        "features": np.where(rows.any(axis=1), rows.argmax(axis=1), -1).tolist(),
        "columns": model._columns[:n_columns].tolist(),
        **_ngram_data(model._ngrams),
        # JSON has no infinity.
        "log_shares": [
            share if share > -np.inf else None
            for share in model._log_shares[:n_columns].tolist()
        ],
        "start": model.start,
        "end": model.end,
        "refuses_unknown": model.encoder_.handle_unknown == "error",
        "n_steps": model.encoder_.n_steps,
        "max_length": model.max_length_,
        "n_completions": n_completions,
        "beam_width": max(10, n_completions),
        "vocabulary": entries,
    }


def _network_data(network: Any) -> dict[str, Any]:
    """Return the sizes of the layers and all weights, as one base64 string."""
    if vars(network).get("skip_coef_") is not None:
        raise ValueError(
            "the page does not support direct weights; fit the classifier with "
            "skip_connection=False"
        )
    layers = zip(
        network.input_coefs_,
        network.recurrent_coefs_,
        network.hidden_intercepts_,
        strict=True,
    )
    arrays = [array for layer in layers for array in layer]
    arrays += [network.output_coef_, network.output_intercept_]
    weights = np.concatenate([array.ravel() for array in arrays]).astype("<f4")
    _check_size(weights.nbytes, "weights", "fewer hidden units or tokens")
    return {
        "activation": network._fitted_activation,
        "n_features": network.n_features_in_,
        "layers": [array.shape[-1] for array in network.hidden_intercepts_],
        "n_classes": len(network.output_intercept_),
        "weights": base64.b64encode(weights.tobytes()).decode(),
    }


def _ngram_data(table: NgramTable | None) -> dict[str, Any]:
    """Return the pairs of each n-gram by the columns of its tokens."""
    if table is None:
        return {"max_n": 1, "ngrams": {}}
    # As in Python's float32: the shortest decimal that reads as the same number.
    weights = [float(str(w)) for w in table.weights.astype(np.float32)]
    outputs, starts = table.outputs.tolist(), table.starts[table.n_short :].tolist()
    pairs = {
        ",".join(map(str, columns)): [
            value
            for pair in range(start, stop)
            for value in (outputs[pair], weights[pair])
        ]
        for columns, (start, stop) in zip(table.ngrams(), pairwise(starts), strict=True)
        if start < stop
    }
    _check_size(len(_json(pairs)), "n-grams", "a shorter ngram_range")
    return {"max_n": table.max_n, "ngrams": pairs}


def _entries(vocabulary: Trie) -> Iterator[str]:
    """Yield the entries so that a trie built from them has the same branch order."""
    stack = [(0, "")]
    while stack:
        node, text = stack.pop()
        if vocabulary.is_entry(node):
            yield text
        children = vocabulary.children(node)
        stack += [(children[token], text + token) for token in reversed(children)]


def _check_size(n_bytes: int, what: str, remedy: str) -> None:
    if n_bytes > MAX_BYTES:
        raise ValueError(
            f"the page would hold {n_bytes:,} bytes of {what}, more than the "
            f"{MAX_BYTES:,} up to which it answers keys instantly; use {remedy}"
        )
