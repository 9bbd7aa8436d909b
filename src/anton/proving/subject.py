"""Commit subjects out of words that a model wrote: one line, nothing in it that a forge would act upon."""

from __future__ import annotations

import re
import unicodedata

MAX_SUBJECT = 72
"""Characters; what git's own documentation advises for tools that show one line."""

_VERBS = {"A": "Add", "D": "Remove"}

_NEUTRAL = (
    (re.compile(r"https?://", re.IGNORECASE), ""),  # a whole URL closes an issue as `#12` does
    (re.compile(r"#(?=\w)"), ""),  # GitHub's `fixes #12`, Jira's `#close`
    (re.compile(r"\bGH-(?=\d)", re.IGNORECASE), ""),
    (re.compile(r"(?<![\w.])@(?=\w)"), ""),  # mentions
    (re.compile(r"[\[*]+\s*((?:skip|no|ci)[ _-](?:ci|skip|actions))\s*[\]*]+", re.IGNORECASE), r"\1"),
    (re.compile(r"^(?:(?:fixup|squash|amend)!\s*)+", re.IGNORECASE), ""),
    (re.compile(r"^[\W_]+"), ""),
)


def clean_subject(words: str, path: str, status: str) -> str:
    """A commit subject for a change to one file; `Change <path>` and the like where the words leave nothing.

    Args:
        words: What a model said of the change; only its first line counts.
        path: The file.
        status: `A`, `M` or `D`.
    """
    line = _cut(_harmless(words))
    if any(character.isalpha() for character in line):
        return line
    return _cut(f"{_VERBS.get(status, 'Change')} {_harmless(path, lead=False)}")


def clean_key(key: str) -> str:
    """A ticket's key, fit for a trailer."""
    return _one_line(key)[:MAX_SUBJECT] or "unknown"


def _harmless(text: str, *, lead: bool = True) -> str:
    line = _one_line(text)
    while True:  # what one rule removes may be what kept two halves apart
        before = line
        for pattern, instead in _NEUTRAL if lead else _NEUTRAL[:-1]:
            line = pattern.sub(instead, line)
        if line == before:
            return line


def _one_line(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in first)
    return " ".join(shown.split())


def _cut(line: str) -> str:
    if len(line) <= MAX_SUBJECT:
        return line
    head, _, _ = line[:MAX_SUBJECT].rpartition(" ")
    return f"{(head or line)[: MAX_SUBJECT - 1].rstrip(' ,;:-')}…"
