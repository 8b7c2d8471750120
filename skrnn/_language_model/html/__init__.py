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
from collections.abc import Iterator, Sequence
from importlib import resources
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skrnn._language_model.trie import Trie
from skrnn._language_model.vocabulary import TokenVocabulary

Array = NDArray[Any]

# A search reads all weights about a hundred times, which takes a quarter of a second
# at this size.
MAX_BYTES = 4_000_000


def render_page(model: dict[str, Any], title: str) -> str:
    """Render the page.

    Parameters
    ----------
    model : dict
        The results of `network_data` and `vocabulary_data`, and the settings that
        `model.js` reads.
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
        model=json.dumps(model, allow_nan=False).replace("<", "\\u003c"),
        script=script,
        script_hash=_hash(script),
    )


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _hash(part: str) -> str:
    """Return the content security policy hash of a script or a style."""
    digest = hashlib.sha256(part.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def network_data(network: Any) -> dict[str, Any]:
    """Serialize a unidirectional network.

    Parameters
    ----------
    network : VanillaRNNClassifier
        The fitted network.

    Returns
    -------
    dict
        Sizes of the layers, and all weights, layer by layer, as one base64 string.

    Raises
    ------
    ValueError
        If the weights take more than `MAX_BYTES`.
    """
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


def vocabulary_data(
    vocab: TokenVocabulary, columns: Array, log_shares: Array
) -> dict[str, Any]:
    """Serialize the inputs and outputs of the network.

    Parameters
    ----------
    vocab : TokenVocabulary
        A vocabulary of single characters.
    columns : ndarray of shape (n_columns,)
        The class of each token, and of the end.
    log_shares : ndarray of shape (n_columns,)
        Term to add to the log-probability of the class.

    Returns
    -------
    dict
        These, and the column of the one-hot row of each token, of the start and of
        unknown tokens, -1 for a row of zeros.
    """
    rows = vocab.dense_rows(np.arange(len(vocab.tokens) + 2))
    features = np.where(rows.any(axis=1), rows.argmax(axis=1), -1)
    return {
        "tokens": vocab.tokens.tolist(),
        "features": features.tolist(),
        "columns": columns.tolist(),
        # JSON has no infinity.
        "log_shares": [share if share > -np.inf else None for share in log_shares],
    }


def trie_data(vocabulary: Trie) -> list[str]:
    """List the entries so that a trie built from them has the same branch order.

    Parameters
    ----------
    vocabulary : Trie
        A trie of strings.

    Returns
    -------
    list of str
        The entries.

    Raises
    ------
    ValueError
        If the entries take more than `MAX_BYTES`.
    """
    entries = ["".join(entry) for entry in _walk(vocabulary)]
    size = sum(map(len, entries))
    _check_size(size, "vocabulary", "fewer entries, the most frequent ones")
    return entries


def _walk(vocabulary: Trie) -> Iterator[Sequence[str]]:
    stack: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while stack:
        node, entry = stack.pop()
        if vocabulary.is_entry(node):
            yield entry
        children = vocabulary.children(node)
        for token in reversed(children):
            stack.append((children[token], (*entry, token)))


def _check_size(n_bytes: int, what: str, remedy: str) -> None:
    if n_bytes > MAX_BYTES:
        raise ValueError(
            f"the page would hold {n_bytes:,} bytes of {what}, more than the "
            f"{MAX_BYTES:,} up to which it answers keys instantly; use {remedy}"
        )
