"""Language models that count: the yardsticks for networks that learn.

Both give the probability of a token from the few tokens before it, and go back to fewer
where they have seen too little:

interpolated   p(w | h) = l p_ml(w | h) + (1 - l) p(w | h'),   h' = h without its first
Kneser-Ney     p(w | h) = (c(h w) - D_k) / c(h) + b(h) p(w | h')

Below the longest histories Kneser-Ney counts not how often `h w` occurs, but behind how
many different tokens. The recursion ends with all tokens alike.

    python -m doctest benchmarks/_ngrams.py
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any

START, END = "<s>", "</s>"


def framed(text: Iterable[Any], order: int) -> list[Any]:
    """Put as many starts before a text as its first token needs, and an end behind."""
    return [START] * (order - 1) + [*text, END]


def counts(texts: Iterable[Any], order: int) -> dict[tuple[Any, ...], Counter[Any]]:
    """Count what follows each history of `order - 1` tokens.

    >>> for history, following in counts(["ab"], 2).items():
    ...     print(history, dict(following))
    ('<s>',) {'a': 1}
    ('a',) {'b': 1}
    ('b',) {'</s>': 1}
    """
    found: dict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
    for text in texts:
        tokens = framed(text, order)
        for i in range(order - 1, len(tokens)):
            found[tuple(tokens[i - order + 1 : i])][tokens[i]] += 1
    return found


class NGram(ABC):
    """What both models share: scores of texts."""

    order: int
    tokens: list[Any]

    @abstractmethod
    def distribution(self, history: tuple[Any, ...]) -> Mapping[Any, float]:
        """Return the probability of every token, the end among them."""

    def after(self, text: Sequence[Any]) -> Mapping[Any, float]:
        """Return the probability of every token to come after a text."""
        padded = [START] * (self.order - 1) + list(text)
        return self.distribution(tuple(padded[len(padded) - self.order + 1 :]))

    def bits_per_token(self, texts: Iterable[Any]) -> float:
        """Return the cross-entropy in bits per token, the end counted as one."""
        total, n = 0.0, 0
        for text in texts:
            tokens = framed(text, self.order)
            for i in range(self.order - 1, len(tokens)):
                history = tuple(tokens[i - self.order + 1 : i])
                total -= log(self.distribution(history)[tokens[i]], 2)
                n += 1
        return total / n


class InterpolatedNGram(NGram):
    """Mixture of the relative frequencies after histories of all lengths.

    Parameters
    ----------
    texts : list of str or of lists of tokens
    order : int
        Tokens of a gram; 3 for a trigram.
    weight : float
        Share of the longer history at each length; the rest goes to the shorter one.
    tokens : iterable of tokens, optional
        All that may come, the end aside; by default what occurs in the texts.

    Examples
    --------
    In "ab" and "aa", a token is a 3, b 1 and the end 2 times of 6; behind a come b, a
    and the end once each. So p(b | a) is half of 1/3, and half of p(b), which is half
    of 1/6 and half of 1/3, for there are 3 tokens:

    >>> model = InterpolatedNGram(["ab", "aa"], order=2, weight=0.5)
    >>> round(model.after("a")["b"], 6) == round((1 / 3 + (1 / 6 + 1 / 3) / 2) / 2, 6)
    True
    >>> (
    ...     round(sum(model.after("a").values()), 12),
    ...     round(sum(model.after("").values()), 12),
    ... )
    (1.0, 1.0)
    """

    def __init__(
        self,
        texts: Sequence[Any],
        order: int = 3,
        weight: float = 0.7,
        tokens: Iterable[Any] | None = None,
    ) -> None:
        self.order = order
        self.weight = weight
        known = set().union(*texts) if tokens is None else set(tokens)
        self.tokens = [*sorted(known), END]
        self._counts = [counts(texts, n) for n in range(1, order + 1)]
        self._found: dict[tuple[Any, ...], dict[Any, float]] = {}

    def distribution(self, history: tuple[Any, ...]) -> Mapping[Any, float]:
        """Return the probability of every token, the end among them."""
        if history not in self._found:
            self._found[history] = self._mix(history)
        return self._found[history]

    def _mix(self, history: tuple[Any, ...]) -> dict[Any, float]:
        alike = dict.fromkeys(self.tokens, 1 / len(self.tokens))
        lower = self.distribution(history[1:]) if history else alike
        seen = self._counts[len(history)].get(history)
        if not seen:
            return dict(lower)
        share = self.weight / seen.total()
        rest = 1 - self.weight
        return {w: share * seen[w] + rest * lower[w] for w in self.tokens}


class KneserNey(NGram):
    """Modified Kneser-Ney smoothing with three discounts for each length of history.

    Parameters
    ----------
    texts : list of str or of lists of tokens
    order : int
        Tokens of a gram.
    tokens : iterable of tokens, optional
        All that may come, the end aside; by default what occurs in the texts.

    References
    ----------
    S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language
    modeling", Computer Speech and Language 13, 1999.

    Examples
    --------
    In "ab", "aa" and "ab", with histories of one token, behind a come b 2 times, a and
    the end once each. Of the 5 different pairs (start a, a a, a b, a end, b end) 2 end
    in a, 1 in b and 2 in the end. No discount can be estimated of so few counts, so all
    are 0.5. The single tokens' probabilities are what is left of 2, 1 and 2 of 5, and
    of the 0.5 * 3 taken away the third part each. Behind a, 0.5 * 3 of 4 are taken away
    and go to these.

    >>> model = KneserNey(["ab", "aa", "ab"], order=2)
    >>> single = {"a": 1.5 / 5 + 0.1, "b": 0.5 / 5 + 0.1, "</s>": 1.5 / 5 + 0.1}
    >>> after_a = model.after("a")
    >>> round(after_a["b"], 12) == round(1.5 / 4 + 1.5 / 4 * single["b"], 12)
    True
    >>> round(after_a["a"], 12) == round(0.5 / 4 + 1.5 / 4 * single["a"], 12)
    True
    >>> [round(sum(model.after(text).values()), 12) for text in ("", "a", "bb")]
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        texts: Sequence[Any],
        order: int = 5,
        tokens: Iterable[Any] | None = None,
    ) -> None:
        self.order = order
        known = set().union(*texts) if tokens is None else set(tokens)
        self.tokens = [*sorted(known), END]
        longest = counts(texts, order)
        self._counts = [longest]
        for _ in range(order - 1):
            self._counts.insert(0, _continuations(self._counts[0]))
        self._discounts = [_discounts(level) for level in self._counts]
        self._found: dict[tuple[Any, ...], dict[Any, float]] = {}

    def distribution(self, history: tuple[Any, ...]) -> Mapping[Any, float]:
        """Return the probability of every token, the end among them."""
        if history not in self._found:
            self._found[history] = self._discounted(history)
        return self._found[history]

    def _discounted(self, history: tuple[Any, ...]) -> dict[Any, float]:
        alike = dict.fromkeys(self.tokens, 1 / len(self.tokens))
        lower = self.distribution(history[1:]) if history else alike
        seen = self._counts[len(history)].get(history)
        if not seen:
            return dict(lower)
        discount = self._discounts[len(history)]
        total = seen.total()
        taken = {w: min(c, discount[min(c, 3) - 1]) for w, c in seen.items()}
        rest = sum(taken.values()) / total
        return {
            w: (seen[w] - taken.get(w, 0)) / total + rest * lower[w]
            for w in self.tokens
        }


def _continuations(
    longer: Mapping[tuple[Any, ...], Counter[Any]],
) -> dict[tuple[Any, ...], Counter[Any]]:
    """Count behind how many different tokens each shorter gram occurs.

    A gram at the beginning of a text has nothing but the start before it, and would
    count once however often it occurs; it keeps its count.
    """
    found: dict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
    for (first, *history), following in longer.items():
        for token, count in following.items():
            repeated = first == START and history and history[0] == START
            found[tuple(history)][token] += count if repeated else 1
    return found


def _discounts(level: Mapping[tuple[Any, ...], Counter[Any]]) -> tuple[float, ...]:
    """Estimate what to take off counts of 1, 2 and more, from how many there are."""
    of_count = Counter(c for following in level.values() for c in following.values())
    n1, n2, n3, n4 = (of_count[c] for c in (1, 2, 3, 4))
    if n1 and n2 and n3 and n4:
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < discount <= k for k, discount in enumerate(found, start=1)):
            return found
    return (0.5, 0.5, 0.5)  # too few counts to estimate anything of
