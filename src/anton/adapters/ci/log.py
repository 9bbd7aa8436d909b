"""Failing tests in the log of a workflow: pure, for any text, in time that grows with its length.

What is understood: pytest, unittest, `node --test` (spec and TAP) and `go test`. All words are from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from anton.core.text import middle_cut, visible
from anton.ports import FailedTest

MAX_TESTS = 50
MAX_NAME_CHARACTERS = 300
EXCERPT_CHARACTERS = 4_000
LOG_LINES = 120
"""Around the failure, where no test is found."""
LOG_CHARACTERS = 12_000

_STAMP = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ?")
_PYTEST_NAMED = re.compile(r"(?:FAILED|ERROR) (\S+\.py(?:::.*?)?)(?: - (.*))?")
_PYTEST_HEADING = re.compile(r"_{3,}+ (?:ERROR (?:at \w+ of|collecting) )?(.+?) _{3,}+")
_PYTEST_SECTION = re.compile(r"={3,}+ .+ ={3,}")
_UNITTEST = re.compile(r"(?:FAIL|ERROR): (.+)")
_RULER = re.compile(r"[=-]{70}")
_NODE_SPEC = re.compile(r"✖ (.+?) \(\d+(?:\.\d+)?ms\)")
_NODE_TAP = re.compile(r"\s*not ok \d+ - (.+?)(?: # .*)?")
_NODE_END = re.compile(r"\s+\.\.\.")
_GO = re.compile(r"\s*--- FAIL: (\S+) \(\d+(?:\.\d+)?s\)")


def failed_tests(log: str) -> tuple[FailedTest, ...]:
    """The tests that a log says have failed, each once, in the order in which it names them."""
    lines = plain(log)
    found: dict[str, str] = {}
    for read in (_pytest, _unittest, _node_spec, _node_tap, _go):
        for name, excerpt in read(lines):
            found.setdefault(name, excerpt)
            if len(found) == MAX_TESTS:
                break
    inner = {name.rpartition("/")[0] for name in found}  # go names a failed subtest's parents as well
    return tuple(_bounded(name, said) for name, said in found.items() if name not in inner)


def around_failure(log: str) -> str:
    """The lines before the first step that failed, or the last ones."""
    lines = plain(log)
    end = next((at for at, line in enumerate(lines) if line.startswith("##[error]")), len(lines) - 1) + 1
    return _cut("\n".join(lines[max(0, end - LOG_LINES) : end]), LOG_CHARACTERS)


def plain(log: str) -> list[str]:
    """The lines without time stamps, colours, and what cannot be seen."""
    return [_STAMP.sub("", line, count=1).rstrip() for line in visible(log)[0].split("\n")]


def _bounded(name: str, excerpt: str) -> FailedTest:
    return FailedTest(name[:MAX_NAME_CHARACTERS], _cut(excerpt.strip("\n"), EXCERPT_CHARACTERS))


def _cut(text: str, limit: int) -> str:
    return middle_cut(text, limit, tail=limit * 3 // 4)


def _pytest(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Node ids from the summary, each with the section of its name."""
    sections = dict(_between(lines, _PYTEST_HEADING, _PYTEST_SECTION))
    for line in lines:
        if named := _PYTEST_NAMED.fullmatch(line):
            node, said = named[1], named[2] or ""
            short = node.partition("::")[2].replace("::", ".")
            yield node, sections.get(short) or sections.get(node) or said


def _unittest(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, line in enumerate(lines[1:-1], 1):
        if (named := _UNITTEST.fullmatch(line)) and _RULER.fullmatch(lines[at - 1]):
            said = []
            for below in lines[at + 2 : at + 2 + 400]:
                if _RULER.fullmatch(below):
                    break
                said.append(below)
            yield named[1], "\n".join(said)


def _node_spec(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The list at the end, whose entries begin with the place of the test."""
    start = next((at for at, line in enumerate(lines) if line.strip() == "✖ failing tests:"), len(lines))
    yield from _between(lines[start:], _NODE_SPEC, re.compile(r"test at .+"))


def _node_tap(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, said in _between(lines, _NODE_TAP, _NODE_END):
        if "failureType: 'subtestsFailed'" not in said:  # the file or suite around a test that failed
            yield name, said


def _go(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from _between(lines, _GO, re.compile(r"(?:FAIL|PASS|ok|=== RUN|=== CONT|\s*--- (?:PASS|SKIP)).*"))


def _between(
    lines: Sequence[str], heading: re.Pattern[str], end: re.Pattern[str]
) -> Iterator[tuple[str, str]]:
    """What stands below each heading, up to the next heading or the end of its section."""
    name, said = "", list[str]()
    for line in lines:
        found = heading.fullmatch(line)
        if (found or end.fullmatch(line)) and name:
            yield name, "\n".join(said)
            name = ""
        if found:
            name, said = found[1], []
        elif name:
            said.append(line)
    if name:
        yield name, "\n".join(said)
