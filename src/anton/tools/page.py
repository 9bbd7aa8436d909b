"""The text of a web page: what a person would read, with headings, lists, links and code recognisable.

The standard library's parser takes minutes for a megabyte of `<a <a <a`, and libraries on top of it inherit
that. Here a page is read once from left to right, and whatever is malformed is skipped.
"""

from __future__ import annotations

import codecs
import html
import re

_HIDDEN = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "select"})
_LINES = frozenset({"li", "tr", "dt", "dd", "br"})
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "div", "dl", "fieldset", "figure", "footer", "form"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "title", "ul"),
    }
)
_MARKUP = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)([^<>]*+)>|<!--|<[!?][^<>]*+>")
_TARGET = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""", re.IGNORECASE)
_MAX_LINK_CHARACTERS = 300


def decoded(content: bytes, charset: str) -> str:
    """The text of bytes in a named encoding; where there is no such encoding of text, as UTF-8."""
    try:
        return content.decode(codecs.lookup(charset).name, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def text_of_html(page: str) -> str:
    """The readable text of an HTML page; malformed pages too give what they have."""
    return _Reader(page).read()


class _Reader:
    def __init__(self, page: str) -> None:
        self._page = page
        self._pieces: list[str] = []
        self._links: list[str] = []
        self._pre = False

    def read(self) -> str:
        at = 0
        while found := _MARKUP.search(self._page, at):
            self._say(self._page[at : found.start()])
            if found[0] == "<!--":
                at = self._behind("-->", found.end())
            elif found[2] is None:
                at = found.end()
            elif found[2].lower() in _HIDDEN and not found[1]:
                at = self._behind(f"</{found[2]}[^<>]*+>?", found.end())
            else:
                self._mark(found[2].lower(), closing=bool(found[1]), attributes=found[3])
                at = found.end()
        self._say(self._page[at:])
        return _tidy("".join(self._pieces))

    def _behind(self, pattern: str, at: int) -> int:
        """Where to go on after something that is not shown; what never ends is hidden to the page's end."""
        found = re.compile(pattern, re.IGNORECASE).search(self._page, at)
        return found.end() if found else len(self._page)

    def _say(self, text: str) -> None:
        plain = html.unescape(text)
        self._pieces.append(plain if self._pre else re.sub(r"\s+", " ", plain))

    def _mark(self, tag: str, *, closing: bool, attributes: str) -> None:
        if tag in _BLOCKS or tag in _LINES:
            self._pieces.append("\n\n" if tag in _BLOCKS else "\n")
        if tag == "pre":
            self._pre = not closing
        elif tag == "code" and not self._pre:
            self._pieces.append("`")
        elif tag == "a":
            self._link(attributes, closing=closing)
        elif not closing:
            heading = re.fullmatch(r"h([1-6])", tag)
            self._pieces.append("#" * int(heading[1]) + " " if heading else _BEGIN.get(tag, ""))

    def _link(self, attributes: str, *, closing: bool) -> None:
        if closing:
            target = self._links.pop() if self._links else ""
            self._pieces.append(f"]({target})" if target else "")
            return
        found = _TARGET.search(attributes)
        target = html.unescape(next(filter(None, found.groups()), "")) if found else ""
        is_link = target.startswith(("http://", "https://", "/", "./", "../"))
        self._links.append(target if is_link and len(target) <= _MAX_LINK_CHARACTERS else "")
        self._pieces.append("[" if self._links[-1] else "")


_BEGIN = {"li": "- ", "td": " | ", "th": " | "}


def _tidy(text: str) -> str:
    """Without white space at the ends of lines, and at most one empty line in a row."""
    kept: list[str] = []
    for line in map(str.rstrip, text.split("\n")):
        if line or (kept and kept[-1]):
            kept.append(line[1:] if line.startswith(" ") and not line.startswith("  ") else line)
    return "\n".join(kept).strip("\n")
