"""What tells one reason for a test's failure from another, read off the runner's words.

The same test that fails at the same line with the same exception is taken to fail for the same reason; values
in an assertion may differ. Where an exception may as well mean that something does not exist yet, its words
count, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason to fail, as far as it can be compared."""

    line: str
    """Of the test's own file; empty where the runner does not name one."""
    kind: str
    """The exception, without its module; empty for an assertion."""
    words: str
    """Of the exception, numbers aside, where its kind alone tells too little."""


_PYTEST = re.compile(r"^E +(?:[\w$]+\.)*(\w+)(?::[^\n]*)?$", re.MULTILINE)
"""pytest's words for an exception; for an assertion they are `E   assert …`."""
_ASSERTED = re.compile(r"^E +assert\b", re.MULTILINE)
_RAISED = re.compile(r"^ *(?:[\w$]+\.)*(\w*(?:Error|Exception|Exit|Interrupt))\b[^\n]*", re.MULTILINE)
"""Any other runner's: a line that begins with the exception."""
_ASSERTIONS = frozenset({"AssertionError", "AssertionFailedError", "ComparisonFailure"})
_ABSENCE = frozenset(
    {
        "AttributeError",
        "ImportError",
        "ModuleNotFoundError",
        "NameError",
        "NoSuchMethodError",
        "ReferenceError",
        "TypeError",
    }
)
"""What a test meets that is older than what it calls."""


def failure_of(message: str, paths: Sequence[str]) -> Failure:
    """The reason that a failing test's message tells of.

    Args:
        message: As a report has it.
        paths: The test files; the first line of one that is named is where the test failed. Their names
            without folders are enough, which is all that Java and Go tell.
    """
    names = "|".join(sorted({re.escape(path.rpartition("/")[2]) for path in paths if path})) or "(?!)"
    place = re.search(rf"(?<![\w.-])(?:{names})(?::|\", line )(\d+)", message)
    raised = None if _ASSERTED.search(message) else _PYTEST.search(message) or _RAISED.search(message)
    kind = raised[1] if raised and raised[1] not in _ASSERTIONS else ""
    words = re.sub(r"\d+", "0", raised[0].strip()) if raised and kind in _ABSENCE else ""
    return Failure(place[1] if place else "", kind, words)
