"""Training and scoring of the language model, a classifier of the next token.

    read      start  h  e  l  l  o
    predict   h      e  l  l  o  end

The n-grams that end at the token read add to the logits of the network.

Infrequent tokens share a class, whose probability is divided evenly among them.
"""

import operator
import warnings
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, DensityMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.classifier import VanillaRNNClassifier
from skrnn._network import inference
from skrnn._network.model.loss import log_softmax
from skrnn._sklearn_compat import HasMethods, Interval, fit_context
from skrnn._validation.arrays import Array, Ids, Mask, Vector
from skrnn._validation.persistence import VersionedState
from skrnn._validation.sequences import Sequences
from skrnn._validation.targets import check_groups, check_weights
from skrnn.preprocessing._one_hot import OneHotSequenceEncoder

from .ngrams import NgramTable
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
        "ngram_range": [tuple, list, None],
        "ngram_min_frequency": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        classifier: Any = None,
        encoder: Any = None,
        *,
        start: bool = True,
        end: bool = True,
        ngram_range: tuple[int, int] | None = (1, 5),
        ngram_min_frequency: int = 1,
    ) -> None:
        self.classifier = classifier
        self.encoder = encoder
        self.start = start
        self.end = end
        self.ngram_range = ngram_range
        self.ngram_min_frequency = ngram_min_frequency

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        sequences: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        groups: Any = None,
    ) -> Self:
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
        groups : array-like of shape (n_sequences,), default=None
            Group of each sequence, such as the document that it is from. Sequences of a
            group are held out together when the classifier chooses the strength of its
            penalty, or stops early.

        Returns
        -------
        VanillaRNNLanguageModel
            The fitted model itself.

        Raises
        ------
        ValueError
            If `sequences` is a single string, contains no tokens or none to predict,
            or contains None, NaN or infinity; if `sample_weight` or `groups` is not as
            described; if `ngram_range` is neither None nor a pair of lengths, or the
            classifier cannot be combined with n-grams; if the classifier is
            bidirectional or has `transitions=True`; if the encoder or the classifier
            raises it.
        TypeError
            If tokens are unhashable, of mixed types, or cannot be sorted.
        """
        default = VanillaRNNClassifier(), OneHotSequenceEncoder()
        classifier = clone(default[0] if self.classifier is None else self.classifier)
        encoder = clone(default[1] if self.encoder is None else self.encoder)
        ngram_range = self._check_ngram_range(classifier)
        _check_classifier(classifier)
        tokens, texts = read_texts(sequences)
        encoder.fit(texts)
        vocab = TokenVocabulary.of(
            encoder, as_text=tokens.form == "strings", has_start=self.start
        )
        numbers = vocab.read(texts, encoder)
        read, follow = self._pairs(vocab, numbers)
        classes = vocab.classes(self.end)[follow.flat]
        rows = _as_rows(len(numbers.lengths))
        weights = check_weights(sample_weight, rows)[follow.sequence_ids]
        groups = check_groups(groups, rows)
        if groups is not None:
            groups = groups[read.lengths > 0]
        if not (classes >= 0).any():
            raise ValueError(
                "sequences has no token to predict: all are too short, or unknown"
            )
        has_weight = weights > 0
        # Steps with zero weight are processed but excluded from the loss.
        weights[classes < 0] = 0
        classes[classes < 0] = classes.max()
        with warnings.catch_warnings():
            # Short texts with many letters look like regression targets.
            warnings.filterwarnings("ignore", "The number of unique classes")
            parts = self._fit_classifier(
                classifier,
                vocab,
                read,
                classes,
                weights,
                has_weight,
                groups,
                ngram_range,
            )
        self.classifier_, self.encoder_ = classifier, encoder
        self.tokens_ = vocab.tokens
        self.max_length_ = int(numbers.lengths.max())
        self._alphabet_parts = vocab._asdict()
        self._columns, self._log_shares = vocab.columns(classifier.classes_, self.end)
        self._ngram_parts = parts
        return self

    def _check_ngram_range(self, classifier: Any) -> tuple[int, int] | None:
        """Check the range of the lengths of n-grams, and that they are possible."""
        if self.ngram_range is None:
            return None
        try:
            min_n, max_n = (int(operator.index(n)) for n in self.ngram_range)
        except (TypeError, ValueError):
            min_n, max_n = 0, 0
        if not 1 <= min_n <= max_n:
            raise ValueError(
                "ngram_range must be None or a pair of integers (min_n, max_n) with "
                f"1 <= min_n <= max_n; got {self.ngram_range!r}"
            )
        is_network = isinstance(classifier, VanillaRNNClassifier)
        if not is_network or classifier.skip_connection:
            raise ValueError(
                f"n-grams add to the logits of a VanillaRNNClassifier without direct "
                f"weights; set ngram_range=None for classifier={classifier}"
            )
        return min_n, max_n

    def _fit_classifier(
        self,
        classifier: Any,
        vocab: TokenVocabulary,
        read: TokenIds,
        classes: Ids,
        weights: Vector,
        has_weight: Mask,
        groups: Ids | None,
        ngram_range: tuple[int, int] | None,
    ) -> dict[str, Any] | None:
        """Train the classifier; return the n-grams beside it, if any."""
        X, w = vocab.sequences(read), read.split(weights)
        if ngram_range is not None:
            known, y = np.unique(classes, return_inverse=True)
            table, ngrams = NgramTable.learn(
                read,
                vocab.input_columns,
                y,
                weights,
                has_weight,
                len(known),
                ngram_range,
                self.ngram_min_frequency,
            )
            if ngrams.n_pairs:
                classifier._fit_with_ngrams(X, read.split(classes), w, groups, ngrams)
                found = vars(classifier).pop("_ngram_weights")
                return table._replace(weights=found)._asdict()
        given = {} if groups is None else {"groups": groups}
        classifier.fit(X, read.split(classes), w, **given)
        return None

    @property
    def _ngrams(self) -> NgramTable | None:
        # Models of versions without n-grams lack the attribute.
        parts = vars(self).get("_ngram_parts")
        return None if parts is None else NgramTable(**parts)

    @property
    def ngram_coef_(self) -> Any:  # numpydoc ignore=RT01
        """Sparse array of the weights of n-grams, a row for each; or None."""
        check_is_fitted(self)
        table = self._ngrams
        if table is None:
            return None
        starts = table.starts[table.n_short :]
        shape = len(starts) - 1, table.n_outputs
        # A copy: no one changes the model by it.
        return sparse.csr_array(
            (table.weights, table.outputs, starts), shape, copy=True
        )

    @property
    def ngrams_(self) -> list[tuple[Any, ...]] | None:  # numpydoc ignore=RT01
        """The n-grams, in the order of the rows of `ngram_coef_`; or None."""
        check_is_fitted(self)
        table = self._ngrams
        if table is None:
            return None
        names = self._vocab.names_of_columns()
        return [tuple(names[i] for i in columns) for columns in table.ngrams()]

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
            found = self._class_log_proba(read)
            steps = np.arange(len(follow.flat))
            log_proba += found[steps, self._columns[follow.flat]]
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
        weights = check_weights(sample_weight, _as_rows(len(n_tokens)))
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
        found = self._class_log_proba(texts)
        return np.exp(self._to_tokens(found[np.cumsum(texts.lengths) - 1]))

    def _class_log_proba(self, texts: TokenIds) -> Array:
        """Return the log-probabilities of classes after each token of the texts."""
        X, table = self._vocab.sequences(texts), self._ngrams
        if table is None:
            return np.concatenate(list(self.classifier_.predict_log_proba(X)))
        _, logits = self.classifier_._evaluate(X, inference.logits)
        table.add_scores_of(texts, logits)
        return log_softmax(logits.astype(np.float64, copy=False))

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


def _check_classifier(classifier: Any) -> None:
    """Check that a classifier predicts one token after another."""
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


def _as_rows(n_sequences: int) -> Sequences:
    """Return what checks weights and groups of sequences, each like a single step."""
    single = np.ones(n_sequences, np.intp)
    return Sequences("rows", None, single, n_features=0, dtype=np.dtype(np.float64))
