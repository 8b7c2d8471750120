"""The language model: a classifier of steps whose label is the next token."""

import warnings
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._sklearn_compat import (
    HasMethods,
    Interval,
    fit_context,
    validate_parameter_constraints,
)
from skrnn._validation.containers import shown
from skrnn._validation.persistence import VersionedState, set_module
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_weights
from skrnn._validation.tokens import type_group
from skrnn.preprocessing._one_hot import OneHotSequenceEncoder

from .decoding import (
    BeamState,
    State,
    TokenSampler,
    TrieConstraint,
    Unconstrained,
    complete,
    sample,
)
from .html import network_data, render_page, trie_data, vocabulary_data
from .trie import Trie
from .vocabulary import TokenIds, TokenVocabulary, read_texts

Array = NDArray[Any]
Indices = NDArray[np.intp]

_COUNT = Interval(Integral, 1, None, closed="left")
_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [_COUNT],
    "n_completions": [_COUNT],
    "beam_width": [_COUNT],
    "max_length": [Interval(Integral, 0, None, closed="left"), None],
    "temperature": [Interval(Real, 0, None, closed="neither")],
    "top_k": [_COUNT, None],
    "top_p": [Interval(Real, 0, 1, closed="right"), None],
    "random_state": ["random_state"],
    "title": [str],
}


class DecoderState(NamedTuple):
    """A text as far as it was read: what `read` returns and takes.

    Attributes
    ----------
    text : str or list
        What was read.
    log_proba : ndarray of shape (n_columns,)
        Logarithms of the probabilities of what comes next, in the order of
        `predict_proba`.
    state : tuple of ndarray of shape (1, n_hidden)
        The states of each layer.
    """

    text: Any
    log_proba: Array
    state: State


@set_module("skrnn")
class VanillaRNNLanguageModel(VersionedState, DensityMixin, BaseEstimator):
    r"""Recurrent network that says which token comes next.

    It learns from sequences alone, strings or lists of tokens: it reads a token at a
    time and gives every token a probability of being the next one. So it scores
    sequences, draws new ones, and completes what somebody is typing.

    Parameters
    ----------
    classifier : VanillaRNNClassifier, default=None
        The network, which has to be one-way. None is a
        :class:`VanillaRNNClassifier` with its defaults.
    encoder : OneHotSequenceEncoder, default=None
        What turns tokens into features. It also decides about tokens that `fit` has
        not seen, and which tokens are too rare to be told apart (see Notes). None is a
        :class:`OneHotSequenceEncoder` with its defaults.
    start : bool, default=True
        Whether the model reads a start before the first token, so that the first token
        is predicted too.
    end : bool, default=True
        Whether the model predicts where a sequence ends.

    Attributes
    ----------
    classifier_ : VanillaRNNClassifier
        The fitted network.
    encoder_ : OneHotSequenceEncoder
        The fitted encoder.
    tokens_ : ndarray of shape (n_tokens,)
        The tokens, in the order of the columns of `predict_proba`.
    max_length_ : int
        Length of the longest sequence in `fit`, in tokens.

    See Also
    --------
    VanillaRNNClassifier : Labels every step of a sequence.
    Trie : The known entries that completions can be limited to.

    Notes
    -----
    The probability of a sequence is the product of those of its tokens, each given all
    tokens before it, and of the end. With `start=True` and `end=True` a sequence of
    length n so counts as n + 1 tokens, and the probabilities of all sequences sum to 1;
    with `start=False` the first token counts for nothing, with `end=False` the end.

    Tokens that the encoder takes for infrequent (`min_frequency`, `max_categories`)
    share one column of it, and one class of the network, whose probability is divided
    evenly among them; all tokens keep a column in `predict_proba`. What happens with a
    token that is not in `tokens_` is up to the encoder's `handle_unknown`:

    =======================  =====================================================
    "error"                  an error
    "ignore"                 it is read as a row of zeros; where the next token is
                             such a one, nothing is predicted or counted
    "infrequent_if_exist"    it is one more of the infrequent tokens, where there
                             are any, and otherwise ignored
    "warn"                   the same, with a warning
    =======================  =====================================================

    The network reads one token after the other and carries its state along. Nothing is
    read twice: the search for completions goes on from the state behind the prefix, and
    `read` gives that state to callers who get their text one key at a time.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
    >>> network = VanillaRNNClassifier(8, alpha=0.01, random_state=0)
    >>> model = VanillaRNNLanguageModel(network).fit(["hello"])
    >>> [(text, log_proba)] = model.complete("h", n_completions=1)
    >>> text, bool(log_proba > -0.1)
    ('hello', True)
    >>> model.tokens_[
    ...     model.predict_proba(["", "h", "he", "hel", "hell"]).argmax(axis=1)
    ... ]
    array(['h', 'e', 'l', 'l', 'o'], dtype=object)
    >>> model.sample(3, random_state=0)
    ['hello', 'hello', 'hello']

    One key at a time, and only what is in a vocabulary:

    >>> from skrnn import Trie
    >>> reading = model.read("hel")
    >>> reading = model.read("l", reading)
    >>> [text for text, _ in model.complete(reading, vocabulary=Trie(["hell", "help"]))]
    ['hell']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "classifier": [HasMethods(["fit", "predict_log_proba"]), None],
        "encoder": [OneHotSequenceEncoder, None],
        "start": ["boolean"],
        "end": ["boolean"],
    }

    def __init__(
        self,
        classifier: Any = None,
        encoder: Any = None,
        *,
        start: bool = True,
        end: bool = True,
    ) -> None:
        self.classifier = classifier
        self.encoder = encoder
        self.start = start
        self.end = end

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, sequences: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn which token follows which beginning.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Strings, lists of tokens, or any other form that
            :class:`OneHotSequenceEncoder` takes.
        y : object, default=None
            Ignored; scikit-learn's tools pass it.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence, for instance how often it occurs.

        Returns
        -------
        VanillaRNNLanguageModel
            The fitted model itself.

        Raises
        ------
        ValueError
            If `sequences` is a single string, holds no tokens or none to be predicted,
            or holds None, NaN or infinity; if `sample_weight` is not as described; if
            the classifier is two-way; whatever the encoder and the classifier raise.
        TypeError
            If tokens are unhashable, of several types, or have no order.
        """
        default = VanillaRNNClassifier(), OneHotSequenceEncoder()
        classifier = clone(default[0] if self.classifier is None else self.classifier)
        encoder = clone(default[1] if self.encoder is None else self.encoder)
        if not hasattr(classifier, "step"):
            raise ValueError(
                f"classifier={classifier} cannot read step by step; pass a one-way "
                "network, with bidirectional=False: a two-way one would see the token "
                "that it is to predict"
            )
        tokens, texts = read_texts(sequences)
        encoder.fit(texts)
        vocab = TokenVocabulary.of(
            encoder, as_text=tokens.form == "strings", has_start=self.start
        )
        numbers = vocab.read(texts, encoder)
        read, follow = self._pairs(vocab, numbers)
        classes = vocab.classes(self.end)[follow.flat]
        weights = _weights(sample_weight, len(numbers.lengths))[follow.sequence_ids]
        if not (classes >= 0).any():
            raise ValueError(
                "sequences has no token to predict: all are too short, or unknown"
            )
        # A step of weight 0 is read, but what follows it is not learned.
        weights[classes < 0] = 0
        classes[classes < 0] = classes.max()
        with warnings.catch_warnings():
            # Short texts of many letters are no regression problem.
            warnings.filterwarnings("ignore", "The number of unique classes")
            classifier.fit(
                vocab.sequences(read),
                _cut(classes, follow),
                _cut(weights, follow),
            )
        self.classifier_, self.encoder_ = classifier, encoder
        self.tokens_ = vocab.tokens
        self.max_length_ = int(numbers.lengths.max())
        self._alphabet_parts = vocab._asdict()
        self._columns, self._log_shares = _columns(
            vocab, classifier.classes_, has_end=self.end
        )
        return self

    @property
    def _vocab(self) -> TokenVocabulary:
        # Stored as a dict, so that files hold no type of ours.
        return TokenVocabulary(**self._alphabet_parts)

    def _pairs(
        self, vocab: TokenVocabulary, texts: TokenIds
    ) -> tuple[TokenIds, TokenIds]:
        """Return what is read, and what follows each of it."""
        bounded = vocab.add_boundaries(texts, start=self.start, end=self.end)
        return bounded.without(-1), bounded.without(0)

    def _log_proba_of(self, sequences: Any) -> tuple[Array, Indices]:
        """Return the log-probability and the number of tokens of each sequence."""
        check_is_fitted(self)
        vocab = self._vocab
        numbers = vocab.read(sequences, self.encoder_)
        read, follow = self._pairs(vocab, numbers)
        log_proba = np.zeros(len(follow.flat))
        counts = vocab.classes(self.end)[follow.flat] >= 0
        if counts.any():
            found = self.classifier_.predict_log_proba(vocab.sequences(read))
            steps = np.arange(len(follow.flat))
            log_proba += np.concatenate(list(found))[steps, self._columns[follow.flat]]
            log_proba += self._log_shares[follow.flat]
            log_proba[~counts] = 0
        n = len(follow.lengths)
        totals = np.bincount(follow.sequence_ids, log_proba, minlength=n)
        return totals, np.bincount(follow.sequence_ids[counts], minlength=n)

    def score_samples(self, sequences: Any) -> Array:
        """Compute the log-probability of each sequence.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.

        Returns
        -------
        ndarray of shape (n_sequences,)
            The sum of the log-probabilities of the tokens and the end, in nats.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `sequences` is not as described, or the encoder rejects a token.
        TypeError
            If tokens are of another type than in `fit`.
        """
        return self._log_proba_of(sequences)[0]

    def score(self, sequences: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute the mean log-probability per token, the end counted as one.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.
        y : object, default=None
            Ignored; scikit-learn's tools pass it.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence.

        Returns
        -------
        float
            The mean in nats. It is minus infinity if a token of the encoder's
            `categories` was not in `fit`.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `sequences` or `sample_weight` is not as described, the encoder rejects a
            token, or no token is to be predicted.
        TypeError
            If tokens are of another type than in `fit`.
        """
        log_proba, n_tokens = self._log_proba_of(sequences)
        weights = _weights(sample_weight, len(n_tokens))
        total = weights @ n_tokens
        if not total:
            raise ValueError(
                "sequences of weight above zero have no token to predict: all are too "
                "short, or unknown"
            )
        # Nothing times minus infinity were no number.
        log_proba[weights == 0] = 0
        return float(weights @ log_proba / total)

    def perplexity(self, sequences: Any, sample_weight: Any = None) -> float:
        """Compute the perplexity: among how many tokens the model might as well guess.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence.

        Returns
        -------
        float
            `exp(-score)`, between 1 and infinity.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As `score` does.
        """
        return float(np.exp(-self.score(sequences, sample_weight=sample_weight)))

    def bits_per_token(self, sequences: Any, sample_weight: Any = None) -> float:
        """Compute the cross-entropy in bits per token, the end counted as one.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence.

        Returns
        -------
        float
            `-score / log(2)`: the length of the shortest code, per token.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As `score` does.
        """
        return -self.score(sequences, sample_weight=sample_weight) / float(np.log(2))

    def predict_proba(self, prefixes: Any) -> Array:
        """Predict the probability of every token to come next.

        Parameters
        ----------
        prefixes : array-like of n_prefixes sequences
            Beginnings of sequences, in any of the forms that `fit` takes. They can be
            empty if `start=True`.

        Returns
        -------
        ndarray of shape (n_prefixes, n_tokens + 1) or (n_prefixes, n_tokens)
            The probabilities, in the order of `tokens_`; with `end=True` the last
            column is that of the end.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `prefixes` is not as described, the encoder rejects a token, or a prefix
            is empty and `start=False`.
        TypeError
            If tokens are of another type than in `fit`.
        """
        check_is_fitted(self)
        numbers = self._vocab.read(prefixes, self.encoder_)
        texts = self._vocab.add_boundaries(numbers, start=self.start, end=False)
        if not texts.lengths.all():
            raise ValueError(
                f"prefixes[{texts.lengths.argmin()}] is empty; with start=False "
                "something has to be read before anything is predicted"
            )
        found = self.classifier_.predict_log_proba(self._vocab.sequences(texts))
        return np.exp(self._to_tokens(np.stack([steps[-1] for steps in found])))

    def _to_tokens(self, log_proba: Array) -> Array:
        """Turn log-probabilities of classes into those of tokens, and of the end."""
        n = len(self.tokens_) + self.end
        columns, log_shares = self._columns[:n], self._log_shares[:n]
        spread: Array = log_proba[:, columns] + log_shares
        return spread

    def _advance(self, numbers: Indices, state: State) -> BeamState:
        """Read one more token of several texts."""
        proba, state = self.classifier_.step(self._vocab.dense_rows(numbers), state)
        return BeamState(self._token_log_proba(proba), state)

    def _token_log_proba(self, proba: Array) -> Array:
        """Turn probabilities of classes into logarithms of those of tokens."""
        with np.errstate(divide="ignore"):
            return self._to_tokens(np.log(proba.astype(np.float64, copy=False)))

    def read(self, tokens: Any, reading: DecoderState | None = None) -> DecoderState:
        """Read tokens, and remember where they lead.

        What is returned serves as a prefix for `complete` and `sample`, and to read on
        from, at a cost that does not depend on what was read before. It is never
        changed, so to take a key back is to go on with an earlier one.

        Parameters
        ----------
        tokens : str or list
            The tokens that come next: a string where `fit` had strings, else a list.
        reading : DecoderState, default=None
            What an earlier call returned, for tokens that come behind others. None
            begins a new text.

        Returns
        -------
        DecoderState
            A named tuple of the text read so far (`text`), the logarithms of the
            probabilities of what comes next (`log_proba`), and the state (`state`).

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If the encoder rejects a token, or nothing was read and `start=False`.
        TypeError
            If `tokens` are of another type than in `fit`.
        """
        check_is_fitted(self)
        vocab = self._vocab
        _, [tokens] = read_texts([tokens])
        numbers = vocab.read([tokens], self.encoder_).flat
        if reading is None:
            text = vocab.join("" if vocab.as_text else [], [])
            state = self.classifier_.initial_state()
            log_proba = None
            numbers = np.append([vocab.boundary_id] * self.start, numbers).astype(
                np.intp
            )
        else:
            text, log_proba, state = reading
        rows = vocab.dense_rows(numbers)
        for i in range(len(rows)):
            proba, state = self.classifier_.step(rows[i : i + 1], state)
        if len(rows):
            (log_proba,) = self._token_log_proba(proba)
        if log_proba is None:
            raise ValueError(
                "the prefix is empty; with start=False something has to be read "
                "before anything is predicted"
            )
        text = text + ("".join(tokens) if vocab.as_text else list(tokens))
        return DecoderState(text, log_proba, state)

    def _prefix_state(self, prefix: Any) -> tuple[Any, BeamState]:
        """Return the text of a prefix, and what is known behind it."""
        text, log_proba, state = (
            prefix if isinstance(prefix, DecoderState) else self.read(prefix)
        )
        return text, BeamState(log_proba[None], state)

    def complete(
        self,
        prefix: Any = "",
        n_completions: int = 5,
        *,
        max_length: int | None = None,
        beam_width: int = 10,
        vocabulary: Any = None,
    ) -> list[tuple[Any, float]]:
        """Find the most probable whole sequences that begin with a prefix.

        It is a beam search: of all beginnings of equal length only the most probable
        are read on. A wide beam finds the most probable completions, a narrow one may
        miss some.

        Parameters
        ----------
        prefix : str, list or DecoderState, default=""
            The beginning, or what `read` returned.
        n_completions : int, default=5
            How many to find.
        max_length : int, default=None
            Largest number of tokens to add to the prefix. None is the length of the
            longest sequence in `fit`.
        beam_width : int, default=10
            How many beginnings to read on, at least `n_completions`.
        vocabulary : Trie or iterable of entries, default=None
            The only sequences that may be found: strings or lists of tokens, as in
            `fit`. A :class:`Trie` is made once, other collections are made into one in
            every call.

        Returns
        -------
        list of (str or list, float)
            The completions, each with the prefix, and the logarithm of their
            probability given the prefix, best first. There are fewer than
            `n_completions` where no more end within `max_length` tokens. Without an end
            (`end=False`) a sequence is whole if it is in the vocabulary, or, where
            there is none, `max_length` tokens longer than the prefix.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of its range, the encoder rejects a token of the
            prefix, or the prefix is empty and `start=False`.
        TypeError
            If the prefix or the vocabulary is of another type than in `fit`.
        """
        _validate("complete", locals())
        check_is_fitted(self)
        text, beam = self._prefix_state(prefix)
        constraint: Unconstrained | TrieConstraint | None = Unconstrained(
            len(self.tokens_)
        )
        if vocabulary is not None:
            constraint = self._trie_constraint(vocabulary, text)
        if constraint is None:
            return []
        found = complete(
            beam,
            self._advance,
            constraint,
            n_completions=n_completions,
            beam_width=max(beam_width, n_completions),
            max_length=self.max_length_ if max_length is None else max_length,
            has_end=self.end,
        )
        return [(self._vocab.join(text, tokens), p) for p, tokens in found]

    def _trie_of(self, vocabulary: Any) -> Trie:
        """Return a vocabulary of what the model was fitted on, strings or lists."""
        trie = vocabulary if isinstance(vocabulary, Trie) else Trie(vocabulary)
        as_text = self._vocab.as_text
        kinds = ["lists of tokens", "strings"]
        if trie.holds_strings is (not as_text):
            raise TypeError(
                f"the model was fitted on {kinds[as_text]}, but vocabulary holds "
                f"{kinds[not as_text]}"
            )
        known, tokens = self.tokens_[0], trie.children(0)
        group = type_group(type(known))
        if tokens and all(type_group(type(token)) is not group for token in tokens):
            token = next(iter(tokens))
            raise TypeError(
                f"vocabulary holds tokens such as {shown(token)} of type "
                f"{type(token).__name__}, but the model was fitted on tokens of type "
                f"{type(known).__name__}"
            )
        return trie

    def _trie_constraint(self, vocabulary: Any, text: Any) -> TrieConstraint | None:
        trie = self._trie_of(vocabulary)
        node = trie.find(text)
        return (
            None if node is None else TrieConstraint(trie, self._vocab.number_of, node)
        )

    def sample(
        self,
        n_samples: int = 1,
        prefix: Any = "",
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        max_length: int | None = None,
        random_state: Any = None,
    ) -> list[Any]:
        """Draw sequences that begin with a prefix.

        Parameters
        ----------
        n_samples : int, default=1
            How many to draw.
        prefix : str, list or DecoderState, default=""
            The beginning, or what `read` returned.
        temperature : float, default=1.0
            What log-probabilities are divided by: 1 draws from the model, less prefers
            what is probable, more comes closer to all tokens alike.
        top_k : int, default=None
            Draw among so many most probable tokens only.
        top_p : float, default=None
            Draw among the most probable tokens only, as few as have this probability
            together.
        max_length : int, default=None
            Largest number of tokens to add to the prefix; a sequence that has not ended
            by then is cut off. None is the length of the longest sequence in `fit`.
        random_state : int, RandomState instance or None, default=None
            Determines what is drawn.

        Returns
        -------
        list of n_samples str or list
            The sequences, each with the prefix.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of its range, the encoder rejects a token of the
            prefix, or the prefix is empty and `start=False`.
        TypeError
            If the prefix is of another type than in `fit`.
        """
        _validate("sample", locals())
        check_is_fitted(self)
        text, beam = self._prefix_state(prefix)
        drawn = sample(
            beam,
            self._advance,
            TokenSampler(check_random_state(random_state), temperature, top_k, top_p),
            n_samples=n_samples,
            max_length=self.max_length_ if max_length is None else max_length,
            has_end=self.end,
        )
        return [self._vocab.join(text, tokens) for tokens in drawn]

    def to_html(
        self,
        path: str | PathLike[str],
        *,
        vocabulary: Any = None,
        title: str = "Autocomplete",
        n_completions: int = 5,
    ) -> None:
        """Write a page with a search box that completes what is typed.

        The page is one file with all that it needs, the weights included (in float32).
        It shows the completions that `complete` finds, what the next character may be,
        the hidden state, and the network unrolled over what was typed. It opens in any
        browser and connects to nothing. `page.html#q=abc` opens with "abc" typed.

        Parameters
        ----------
        path : str or path-like
            The file to write. It is replaced if it exists.
        vocabulary : Trie or iterable of str, default=None
            The only strings that may be found, as in `complete`.
        title : str, default="Autocomplete"
            The heading.
        n_completions : int, default=5
            How many completions to show.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of its range, or weights or vocabulary take more than
            4,000,000 bytes.
        TypeError
            If the model was fitted on lists of tokens, which cannot be typed as
            characters, or is not made of a :class:`VanillaRNNClassifier`; if the
            vocabulary is not made of strings.
        OSError
            If the file cannot be written.
        """
        _validate("to_html", locals())
        check_is_fitted(self)
        if not self._vocab.as_text:
            raise TypeError(
                "the model was fitted on lists of tokens; what is typed into the page "
                "is characters, so fit it on strings"
            )
        if not isinstance(self.classifier_, VanillaRNNClassifier):
            raise TypeError(
                f"the page computes a VanillaRNNClassifier, but classifier_ is a "
                f"{type(self.classifier_).__name__}"
            )
        if vocabulary is not None:
            vocabulary = self._trie_of(vocabulary)
        n = len(self.tokens_) + self.end
        page = render_page(
            {
                **network_data(self.classifier_),
                **vocabulary_data(self._vocab, self._columns[:n], self._log_shares[:n]),
                "start": self.start,
                "end": self.end,
                "refuses_unknown": self.encoder_.handle_unknown == "error",
                "n_steps": self.encoder_.n_steps,
                "max_length": self.max_length_,
                "n_completions": n_completions,
                "beam_width": max(10, n_completions),
                "vocabulary": None if vocabulary is None else trie_data(vocabulary),
            },
            title,
        )
        Path(path).write_text(page, encoding="utf-8", newline="\n")

    def __sklearn_tags__(self) -> Tags:
        """Say that X holds tokens."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.two_d_array = False
        return tags


def _validate(caller: str, arguments: dict[str, Any]) -> None:
    checked = {name: arguments[name] for name in _CONSTRAINTS if name in arguments}
    validate_parameter_constraints(_CONSTRAINTS, checked, caller)


def _weights(sample_weight: Any, n_sequences: int) -> NDArray[np.float64]:
    """Check the weights of sequences."""
    single = np.ones(n_sequences, np.intp)
    rows = Sequences("rows", None, single, n_features=0, dtype=np.dtype(np.float64))
    return check_weights(sample_weight, rows)


def _cut(values: Array, texts: TokenIds) -> list[Array]:
    """Give each text that has any tokens its values."""
    ends = texts.lengths[texts.lengths > 0].cumsum()
    return np.split(values, ends[:-1])


def _columns(
    vocab: TokenVocabulary, known: Array, *, has_end: bool
) -> tuple[Indices, Array]:
    """Find the column of every number among the classes of the classifier.

    With it comes what to add to the log-probability there: the logarithm of the
    number's share of its class, minus infinity where `fit` never met the class.
    """
    classes = vocab.classes(has_end)
    columns = np.minimum(np.searchsorted(known, classes), len(known) - 1)
    log_shares = np.where(known[columns] == classes, vocab.log_shares(), -np.inf)
    return columns, log_shares
