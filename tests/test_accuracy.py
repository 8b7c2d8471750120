"""What the classifier learns, against what can be learned."""

import pytest

from skrnn import VanillaRNNClassifier
from skrnn.datasets import load_hello, make_hmm_sequences, make_recall

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("bidirectional", "posterior"), [(False, "filtering"), (True, "smoothing")]
)
def test_states_of_a_markov_chain_are_labeled_almost_as_well_as_possible(
    bidirectional, posterior
):
    train = make_hmm_sequences(1000, random_state=0)
    test = make_hmm_sequences(1000, random_state=1)
    model = VanillaRNNClassifier(
        8, bidirectional=bidirectional, alpha=1, max_iter=60, random_state=0
    )
    model.fit(train.data, train.target)
    valid = test.target >= 0
    best = test[posterior][valid].argmax(axis=-1) == test.target[valid]
    assert model.score(test.data, test.target) > best.mean() - 0.015


def test_a_two_way_model_beats_what_one_way_models_can_reach():
    train = make_hmm_sequences(1000, random_state=0)
    test = make_hmm_sequences(1000, random_state=1)
    model = VanillaRNNClassifier(
        8, bidirectional=True, alpha=1, max_iter=60, random_state=0
    )
    model.fit(train.data, train.target)
    valid = test.target >= 0
    filtered = test.filtering[valid].argmax(axis=-1) == test.target[valid]
    assert model.score(test.data, test.target) > filtered.mean() + 0.01


@pytest.mark.parametrize("random_state", range(3))
def test_hello_is_learned_exactly(random_state):
    hello = load_hello()
    model = VanillaRNNClassifier(8, alpha=0.01, random_state=random_state)
    labels = model.fit(hello.data, hello.target).predict(hello.data)
    assert labels.tolist() == [["e", "l", "l", "o"]]


def test_a_strong_prior_outweighs_four_letters():
    hello = load_hello()
    model = VanillaRNNClassifier(8, alpha=10, random_state=0)
    model.fit(hello.data, hello.target)
    assert model.score(hello.data, hello.target) < 1


def test_a_symbol_is_recalled_after_ten_steps():
    train = make_recall(300, n_steps=11, n_symbols=2, lag=10, random_state=0)
    test = make_recall(200, n_steps=11, n_symbols=2, lag=10, random_state=1)
    model = VanillaRNNClassifier(24, alpha=0.01, max_iter=300, n_init=3, random_state=0)
    model.fit(train.data, train.target)
    assert model.score(test.data, test.target) == 1
