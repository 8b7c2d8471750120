"""The page of a language model does in a browser what the model does in Python."""

import base64
import copy
import hashlib
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hosts import CHROMIUM, Chromium, Engine, Scripts
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils._param_validation import InvalidParameterError

import skrnn
from skrnn import (
    OneHotSequenceEncoder,
    Trie,
    VanillaRNNClassifier,
    VanillaRNNLanguageModel,
)
from skrnn._language_model.html import MAX_BYTES

WORDS = ["hello", "help", "hell", "held", "hero", "her", "world", "word", "row", "xyz"]
VOCABULARY = [*WORDS, "hey", "help_", "hö", "höl", "hölle", "😀"]
ATTACK = "</script><img src=x onerror=alert(1)><!--<script>"
PARTS = Path(skrnn.__file__).parent / "_language_model" / "html"
COMPLETIONS = """[...list.children].map(
    (option) => [option.children[0].textContent, Number(option.dataset.logProba)]
)"""
ACTIVE = """[...list.children].findIndex(
    (option) => option.getAttribute("aria-selected") === "true"
)"""
STATE_OF_LIST = """[
    list.hidden,
    input.getAttribute("aria-expanded"),
    input.getAttribute("aria-activedescendant"),
]"""


def fit(
    words=WORDS,
    hidden=8,
    *,
    activation="tanh",
    start=True,
    end=True,
    ngram_range=(1, 3),
    **parameters,
):
    encoder = OneHotSequenceEncoder(**parameters)
    network = VanillaRNNClassifier(
        hidden, activation=activation, alpha=0.1, max_iter=30, random_state=0
    )
    model = VanillaRNNLanguageModel(
        network, encoder, start=start, end=end, ngram_range=ngram_range
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(words)


@pytest.fixture(scope="module")
def model():
    return fit()


# A machine without the browser still has the engine.
@pytest.fixture(scope="module", params=["engine", *(["chromium"] if CHROMIUM else [])])
def host(request, tmp_path_factory):
    if request.param == "engine":
        host = Engine()
    else:
        host = Chromium(tmp_path_factory.mktemp("profile"))
    yield host
    host.close()


@pytest.fixture
def show(host, tmp_path):
    """Write a page and open it."""

    def show(model, prefix=None, **parameters):
        model.to_html(tmp_path / "page.html", **parameters)
        host.open(tmp_path / "page.html", prefix)
        return host

    return show


def assert_same(found, expected):
    assert [text for text, _ in found] == [text for text, _ in expected]
    assert_allclose([p for _, p in found], [p for _, p in expected], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("vocabulary", "parameters"),
    [
        (None, {}),
        (VOCABULARY, {}),
        (None, {"ngram_range": None}),
        (VOCABULARY, {"ngram_range": (2, 4)}),
        (None, {"activation": "relu", "hidden": (7, 5)}),
        (VOCABULARY, {"start": False, "hidden": (5,)}),
        (None, {"end": False}),
        (VOCABULARY, {"end": False, "start": False}),
        (None, {"dtype": np.float64, "categories": list("dehlopqrwxyz")}),
        (None, {"min_frequency": 3, "handle_unknown": "ignore"}),
        (VOCABULARY, {"min_frequency": 3, "handle_unknown": "infrequent_if_exist"}),
    ],
)
def test_the_page_finds_the_completions_of_python(show, vocabulary, parameters):
    model = fit(**parameters)
    prefix = "hö" if "handle_unknown" in parameters else "he"
    page = show(model, "h", vocabulary=vocabulary, n_completions=4)
    page.type(prefix[1:])
    expected = model.complete(prefix, 4, vocabulary=vocabulary)
    assert len(expected) > 1
    assert_same(page.evaluate(COMPLETIONS), expected)


@pytest.fixture(scope="module")
def engine(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    model.to_html(path)
    engine = Engine()
    engine.open(path)
    yield engine
    engine.close()


@given(st.lists(st.text("helowrd", max_size=6), min_size=1, max_size=3))
def test_what_was_typed_before_does_not_matter(model, engine, prefixes):
    for prefix in prefixes:
        engine.evaluate(f"[input.value = {json.dumps(prefix)}, update(true)]")
    assert_same(engine.evaluate(COMPLETIONS), model.complete(prefixes[-1]))


# More than the width of the beam.
EQUALS = [f"a{letter}" for letter in "bcdefghijklm"]


@pytest.mark.parametrize("vocabulary", [None, EQUALS[::-1]])
def test_of_equally_probable_texts_the_first_are_found(show, vocabulary):
    model = fit(EQUALS, min_frequency=2)
    page = show(model, "a", n_completions=3, vocabulary=vocabulary)
    found = page.evaluate(COMPLETIONS)
    assert [text for text, _ in found] == (vocabulary or EQUALS)[:3]
    assert_same(found, model.complete("a", 3, vocabulary=vocabulary))


def test_bars_show_the_most_probable_characters(show, model):
    page = show(model, "hel")
    shown = page.evaluate("""[...bars.children].map((row) => [
        row.children[0].textContent,
        Number(row.querySelector("i").style.getPropertyValue("--p")),
    ])""")
    proba = model.predict_proba(["hel"])[0]
    names = [*model.tokens_, "end"]
    best = np.argsort(-proba)[:12]
    assert [name for name, _ in shown] == [names[i] for i in best]
    assert_allclose([p for _, p in shown], proba[best], rtol=0, atol=1e-5)


def test_the_state_changes_with_each_key_and_the_network_grows(show, model):
    page = show(model)
    picture = "[...states.children[0].getContext('2d').getImageData(0, 0, 3, 3).data]"
    seen = [page.evaluate(picture)]
    for character in "hel":
        page.type(character)
        seen.append(page.evaluate(picture))
    assert len({tuple(pixels) for pixels in seen}) == 4
    letters = page.evaluate(
        "[...unrolled.children].map((step) => step.children[5].textContent)"
    )
    assert letters == ["start", "h", "e", "l"]


def test_arrows_choose_and_tab_and_enter_accept(show, model):
    page = show(model, "he")
    texts = [text for text, _ in model.complete("he")]
    assert page.evaluate(ACTIVE) == 0
    assert not page.press("ArrowUp")
    assert page.evaluate(ACTIVE) == len(texts) - 1
    for _ in range(2):
        page.press("ArrowDown")
    active = "input.getAttribute('aria-activedescendant') === list.children[1].id"
    assert page.evaluate(active)
    assert not page.press("Tab")
    assert page.evaluate("input.value") == texts[1]
    assert page.press("Tab")
    page.focus()
    page.press("ArrowDown")
    first = page.evaluate(COMPLETIONS)[0][0]
    assert not page.press("Enter")
    assert page.evaluate("input.value") == first


def test_escape_closes_then_clears(show, model):
    page = show(model, "he")
    assert page.press("Tab", shift=True)
    page.focus()
    assert page.evaluate(STATE_OF_LIST) == [False, "true", "option-0"]
    page.press("Escape")
    assert page.evaluate(STATE_OF_LIST) == [True, "false", ""]
    assert page.evaluate("input.value") == "he"
    page.press("Escape")
    assert page.evaluate("input.value") == ""


def test_a_click_accepts(show, model):
    page = show(model, "he")
    page.evaluate("list.children[2].click() ?? null")
    assert page.evaluate("input.value") == model.complete("he")[2][0]


def test_markup_is_shown_as_text(show):
    model = fit([ATTACK, *WORDS])
    page = show(model, ATTACK[:2], vocabulary=[ATTACK, *WORDS], title=ATTACK)
    assert [text for text, _ in page.evaluate(COMPLETIONS)] == [ATTACK]
    assert page.evaluate("status.textContent") == f"completions: 1, first {ATTACK}"
    page.press("Tab")
    assert page.evaluate("input.value") == ATTACK


def test_markup_stays_within_its_element(tmp_path, model):
    tags = []
    for name, words in (("plain", WORDS), ("attack", [ATTACK, *WORDS])):
        model.to_html(tmp_path / name, vocabulary=words, title=words[0])
        tags.append(Scripts((tmp_path / name).read_text(encoding="utf-8")).tags)
    assert tags[0] == tags[1]
    assert tags[0].count("script") == 2


def test_the_page_says_what_it_cannot_read(show, model):
    page = show(model, "hö")
    assert page.evaluate("status.textContent") == "The model does not know “ö”."
    assert page.evaluate(COMPLETIONS) == []
    page = show(fit(start=False))
    assert page.evaluate("status.textContent") == "The model needs a first character."
    assert page.evaluate("bars.children.length") == 0


@pytest.mark.parametrize(
    ("token", "name"),
    [(" ", "U+0020"), ("\u200f", "U+200F"), ("\u0301", "◌\u0301"), ("é", "é")],
)
def test_characters_without_a_look_have_a_name(show, token, name):
    page = show(fit([f"a{token}a"]), "a")
    assert name in page.evaluate("bars.children[0].textContent")


def test_the_page_connects_to_nothing(tmp_path, model):
    model.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|url\(|@import|\b(src|href|action)=", page)
    assert "default-src 'none'" in page
    script = Scripts(page).texts[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_the_script_makes_no_markup_of_text():
    script = "".join(path.read_text(encoding="utf-8") for path in PARTS.glob("*.js"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|DOMParser|\beval\b"
        r"|\bFunction\b|fetch|XMLHttp|WebSocket|\bimport\b|setTimeout",
        script,
    )


def test_script_and_style_stay_below_300_lines_of_100_characters():
    parts = [*PARTS.glob("*.js"), *PARTS.glob("*.css")]
    lines = [line for p in parts for line in p.read_text("utf-8").splitlines()]
    assert len(lines) < 300
    assert max(map(len, lines)) <= 100


def test_pages_that_would_be_slow_are_refused(tmp_path, model, monkeypatch):
    page = tmp_path / "page.html"
    monkeypatch.setattr("skrnn._language_model.html.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"bytes of weights, more than the 1,000"):
        model.to_html(page)
    small = fit(["ab"], 1)
    with pytest.raises(ValueError, match="1,200 bytes of vocabulary"):
        small.to_html(page, vocabulary=["a" * 1200])
    assert not page.exists()
    assert f"{MAX_BYTES:,}" in VanillaRNNLanguageModel.to_html.__doc__


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"title": None}, InvalidParameterError, "title"),
        ({"n_completions": 0}, InvalidParameterError, "n_completions"),
        ({"vocabulary": "abc"}, ValueError, "wrap it in a list"),
        ({"vocabulary": [["ab", "c"]]}, TypeError, "vocabulary holds lists"),
        ({"vocabulary": Trie([[1, 2]])}, TypeError, "vocabulary holds lists"),
        ({"vocabulary": 3}, TypeError, "iterable"),
    ],
)
def test_bad_parameters_are_named(tmp_path, model, parameters, error, message):
    with pytest.raises(error, match=message):
        model.to_html(tmp_path / "page.html", **parameters)


def test_a_model_of_words_has_no_page(tmp_path):
    words = fit([["one", "two"], ["two", "one"]])
    with pytest.raises(TypeError, match="lists of tokens"):
        words.to_html(tmp_path / "page.html")


def test_a_model_without_the_network_has_no_page(tmp_path, model):
    other = copy.copy(model)
    other.classifier_ = LogisticRegression()
    with pytest.raises(TypeError, match="classifier_ is a LogisticRegression"):
        other.to_html(tmp_path / "page.html")
    with pytest.raises(NotFittedError):
        VanillaRNNLanguageModel().to_html(tmp_path / "page.html")


def test_a_trie_and_its_entries_make_the_same_page(tmp_path, model):
    pages = []
    for vocabulary in (WORDS, Trie(WORDS), [*WORDS, *WORDS]):
        model.to_html(tmp_path / "page.html", vocabulary=vocabulary)
        pages.append((tmp_path / "page.html").read_bytes())
    assert pages[0] == pages[1] == pages[2]


def test_an_empty_vocabulary_has_no_completions(show, model):
    assert show(model, "h", vocabulary=[]).evaluate(COMPLETIONS) == []


def test_direct_weights_are_refused_not_left_out(tmp_path):
    network = VanillaRNNClassifier(
        2, skip_connection=True, alpha=1, skip_alpha=1, tol=10, random_state=0
    )
    model = VanillaRNNLanguageModel(network, ngram_range=None).fit(WORDS)
    assert len(model.complete("he")) > 0
    assert len(model.sample(2, random_state=0)) == 2
    with pytest.raises(ValueError, match="does not support direct weights"):
        model.to_html(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
