"""Failures that show nothing but that what the patch adds was not there before.

A test that calls a function which comes with the fix fails on base whatever that function does. Such a
failure is no reason of the ticket's, unless it comes from the source itself: a crash over a missing attribute
is a bug.
"""

from __future__ import annotations

import re

from anton.core.proof import FileChange, Patch

_SAID = r"{}(?:: |\(\W)"
"""As a traceback has it, or as `repr` writes the exception."""
_NAMED = (
    re.compile(_SAID.format("NameError") + r"name '(\w+)' is not defined"),
    re.compile(_SAID.format("AttributeError") + r".{0,300}has no attribute '(\w+)'"),
    re.compile(_SAID.format("ImportError") + r"cannot import name '(\w+)'"),
    re.compile(_SAID.format("ModuleNotFoundError") + r"No module named '([\w.]+)'"),
    re.compile(_SAID.format("TypeError") + r".{0,300}got an unexpected keyword argument '(\w+)'"),
    re.compile(r"ReferenceError: (\w+) is not defined"),
    re.compile(r"TypeError: (?:[\w$]+\.)*([\w$]+) is not a (?:function|constructor)"),
)
"""The words of CPython and of V8."""
_PLACE = re.compile(r"(?:^|[\s(/\"])([\w./-]+\.\w+)(?::\d+|\", line \d+)")
"""A line of a traceback: pytest's, Python's own, or V8's."""
_V8 = re.compile(r"^\s+at ", re.MULTILINE)
_HEAD = re.compile(r"^\+\+\+ (?:b/)?(.+?)\t?$")


def lacks_what_is_added(message: str, patch: Patch) -> bool:
    """Whether a test failed for want of a name that the patch adds, which the test itself asked for.

    Args:
        message: Of the failure on base, as the report has it.
        patch: With the diff of its source.
    """
    found = [match for pattern in _NAMED for match in pattern.finditer(message)]
    if not found or not _of_a_test(message, patch):
        return False
    name = max(found, key=lambda match: match.start())[1]
    return _added(name, patch)


def _of_a_test(message: str, patch: Patch) -> bool:
    """Whether the innermost place of the traceback is in a test file of the patch, as far as one is named."""
    places = [place[1] for place in _PLACE.finditer(message)]
    if not places:
        return True
    innermost = places[0] if _V8.search(message) else places[-1]
    return any(innermost.endswith(change.path) for change in patch.tests)


def _added(name: str, patch: Patch) -> bool:
    """Whether a name, or a module, comes with the source of the patch."""
    path = name.replace(".", "/")
    modules = (f"{path}.py", f"{path}/__init__.py")
    if any(f"/{change.path}".endswith(tuple(f"/{m}" for m in modules)) for change in _new_files(patch)):
        return True
    added, removed = _words(patch)
    return name.rpartition(".")[2] in added - removed


def _new_files(patch: Patch) -> tuple[FileChange, ...]:
    return tuple(change for change in patch.source if change.status == "A")


def _words(patch: Patch) -> tuple[set[str], set[str]]:
    """The words of the lines that the patch adds to its source, and of those that were there before."""
    source = {change.path for change in patch.source}
    added: set[str] = set()
    removed: set[str] = set()
    inside = False
    for line in patch.diff.splitlines():
        if line.startswith("diff --git "):
            inside = False
        elif head := _HEAD.match(line):
            inside = head[1] in source
        elif inside and line[:1] in ("+", "-", " "):
            words = set(re.findall(r"[\w$]+", line[1:]))
            added |= words if line[0] == "+" else set()
            removed |= words if line[0] != "+" else set()
    return added, removed
