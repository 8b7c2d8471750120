"""Files of words and labels: what is a token, what is between, what is an error."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skrnn.datasets import read_conll, read_conllu, write_conll


@pytest.fixture
def read(tmp_path):
    """Write a file, and read it."""

    def read(content, columns=("word", "label"), **options):
        path = tmp_path / "file.conll"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_conll(path, columns, **options)

    return read


def lists(found, name="word"):
    return [part.tolist() for part in found[name]]


def test_fields_are_columns_and_blank_lines_separate_sequences(read):
    found = read("Ann\tB-PER\nreads\tO\n\n\n \t\nYes\tO")
    assert set(found) == {"word", "label"}
    assert lists(found) == [["Ann", "reads"], ["Yes"]]
    assert lists(found, "label") == [["B-PER", "O"], ["O"]]
    assert found.word.dtype == found.word[0].dtype == object
    assert found.word.shape == (2,)


@pytest.mark.parametrize("text", ["a b\n\nc d\n", "a   b \n\nc\td\n", "a b\n\n c d"])
def test_columns_may_be_set_off_by_spaces(read, text):
    assert lists(read(text), "label") == [["b"], ["d"]]


def test_with_tabs_fields_may_be_empty_or_contain_spaces(read):
    found = read("New York\tB-LOC\n\tO\nx \t\n")
    assert lists(found) == [["New York", "", "x "]]
    assert lists(found, "label") == [["B-LOC", "O", ""]]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa\tO\n\nb\tO\n",
        b"a\tO\r\n\r\nb\tO\r\n",
        b"-DOCSTART- -X- O O\n\na\tO\n\n-DOCSTART-\n\nb\tO\n",
        b"a\tO\n-DOCSTART-\tO\nb\tO\n",
        b"\n\n\na\tO\n\nb\tO",
    ],
)
def test_marks_ends_of_lines_and_documents_are_no_tokens(read, content):
    assert lists(read(content)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    "word", ['"', "'", "NA", "null", "nan", "#", "\u2028", "\x85", "\xa0", "a\rb", "1"]
)
def test_anything_else_is_a_word(read, word):
    assert lists(read(f"{word}\tO\nb\tO\n")) == [[word, "b"]]


def test_columns_are_named_or_left_out(read):
    found = read("U.N. NNP I-NP B-ORG\n", ("word", None, None, "entity"))
    assert set(found) == {"word", "entity"}
    assert lists(found, "entity") == [["B-ORG"]]


@pytest.mark.parametrize(
    "text",
    ["# text\na\tO\n#b\tO\n", "# a b c\na O\n#b O\n", "a\tO\n# new doc\n#b\tO\n"],
)
def test_comments_are_lines_without_all_columns(read, text):
    assert lists(read(text, comment="#")) == [["a", "#b"]]


def test_lines_that_look_like_comments_are_tokens_if_nothing_else_is_there(read):
    assert lists(read("#a\tO\n# b\n", comment="#")) == [["#a"]]
    assert lists(read("#a O\n", comment="#")) == [["#a"]]


def test_a_malformed_line_is_named(read):
    with pytest.raises(ValueError, match=r"file\.conll, line 3: 1 fields instead of 2"):
        read("a\tO\n\nb\n")
    with pytest.raises(ValueError, match=r"line 2: 3 fields instead of 2: 'b\\tO\\tO'"):
        read("a\tO\nb\tO\tO\n")
    with pytest.raises(ValueError, match=r"line 1: 4 fields"):
        read("# new doc 1\na\tO\n")
    with pytest.raises(ValueError, match=r"file\.conll cannot be read as utf-8"):
        read("é\tO\n".encode("latin-1"))
    assert lists(read("é\tO\n".encode("latin-1"), encoding="latin-1")) == [["é"]]


@pytest.mark.parametrize("columns", ["ab", (), (None,), ("a", "a")])
def test_columns_must_have_different_names(read, columns):
    with pytest.raises(ValueError, match="columns must have different names"):
        read("a\tO\n", columns)


def test_columns_may_come_from_a_generator(read):
    found = read("a\tO\n", (name for name in ("x", None)))
    assert lists(found, "x") == [["a"]]


def test_an_empty_file_has_no_sequences(read):
    found = read("")
    assert found.word.shape == found.label.shape == (0,)


def test_equal_strings_are_one_object(read):
    labels = read("a\tB-LONG-LABEL\nb\tB-LONG-LABEL\n").label[0]
    assert labels[0] is labels[1]


FIELDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r"), max_size=4
) | st.sampled_from(["NA", "#", '"', "\ufeff", "-", " ", "\u2028", "x y"])
TOKENS = st.tuples(FIELDS, FIELDS).filter(
    lambda pair: "\t".join(pair).strip(" \t") and not pair[0].startswith("-DOCSTART-")
)


@given(st.lists(st.lists(TOKENS, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("conll") / "file"
    columns = [[[pair[k] for pair in s] for s in sentences] for k in (0, 1)]
    write_conll(path, dict(zip(("word", "label"), columns, strict=True)))
    again = read_conll(path)
    assert lists(again) == columns[0]
    assert lists(again, "label") == columns[1]
    write_conll(path, again)
    assert lists(read_conll(path, sep="\t")) == columns[0]


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ({}, ValueError, "at least one column"),
        ({"a": [["x"]], "b": [["x", "y"]]}, ValueError, "'a' and 'b' have different"),
        ({"a": [["x"]], "b": []}, ValueError, "'a' and 'b' have different"),
        ({"a": [["x"], []]}, ValueError, "sequence 1 is empty"),
        ({"a": [["x\ty"]]}, ValueError, "sequence 0 has 'x.ty', which contains"),
        ({"a": [["x\n"]]}, ValueError, "which contains"),
        ({"a": [["x\r"]]}, ValueError, "which contains"),
        ({"a": [["\ud800"]]}, UnicodeEncodeError, "surrogates"),
        ({"a": [[""]]}, ValueError, "read as the end of the sequence"),
        ({"a": [["-DOCSTART-"]]}, ValueError, "read as the end of the sequence"),
        ({"a": [["x"]], "b": [[1]]}, TypeError, "1 of type int; write strings"),
    ],
)
def test_what_would_be_read_as_something_else_is_not_written(
    tmp_path, sequences, error, message
):
    with pytest.raises(error, match=message):
        write_conll(tmp_path / "file", sequences)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("sep", ["", "\n"])
def test_a_separator_is_within_a_line(tmp_path, read, sep):
    with pytest.raises(ValueError, match="sep must"):
        write_conll(tmp_path / "file", {"a": [["x"]]}, sep=sep)
    if not sep:
        with pytest.raises(ValueError, match="sep and comment must not be empty"):
            read("a\tO\n", sep=sep)
        with pytest.raises(ValueError, match="sep and comment must not be empty"):
            read("a\tO\n", comment="")


def test_a_separator_of_two_signs_divides_as_it_joined(tmp_path):
    path = tmp_path / "file"
    write_conll(path, {"a": [["x|y"]], "b": [["z"]]}, sep="||")
    assert lists(read_conll(path, ("a", "b"), sep="||"), "a") == [["x|y"]]
    with pytest.raises(ValueError, match=r"'\|\|' does not divide"):
        write_conll(path, {"a": [["x|"]], "b": [["z"]]}, sep="||")


def test_another_separator(tmp_path):
    path = tmp_path / "file"
    words = np.array([["a", "b\tc"]], dtype=object)
    write_conll(path, {"word": words, "label": [["O", "P"]]}, sep="|")
    assert path.read_bytes() == b"a|O\nb\tc|P\n\n"
    assert lists(read_conll(path, sep="|")) == [["a", "b\tc"]]


# CoNLL-U


@pytest.fixture
def read_u(tmp_path):
    """Write a CoNLL-U file, and read it."""

    def read(content, columns=("form", "upos"), **options):
        path = tmp_path / "file.conllu"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_conllu(path, columns, **options)

    return read


def line_of(identifier, form, upos="X", feats="_"):
    return f"{identifier}\t{form}\t_\t{upos}\t_\t{feats}" + "\t_" * 4 + "\n"


def test_words_of_universal_dependencies_are_read(read_u):
    text = (
        "# text = zum Haus\n"
        + line_of("1-2", "zum", "_")
        + line_of(1, "zu", "ADP")
        + line_of(2, "dem", "DET", "Case=Dat|Gender=Neut")
        + line_of("2.1", "gehen", "VERB")
        + line_of(3, "Haus", "NOUN")
        + "\n\n# a comment alone\n\n"
        + line_of(1, "Ja", "_").rstrip("\n")
    )
    found = read_u(text, ("id", "form", "upos", "feats", "xpos"))
    assert lists(found, "id") == [["1", "2", "3"], ["1"]]
    assert lists(found, "form") == [["zu", "dem", "Haus"], ["Ja"]]
    assert lists(found, "upos") == [["ADP", "DET", "NOUN"], ["_"]]
    assert lists(found, "feats")[0][1] == "Case=Dat|Gender=Neut"
    assert lists(found, "xpos")[0] == ["_", "_", "_"]
    assert found.form.dtype == found.form[0].dtype == object
    assert [*read_u(text)] == ["form", "upos"]


def test_columns_of_conllu_plus_are_named_in_the_file(read_u):
    text = "# global.columns = ID FORM PARSEME:MWE\n1\ta\tVID\n2\tb\t*\n\n1\tc\t*\n"
    found = read_u(text, ("form", "parseme:mwe"))
    assert lists(found, "form") == [["a", "b"], ["c"]]
    assert lists(found, "parseme:mwe") == [["VID", "*"], ["*"]]


@pytest.mark.parametrize("form", ["NA", "null", '"', "#", "a b", "\u2028", "\xa0", "_"])
def test_any_form_is_a_word(read_u, form):
    assert lists(read_u(line_of(1, form)), "form") == [[form]]


def test_marks_and_ends_of_lines_are_no_part_of_conllu(read_u):
    text = line_of(1, "é") + "\n"
    assert lists(read_u("\ufeff# x\n" + text), "form") == [["é"]]
    assert lists(read_u(("\ufeff" + text).replace("\n", "\r\n")), "upos") == [["X"]]
    assert lists(read_u(text.encode("utf-16"), encoding="utf-16"), "form") == [["é"]]
    assert read_u("").form.shape == (0,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line_of(1, "a") + "\n" + line_of("one", "b"), "up to line 3: .*'one' is not"),
        (line_of(1, "a") + "b\n", "line 2: 1 fields instead of 10: 'b'"),
        (line_of(1, "a") + "2\tb\tc\n", "line 2: 3 fields instead of 10"),
        (line_of(1, "a").strip() + line_of(2, "b"), "line 1: 19 fields instead of 10"),
        (line_of(1, "a").replace("\n", "\r") * 2, "line 1: 19 fields instead of 10"),
        ("# global.columns = ID FORM\n1\ta\tX\n", "line 2: 3 fields instead of 2"),
        (line_of(1, "a  b"), "line 1: white space at the wrong place: '1.ta  b"),
        (line_of("", "a"), "line 1: white space at the wrong place"),
        (line_of(1, "a\rb"), "line 1: white space at the wrong place"),
        ("# global.columns = FORM UPOS\n\xa0\tX\n", "line 2: white space"),
        ("\xa0\n", "line 1: 1 fields instead of 10"),
    ],
)
def test_malformed_lines_are_named(read_u, text, message):
    with pytest.raises(ValueError, match=rf"file\.conllu, {message}"):
        read_u(text)


def test_columns_of_conllu_are_checked(read_u):
    with pytest.raises(ValueError, match=r"file\.conllu has no column 'tag'"):
        read_u(line_of(1, "a"), ("form", "tag"))
    with pytest.raises(ValueError, match="columns must have different names"):
        read_u(line_of(1, "a"), "form")
    found = read_u(line_of(1, "a"), (name for name in ("upos", "form")))
    assert lists(found, "form") == [["a"]]
    with pytest.raises(ValueError, match=r"file\.conllu cannot be read as utf-8"):
        read_u(line_of(1, "é").encode("latin-1"))


def test_a_missing_package_is_named(monkeypatch, read_u):
    monkeypatch.setitem(sys.modules, "conllu", None)
    with pytest.raises(ImportError, match=r"pip install 'skrnn\[conllu\]'"):
        read_u("")


WORDS = st.sampled_from(
    ["NA", "null", "nan", "#", "#tag", '"', "'", "''", "-", "O", "\u2028", "\x85", "é"]
) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\r\ufeff"),
    min_size=1,
    max_size=3,
)


@st.composite
def files(draw):
    """Draw the sentences of a file, and its text with everything that is no token."""
    sep = draw(st.sampled_from(["\t", " ", "   "]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    pairs = st.tuples(WORDS, WORDS).filter(lambda p: not p[0].startswith("-DOCSTART-"))
    sentences = draw(
        st.lists(st.lists(pairs, min_size=1, max_size=3), min_size=1, max_size=4)
    )
    between = st.lists(
        st.sampled_from(["", " ", "\t", "-DOCSTART- -X- O", "-DOCSTART-"]), max_size=3
    )
    comments = st.lists(
        st.sampled_from(["# id = 1", "#", "# of four fields"]), max_size=1
    )
    is_tab = sep == "\t"
    lines = draw(between)
    for sentence in sentences:
        # With tabs a comment may contain spaces; with spaces this one has four fields.
        lines += [] if is_tab else [c for c in draw(comments) if c != "#"]
        lines += draw(comments) if is_tab else []
        lines += [sep.join(pair) for pair in sentence]
        lines += ["", *draw(between)]
    while lines and not lines[-1] and draw(st.booleans()):
        lines.pop()
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return sentences, draw(st.sampled_from(["", "\ufeff"])) + text


@given(files())
def test_files_with_every_oddity_are_read_written_and_read_again(
    tmp_path_factory, drawn
):
    sentences, text = drawn
    path = tmp_path_factory.mktemp("conll") / "file"
    path.write_bytes(text.encode())
    found = read_conll(path, comment="#")
    columns = [[[pair[k] for pair in s] for s in sentences] for k in (0, 1)]
    assert [lists(found), lists(found, "label")] == columns
    write_conll(path, found)
    again = read_conll(path)
    assert [lists(again), lists(again, "label")] == columns
