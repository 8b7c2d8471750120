"""The n-grams that the benchmarks compare with are what they say they are."""

import doctest
import importlib.util
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

PATH = Path(__file__).parents[1] / "benchmarks" / "_ngrams.py"
SPEC = importlib.util.spec_from_file_location("_ngrams", PATH)
ngrams = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ngrams)

MODELS = [ngrams.InterpolatedNGram, ngrams.KneserNey]
TEXTS = st.lists(st.text("abc", max_size=8), min_size=1, max_size=20).filter(any)


def test_numbers_worked_out_by_hand_are_found():
    failed, attempted = doctest.testmod(ngrams)
    assert attempted == 10
    assert failed == 0


@pytest.mark.parametrize("model", MODELS)
@given(texts=TEXTS, order=st.integers(1, 5), before=st.text("abc", max_size=8))
def test_probabilities_sum_to_one_after_any_text(model, texts, order, before):
    after = model(texts, order=order, tokens="abc").after(before).values()
    assert min(after) > 0
    assert math.isclose(sum(after), 1, rel_tol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_the_score_is_the_mean_over_tokens_and_the_end(model):
    fitted = model(["ab", "aba"], order=2)
    p = fitted.after("")["a"] * fitted.after("a")["b"] * fitted.after("ab")[ngrams.END]
    assert math.isclose(fitted.bits_per_token(["ab"]), -math.log2(p) / 3)
