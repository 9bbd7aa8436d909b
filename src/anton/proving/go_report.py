"""What `go test -json` says of each test: lines of JSON, one an event, written by cmd/test2json.

A package that ends badly without a failed test (it does not compile, it exits) is a case of its own that
never ran; so is a test that was begun and never ended.

Source: pkg.go.dev/cmd/test2json.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from anton.core.proof import Case, Outcome
from anton.proving.junit import MAX_CASES, MAX_REPORT_BYTES, ReportUnreadable, bounded, one_line, plain

_ENDS = {"pass": Outcome.PASSED, "fail": Outcome.FAILED, "skip": Outcome.SKIPPED}
_NOT_BUILT = re.compile(rb"FAIL\s+(\S{1,500}) \[(?:build|setup) failed\]\s*")
"""A package that does not compile is no event before Go 1.24."""
_KEPT_OUTPUT = 8_000
"""Characters of a test's output that are held while reading."""


def read_go_report(content: bytes) -> tuple[Case, ...]:
    """The tests of a report, by package and name, in the order in which they were begun.

    Raises:
        ReportUnreadable: it is too large, or holds no event of a test run.
    """
    if len(content) > MAX_REPORT_BYTES:
        raise ReportUnreadable(f"the report is larger than {MAX_REPORT_BYTES:,} bytes")
    packages: dict[str, _Package] = defaultdict(_Package)
    for event in _events(content):
        packages[event.package].take(event)
    if not packages and content.strip():
        raise ReportUnreadable("the report holds no event of `go test -json`")
    cases = tuple(case for name, package in packages.items() for case in package.cases(name))
    if len(cases) > MAX_CASES:
        raise ReportUnreadable(f"the report lists more than {MAX_CASES:,} tests")
    return cases


@dataclass(frozen=True, slots=True)
class _Event:
    action: str
    package: str
    test: str
    output: str


@dataclass(slots=True)
class _Test:
    outcome: Outcome | None = None
    output: str = ""


@dataclass(slots=True)
class _Package:
    """A package and its tests; the package's own events are those of the test without a name."""

    tests: dict[str, _Test] = field(default_factory=lambda: defaultdict(_Test))

    def take(self, event: _Event) -> None:
        test = self.tests[event.test]
        test.outcome = _ENDS.get(event.action, test.outcome)
        test.output = (test.output + event.output)[-_KEPT_OUTPUT:]

    def cases(self, package: str) -> Iterator[Case]:
        failed = False
        for name, test in self.tests.items():
            outcome = test.outcome or Outcome.ERROR
            failed |= outcome in (Outcome.FAILED, Outcome.ERROR) and bool(name)
            if name:
                told = "" if outcome is Outcome.PASSED else bounded(plain(test.output).strip())
                yield Case(f"{one_line(package)}::{one_line(name)}", outcome, told)
        own = self.tests.get("", _Test())
        if own.outcome in (Outcome.FAILED, None) and not failed:
            yield Case(one_line(package), Outcome.ERROR, bounded(plain(own.output).strip()))


def _events(content: bytes) -> Iterator[_Event]:
    for line in content.splitlines():
        if found := _NOT_BUILT.fullmatch(line):
            name = found[1].decode("utf-8", "replace")
            yield _Event("fail", name, "", "it could not be built\n")
        elif line.startswith(b"{") and (event := _event(line)):
            yield event


def _event(line: bytes) -> _Event | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    words = {key: text for key, text in value.items() if isinstance(text, str)}
    package = words.get("Package") or words.get("ImportPath", "").partition(" ")[0]
    if not package:
        return None
    return _Event(words.get("Action", ""), package, words.get("Test", ""), words.get("Output", ""))
