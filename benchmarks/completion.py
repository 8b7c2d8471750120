"""Completions of names at their half: how often right, and how soon.

A model learns 5,000 names of the standard library, then sees the first half of names
that it has never seen, and offers five completions: any, or entries of the library's
whole vocabulary. A Kneser-Ney 5-gram has the same search with the same beam. Then the
latencies of completing ten letters, and of one more key; beside them those of the same
search in torch, at the weights of the network alone and with the better of one thread
and all. Needs torch; prints two Markdown tables, writes JSON.

    python benchmarks/completion.py [--names 1000] [--quick]

--quick learns 1,000 names in 50 iterations, and completes 200.
"""

import argparse
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from _common import N_CORES, best_of, head, on_torch_threads, row, save
from _ngrams import KneserNey
from sklearn.exceptions import ConvergenceWarning

from skrnn import (
    OneHotSequenceEncoder,
    Trie,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
)
from skrnn._language_model.decoding import (
    BeamState,
    TrieConstraint,
    Unconstrained,
    complete,
)
from skrnn._language_model.model import DecoderState
from skrnn.datasets import load_python_names

ALONE = "skrnn, ngram_range=None"
SETTINGS: dict[str, dict[str, Any]] = {
    "skrnn, defaults": {},
    ALONE: {"ngram_range": None},
}
BEAM = 10
N_COMPLETIONS = 5
N_LATENCIES = 50
TORCH = "torch, the network alone"

Completer = Callable[[str, Trie | None], list[str]]


def fitted(
    train: list[str], max_iter: int, settings: dict[str, Any]
) -> VanillaRNNLanguageModel:
    """Fit a language model."""
    network = VanillaRNNClassifier(max_iter=max_iter, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # max_iter is a limit
        # A rare letter may be missing among few names.
        encoder = OneHotSequenceEncoder(handle_unknown="ignore")
        return VanillaRNNLanguageModel(network, encoder, **settings).fit(train)


def completer_of(model: VanillaRNNLanguageModel) -> Completer:
    """Return the model's completions without their probabilities."""

    def texts(prefix: str, vocabulary: Trie | None) -> list[str]:
        found = model.complete(
            prefix, N_COMPLETIONS, beam_width=BEAM, vocabulary=vocabulary
        )
        return [text for text, _ in found]

    return texts


def counted(train: list[str], max_length: int) -> Completer:
    """Return the completions of a Kneser-Ney 5-gram, by the same search."""
    model = KneserNey(train, 5)
    letters = model.tokens[:-1]
    number_of = {letter: i for i, letter in enumerate(letters)}
    cache: dict[str, Any] = {}

    def log_proba(text: str) -> Any:
        if text not in cache:
            found = model.after(text)
            cache[text] = np.log([found[token] for token in model.tokens])
        return cache[text]

    def advance(tokens: Any, state: Any) -> BeamState:
        texts = [
            text + letters[token]
            for text, token in zip(state[0][:, 0], tokens, strict=True)
        ]
        after = np.array([log_proba(text) for text in texts])
        return BeamState(after, (np.array(texts, dtype=object)[:, None],))

    def texts(prefix: str, vocabulary: Trie | None) -> list[str]:
        constraint: Unconstrained | TrieConstraint = Unconstrained(len(letters))
        if vocabulary is not None:
            constraint = TrieConstraint(
                vocabulary, number_of, vocabulary.find(prefix) or 0
            )
        start = np.array([[prefix]], dtype=object)
        found = complete(
            BeamState(log_proba(prefix)[None], (start,)),
            advance,
            constraint,
            n_completions=N_COMPLETIONS,
            beam_width=BEAM,
            max_length=max_length,
            has_end=True,
        )
        return [prefix + "".join(letters[i] for i in tokens) for _, tokens in found]

    return texts


def share_found(completer: Completer, names: list[str], trie: Trie | None) -> float:
    """Count how often a name is among the completions of its first half."""
    found = [name in completer(name[: len(name) // 2], trie) for name in names]
    return float(np.mean(found))


class TorchSearch:
    """The same search in torch, at the weights of a fitted model."""

    def __init__(self, model: VanillaRNNLanguageModel) -> None:
        network = model.classifier_
        self.tokens = model.tokens_.tolist()
        self.number_of = {token: i for i, token in enumerate(self.tokens)}
        self.max_length = model.max_length_
        self.W_xh = torch.tensor(network.input_coefs_[0][0])
        self.W_hh = torch.tensor(network.recurrent_coefs_[0][0])
        self.b_h = torch.tensor(network.hidden_intercepts_[0][0])
        self.W_hy = torch.tensor(network.output_coef_)
        self.b_y = torch.tensor(network.output_intercept_)

    def step(self, numbers: Any, state: Any) -> tuple[Any, Any]:
        """Read one more token of several texts."""
        state = torch.tanh(self.W_xh[numbers] + state @ self.W_hh + self.b_h)
        return torch.log_softmax(state @ self.W_hy + self.b_y, dim=1), state

    @torch.inference_mode()
    def read(self, text: str) -> tuple[Any, Any]:
        """Read a text from its start."""
        state = torch.zeros(1, len(self.W_hh))
        for number in [len(self.tokens), *map(self.number_of.__getitem__, text)]:
            log_proba, state = self.step(torch.tensor([number]), state)
        return log_proba, state

    @torch.inference_mode()
    def complete(self, prefix: str, reading: Any = None) -> list[tuple[str, float]]:
        """Find the most probable completions."""
        log_proba, state = reading or self.read(prefix)
        totals = torch.zeros(1)
        texts = [prefix]
        ended: list[tuple[float, str]] = []
        for _ in range(self.max_length + 1):
            ended += zip((totals + log_proba[:, -1]).tolist(), texts, strict=True)
            ended = sorted(ended, reverse=True)[:N_COMPLETIONS]
            worst = ended[-1][0] if len(ended) == N_COMPLETIONS else -torch.inf
            gained = (totals[:, None] + log_proba[:, :-1]).ravel()
            totals, kept = gained.topk(min(BEAM, len(gained)))
            better = totals > worst
            totals, kept = totals[better], kept[better]
            if not len(kept):
                break
            parents = kept // len(self.tokens)
            numbers = kept % len(self.tokens)
            texts = [
                texts[parent] + self.tokens[number]
                for parent, number in zip(
                    parents.tolist(), numbers.tolist(), strict=True
                )
            ]
            log_proba, state = self.step(numbers, state[parents])
        return [(text, log_p) for log_p, text in ended]


def latencies(
    models: dict[str, VanillaRNNLanguageModel], names: list[str]
) -> dict[str, dict[str, float]]:
    """Time completions and keys, in milliseconds each."""
    model = models[ALONE]
    prefixes = [name[:10] for name in names if len(name) > 10][:N_LATENCIES]
    search = TorchSearch(model)
    for prefix in prefixes:
        ours, theirs = model.complete(prefix), search.complete(prefix)
        assert [text for text, _ in ours] == [text for text, _ in theirs]
    torch_readings = [search.read(prefix) for prefix in prefixes]

    def complete_all(model: VanillaRNNLanguageModel) -> None:
        for prefix in prefixes:
            model.complete(prefix, beam_width=BEAM)

    def type_all(model: VanillaRNNLanguageModel, readings: list[DecoderState]) -> None:
        for prefix, reading in zip(prefixes, readings, strict=True):
            model.complete(model.read(prefix[-1], reading), beam_width=BEAM)

    def torch_complete_all() -> None:
        for prefix in prefixes:
            search.complete(prefix)

    def torch_type_all() -> None:
        for prefix, (_, state) in zip(prefixes, torch_readings, strict=True):
            number = torch.tensor([search.number_of[prefix[-1]]])
            search.complete(prefix, search.step(number, state))

    completing = {name: partial(complete_all, one) for name, one in models.items()}
    typing = {
        name: partial(type_all, one, [one.read(prefix[:-1]) for prefix in prefixes])
        for name, one in models.items()
    }
    results = {}
    for title, own, other in (
        ("complete ten letters", completing, torch_complete_all),
        ("one more key, and complete", typing, torch_type_all),
    ):
        best = best_of(
            5,
            {
                **own,
                "torch, 1": on_torch_threads(1, other),
                "torch, all": on_torch_threads(N_CORES, other),
            },
        )
        best[TORCH] = min(best.pop("torch, 1"), best.pop("torch, all"))
        results[title] = {name: 1e3 * t / len(prefixes) for name, t in best.items()}
    return results


def main() -> None:
    """Print accuracies and latencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    n_train, n_test, max_iter = 5000, options.names, 200
    if options.quick:
        n_train, n_test, max_iter = 1000, 200, 50
    names = load_python_names(n_train + n_test, min_length=4, random_state=0).data
    train, test = names[:n_train].tolist(), names[n_train:].tolist()
    vocabulary = Trie(load_python_names().data)
    models = {
        name: fitted(train, max_iter, settings) for name, settings in SETTINGS.items()
    }
    completers = {name: completer_of(model) for name, model in models.items()}
    completers["Kneser-Ney 5-gram"] = counted(train, max(map(len, train)))
    head(f"{n_test:,} unseen names at their half", "in the vocabulary", "unlimited")
    shares = {}
    for name, completer in completers.items():
        shares[name] = [share_found(completer, test, v) for v in (vocabulary, None)]
        row(name, *(f"{share:.1%}" for share in shares[name]))
    print()
    head("milliseconds", *models, TORCH)
    times = latencies(models, test)
    for name, result in times.items():
        row(name, *(f"{result[key]:.2f}" for key in (*models, TORCH)))
    save("completion", {"accuracy": shares, "latency": times})


if __name__ == "__main__":
    main()
