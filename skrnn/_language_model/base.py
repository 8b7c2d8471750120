"""Training and scoring of the language model, a classifier of the next token.

    read      start  h  e  l  l  o
    predict   h      e  l  l  o  end

Infrequent tokens share a class, whose probability is divided evenly among them.
"""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._sklearn_compat import HasMethods, fit_context
from skrnn._validation.arrays import Array, Ids, Vector
from skrnn._validation.persistence import VersionedState
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_weights
from skrnn.preprocessing._one_hot import OneHotSequenceEncoder

from .vocabulary import TokenIds, TokenVocabulary, read_texts

NOTHING_READ = "{} is empty; with start=False a prediction needs at least one token"


class BaseLanguageModel(  # numpydoc ignore=PR01
    VersionedState, DensityMixin, BaseEstimator
):
    """Model of sequences of tokens that is trained, scored, and predicts."""

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
            if the classifier is bidirectional or has `transitions=True`; if the encoder
            or the classifier raises it.
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
        if getattr(classifier, "transitions", False):
            raise ValueError(
                f"classifier={classifier} has transitions=True, but the labels are the "
                "next tokens, which the network reads as input; pass transitions=False"
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
                vocab.sequences(read), follow.split(classes), follow.split(weights)
            )
        self.classifier_, self.encoder_ = classifier, encoder
        self.tokens_ = vocab.tokens
        self.max_length_ = int(numbers.lengths.max())
        self._alphabet_parts = vocab._asdict()
        self._columns, self._log_shares = vocab.columns(classifier.classes_, self.end)
        return self

    @property
    def _vocab(self) -> TokenVocabulary:
        # Stored as a dict, so that saved files contain no private types.
        return TokenVocabulary(**self._alphabet_parts)

    def _pairs(self, vocab: TokenVocabulary, ids: TokenIds) -> tuple[TokenIds, ...]:
        """Return the inputs, and the next token of each input."""
        bounded = vocab.add_boundaries(ids, start=self.start, end=self.end)
        return bounded.without(-1), bounded.without(0)

    def _log_proba_of(self, sequences: Any) -> tuple[Array, Ids]:
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
            empty = f"prefixes[{texts.lengths.argmin()}]"
            raise ValueError(NOTHING_READ.format(empty))
        found = self.classifier_.predict_log_proba(self._vocab.sequences(texts))
        return np.exp(self._to_tokens(np.stack([steps[-1] for steps in found])))

    def _to_tokens(self, log_proba: Array) -> Array:
        """Convert log-probabilities of classes to those of tokens and the end."""
        n = len(self.tokens_) + self.end
        columns, log_shares = self._columns[:n], self._log_shares[:n]
        return log_proba[:, columns] + log_shares

    def __sklearn_tags__(self) -> Tags:
        """Declare that X contains tokens."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.two_d_array = False
        return tags


def _weights(sample_weight: Any, n_sequences: int) -> Vector:
    """Check the weights of sequences."""
    single = np.ones(n_sequences, np.intp)
    rows = Sequences("rows", None, single, n_features=0, dtype=np.dtype(np.float64))
    return check_weights(sample_weight, rows)
