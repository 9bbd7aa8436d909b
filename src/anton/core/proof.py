"""The parts of a proof: tests, cells of the matrix, the patch, faults. How they are judged: `verdict`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Suite(StrEnum):
    """Which tests a cell ran."""

    NEW = "new tests"
    OLD = "old suite"
    WHOLE = "whole suite"
    """Old and new tests side by side: what CI runs once the patch is merged."""


class Tree(StrEnum):
    """Which state of the source a cell ran on."""

    BASE = "base"
    FIX = "fix"
    SECOND = "second opinion"


class Outcome(StrEnum):
    """Of one test, as JUnit tells them apart."""

    PASSED = "passed"
    FAILED = "failed"
    """An assertion or an exception in the test's own body."""
    ERROR = "error"
    """Import, collection or fixture: the test itself never ran."""
    SKIPPED = "skipped"


class CellStatus(StrEnum):
    """Whether a cell brought a report."""

    RAN = "ran"
    NO_REPORT = "no report"
    """The command ended without leaving readable JUnit XML."""
    TIMED_OUT = "timed out"


class SandboxLevel(IntEnum):
    """How strongly commands are confined."""

    NONE = 0
    LIMITED = 1
    """Landlock and seccomp: no ports can be opened; metadata of the user's own files is not protected."""
    FULL = 2
    """bubblewrap: namespaces of its own for files, processes and network."""


BAD = frozenset({Outcome.FAILED, Outcome.ERROR})


@dataclass(frozen=True, slots=True)
class Case:
    """One test in a report."""

    id: str
    """`classname::name` of the report."""
    outcome: Outcome
    message: str = ""
    """Failure text, bounded."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of one suite on one tree."""

    suite: Suite
    tree: Tree
    status: CellStatus
    cases: tuple[Case, ...]
    tree_sha: str
    """Git tree that the command ran on."""
    command: tuple[str, ...]
    paths: tuple[str, ...] = ()
    """Test files that the run was narrowed to; empty for the whole suite."""
    exit_code: int | None = None
    output: str = ""
    """End of the runner's output, bounded."""
    seconds: float = 0.0
    attempt: int = 1
    """2 where the same cell was run again to find flaky tests."""
    disguised: bool = False
    """Whether the run bore none of the marks of Anton's other runs, of which `command` is one."""

    @property
    def is_baseline(self) -> bool:
        """Whether the cell tells what the suite said before anything was changed."""
        return self.suite is Suite.OLD and self.tree is Tree.BASE

    def count(self, outcome: Outcome) -> int:
        """How many tests had this outcome."""
        return sum(case.outcome is outcome for case in self.cases)


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that the patch adds, changes or removes."""

    path: str
    status: str
    """`A`, `M` or `D`, as git names them."""
    mode: str = "100644"
    added: int = 0
    removed: int = 0
    """Lines; both 0 for a binary file."""
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the patch; each changes one file."""

    sha: str
    path: str
    subject: str


class Blame(StrEnum):
    """Whom a fault goes back to."""

    CODE = "code"
    TEST = "test"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that was left out of the patch."""

    blames: Blame
    """Whose change it was."""
    text: str
    """Who did what to which file, and why it was left out."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What would be merged, read from git."""

    base: str
    head: str
    """Equal to `base` where nothing was changed."""
    commits: tuple[Commit, ...]
    source: tuple[FileChange, ...]
    tests: tuple[FileChange, ...]
    diff: str
    """Unified, base to head, whole; source first, then tests."""
    second_opinion: str = ""
    """Unified diff of the test agent's own fix; empty where it made none."""
    refused: tuple[Refusal, ...] = ()

    @property
    def files(self) -> tuple[FileChange, ...]:
        """Source first, then tests."""
        return self.source + self.tests

    @property
    def only_adds_tests(self) -> bool:
        """Whether every test file that was there stays as it was."""
        return all(change.status == "A" for change in self.tests)


class FaultKind(StrEnum):
    """What a proof can lack."""

    NOT_TESTED = "not tested"
    NO_FIX = "no fix"
    NO_TESTS = "no new tests"
    REFUSED_CHANGE = "refused change"
    TESTS_BROKEN = "new tests broken"
    NOT_REPRODUCED = "not reproduced"
    NOT_CURED = "not cured"
    REGRESSED = "regressed"
    VANISHED = "vanished"
    TAMPERED = "tampered"
    SUITE_BROKEN = "suite broken"
    DETECTED = "runner detected"


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a proof is not green."""

    kind: FaultKind
    blames: Blame
    tests: tuple[str, ...]
    evidence: str
    """What was executed and what came of it, for the agent that is blamed and for a person."""


class Opinion(StrEnum):
    """What the second witness is worth."""

    NONE = "none"
    AGREES = "agrees"
    DISAGREES = "disagrees"


@dataclass(frozen=True, slots=True)
class Tampering:
    """A sign of cheating, found by comparing trees and outcomes; a proof that holds one is never green."""

    kind: str
    """In a few words, such as `assertion removed` or `runner detected`."""
    path: str
    line: int
    """In the file as it was changed; 0 where it concerns the file or the run as a whole."""
    detail: str
    """What stands there, and why it does not pass."""
    blames: Blame


class MutantFate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    """A new test failed, or the run did not end."""
    SURVIVED = "survived"
    NOT_RUN = "not run"
    """The stage's time was over, or the mutant did not compile."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A small change to a line of the fix; tests that mean something notice it."""

    path: str
    line: int
    """In the fixed file."""
    before: str
    after: str
    """The line without and with the change, without indentation."""
    fate: MutantFate
    killed_by: str = ""
    """The first test that noticed."""


@dataclass(frozen=True, slots=True)
class HunkCheck:
    """One hunk of the fix, taken back alone while the rest stays."""

    path: str
    header: str
    """As in the diff: `@@ -47,7 +47,7 @@ …`."""
    needed: bool
    """Some test fails without it; a hunk that nothing needs is named to the person."""
    killed_by: str = ""


class CulpritStatus(StrEnum):
    """What the search for the commit that brought the bug came to."""

    FOUND = "found"
    ALWAYS = "always"
    """The oldest commit that could be tested has the bug already."""
    NOT_FOUND = "not found"
    """Too many commits could not be tested, or time ran out."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """The commit that brought the bug, found by bisection with the reproducing test."""

    status: CulpritStatus
    commit: str = ""
    author: str = ""
    authored_at: str = ""
    """ISO 8601 with offset, as git has it."""
    subject: str = ""
    tested: int = 0
    skipped: int = 0
    """Commits that could not be tested (no environment, import error, flaky)."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """A judged matrix together with everything that it was derived from."""

    round: int
    patch: Patch
    cells: tuple[Cell, ...]
    faults: tuple[Fault, ...]
    reproducing: tuple[str, ...]
    """New tests that failed on base and pass on the fix."""
    new_tests: tuple[str, ...]
    flaky: tuple[str, ...]
    already_red: tuple[str, ...]
    """Tests that failed on base before anything was changed; not held against the fix."""
    opinion: Opinion
    sandbox: str
    """What the tests were confined by."""
    tampering: tuple[Tampering, ...] = ()
    mutants: tuple[Mutant, ...] = ()
    hunks: tuple[HunkCheck, ...] = ()
    culprit: Culprit | None = None
    undone: tuple[str, ...] = ()
    """What there was no time for, a sentence each."""
    sandbox_level: SandboxLevel = SandboxLevel.NONE
    instead_of: str = ""
    """Where the patch is the test agent's own fix: what the code agent's failed, in the runner's words."""

    @property
    def green(self) -> bool:
        """Whether nothing is left to object."""
        return not self.faults
