"""Running a suite on a git tree: what came of it is read from exit code and report, where these agree."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anton.core.errors import ToolError
from anton.core.proof import BAD, Case, Cell, CellStatus, Outcome, Suite, Tree
from anton.core.secrets import Masker
from anton.ports import Command, Execution, Repository, Sandbox
from anton.proving.closing import contradiction
from anton.proving.disguise import disguised
from anton.proving.go_report import read_go_report
from anton.proving.junit import MAX_REPORT_BYTES, ReportUnreadable, plain, read_report
from anton.proving.plan import ReportFormat, TestPlan
from anton.proving.presets import PYTEST_OPTIONS
from anton.proving.scratch import delete_report, read_reports, scratch_tree

MAX_OUTPUT = 8_000
"""Characters of a runner's output that a cell keeps, from its end."""
KEPT_CELLS = 32
"""First attempts that are remembered; a cell of a large suite is some megabytes."""
SHOWN_FAILURES = 10
SHOWN_MESSAGE = 1_200
SHOWN_OUTPUT = 4_000


@dataclass(frozen=True, slots=True)
class _Key:
    tree_sha: str
    command: tuple[str, ...]


async def _nothing_to_prepare() -> None:
    return None


class SuiteRunner:
    """Runs a repository's tests on its trees, each in a throw-away folder inside the sandbox.

    Args:
        sandbox: Where they run.
        repository: Exports the trees.
        workspace: Folder of the throw-away folders.
        plan: How the tests are run.
        slots: Shared by runners that share the machine's cores.
        prepare: Awaited before each run; then what the plan's command needs is there.
        masker: Takes secrets out of what the tests say and are called.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        repository: Repository,
        workspace: Path,
        plan: TestPlan,
        slots: asyncio.Semaphore | None = None,
        prepare: Callable[[], Awaitable[None]] = _nothing_to_prepare,
        masker: Masker | None = None,
    ) -> None:
        self.plan = plan
        self._prepare = prepare
        self._masker = masker or Masker()
        self._sandbox = sandbox
        self._repository = repository
        self._workspace = workspace
        self._slots = slots or asyncio.Semaphore(os.cpu_count() or 1)
        self._known: dict[_Key, Cell] = {}
        self._running: dict[_Key, asyncio.Lock] = {}

    @property
    def can_run(self) -> bool:
        """Whether the sandbox runs anything at all."""
        return self._sandbox.usable

    async def prepare(self) -> None:
        """Have there what the tests need, such as the repository's own environment.

        Raises:
            OutsideError: it cannot be had.
        """
        await self._prepare()

    def limited(self, timeout_seconds: float) -> SuiteRunner:
        """A runner that shares this one's cores, ends a run sooner, and remembers only its own runs."""
        plan = replace(self.plan, timeout_seconds=min(timeout_seconds, self.plan.timeout_seconds))
        return SuiteRunner(
            self._sandbox, self._repository, self._workspace, plan, self._slots, self._prepare, self._masker
        )

    async def run(
        self, tree_sha: str, suite: Suite, tree: Tree, paths: Sequence[str] = (), attempt: int = 1
    ) -> Cell:
        """One cell: the suite, or the given test files of it, on a tree.

        A first attempt that brought a report is remembered, so that the same tree is not run twice.

        Raises:
            SandboxError: the command could not be started.
        """
        key = _Key(tree_sha, self.command(paths))
        if attempt > 1:
            cell = await self._execute(key, self.plan)
        else:
            async with self._running.setdefault(key, asyncio.Lock()):
                cell = self._known.get(key) or await self._execute(key, self.plan)
                if cell.status is CellStatus.RAN:
                    self._remember(key, cell)
        return replace(cell, suite=suite, tree=tree, paths=tuple(paths), attempt=attempt)

    async def run_disguised(
        self, tree_sha: str, suite: Suite, tree: Tree, paths: Sequence[str] = (), attempt: int = 2
    ) -> Cell:
        """One cell of a run that bears no mark of Anton; its `command` is the one that it stands beside.

        Raises:
            SandboxError: the command could not be started.
        """
        key = _Key(tree_sha, self.command(paths))
        other = disguised(self.plan, key.command)
        cell = await self._execute(_Key(tree_sha, other.command), other.plan)
        return replace(
            cell,
            suite=suite,
            tree=tree,
            paths=tuple(paths),
            attempt=attempt,
            command=key.command,
            disguised=True,
        )

    def _remember(self, key: _Key, cell: Cell) -> None:
        self._known[key] = cell
        if len(self._known) > KEPT_CELLS:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._running.pop(oldest, None)

    async def for_agent(self, tree_sha: str, paths: Sequence[str] = ()) -> str:
        """What a model is told of a run; the same tree gives the same text.

        Raises:
            ToolError: a path names no test file.
            SandboxError: the command could not be started.
        """
        chosen = await self._checked(tree_sha, paths)
        cell = await self.run(tree_sha, Suite.OLD, Tree.BASE, chosen)
        where = " ".join(chosen) or "the whole suite"
        if paths and not chosen:
            where += " (this repository's test command cannot be narrowed to files)"
        return f"Ran {where}.\n{_told(cell, self.plan)}"

    async def _checked(self, tree_sha: str, paths: Sequence[str]) -> tuple[str, ...]:
        if not paths or not self.plan.selects_files:
            return ()
        files = await self._repository.files(tree_sha)
        for path in paths:
            name = path.partition("::")[0].rstrip("/")
            if name not in files and not any(file.startswith(name + "/") for file in files):
                raise ToolError(
                    f"There is no file or folder {path!r} in the worktree. Name test files relative to the "
                    "repository's root, as they are listed, or name none to run the whole suite."
                )
        return tuple(paths) if not self.plan.narrow_command else self._modules_of(paths, files)

    def _modules_of(self, paths: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
        """The files of tests among some files and folders, for a runner that takes no folders."""
        names = tuple(path.partition("::")[0].rstrip("/") for path in paths)
        folders = tuple(f"{name}/" for name in names)
        chosen = [f for f in files if f in names or (f.startswith(folders) and self.plan.is_module(f))]
        if not chosen:
            raise ToolError(f"There is no test file in {', '.join(map(repr, paths))}.")
        return tuple(chosen)

    def command(self, paths: Sequence[str] = ()) -> tuple[str, ...]:
        """What is executed for the whole suite, or for these files of it."""
        command = (paths and self.plan.narrow_command) or self.plan.command
        return (*command, *(f"./{path}" if path.startswith("-") else path for path in paths))

    async def _execute(self, key: _Key, plan: TestPlan) -> Cell:
        await self._prepare()
        async with self._slots, scratch_tree(self._repository, key.tree_sha, self._workspace) as folder:
            await asyncio.to_thread(_make_ready, folder, plan)
            command = Command(key.command, folder, plan.timeout_seconds, plan.env, plan.readable)
            execution = await self._sandbox.run(command)
            return await asyncio.to_thread(lambda: self._masker.masked(_cell(key, plan, folder, execution)))


def _make_ready(folder: Path, plan: TestPlan) -> None:
    delete_report(folder, plan.report)
    for name, target in plan.links:
        if not os.path.lexists(folder / name):
            (folder / name).symlink_to(target)


def _cell(key: _Key, plan: TestPlan, folder: Path, execution: Execution) -> Cell:
    """What came of a run; where it belongs in the matrix is filled in by the caller."""
    reports = read_reports(folder, plan.report, MAX_REPORT_BYTES)
    status, cases, remark = _believed(execution, reports, plan)
    here = _Folder(folder)
    output = here.steady(plain(execution.output))[-MAX_OUTPUT:]
    return Cell(
        suite=Suite.OLD,
        tree=Tree.BASE,
        status=status,
        cases=tuple(Case(here.hide(case.id), case.outcome, here.steady(case.message)) for case in cases),
        tree_sha=key.tree_sha,
        command=key.command,
        exit_code=execution.exit_code,
        output=f"{output.rstrip()}\n{remark}".strip(),
        seconds=execution.seconds,
    )


def _believed(
    execution: Execution, reports: tuple[bytes, ...], plan: TestPlan
) -> tuple[CellStatus, tuple[Case, ...], str]:
    """Status and cases of a run, and why its report is not believed where it is not."""
    if execution.timed_out:
        return CellStatus.TIMED_OUT, (), f"[stopped after {plan.timeout_seconds:g} s]"
    if not reports:
        return CellStatus.NO_REPORT, (), f"[{_ended(execution)} without a report at {plan.report}]"
    try:
        read = _READERS[plan.report_format]
        cases = tuple(case for report in reports for case in read(report))
    except ReportUnreadable as error:
        return CellStatus.NO_REPORT, (), f"[{_ended(execution)}; {error}]"
    if doubt := _doubt(execution, cases, plan):
        return CellStatus.NO_REPORT, (), f"[{_ended(execution)}, {doubt}: the report is not believed]"
    return CellStatus.RAN, cases, ""


_READERS = {ReportFormat.JUNIT: read_report, ReportFormat.GO_JSON: read_go_report}


def _doubt(execution: Execution, cases: tuple[Case, ...], plan: TestPlan) -> str:
    """How exit code and report contradict each other; empty where they agree.

    A report with failures beside exit code 0 is believed: the worse of the two counts.
    """
    code = execution.exit_code
    if _is_pytest(plan) and (found := contradiction(plain(execution.output), cases)):
        return found
    if code == 0 or (code == _NO_TESTS and not cases):
        return ""
    if code is None or code < 0 or (plan.exit_codes and code not in plan.exit_codes):
        return "which is not how this runner ends a whole run"
    if not any(case.outcome in BAD for case in cases) and not _COVERAGE.search(execution.output):
        return "while the report lists no failure"
    return ""


def _is_pytest(plan: TestPlan) -> bool:
    """Whether it is pytest as a preset runs it, which is sure to have a closing line."""
    return plan.command[1:3] == ("-m", "pytest") and PYTEST_OPTIONS[0] in plan.command


_NO_TESTS = 5
"""Of pytest (https://docs.pytest.org/en/stable/reference/exit-codes.html), and of unittest since 3.12."""
_COVERAGE = re.compile(r"^(FAIL Required test coverage of|ERROR: Coverage failure:)", re.MULTILINE)
"""pytest-cov fails a run whose tests all passed, most of all one that is narrowed to a few files."""


def _ended(execution: Execution) -> str:
    return f"exit code {execution.exit_code}"


class _Folder:
    """Where a suite ran, to be kept out of what is told of it."""

    def __init__(self, folder: Path) -> None:
        self._names = (str(folder.resolve()), str(folder))

    def hide(self, text: str) -> str:
        """Text without the folder's name."""
        for name in self._names:
            text = text.replace(name, "/repo")
        return text

    def steady(self, text: str) -> str:
        """Text without what differs from run to run: the folder's name, addresses, durations."""
        text = self.hide(text)
        for pattern, instead in _PASSING:
            text = pattern.sub(instead, text)
        return text


_PASSING = (
    (re.compile(r"\bat 0x[0-9a-fA-F]{6,}"), "at 0x…"),
    (re.compile(r"\bin \d+\.\d+s(?: \(\d+:\d\d:\d\d\))?"), "in … s"),
    (re.compile(r"\bduration_ms:? [\d.]+"), "duration_ms …"),
    (re.compile(r"(?<=/)(anton-|tmp)(?:sandbox-)?[a-z0-9_]{8}\b"), r"\1…"),
    (re.compile(r"\bpytest-of-[^/\s]+/pytest-\d+"), "pytest-of-user/pytest-0"),
)


def _told(cell: Cell, plan: TestPlan) -> str:
    match cell.status:
        case CellStatus.TIMED_OUT:
            head = f"The tests did not end within {plan.timeout_seconds:g} seconds and were stopped."
        case CellStatus.NO_REPORT:
            head = f"The runner ended with exit code {cell.exit_code} and no result that can be believed."
        case CellStatus.RAN:
            return _results(cell)
    return f"{head} Its own words:\n{cell.output[-SHOWN_OUTPUT:]}"


def _results(cell: Cell) -> str:
    counts = ", ".join(f"{cell.count(o)} {_COUNTED[o]}" for o in Outcome if o in _ALWAYS or cell.count(o))
    bad = [case for case in cell.cases if case.outcome in BAD]
    parts = [
        counts if cell.cases else "No tests were found.",
        *(_failure(case) for case in bad[:SHOWN_FAILURES]),
    ]
    if len(bad) > SHOWN_FAILURES:
        parts.append(f"… and {len(bad) - SHOWN_FAILURES} more that do not pass.")
    return "\n\n".join(parts)


_ALWAYS = (Outcome.PASSED, Outcome.FAILED)
_COUNTED = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "ended in an error outside the test's own body (import, collection or fixture)",
    Outcome.SKIPPED: "skipped",
}


def _failure(case: Case) -> str:
    message = case.message
    if len(message) > SHOWN_MESSAGE:
        message = "…" + message[-SHOWN_MESSAGE:]
    return f"{case.outcome.upper()} {case.id}\n{message}".rstrip()
