"""Decoding: beam search and sampling of continuations.

    log p(text) = sum_t log p(token_t | previous tokens)

Tokens are integers; the column after the last token is the end. Many texts are
processed in parallel, one token of each at a time: ``advance`` reads these tokens and
returns the log-probabilities of the next. When a text branches, its state is copied,
never recomputed.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from skrnn._validation.arrays import Array, Ids

from .trie import Trie

State = tuple[Array, ...]  # arrays with a row for each text


class BeamState(NamedTuple):
    """Next-token log-probabilities and hidden states of several texts."""

    log_proba: Array  # (n_texts, n_columns) of the next token
    state: State


SelectFn = Callable[[Array], Ids]  # values -> indices of those to keep
Advance = Callable[[Ids, State], BeamState]
Completion = tuple[float, tuple[int, ...]]  # log-probability and tokens
# Of each extended text: index of the text before, new token, log-probability, node.
Expansion = tuple[Ids, Ids, Array, list[Any]]


class Unconstrained(NamedTuple):
    """Any token may follow any text, and any text may end."""

    n_tokens: int
    start: Any = None

    def may_end(self, node: Any) -> bool:
        """Tell whether a text may end."""
        return True

    def expand(
        self, totals: Array, nodes: list[Any], log_proba: Array, select: SelectFn
    ) -> Expansion:
        """Extend texts by any token and keep the selected ones."""
        gained = (totals[:, None] + log_proba[:, : self.n_tokens]).ravel()
        kept = select(gained)
        parents, tokens = np.divmod(kept, self.n_tokens)
        return parents, tokens, gained[kept], [None] * len(kept)


class TrieConstraint(NamedTuple):
    """Texts are restricted to the entries of a trie."""

    trie: Trie
    numbers: Mapping[Any, int]  # ids of the tokens known to the model
    start: int

    def may_end(self, node: int) -> bool:
        """Tell whether a text may end."""
        return self.trie.is_entry(node)

    def expand(
        self, totals: Array, nodes: list[int], log_proba: Array, select: SelectFn
    ) -> Expansion:
        """Extend texts to prefixes of entries and keep the selected ones."""
        found = [
            (parent, self.numbers[token], child)
            for parent, node in enumerate(nodes)
            for token, child in self.trie.children(node).items()
            if token in self.numbers
        ]
        parents, tokens, children = np.array(found, np.intp).reshape(-1, 3).T
        gained = totals[parents] + log_proba[parents, tokens]
        kept = select(gained)
        return parents[kept], tokens[kept], gained[kept], children[kept].tolist()


def complete(
    beam: BeamState,
    advance: Advance,
    constraint: Unconstrained | TrieConstraint,
    *,
    n_completions: int,
    beam_width: int,
    max_length: int,
    has_end: bool,
) -> list[Completion]:
    """Find the most probable completions of a text by beam search.

    At each length, the ``beam_width`` most probable texts are extended. Extending a
    text never increases its probability, so texts less probable than the worst
    completion found are pruned. The search stops when no text is left.

    Parameters
    ----------
    beam : BeamState
        State of a single text.
    advance : callable
    constraint : Unconstrained or TrieConstraint
    n_completions, beam_width, max_length : int
    has_end : bool
        Whether the last column is the end. If not, texts end at ``max_length`` or at
        the end of an entry of the vocabulary.

    Returns
    -------
    list of (log-probability, tokens), best first
    """
    ended: list[Completion] = []
    totals = np.zeros(1)
    texts: list[tuple[int, ...]] = [()]
    nodes: list[Any] = [constraint.start]
    for length in range(max_length + 1):
        if has_end or isinstance(constraint, TrieConstraint) or length == max_length:
            final = totals + beam.log_proba[:, -1] if has_end else totals
            ended += [
                (p, text)
                for p, text, node in zip(final.tolist(), texts, nodes, strict=True)
                if constraint.may_end(node) and p > -np.inf
            ]
            ended = heapq.nlargest(n_completions, ended, key=itemgetter(0))
        if length == max_length:
            break
        worst = ended[-1][0] if len(ended) == n_completions else -np.inf
        select = partial(_argmax_n, n=beam_width, above=worst)
        parents, tokens, totals, nodes = constraint.expand(
            totals, nodes, beam.log_proba, select
        )
        if not len(tokens):
            break
        texts = [
            (*texts[parent], token)
            for parent, token in zip(parents.tolist(), tokens.tolist(), strict=True)
        ]
        beam = advance(tokens, tuple(h[parents] for h in beam.state))
    return ended


def _argmax_n(values: Array, n: int, above: float) -> Ids:
    """Return the indices of the n largest values above a bound, largest first.

    Ties are broken by position, so results are the same on every machine.
    """
    (found,) = np.nonzero(values > above)
    order = np.argsort(-values[found], kind="stable")
    return found[order[:n]]


def sample(
    beam: BeamState,
    advance: Advance,
    select: Callable[[Array], Ids],
    *,
    n_samples: int,
    max_length: int,
    has_end: bool,
) -> list[list[int]]:
    """Sample continuations of a text.

    Parameters
    ----------
    beam : BeamState
        State of a single text.
    advance : callable
    select : callable
        Samples a column for each row of log-probabilities.
    n_samples, max_length : int
    has_end : bool
        Whether the last column is the end.

    Returns
    -------
    list of n_samples lists of at most ``max_length`` tokens
    """
    texts: list[list[int]] = [[] for _ in range(n_samples)]
    alive = np.arange(n_samples)
    log_proba = np.repeat(beam.log_proba, n_samples, axis=0)
    state = tuple(np.repeat(h, n_samples, axis=0) for h in beam.state)
    n_tokens = log_proba.shape[1] - has_end
    for _ in range(max_length):
        columns = select(log_proba)
        going_on = columns < n_tokens
        alive, columns = alive[going_on], columns[going_on]
        if not alive.size:
            break
        for i, token in zip(alive.tolist(), columns.tolist(), strict=True):
            texts[i].append(token)
        log_proba, state = advance(columns, tuple(h[going_on] for h in state))
    return texts


@dataclass(frozen=True)
class TokenSampler:
    """Sample columns by probability, with temperature, top-k and top-p."""

    rng: np.random.RandomState
    temperature: float
    top_k: int | None
    top_p: float | None

    def __call__(self, log_proba: Array) -> Ids:
        """Draw a column for each row of shape (n_columns,)."""
        # With a tiny temperature, all but the best overflow to minus infinity.
        with np.errstate(over="ignore"):
            below = log_proba - log_proba.max(axis=1, keepdims=True)
            weights = np.exp(below / self.temperature)
        order = np.argsort(-weights, axis=1, kind="stable")
        weights = np.take_along_axis(weights, order, axis=1)
        if self.top_k is not None:
            weights[:, self.top_k :] = 0
        mass = weights.cumsum(axis=1)
        if self.top_p is not None:
            # Keep the fewest columns whose total probability reaches top_p.
            reached = mass - weights >= self.top_p * mass[:, -1:]
            weights[reached] = 0
            mass = weights.cumsum(axis=1)
        u = self.rng.uniform(size=(len(mass), 1)) * mass[:, -1:]
        drawn = (mass <= u).sum(axis=1, keepdims=True)
        return np.take_along_axis(order, drawn, axis=1)[:, 0]
