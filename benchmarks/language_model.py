"""Bits per token of texts that no model has seen, against counts and torch.

Names: those of the standard library are split at random, 5,000 to learn from, 5,000
others to test on, the end of a name counted as a character. Words: sentences of the
library's docstrings, of four modules in five to learn from, all words that occur once
in these being the same word. The models that count are in `_ngrams.py`.
For names, torch has an RNN under Adam, minibatches of 32 packed names, three learning
rates and as many seconds each as skrnn's defaults took; its score is that of its best
epoch *on the test names* and its best rate, so better than its user could know. skrnn
is scored once, at the end, on texts that had no say in anything. Every number is the
mean over several splits and seeds, with the lowest and the highest. Needs torch; prints
two Markdown tables, writes JSON.

    python benchmarks/language_model.py [--seeds 3] [--sentences 2000] [--quick]

--quick takes one seed, 1,000 names to learn from, and 500 sentences.
"""

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from _common import Workload, head, row, save, seconds, torch_modules
from _ngrams import InterpolatedNGram, KneserNey, NGram
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
from skrnn.datasets import load_python_names, load_python_sentences

RATES = (1e-3, 3e-3, 1e-2)
BATCH = 32
N_HIDDEN = (64, 128)  # of torch
MODELS: dict[str, dict[str, Any]] = {
    "skrnn, defaults": {},
    "skrnn, ngram_range=None": {"ngram_range": None},
}
ORDERS_OF_NAMES = (4, 5, 6, 7)
ORDERS_OF_WORDS = (2, 3, 4, 5)
RARE = "rare"

Texts = list[Any]


class Score(NamedTuple):
    """Bits per character, and what they cost."""

    bits: float
    seconds: float


def ours(train: Texts, test: Texts, seed: int, settings: dict[str, Any]) -> Score:
    """Fit a language model."""
    network = VanillaRNNClassifier(random_state=seed)
    model = VanillaRNNLanguageModel(network, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is a limit
        duration = seconds(lambda: model.fit(train))
    return Score(model.bits_per_token(test), duration)


class Torch:
    """The same network in torch: names as packed sequences of one-hot letters."""

    def __init__(self, letters: str, n_hidden: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.number = {letter: i for i, letter in enumerate(letters)}
        self.edge = len(letters)
        n = self.edge + 1
        self.rnn, self.linear = torch_modules(
            Workload(0, 0, n, n_hidden, n), dtype="float32"
        )
        self.rows = torch.eye(n)

    def pairs(self, names: list[str]) -> list[tuple[Any, Any]]:
        """Return for each name the rows to read and what follows them."""
        numbers = [
            torch.tensor([self.edge, *(self.number[c] for c in name), self.edge])
            for name in names
        ]
        return [(self.rows[x[:-1]], x[1:]) for x in numbers]

    def loss(self, pairs: list[tuple[Any, Any]]) -> Any:
        """Return the mean cross-entropy in nats."""
        read, follow = (
            torch.nn.utils.rnn.pack_sequence(part, enforce_sorted=False)
            for part in zip(*pairs, strict=True)
        )
        states, _ = self.rnn(read)
        logits = self.linear(states.data)
        return torch.nn.functional.cross_entropy(logits, follow.data)

    def epochs(self, names: list[str], rate: float, limit: float) -> Iterator[None]:
        """Train until the limit; stop after every pass, off the clock."""
        parameters = [*self.rnn.parameters(), *self.linear.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=rate)
        rng = np.random.default_rng(0)
        pairs = self.pairs(names)
        clock = 0.0
        while clock < limit:
            began = time.perf_counter()
            for ids in minibatches(rng, len(names)):
                optimizer.zero_grad()
                self.loss([pairs[i] for i in ids]).backward()
                optimizer.step()
                if clock + time.perf_counter() - began > limit:
                    break
            clock += time.perf_counter() - began
            yield


def minibatches(rng: np.random.Generator, n: int) -> list[NDArray[np.intp]]:
    """Cut all names, shuffled, into minibatches."""
    return np.array_split(rng.permutation(n), -(-n // BATCH))


def theirs(
    train: list[str], test: list[str], seed: int, n_hidden: int, limit: float
) -> Score:
    """Train torch at each rate; return its best score on the test names."""
    letters = "".join(sorted(set("".join(train))))
    best = np.inf
    for rate in RATES:
        model = Torch(letters, n_hidden, seed)
        held_out = model.pairs(test)
        for _ in model.epochs(train, rate, limit):
            with torch.inference_mode():
                best = min(best, model.loss(held_out).item() / np.log(2))
    return Score(best, limit)


def counted(train: Texts, test: Texts, orders: Iterable[int]) -> dict[str, Score]:
    """Score the models that count."""
    makers: dict[str, Callable[[], NGram]] = {
        "interpolated trigram": lambda: InterpolatedNGram(train, 3, 0.8)
    }
    for n in orders:
        makers[f"Kneser-Ney {n}-gram"] = partial(KneserNey, train, n)
    results = {}
    for name, make in makers.items():
        began = time.perf_counter()
        model = make()
        duration = time.perf_counter() - began
        results[name] = Score(model.bits_per_token(test), duration)
    return results


def compare_words(seed: int, n_sentences: int) -> dict[str, Score]:
    """Score every model on sentences of modules held out."""
    data = load_python_sentences(n_sentences, random_state=seed)
    modules = np.unique(data.groups)
    rng = np.random.default_rng(seed)
    is_out = np.isin(data.groups, rng.permutation(modules)[: len(modules) // 5])
    counts = Counter(
        word
        for sentence, out in zip(data.data, is_out, strict=True)
        if not out
        for word in sentence
    )
    train: Texts = []
    test: Texts = []
    for sentence, out in zip(data.data, is_out, strict=True):
        words = [word if counts[word] > 1 else RARE for word in sentence]
        (test if out else train).append(words)
    results = counted(train, test, ORDERS_OF_WORDS)
    for name, settings in MODELS.items():
        results[name] = ours(train, test, seed, settings)
    return results


def compare_names(seed: int, n_train: int) -> dict[str, Score]:
    """Score every model on one split of the names."""
    names = load_python_names(n_train + 5000, random_state=seed).data.tolist()
    train, letters = names[:n_train], set("".join(names[:n_train]))
    # Among few names a rare letter may be missing.
    test = [name for name in names[n_train:] if letters.issuperset(name)]
    results = counted(train, test, ORDERS_OF_NAMES)
    for name, settings in MODELS.items():
        results[name] = ours(train, test, seed, settings)
    limit = results["skrnn, defaults"].seconds
    for n_hidden in N_HIDDEN:
        results[f"torch, Adam, {n_hidden} units"] = theirs(
            train, test, seed, n_hidden, limit
        )
    return results


def main() -> None:
    """Score all models on all splits and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    n_seeds, n_names, n_sentences = options.seeds, 5000, options.sentences
    if options.quick:
        n_seeds, n_names, n_sentences = 1, 1000, 500
    results = {}
    for title, compare, n in (
        (f"{n_names:,} names", compare_names, n_names),
        (f"{n_sentences:,} sentences", compare_words, n_sentences),
    ):
        results[title] = [compare(seed, n) for seed in range(n_seeds)]
        show(title, results[title])
    save("language_model", results)


def show(title: str, results: list[dict[str, Score]]) -> None:
    """Print one table."""
    head(title, "bits per token", "lowest to highest", "seconds")
    for name in results[0]:
        bits = [result[name].bits for result in results]
        clock = np.mean([result[name].seconds for result in results])
        spread = f"{min(bits):.3f} to {max(bits):.3f}"
        row(name, f"{np.mean(bits):.3f}", spread, f"{clock:.1f}")
    print()


if __name__ == "__main__":
    main()
