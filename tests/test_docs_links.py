"""The pages name everything public, and what they link to is there."""

import pkgutil
import re
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from runpy import run_path

import pytest

import skrnn

ROOT = Path(skrnn.__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
# Topic modules, which users import by name.
TOPICS = [
    module.name
    for module in pkgutil.iter_modules(skrnn.__path__)
    if module.name[0] != "_"
]


def names_of_topic(topic):
    """Read the names of a module that may need an extra to be imported."""
    source = Path(find_spec(f"skrnn.{topic}").origin).read_text()
    names = re.search(r"^__all__ = \[(.*?)\]", source, re.DOTALL | re.MULTILINE)[1]
    return re.findall(r'"(\w+)"', names)


PUBLIC = [*skrnn.__all__, *chain.from_iterable(map(names_of_topic, TOPICS))]


@pytest.mark.parametrize("name", PUBLIC)
def test_reference_lists_every_public_name(name):
    lines = (ROOT / "docs" / "reference.md").read_text().splitlines()

    assert f"   {name}" in lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_links_to_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    # Pages of the gallery are made from scripts when the site is built.
    files = [
        re.sub("^generated/gallery/(.*/plot_.*)", r"examples/\1.py", link)
        for link in links
        if ":" not in link and link != "generated/gallery/index"
    ]

    missing = [file for file in files if not (page.parent / file).exists()]

    assert missing == []


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ('<a href="other.html">', []),
        ('<a href="other.html#here">', []),
        ('<a href="https://elsewhere.example">', []),
        ('<a href="other.html#gone">', ["no such anchor"]),
        ('<a href="gone.html">', ["not there"]),
        ('<script src="https://elsewhere.example/x.js">', ["from outside"]),
    ],
)
def test_built_pages_with_broken_links_are_reported(tmp_path, link, found):
    (tmp_path / "index.html").write_text(link)
    (tmp_path / "other.html").write_text('<p id="here">')

    faults = [*run_path(str(ROOT / "docs" / "check_links.py"))["faults"](tmp_path)]

    assert len(faults) == len(found)
    assert all(part in fault for part, fault in zip(found, faults, strict=True))
