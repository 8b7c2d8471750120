"""The language model: reading, completing and sampling text, token by token."""

from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._network.model.loss import log_softmax
from skrnn._sklearn_compat import Interval, validate_parameter_constraints
from skrnn._validation.arrays import Array, Ids
from skrnn._validation.containers import shown
from skrnn._validation.persistence import set_module
from skrnn._validation.tokens import type_group

from . import decoding
from .base import NOTHING_READ, BaseLanguageModel
from .decoding import BeamState, State, TokenSampler, TrieConstraint, Unconstrained
from .html import model_data, render_page
from .trie import Trie
from .vocabulary import read_texts

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
        The hidden state of each layer. With n-grams, followed by the numbers of the
        n-grams of each length that end here, of shape (1, max_n).
    """

    text: Any
    log_proba: Array
    state: State


@set_module("skrnn")
class VanillaRNNLanguageModel(BaseLanguageModel):  # numpydoc ignore=PR02
    r"""Recurrent network and n-grams that predict the next token.

    The model is trained on unlabeled sequences, strings or lists of tokens. It reads
    one token at a time and predicts the probability of every token to be the next. It
    can score sequences, sample new ones, and complete text as it is typed.

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
    ngram_range : tuple (min_n, max_n) or None, default=(1, 5)
        Lengths of the n-grams of tokens whose weights add to the logits of the network.
        None for the network alone. N-grams need a :class:`VanillaRNNClassifier` without
        `skip_connection`.
    ngram_min_frequency : int, default=1
        Number of occurrences in `fit` below which an n-gram has no weights. A text
        counts once, whatever its weight, and not at all if that is 0.

    Attributes
    ----------
    classifier_ : VanillaRNNClassifier
        The fitted network. With n-grams, its own predictions lack their part.
    encoder_ : OneHotSequenceEncoder
        The fitted encoder.
    tokens_ : ndarray of shape (n_tokens,)
        The tokens, in the order of the columns of `predict_proba`.
    ngrams_ : list of tuple, or None
        The n-grams of the rows of `ngram_coef_`. Their tokens are those of the
        encoder's columns: None is the start, ``"infrequent_sklearn"`` stands for all
        infrequent tokens. None if `ngram_range=None`, or no n-gram occurs often enough.
    ngram_coef_ : csr_array of shape (n_ngrams, n_classes), or None
        Weights of the n-grams, with an entry for each pair of an n-gram and a following
        token in `fit`; 0 for pairs that only texts held out by early stopping have. The
        columns are the classes of `classifier_`: tokens by number,
        infrequent ones as one, and the end.
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

    With n-grams, the logits are

    .. math::

        L_t = h_t W_{hy} + b_y + \sum_{n} V_{g_n(t)},

    where :math:`g_n(t)` is the n-gram that ends at token t, start included, and V is
    `ngram_coef_`. This is a maximum entropy model beside the network [1]_ [2]_. The
    prior variance of a weight is 1 / (n `skip_alpha_`): longer n-grams occur more
    rarely and must be penalized more strongly. The classifier's `skip_alpha` is the
    strength for n-grams; "auto" chooses it by held-out sequences, before all other
    weights are trained. The classifier's `alpha="auto"` is then 10. Memory and time
    depend on the number of pairs, not on that of n-grams times tokens.

    The network reads one token at a time and updates its state. No token is processed
    twice: completion continues from the state after the prefix, and `read` returns
    this state to callers whose text arrives one key at a time.

    References
    ----------
    .. [1] R. Rosenfeld, "A maximum entropy approach to adaptive statistical language
           modeling", Computer Speech and Language 10, 1996.
    .. [2] T. Mikolov et al., "Strategies for training large scale neural network
           language models", ASRU 2011.

    Examples
    --------
    >>> from skrnn import VanillaRNNClassifier, VanillaRNNLanguageModel
    >>> network = VanillaRNNClassifier(8, alpha=0.01, random_state=0)
    >>> model = VanillaRNNLanguageModel(network, ngram_range=None).fit(["hello"])
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

    def _advance(self, numbers: Ids, state: State) -> BeamState:
        """Process the next token of several texts."""
        rows, table = self._vocab.dense_rows(numbers), self._ngrams
        if table is None:
            proba, state = self.classifier_.step(rows, state)
            with np.errstate(divide="ignore"):
                log_proba = np.log(proba.astype(np.float64, copy=False))
        else:
            *hidden, found = state
            logits, hidden = self.classifier_._step(rows, tuple(hidden))
            found = table.advance(numbers, found)
            table.add_scores(found, logits)
            log_proba = log_softmax(logits.astype(np.float64, copy=False))
            state = (*hidden, found)
        return BeamState(self._to_tokens(log_proba), state)

    def _initial_state(self) -> State:
        """Return the state before the first token."""
        state: State = self.classifier_.initial_state()
        table = self._ngrams
        return state if table is None else (*state, table.start(1))

    def _checked(self, reading: DecoderState) -> DecoderState:
        """Return a decoder state, checked to have the form of the model's own."""
        own, found = self._initial_state(), reading.state
        if [part.shape for part in found] != [part.shape for part in own]:
            raise ValueError(
                f"the state of the reading has arrays of shape "
                f"{[part.shape for part in found]}, but those of the model have "
                f"{[part.shape for part in own]}; a reading belongs to the model that "
                "made it"
            )
        return reading

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
            If the encoder rejects a token, the text is empty and `start=False`, or the
            state is of another model.
        TypeError
            If `tokens` have a different type than in `fit`.
        """
        check_is_fitted(self)
        vocab = self._vocab
        _, [tokens] = read_texts([tokens])
        ids = vocab.read([tokens], self.encoder_)
        if reading is None:
            text: Any = "" if vocab.as_text else []
            log_proba = None
            state = self._initial_state()
            ids = vocab.add_boundaries(ids, start=self.start, end=False)
        else:
            text, log_proba, state = self._checked(reading)
        for i in range(len(ids.flat)):
            (log_proba,), state = self._advance(ids.flat[i : i + 1], state)
        if log_proba is None:
            raise ValueError(NOTHING_READ.format("the prefix"))
        text = text + ("".join(tokens) if vocab.as_text else list(tokens))
        return DecoderState(text, log_proba, state)

    def _prefix_state(self, prefix: Any) -> tuple[Any, BeamState]:
        """Return the text of a prefix, and the beam state after it."""
        if isinstance(prefix, DecoderState):
            text, log_proba, state = self._checked(prefix)
        else:
            text, log_proba, state = self.read(prefix)
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
        validate_parameter_constraints(_CONSTRAINTS, locals(), "complete")
        check_is_fitted(self)
        text, beam = self._prefix_state(prefix)
        constraint: Unconstrained | TrieConstraint = Unconstrained(len(self.tokens_))
        if vocabulary is not None:
            trie = self._trie_of(vocabulary)
            node = trie.find(text)
            if node is None:
                return []
            constraint = TrieConstraint(trie, self._vocab.number_of, node)
        found = decoding.complete(
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
        if trie.holds_strings is not None:
            self._vocab.check_form(trie.holds_strings, "vocabulary holds")
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
        validate_parameter_constraints(_CONSTRAINTS, locals(), "sample")
        check_is_fitted(self)
        text, beam = self._prefix_state(prefix)
        drawn = decoding.sample(
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
            If a parameter is out of range, the classifier has direct weights
            (`skip_connection=True`), or the weights, the n-grams or the vocabulary take
            more than 4,000,000 bytes.
        TypeError
            If the model was fitted on lists of tokens, which cannot be typed as
            characters; if its classifier is not a :class:`VanillaRNNClassifier`; if
            the vocabulary contains anything but strings.
        OSError
            If the file cannot be written.
        """
        validate_parameter_constraints(_CONSTRAINTS, locals(), "to_html")
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
        page = render_page(model_data(self, vocabulary, n_completions), title)
        Path(path).write_text(page, encoding="utf-8", newline="\n")
