"""What a JUnit XML report says of each test; written by untrusted code, it is read with suspicion.

There is no one schema. Read here: pytest (xunit1 and xunit2), unittest-xml-reporting, `node --test`,
jest-junit, Maven surefire, go-junit-report and gotestsum. They differ in what `<error>` means. pytest writes
it for collection, fixtures and teardown alone; the xUnit family for any exception that is not an assertion;
node writes `<failure>` for everything. `_outcome` tells them apart: a test that never ran reproduces nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from anton.core.errors import OutsideError
from anton.core.proof import BAD, Case, Outcome
from anton.core.text import middle_cut, visible

MAX_REPORT_BYTES = 20_000_000
MAX_MESSAGE = 2_000
"""Characters of one test's failure text; beginning and end are kept."""
MAX_ID = 500
_NOTICE = 80
"""Characters kept free for the notice of a cut."""
MAX_CASES = 200_000
MAX_DEPTH = 64


class ReportUnreadable(OutsideError):
    """A report that is not JUnit XML, is cut off, contradicts itself, or is too large."""


def read_report(xml: bytes) -> tuple[Case, ...]:
    """The tests of a report, in its order; several under one id are all kept.

    Raises:
        ReportUnreadable: the report cannot be believed; the text says why.
    """
    if len(xml) > MAX_REPORT_BYTES:
        raise ReportUnreadable(f"the report is larger than {MAX_REPORT_BYTES:,} bytes")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(_without_control_bytes(xml), True)
    except expat.ExpatError as error:
        raise ReportUnreadable(f"the report is not whole XML: {error}") from error
    reader.check()
    return tuple(reader.cases)


def plain(text: str) -> str:
    """Text without colours, however they are written, and without what cannot be seen."""
    return visible(_ANSI.sub("", text))[0]


_ESC = r"(?:\x1b|#x1B|\\x1B)"  # as it is, as pytest writes it, as node writes it
_ANSI = re.compile(_ESC + r"(?:\[[0-9;:?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\))")
_CONTROL_BYTES = bytes(n for n in range(32) if n not in b"\t\n\r")
_NEVER_RAN = frozenset({"hookFailed", "cancelledByParent", "uncaughtException", "unhandledRejection"})
"""Failure types of node for tests whose own body did not run to its end.
https://github.com/nodejs/node/blob/v20.x/lib/internal/test_runner/test.js"""
_UNLOADABLE = re.compile(
    r"ImportError|ModuleNotFoundError|SyntaxError|_FailedTest|NoClassDefFoundError|ExceptionInInitializerError"
)
_REMARKS = frozenset({"failure", "error", "skipped"})
_FIXTURE = re.compile(r"\b(setUp|setUpClass|setUpModule|tearDown|tearDownClass|tearDownModule)\b")


@dataclass(slots=True)
class _Remark:
    """A child of a testcase: failure, error or skipped."""

    tag: str
    depth: int
    type: str
    message: str
    text: list[str] = field(default_factory=list)
    size: int = 0

    def wording(self) -> str:
        body = plain("".join(self.text)).strip()
        message = plain(self.message).strip()
        opening = message.partition("\n")[0]
        return body if opening in body else f"{message}\n{body}".strip()


@dataclass(slots=True)
class _TestCase:
    depth: int
    name: str
    classname: str
    remarks: list[_Remark] = field(default_factory=list)


class _Reader:
    """Builds cases from the parser's events; holds one testcase at a time."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._path: list[str] = []
        self._suites: list[str] = []
        self._case: _TestCase | None = None
        self._remark: _Remark | None = None
        self._declared = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if not self._path and tag not in ("testsuites", "testsuite"):
            raise ReportUnreadable(f"the report's root is <{tag[:40]}>, not <testsuites> or <testsuite>")
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH:
            raise ReportUnreadable(f"the report is nested deeper than {MAX_DEPTH} elements")
        depth = len(self._path)
        if self._case is not None:
            if self._remark is None and depth == self._case.depth + 1 and tag in _REMARKS:
                self._remark = _Remark(tag, depth, attributes.get("type", ""), attributes.get("message", ""))
        elif tag == "testsuite":
            self._suites.append(attributes.get("name", ""))
            self._declared += _number(attributes.get("failures")) + _number(attributes.get("errors"))
        elif tag == "testcase":
            self._case = _TestCase(depth, attributes.get("name", ""), attributes.get("classname", ""))

    def text(self, text: str) -> None:
        if self._remark is not None and self._remark.size <= 4 * MAX_MESSAGE:
            self._remark.text.append(text)
            self._remark.size += len(text)

    def end(self, tag: str) -> None:
        depth = len(self._path)
        self._path.pop()
        if self._case is None:
            if tag.rpartition(":")[2] == "testsuite":
                self._suites.pop()
        elif depth == self._case.depth:
            self._finish(self._case)
            self._case = None
        elif self._remark is not None and depth == self._remark.depth:
            self._case.remarks.append(self._remark)
            self._remark = None

    def check(self) -> None:
        """Refuse a report whose own figures say that it hides failures."""
        if self._declared and not any(case.outcome in BAD for case in self.cases):
            raise ReportUnreadable(f"the report counts {self._declared} failed tests and lists none of them")

    def _finish(self, case: _TestCase) -> None:
        if len(self.cases) >= MAX_CASES:
            raise ReportUnreadable(f"the report lists more than {MAX_CASES:,} tests")
        outcome = _outcome(case)
        told = [remark.wording() for remark in case.remarks if remark.tag != "skipped" or outcome not in BAD]
        self.cases.append(Case(self._id(case), outcome, bounded("\n".join(told))))

    def _id(self, case: _TestCase) -> str:
        owner = case.classname
        if owner == "test":  # node writes this for every test; the suites around it tell them apart
            owner = " > ".join(name for name in self._suites if name)
        name = one_line(case.name) or "(no name)"
        return f"{one_line(owner)}::{name}" if owner else name


def _outcome(case: _TestCase) -> Outcome:
    tags = {remark.tag for remark in case.remarks}
    if "skipped" in tags:  # also node's `todo`, which comes with its failure and does not fail the suite
        return Outcome.SKIPPED
    if "failure" in tags:
        ran = any(remark.tag == "failure" and not _never_ran(case, remark) for remark in case.remarks)
        return Outcome.FAILED if ran else Outcome.ERROR
    if "error" in tags:
        ran = all(_raised_in_body(case, remark) for remark in case.remarks)
        return Outcome.FAILED if ran else Outcome.ERROR
    return Outcome.PASSED


def _never_ran(case: _TestCase, remark: _Remark) -> bool:
    """Whether node's `<failure>` stands for a hook, or for a whole file that could not be loaded."""
    if case.classname != "test":
        return False
    whole_file = remark.message == "test failed" and "exitCode:" in "".join(remark.text)
    return remark.type in _NEVER_RAN or whole_file


def _raised_in_body(case: _TestCase, remark: _Remark) -> bool:
    """Whether an `<error>` is the xUnit family's for an exception in a test: pytest's has no type."""
    if not remark.type or _UNLOADABLE.search(f"{remark.type} {case.classname}"):
        return False
    return not _FIXTURE.search(case.name) and not _FIXTURE.search("".join(remark.text))


def _refuse_doctype(*_: object) -> None:
    raise ReportUnreadable("the report has a DOCTYPE, which no test runner writes")


def _without_control_bytes(xml: bytes) -> bytes:
    """Some runners copy control bytes from test output, which XML forbids; UTF-16 is left as it is."""
    return xml if xml[:2] in (b"\xff\xfe", b"\xfe\xff") else xml.translate(None, _CONTROL_BYTES)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def one_line(text: str) -> str:
    """A name without line ends and control characters, cut at MAX_ID."""
    line = " ".join(plain(text).split())
    return line if len(line) <= MAX_ID else line[: MAX_ID - 1] + "…"


def bounded(text: str) -> str:
    """A message of MAX_MESSAGE characters at most, with the notice of a cut; beginning and end are kept."""
    if len(text) <= MAX_MESSAGE:
        return text
    return middle_cut(text, MAX_MESSAGE - _NOTICE, tail=MAX_MESSAGE // 2)
