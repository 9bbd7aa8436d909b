"""Foreign text made fit to be kept, shown in a message, or given to a model.

How it is made fit for a terminal or a document: `views.encode`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_ANSI = re.compile("\u001b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\u0007\u001b]*(?:\u0007|\u001b\\\\)|[@-Z\\\\-_])")
_USERINFO = re.compile(r"://[^/\s]*@")
"""Up to the last `@`, for a password may hold one: rather too much goes than too little."""


def sayable(text: str) -> str:
    """Text without lone surrogates, which JSON and file names can bring and no file or journal can hold."""
    return text.encode("utf-8", "replace").decode()


def visible(text: str) -> tuple[str, int]:
    r"""Outside text without what a person cannot see: control, bidirectional, zero-width and tag characters.

    Returns:
        The cleaned text (lone surrogates replaced, line ends as `\n`) and how many characters were removed.
    """
    text = sayable(text).replace("\r\n", "\n").replace("\r", "\n")
    without_ansi = _ANSI.sub("", text)
    cleaned = _INVISIBLE.sub("", without_ansi)
    return cleaned, len(text) - len(cleaned)


def one_line(text: str) -> str:
    """Outside text as visible characters on one line."""
    return " ".join(visible(text)[0].split())


def without_userinfo(text: str) -> str:
    """Text whose URLs name no user and no password."""
    return _USERINFO.sub("://", text)


def middle_cut(text: str, limit: int, *, tail: int) -> str:
    """Text of which `limit` characters are kept at most, `tail` of them from its end; the cut is named.

    The notice that stands between them comes on top.
    """
    if len(text) <= limit:
        return text
    cut = f"[{len(text) - limit:,} of {len(text):,} characters left out here]"
    return f"{text[: limit - tail]}\n{cut}\n{text[len(text) - tail :]}"


def listed(names: Iterable[str], most: int) -> str:
    """The first few names; the rest is counted."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more
