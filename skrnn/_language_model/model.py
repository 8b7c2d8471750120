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
    """Decoder state after reading a text, returned and accepted by `read`.

    Attributes
    ----------
    text : str or list
        The text read so far.
    log_proba : ndarray of shape (n_columns,)
        Log-probabilities of the next token, in the order of `predict_proba`.
    state : tuple of ndarray of shape (1, n_hidden)
        The hidden state of each layer.
    """

    text: Any
    log_proba: Array
    state: State


@set_module("skrnn")
class VanillaRNNLanguageModel(VersionedState, DensityMixin, BaseEstimator):
    r"""Recurrent network that predicts the next token.

    It is trained on unlabeled sequences, strings or lists of tokens. It reads one
    token at a time and predicts the probability of every token to be the next. It can
    score sequences, sample new ones, and complete text as it is typed.

    Parameters
    ----------
    classifier : VanillaRNNClassifier, default=None
        The network, which must be unidirectional. None uses a
        :class:`VanillaRNNClassifier` with default parameters.
    encoder : OneHotSequenceEncoder, default=None
        Encodes tokens as features. It also determines how unknown tokens are handled
        and which infrequent tokens are grouped (see Notes). None uses a
        :class:`OneHotSequenceEncoder` with default parameters.
    start : bool, default=True
        Whether the model reads a start token before each sequence, so that the first
        token is predicted too.
    end : bool, default=True
        Whether the model predicts the end of each sequence.

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
    Trie : Prefix tree that restricts completions to a vocabulary.

    Notes
    -----
    The probability of a sequence is the product of the conditional probabilities of
    its tokens, each given all previous tokens, and of the end. With `start=True` and
    `end=True`, a sequence of length n counts as n + 1 tokens, and the probabilities of
    all sequences sum to 1. `start=False` leaves out the first token, `end=False` the
    end.

    Tokens that the encoder considers infrequent (`min_frequency`, `max_categories`)
    share one column of the encoder and one class of the network. The probability of
    the class is divided evenly among them; every token keeps its own column in
    `predict_proba`. The encoder's `handle_unknown` determines how tokens outside
    `tokens_` are handled:

    =======================  =====================================================
    "error"                  raises an error
    "ignore"                 encoded as a row of zeros; not predicted or counted
                             as the next token
    "infrequent_if_exist"    grouped with the infrequent tokens if there are any,
                             otherwise ignored
    "warn"                   the same, with a warning
    =======================  =====================================================

    The network reads one token at a time and updates its state. No token is processed
    twice: completion continues from the state after the prefix, and `read` returns
    this state to callers whose text arrives one key at a time.

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

    One key at a time, with completions restricted to a vocabulary:

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
        """Fit the model to sequences.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Strings, lists of tokens, or any other form that
            :class:`OneHotSequenceEncoder` takes.
        y : object, default=None
            Ignored; present for API consistency.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence, for example its frequency.

        Returns
        -------
        VanillaRNNLanguageModel
            The fitted model itself.

        Raises
        ------
        ValueError
            If `sequences` is a single string, contains no tokens or none to predict,
            or contains None, NaN or infinity; if `sample_weight` is not as described;
            if the classifier is bidirectional; if the encoder or the classifier raises
            it.
        TypeError
            If tokens are unhashable, of mixed types, or cannot be sorted.
        """
        default = VanillaRNNClassifier(), OneHotSequenceEncoder()
        classifier = clone(default[0] if self.classifier is None else self.classifier)
        encoder = clone(default[1] if self.encoder is None else self.encoder)
        if not hasattr(classifier, "step"):
            raise ValueError(
                f"classifier={classifier} cannot be stepped; pass a unidirectional "
                "network (bidirectional=False), because a bidirectional one would see "
                "the token to predict"
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
        # Steps with zero weight are processed but excluded from the loss.
        weights[classes < 0] = 0
        classes[classes < 0] = classes.max()
        with warnings.catch_warnings():
            # Short texts with many letters look like regression targets.
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
        # Stored as a dict, so that saved files contain no private types.
        return TokenVocabulary(**self._alphabet_parts)

    def _pairs(
        self, vocab: TokenVocabulary, texts: TokenIds
    ) -> tuple[TokenIds, TokenIds]:
        """Return the inputs, and the next token of each input."""
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
            Sum of the log-probabilities of the tokens and the end, in nats.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `sequences` is not as described, or the encoder rejects a token.
        TypeError
            If tokens have a different type than in `fit`.
        """
        return self._log_proba_of(sequences)[0]

    def score(self, sequences: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Compute the mean log-probability per token, including the end.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.
        y : object, default=None
            Ignored; present for API consistency.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence.

        Returns
        -------
        float
            Mean log-probability in nats. Minus infinity if a token of the encoder's
            `categories` did not occur in `fit`.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `sequences` or `sample_weight` is not as described, the encoder rejects a
            token, or there is no token to predict.
        TypeError
            If tokens have a different type than in `fit`.
        """
        log_proba, n_tokens = self._log_proba_of(sequences)
        weights = _weights(sample_weight, len(n_tokens))
        total = weights @ n_tokens
        if not total:
            raise ValueError(
                "sequences with nonzero weight have no token to predict: all are too "
                "short, or unknown"
            )
        # Zero times minus infinity would be NaN.
        log_proba[weights == 0] = 0
        return float(weights @ log_proba / total)

    def perplexity(self, sequences: Any, sample_weight: Any = None) -> float:
        """Compute the perplexity: the effective number of equally likely tokens.

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
        """Compute the cross-entropy in bits per token, including the end.

        Parameters
        ----------
        sequences : array-like of n_sequences sequences
            Sequences in any of the forms that `fit` takes.
        sample_weight : array-like of shape (n_sequences,), default=None
            Weight of each sequence.

        Returns
        -------
        float
            `-score / log(2)`: the optimal code length per token.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As `score` does.
        """
        return -self.score(sequences, sample_weight=sample_weight) / float(np.log(2))

    def predict_proba(self, prefixes: Any) -> Array:
        """Predict the probability of every token to be the next.

        Parameters
        ----------
        prefixes : array-like of n_prefixes sequences
            Prefixes of sequences, in any of the forms that `fit` takes. They can be
            empty if `start=True`.

        Returns
        -------
        ndarray of shape (n_prefixes, n_tokens + 1) or (n_prefixes, n_tokens)
            Probabilities in the order of `tokens_`; with `end=True` the last column is
            the probability of the end.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If `prefixes` is not as described, the encoder rejects a token, or a prefix
            is empty and `start=False`.
        TypeError
            If tokens have a different type than in `fit`.
        """
        check_is_fitted(self)
        numbers = self._vocab.read(prefixes, self.encoder_)
        texts = self._vocab.add_boundaries(numbers, start=self.start, end=False)
        if not texts.lengths.all():
            raise ValueError(
                f"prefixes[{texts.lengths.argmin()}] is empty; with start=False "
                "a prediction needs at least one token"
            )
        found = self.classifier_.predict_log_proba(self._vocab.sequences(texts))
        return np.exp(self._to_tokens(np.stack([steps[-1] for steps in found])))

    def _to_tokens(self, log_proba: Array) -> Array:
        """Convert log-probabilities of classes to those of tokens and the end."""
        n = len(self.tokens_) + self.end
        columns, log_shares = self._columns[:n], self._log_shares[:n]
        spread: Array = log_proba[:, columns] + log_shares
        return spread

    def _advance(self, numbers: Indices, state: State) -> BeamState:
        """Process the next token of several texts."""
        proba, state = self.classifier_.step(self._vocab.dense_rows(numbers), state)
        return BeamState(self._token_log_proba(proba), state)

    def _token_log_proba(self, proba: Array) -> Array:
        """Convert probabilities of classes to log-probabilities of tokens."""
        with np.errstate(divide="ignore"):
            return self._to_tokens(np.log(proba.astype(np.float64, copy=False)))

    def read(self, tokens: Any, reading: DecoderState | None = None) -> DecoderState:
        """Process tokens and return the decoder state.

        The state can be passed to `complete` and `sample` as a prefix, and to `read` to
        continue. The cost does not depend on the length of the text already read.
        States are never modified: to undo a key, reuse the earlier state.

        Parameters
        ----------
        tokens : str or list
            The next tokens: a string if the model was fitted on strings, else a list.
        reading : DecoderState, default=None
            State returned by an earlier call, to continue its text. None starts a new
            text.

        Returns
        -------
        DecoderState
            Named tuple of the text read so far (`text`), the log-probabilities of the
            next token (`log_proba`), and the hidden state (`state`).

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If the encoder rejects a token, or the text is empty and `start=False`.
        TypeError
            If `tokens` have a different type than in `fit`.
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
                "the prefix is empty; with start=False a prediction needs at "
                "least one token"
            )
        text = text + ("".join(tokens) if vocab.as_text else list(tokens))
        return DecoderState(text, log_proba, state)

    def _prefix_state(self, prefix: Any) -> tuple[Any, BeamState]:
        """Return the text of a prefix, and the beam state after it."""
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
        """Find the most probable complete sequences that start with a prefix.

        Uses beam search: only the most probable candidates of each length are extended.
        A wider beam is less likely to miss probable completions.

        Parameters
        ----------
        prefix : str, list or DecoderState, default=""
            The prefix, or the state returned by `read`.
        n_completions : int, default=5
            Number of completions to find.
        max_length : int, default=None
            Maximum number of tokens to add to the prefix. None uses the length of the
            longest sequence in `fit`.
        beam_width : int, default=10
            Number of candidates to keep, at least `n_completions`.
        vocabulary : Trie or iterable of entries, default=None
            The only sequences that may be found: strings or lists of tokens, as in
            `fit`. A :class:`Trie` is made once, other collections are made into one in
            every call.

        Returns
        -------
        list of (str or list, float)
            Completions including the prefix, each with its log-probability given the
            prefix, best first. There are fewer than `n_completions` if no more
            sequences end within `max_length` tokens. Without an end (`end=False`), a
            sequence is complete if it is in the vocabulary or, without a vocabulary,
            if it is `max_length` tokens longer than the prefix.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of range, the encoder rejects a token of the prefix,
            or the prefix is empty and `start=False`.
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
        """Sample sequences that start with a prefix.

        Parameters
        ----------
        n_samples : int, default=1
            Number of sequences to sample.
        prefix : str, list or DecoderState, default=""
            The prefix, or the state returned by `read`.
        temperature : float, default=1.0
            Divisor of the log-probabilities: 1 samples from the model, lower values
            favor probable tokens, higher values approach a uniform distribution.
        top_k : int, default=None
            Sample only from the `top_k` most probable tokens.
        top_p : float, default=None
            Sample only from the smallest set of most probable tokens whose total
            probability is at least `top_p`.
        max_length : int, default=None
            Maximum number of tokens to add to the prefix; longer sequences are
            truncated. None uses the length of the longest sequence in `fit`.
        random_state : int, RandomState instance or None, default=None
            Seed or generator for sampling.

        Returns
        -------
        list of n_samples str or list
            The sequences, each including the prefix.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of range, the encoder rejects a token of the prefix,
            or the prefix is empty and `start=False`.
        TypeError
            If the prefix has a different type than in `fit`.
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
        """Write an HTML page with a search box that completes typed text.

        The page is one self-contained file that includes the weights (in float32). It
        shows the completions that `complete` finds, the probabilities of the next
        character, the hidden state, and the network unrolled over the typed text. It
        works in any browser and makes no connections. `page.html#q=abc` opens with
        "abc" typed.

        Parameters
        ----------
        path : str or path-like
            The file to write. An existing file is overwritten.
        vocabulary : Trie or iterable of str, default=None
            Restricts completions to these strings, as in `complete`.
        title : str, default="Autocomplete"
            Heading of the page.
        n_completions : int, default=5
            Number of completions to show.

        Raises
        ------
        NotFittedError
            If `fit` was not called before.
        ValueError
            If a parameter is out of range, or the weights or the vocabulary take more
            than 4,000,000 bytes.
        TypeError
            If the model was fitted on lists of tokens, which cannot be typed as
            characters; if its classifier is not a :class:`VanillaRNNClassifier`; if
            the vocabulary contains anything but strings.
        OSError
            If the file cannot be written.
        """
        _validate("to_html", locals())
        check_is_fitted(self)
        if not self._vocab.as_text:
            raise TypeError(
                "the model was fitted on lists of tokens; text typed into the page "
                "consists of characters, so fit it on strings"
            )
        if not isinstance(self.classifier_, VanillaRNNClassifier):
            raise TypeError(
                f"the page supports only a VanillaRNNClassifier, but classifier_ is a "
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
        """Declare that X contains tokens."""
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
    """Split values by text, omitting texts without tokens."""
    ends = texts.lengths[texts.lengths > 0].cumsum()
    return np.split(values, ends[:-1])


def _columns(
    vocab: TokenVocabulary, known: Array, *, has_end: bool
) -> tuple[Indices, Array]:
    """Find the column of every token id among the classes of the classifier.

    Also return the term to add to the log-probability there: the logarithm of the
    token's share of its class, or minus infinity if the class did not occur in `fit`.
    """
    classes = vocab.classes(has_end)
    columns = np.minimum(np.searchsorted(known, classes), len(known) - 1)
    log_shares = np.where(known[columns] == classes, vocab.log_shares(), -np.inf)
    return columns, log_shares
