"""Fail if a built page has a broken link, or loads anything from outside.

python docs/check_links.py build/docs
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The addresses that a page links to and loads, and its anchors."""

    def __init__(self, path):
        super().__init__()
        self.anchors = set()
        self.links = []
        self.loads = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Collect the links and anchors of a tag."""
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name")}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag == "link" and "stylesheet" in found.get("rel", ""):
            self.loads.append(found["href"])
        elif tag in {"script", "img", "iframe"} and found.get("src"):
            self.loads.append(found["src"])


def faults(root):
    """Yield one line for every broken link."""
    # The files in _static are templates of the theme.
    paths = {path for path in root.rglob("*.html") if "_static" not in path.parts}
    pages = {path.resolve(): Page(path) for path in paths}
    for path, page in pages.items():
        name = path.relative_to(root.resolve())
        for address in page.loads:
            parts = urlsplit(address)
            if parts.netloc:
                yield f"{name} loads {address} from outside"
            elif parts.scheme != "data" and not target(path, parts).is_file():
                yield f"{name} loads {address}, which is not there"
        for address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            there, anchor = target(path, parts), unquote(parts.fragment)
            if not there.is_file():
                yield f"{name} links to {address}, which is not there"
            elif anchor and there in pages and anchor not in pages[there].anchors:
                yield f"{name} links to {address}, which has no such anchor"


def target(path, parts):
    """Return the file that an address on a page refers to."""
    return (path.parent / unquote(parts.path)).resolve() if parts.path else path


if __name__ == "__main__":
    found = sorted(set(faults(Path(sys.argv[1]))))
    if found:
        sys.exit("\n".join(found))
