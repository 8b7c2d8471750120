"""Data sets: labels are the truth, rules hold, posteriors are exact."""

import datetime
import itertools
import sysconfig
import token
import tokenize

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.model_selection import GroupKFold, KFold, check_cv, train_test_split
from sklearn.utils._param_validation import InvalidParameterError

from skrnn.datasets import (
    load_hello,
    load_python_source,
    make_digit_strings,
    make_hmm_sequences,
    make_recall,
)
from skrnn.datasets._python_source import _labeled_lines, _tokens

MAKERS = [
    load_python_source,
    make_digit_strings,
    make_hmm_sequences,
    make_recall,
]
RULES = ["checksum", "date", "repeat", "lexicon"]
EMISSIONS = ["gaussian", "categorical"]

# One letter a label, as in `labeled`; None where the line is left out.
SOURCE = [
    ("def f(x: int = 1_0) -> None:  # why", "kkk_nono_nnn_o_dddo_oo_kkkko__ccccc"),
    ('    """Say nothing.', None),
    ("", None),
    ('    """', None),
    ("    match = x if x else lambda: ...", "____nnnnn_o_n_kk_n_kkkk_kkkkkko_ooo"),
    ("    case += 0x1F + 1.5e-3j \\", "____nnnn_oo_dddd_o_ddddddd_o"),
    ("    - x", "____o_n"),
    ("    return rb'\\'' 'é' ", "____kkkkkk_ssssss_sss_"),
    ("", None),
    ("    type = f'é' + f\"{{text}}\"", "____nnnn_o_ssss_o_sssssssssss"),
    ("    a = f'{x}'", None),
    ("    b = f'{{{x!r:>{width}}}}'", None),
    ("    c = f'\\N{DASH}', '{x}'", "____n_o_ssssssssssso_sssss"),
    ("    d = fR'\\N{x}'", None),
    ("    e = f'\\\\N{x}'", None),
    ("    g = F'''{{", None),
    ("    {x", None),
    ("    }''' # end", None),
    ("    h = 'first \\", None),
    ("    second' + f''", None),
    ("    i = [ # é\\", "____n_o_o_cccc"),
    ("        *a, 'é', f'é' ]", "________ono_ssso_ssss_o"),
]
LETTER = {
    "space": "_",
    "keyword": "k",
    "name": "n",
    "number": "d",
    "string": "s",
    "comment": "c",
    "operator": "o",
}


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Stand in for the standard library: a folder that a test may write to."""
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": str(tmp_path)}.get)
    return tmp_path


def labeled(line, labels):
    return line, "".join(LETTER[label] for label in labels)


def test_every_character_gets_the_label_of_its_token(library):
    source = "\n".join(line for line, _ in SOURCE)
    (library / "a.py").write_text(source, encoding="utf-8")
    X, y = load_python_source(n_lines=None, return_X_y=True)
    kept = [(line, labels) for line, labels in SOURCE if labels is not None]
    assert list(map(labeled, X, y)) == kept


def test_tabs_and_form_feeds_are_space():
    assert list(_labeled_lines("if x:\n\tpass\t\n\f\ny")) == [
        ("if x:", bytes([1, 1, 0, 2, 6])),
        ("\tpass\t", bytes([0, 1, 1, 1, 1, 0])),
        ("y", bytes([2])),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"# coding: latin-9000\nx = 1\n",
        b"x = '\xff'\n",
        b"x = 1\n\n\ny = '\xff'\n",
        b"x = (\n",
        b"x = 1 $ 2\n",
        b"x = 1 ! 2\n",
        b"x = `1`\n",
        b"x = 1 \xc2\xa0+ 2\n",
        b"if x:\n        y\n    z\n",
        b"",
    ],
    ids=[
        "encoding",
        "bytes",
        "late bytes",
        "unfinished",
        "dollar",
        "exclamation mark",
        "backtick",
        "hard space",
        "dedent",
        "empty",
    ],
)
def test_a_file_that_is_no_python_is_left_out(library, content):
    (library / "broken.py").write_bytes(content)
    (library / "whole.py").write_bytes(b"good = 1\r\nbetter = 2\r\n")
    source = load_python_source(n_lines=None)
    assert source.data.tolist() == ["good = 1", "better = 2"]


def test_a_file_that_cannot_be_opened_is_left_out(library):
    (library / "gone.py").symlink_to(library / "nowhere.py")
    (library / "whole.py").write_text("good = 1")
    assert load_python_source(n_lines=None).data.tolist() == ["good = 1"]


def test_f_strings_in_many_tokens_are_one_string(monkeypatch):
    names = {901: "FSTRING_START", 902: "FSTRING_MIDDLE", 903: "FSTRING_END"}
    line = """a+f'b'+f'{f"c"}'"""
    parts = ["a", "+", "f'", "b", "'", "+", "f'", "{", 'f"', "c", '"', "}", "'"]
    kinds = [token.NAME, token.OP, 901, 902, 903, token.OP]
    kinds += [901, token.OP, 901, 902, 903, token.OP, 903]
    ends = np.cumsum([len(part) for part in parts]).tolist()
    tokens = [
        tokenize.TokenInfo(kind, part, (1, end - len(part)), (1, end), line)
        for kind, part, end in zip(kinds, parts, ends, strict=True)
    ]
    for kind, name in names.items():
        monkeypatch.setitem(token.tok_name, kind, name)
    monkeypatch.setattr(tokenize, "generate_tokens", lambda readline: tokens)
    assert list(_tokens(line)) == [
        (token.NAME, (1, 0), (1, 1)),
        (token.OP, (1, 1), (1, 2)),
        (token.STRING, (1, 2), (1, 6)),
        (token.OP, (1, 6), (1, 7)),
        (token.STRING, (1, 7), (1, 16)),
    ]


def test_other_encodings_are_decoded(library):
    (library / "a.py").write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert load_python_source(None).data.tolist() == ["# coding: latin-1", "x = 'é'"]


def test_only_the_library_itself_is_read(library):
    for folder in ["json", "test", "json/tests", "site-packages/numpy", "idle_test"]:
        (library / folder).mkdir(parents=True)
        (library / folder / "a.py").write_text(f"name = {folder!r}")
    (library / "json" / "b.txt").write_text("text = 1")
    source = load_python_source(n_lines=None)
    assert source.data.tolist() == ["name = 'json'"]
    assert source.groups.tolist() == ["json/a.py"]


def test_lines_are_distinct_across_files(library):
    (library / "a.py").write_text("x = 1\nx = 1\ny = 2\n")
    (library / "b.py").write_text("x = 1\nz = 3\n")
    source = load_python_source(n_lines=None)
    assert source.data.tolist() == ["x = 1", "y = 2", "z = 3"]
    assert source.groups.tolist() == ["a.py", "a.py", "b.py"]


def test_all_lines_come_in_the_order_of_the_library(library):
    for name in "hgfedcba":
        (library / f"{name}.py").write_text(f"{name} = 1\n{name} = 0\n")
    lines = [f"{name} = {value}" for name in "abcdefgh" for value in (1, 0)]
    assert load_python_source(n_lines=None).data.tolist() == lines


def test_lengths_stay_in_their_range(library):
    lines = ["n" * length for length in range(1, 100)]
    (library / "a.py").write_text("\n".join(lines))
    assert load_python_source(None).data.tolist() == lines[:79]
    some = load_python_source(None, min_length=3, max_length=5)
    assert some.data.tolist() == lines[2:5]
    assert load_python_source(None, max_length=None).data.tolist() == lines


@pytest.mark.parametrize("n_lines", [1, 3])
def test_lines_of_equal_length_are_still_one_object_each(library, n_lines):
    (library / "a.py").write_text("x = 1\ny = 2\nz = 3\n")
    X, y = load_python_source(n_lines, return_X_y=True)
    assert X.shape == y.shape == (n_lines,)
    assert [labels.shape for labels in y] == [(5,)] * n_lines


@pytest.mark.parametrize("n_lines", [30, 50, 80, 100])
def test_large_files_fill_up_what_small_files_lack(library, n_lines):
    (library / "small.py").write_text("a = 1\nb = 2\n")
    (library / "large.py").write_text("\n".join(f"x{i}" for i in range(98)))
    source = load_python_source(n_lines, random_state=0)
    assert len(set(source.data)) == len(source.groups) == n_lines


def test_more_lines_than_there_are_is_an_error(library):
    (library / "a.py").write_text("x = 1\ny = 2\n")
    with pytest.raises(ValueError, match=r"n_lines=3 but there are only 2 lines"):
        load_python_source(n_lines=3)


def test_a_python_without_source_is_named(library):
    with pytest.raises(FileNotFoundError, match="no Python source under"):
        load_python_source()


def test_few_lines_take_few_files(library, monkeypatch):
    opened = []

    def sixty_lines(path):
        opened.append(path)
        return [(f"{path.stem}_{j}", bytes(len(path.stem) + 3)) for j in range(60)]

    for name in "abcdefgh":
        (library / f"{name}.py").touch()
    monkeypatch.setattr("skrnn.datasets._python_source._lines_of_file", sixty_lines)
    source = load_python_source(n_lines=101, random_state=0)
    assert len(set(source.groups)) == len(opened) == 3


def test_source_suits_the_splitters_of_scikit_learn():
    source = load_python_source(n_lines=200, random_state=0)
    X, y, groups = source.data, source.target, source.groups
    assert isinstance(check_cv(5, y, classifier=True), KFold)
    for train, test in GroupKFold(3).split(X, y, groups):
        assert not set(groups[train]) & set(groups[test])
    assert len(train_test_split(X, y, test_size=50)[3]) == 50


def test_the_real_library_is_labeled_character_by_character():
    source = load_python_source(n_lines=1000, random_state=0)
    assert [len(line) for line in source.data] == [len(y) for y in source.target]
    characters = np.array(list("".join(source.data)))
    labels = np.concatenate(source.target)
    assert set(labels) == set(source.target_names)
    assert set(characters[labels == "space"]) <= set(" \t\f")
    assert not np.isin(
        characters[np.isin(labels, ["name", "keyword"])], [*" '#+"]
    ).any()
    assert len(set(source.data)) == 1000


@pytest.mark.parametrize("load", MAKERS)
def test_a_seed_determines_everything(load):
    first, again = load(20, random_state=3), load(20, random_state=3)
    other = load(20, random_state=4)
    assert first.keys() == again.keys()
    for name in first:
        for a, b in zip(first[name], again[name], strict=True):
            assert_array_equal(a, b)
    assert any(
        not np.array_equal(a, b) for a, b in zip(first.data, other.data, strict=True)
    )


@pytest.mark.parametrize("load", MAKERS)
def test_X_and_y_are_data_and_target(load):
    bunch = load(7, random_state=3)
    X, y = load(7, random_state=3, return_X_y=True)
    assert len(X) == len(y) == 7
    for pair in [*zip(bunch.data, X, strict=True), *zip(bunch.target, y, strict=True)]:
        assert_array_equal(*pair)


@pytest.mark.parametrize("rule", RULES)
def test_digits_show_their_labels_and_nothing_else(rule):
    strings = make_digit_strings(40, rule=rule, noise=0, random_state=0)
    pixels, labels = load_digits(return_X_y=True)
    valid = np.arange(strings.data.shape[1]) < strings.lengths[:, None]
    assert_array_equal(labels[strings.images[valid]], strings.target[valid])
    assert_array_equal(pixels[strings.images[valid]] / 16, strings.data[valid])
    assert np.isnan(strings.data[~valid]).all()
    assert (strings.target[~valid] == -1).all()
    assert (strings.images[~valid] == -1).all()


def digits_of(strings):
    return [
        y[:n].tolist() for y, n in zip(strings.target, strings.lengths, strict=True)
    ]


@pytest.mark.parametrize("rule", ["checksum", "repeat", "lexicon"])
def test_every_length_of_the_range_occurs(rule):
    strings = make_digit_strings(
        300, rule=rule, min_length=3, max_length=7, random_state=0
    )
    assert strings.data.shape == (300, 7, 64)
    expected = {4, 6} if rule == "repeat" else {3, 4, 5, 6, 7}
    assert set(strings.lengths) == expected


def test_checksums_are_multiples_of_ten():
    strings = make_digit_strings(200, rule="checksum", random_state=0)
    assert {sum(digits) % 10 for digits in digits_of(strings)} == {0}
    assert {digits[-1] for digits in digits_of(strings)} == set(range(10))


def test_repeats_say_everything_twice():
    for digits in digits_of(make_digit_strings(100, rule="repeat", random_state=0)):
        half = len(digits) // 2
        assert digits[:half] == digits[half:]


def test_dates_are_days_of_two_centuries():
    strings = make_digit_strings(200, rule="date", random_state=0)
    texts = ["".join(map(str, digits)) for digits in digits_of(strings)]
    days = [datetime.datetime.strptime(text, "%Y%m%d").date() for text in texts]
    assert {day.year // 100 for day in days} == {19, 20}
    assert len(set(days)) > 190


def test_a_lexicon_is_shared_across_random_states():
    train, test = (
        make_digit_strings(100, n_codes=20, lexicon_seed=5, random_state=seed)
        for seed in (0, 1)
    )
    assert_array_equal(train.lexicon, test.lexicon)
    assert not np.array_equal(train.target, test.target)
    for strings in (train, test):
        words = {"".join(map(str, digits)) for digits in digits_of(strings)}
        assert words <= set(strings.lexicon)
    other = make_digit_strings(1, n_codes=20, lexicon_seed=6)
    assert set(other.lexicon) != set(train.lexicon)


def test_no_image_is_both_for_training_and_for_testing():
    train, test, both = (
        set(
            make_digit_strings(
                3000, rule="checksum", subset=subset, random_state=0
            ).images.ravel()
        )
        for subset in ("train", "test", "all")
    )
    assert train & test == {-1}
    assert train | test == both
    assert len(test) == 600
    assert len(both) == 1798


def test_noise_has_the_standard_deviation_asked_for():
    clean, noisy = (
        make_digit_strings(200, noise=noise, random_state=0) for noise in (0, 0.25)
    )
    assert_array_equal(clean.images, noisy.images)
    assert_allclose(np.nanstd(noisy.data - clean.data), 0.25, rtol=0.01)


def brute_force(likelihood, start, transition):
    """Posterior of each step's state, by adding up every path through the chain."""
    n_steps, n_states = likelihood.shape
    posterior = np.zeros((n_steps, n_states))
    for path in itertools.product(range(n_states), repeat=n_steps):
        p = start[path[0]] * likelihood[0, path[0]]
        for t in range(1, n_steps):
            p *= transition[path[t - 1], path[t]] * likelihood[t, path[t]]
        for t in range(n_steps):
            posterior[t, path[t]] += p
    return posterior / posterior.sum(axis=1, keepdims=True)


def likelihood_of(x, parameters, emission):
    if emission == "categorical":
        return parameters[:, x.argmax(axis=-1)].T
    return np.exp(-((x[:, None] - parameters) ** 2).sum(axis=-1) / 2)


@pytest.mark.parametrize("emission", EMISSIONS)
@pytest.mark.parametrize("n_states", [1, 2, 3])
def test_posteriors_are_sums_over_all_paths(emission, n_states):
    chain = make_hmm_sequences(
        12,
        n_states=n_states,
        emission=emission,
        min_length=1,
        max_length=5,
        random_state=0,
    )
    assert set(chain.lengths) == {1, 2, 3, 4, 5}
    for i, n in enumerate(chain.lengths):
        x = chain.data[i, :n]
        likelihood = likelihood_of(x, chain.emission_parameters, emission)
        smoothing = brute_force(likelihood, chain.start, chain.transition)
        filtering = [
            brute_force(likelihood[: t + 1], chain.start, chain.transition)[-1]
            for t in range(n)
        ]
        assert_allclose(chain.smoothing[i, :n], smoothing, rtol=1e-11)
        assert_allclose(chain.filtering[i, :n], filtering, rtol=1e-11)


@pytest.mark.parametrize("emission", EMISSIONS)
def test_posteriors_are_calibrated_and_smoothing_knows_more(emission):
    chain = make_hmm_sequences(2000, emission=emission, random_state=0)
    valid = chain.target >= 0
    truth = chain.target[valid]
    accuracy = []
    for posterior in (chain.filtering[valid], chain.smoothing[valid]):
        right = posterior.argmax(axis=1) == truth
        # 40,000 dependent steps leave an error of half a point.
        assert_allclose(right.mean(), posterior.max(axis=1).mean(), atol=0.01)
        accuracy.append(right.mean())
    assert accuracy[1] > accuracy[0] + 0.03


@pytest.mark.parametrize("emission", EMISSIONS)
def test_states_and_observations_follow_the_chain(emission):
    chain = make_hmm_sequences(3000, emission=emission, stay=0.5, random_state=0)
    states, valid = chain.target, chain.target >= 0
    first = np.bincount(states[:, 0], minlength=3) / len(states)
    assert_allclose(first, chain.start, atol=0.03)
    for k in range(3):
        after = states[:, 1:][(states[:, :-1] == k) & valid[:, 1:]]
        frequency = np.bincount(after, minlength=3) / len(after)
        assert_allclose(frequency, chain.transition[k], atol=0.03)
        seen = chain.data[states == k].mean(axis=0)
        assert_allclose(seen, chain.emission_parameters[k], atol=0.03)


@pytest.mark.parametrize("emission", EMISSIONS)
def test_hmm_padding_is_nan_and_minus_one(emission):
    chain = make_hmm_sequences(
        50, n_features=5, emission=emission, max_length=12, random_state=0
    )
    padding = np.arange(12) >= chain.lengths[:, None]
    assert chain.data.shape == (50, 12, 5)
    assert_array_equal(chain.target == -1, padding)
    for array in (chain.data, chain.filtering, chain.smoothing):
        assert_array_equal(
            np.isnan(array), np.broadcast_to(padding[..., None], array.shape)
        )


def test_a_chain_is_shared_across_random_states():
    one, two = (make_hmm_sequences(5, chain_seed=1, random_state=s) for s in (0, 1))
    other = make_hmm_sequences(5, chain_seed=2, random_state=0)
    for name in ("start", "transition", "emission_parameters"):
        assert_array_equal(one[name], two[name])
        assert not np.array_equal(one[name], other[name])
    assert_allclose(one.transition.sum(axis=1), 1, rtol=1e-12)


def test_posteriors_survive_states_that_look_nothing_alike():
    chain = make_hmm_sequences(20, separation=1e3, max_length=200, random_state=0)
    valid = chain.target >= 0
    assert_array_equal(chain.filtering[valid].argmax(axis=1), chain.target[valid])
    assert_array_equal(chain.smoothing[valid].argmax(axis=1), chain.target[valid])


@pytest.mark.parametrize("lag", [0, 1, 7])
def test_recall_says_what_was_seen_lag_steps_before(lag):
    task = make_recall(30, n_steps=8, n_symbols=3, lag=lag, random_state=0)
    symbols = task.data.argmax(axis=-1) + 1
    assert_array_equal(task.data, np.eye(3)[symbols - 1])
    assert_array_equal(task.target[:, lag:], symbols[:, : 8 - lag])
    assert (task.target[:, :lag] == 0).all()
    assert set(symbols.ravel()) == {1, 2, 3}
    assert task.target_names.tolist() == [0, 1, 2, 3]


def test_hello_is_the_textbook_example():
    hello = load_hello()
    assert hello.data.shape == (1, 4, 4)
    assert hello.feature_names == ["h", "e", "l", "o"]
    assert hello.data[0].argmax(axis=1).tolist() == [0, 1, 2, 2]
    assert hello.data.sum() == 4
    assert "".join(hello.tokens[0]) == "hell"
    assert "".join(hello.target[0]) == "ello"
    assert hello.target_names.tolist() == ["e", "l", "o"]
    X, y = load_hello(return_X_y=True)
    assert_array_equal(X, hello.data)
    assert_array_equal(y, hello.target)


@pytest.mark.parametrize(
    ("load", "wrong"),
    [
        (load_python_source, {"n_lines": 0}),
        (load_python_source, {"max_length": 0}),
        (make_digit_strings, {"rule": "sum"}),
        (make_digit_strings, {"subset": "validation"}),
        (make_digit_strings, {"noise": -0.1}),
        (make_digit_strings, {"max_length": None}),
        (make_digit_strings, {"lexicon_seed": None}),
        (make_hmm_sequences, {"stay": 1}),
        (make_hmm_sequences, {"emission": "poisson"}),
        (make_hmm_sequences, {"n_states": 2.0}),
        (make_recall, {"lag": -1}),
        (make_recall, {"random_state": "seed"}),
        (load_hello, {"return_X_y": "yes"}),
    ],
)
def test_a_bad_parameter_is_named(load, wrong):
    (name,) = wrong
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of"):
        load(**wrong)


@pytest.mark.parametrize(
    ("load", "wrong", "message"),
    [
        (load_python_source, {"min_length": 80}, "min_length=80 is greater than"),
        (make_hmm_sequences, {"max_length": 9}, "min_length=10 is greater than"),
        (make_recall, {"lag": 20}, "lag=20 reaches beyond .* n_steps=20"),
        (
            make_digit_strings,
            {"rule": "repeat", "min_length": 5, "max_length": 5},
            "there is none from min_length=5 to max_length=5",
        ),
    ],
)
def test_parameters_that_exclude_each_other_are_named(load, wrong, message):
    with pytest.raises(ValueError, match=message):
        load(**wrong)
