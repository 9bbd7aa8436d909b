"""A bundle executed again: the same tests on the same trees, and which of its claims hold here.

Neither model nor journal nor settings take part, and the network is out of reach of whatever is executed.
Every run of the recorded matrix is made once more, on trees taken from the bundle's own git objects. A run
whose outcomes differ is made a second time before it counts, so that a test that wavers is seen to waver.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from anton.core.claim import Claim, Standing
from anton.core.errors import UsageError, unwrapped
from anton.core.evidence import listed
from anton.core.outcomes import Outcomes, outcomes, with_fix
from anton.core.proof import (
    Cell,
    CellStatus,
    Culprit,
    CulpritStatus,
    Fault,
    FaultKind,
    MutantFate,
    Opinion,
    Outcome,
    Proof,
    Suite,
    Tree,
)
from anton.core.verdict import judge
from anton.ports import Repository, Sandbox
from anton.proving.bundle import Bundle
from anton.proving.contents import BROKEN, NOT_CURED, Rerun, programs_of
from anton.proving.harvest import Harvest
from anton.proving.plan import ReportFormat, TestPlan, protected_reason
from anton.proving.portable import Traces, portable_cell
from anton.proving.programs import Machine, find_program, program
from anton.proving.suite import SuiteRunner
from anton.proving.tampering.guard import find_tampering

ABSENT = "not run"
PLAIN_AGAIN = 3
"""The attempt that a run which differs is repeated as; the second may be a disguised one."""
ELSEWHERE = ("/anton/", "/env")
"""How a value begins that was a folder of the recorded environment."""
Place = tuple[Suite, Tree]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a bundle is executed with."""

    repository: Repository
    """Holds the bundle's git objects."""
    sandbox: Sandbox
    workspace: Path
    """For throw-away trees."""
    python: Path
    """Stands in for `{python}`."""
    readable: tuple[Path, ...]
    """What the tests may read beyond the system's own: the interpreter and its packages."""
    links: Mapping[str, Path]
    """Where what the recorded run had from its environment is here: by name of a link or of a variable."""
    traces: Traces
    """What gives this machine away, so that its outcomes read like those of another."""


def claims_on_paper(bundle: Bundle) -> tuple[Claim, ...]:
    """What can be said of a bundle that was read without executing anything."""
    proof = bundle.proof
    faults = ", ".join(dict.fromkeys(str(fault.kind) for fault in proof.faults))
    return (
        Claim(
            "untouched", f"{len(bundle.files)} files", f"{bundle.size:,} bytes, every one as packed", _HOLDS
        ),
        Claim(
            "the patch",
            f"{len(proof.patch.files)} files changed",
            "is what lies between its git trees",
            _HOLDS,
        ),
        Claim(
            "the verdict",
            "green" if proof.green else f"not green: {faults}",
            "follows from the recorded outcomes",
            _HOLDS if proof.green else Standing.FAILS,
        ),
    )


_HOLDS = Standing.HOLDS


async def claim_of_honesty(bundle: Bundle, repository: Repository) -> Claim:
    """Whether the patch holds signs of cheating, looked for anew in the bundle's own git objects."""
    rerun, patch = bundle.rerun, bundle.proof.patch
    plan = TestPlan(rerun.command, rerun.report, test_patterns=rerun.test_patterns)
    found = await find_tampering(repository, Harvest(patch, rerun.trees), plan)
    signs = [f"{sign.path}: {sign.kind}" for sign in found]
    signs += [f"{c.path}: {why}" for c in patch.files if (why := protected_reason(c.path))]
    signs += [f"{c.path}: called source, and is a test" for c in patch.source if plan.is_test(c.path)]
    signs += [f"{c.path}: called a test, and is none" for c in patch.tests if not plan.is_test(c.path)]
    said = len(bundle.proof.tampering)
    return Claim(
        "no cheating",
        f"{said} sign(s)" if said else "no sign in the patch",
        listed(signs) if signs else "none is found",
        _standing(not signs),
    )


async def execute(bundle: Bundle, bench: Bench, on_cell: Callable[[Cell], None]) -> tuple[Claim, ...]:
    """Run everything again and compare.

    Args:
        bundle: As it was read; its objects are in the bench's repository.
        bench: What to run it with.
        on_cell: Told of every run that ended.

    Raises:
        UsageError: a program or a link that the tests need is missing here.
        SandboxError: a command could not be started.
    """
    recorded = bundle.proof
    again = _Again(bundle, bench, on_cell)
    once = tuple(cell for cell in recorded.cells if cell.attempt == 1)
    first = await again.run((*once, *(cell for cell in recorded.cells if cell.disguised)))
    differing = {(cell.suite, cell.tree) for cell in first if differences(recorded, cell)}
    suspects = (replace(c, attempt=PLAIN_AGAIN) for c in once if (c.suite, c.tree) in differing)
    cells = (*first, *await again.run(tuple(suspects)))
    here = judge(recorded.round, recorded.patch, cells, bench.sandbox.description)
    return (*_judged(recorded, here), _same(recorded, cells), *_carried(recorded))


class _Again:
    """Runs recorded cells on this machine."""

    def __init__(self, bundle: Bundle, bench: Bench, on_cell: Callable[[Cell], None]) -> None:
        self._bench = bench
        self._on_cell = on_cell
        self._plan = localised(bundle.rerun, bench)
        recorded = (*bundle.rerun.command, *bundle.rerun.narrow_command)
        self._program = {word: _program(word, bench)[0] for word in _stand_ins(recorded)}
        self._runners: dict[tuple[str, ...], SuiteRunner] = {}

    async def run(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run(cell)) for cell in cells]
        return tuple(task.result() for task in tasks)

    async def _run(self, recorded: Cell) -> Cell:
        runner = self._runner(recorded.command)
        run = runner.run_disguised if recorded.disguised else runner.run
        ran = await run(recorded.tree_sha, recorded.suite, recorded.tree, (), recorded.attempt)
        cell = replace(portable_cell(ran, self._bench.traces), paths=recorded.paths, seconds=ran.seconds)
        self._on_cell(cell)
        return cell

    def _runner(self, command: tuple[str, ...]) -> SuiteRunner:
        if command not in self._runners:
            plan = replace(self._plan, command=tuple(self._program.get(word, word) for word in command))
            bench = self._bench
            self._runners[command] = SuiteRunner(bench.sandbox, bench.repository, bench.workspace, plan)
        return self._runners[command]


def localised(rerun: Rerun, bench: Bench) -> TestPlan:
    """The recorded way to run the tests, with this machine's programs.

    Raises:
        UsageError: a program or a link that it needs is missing here.
    """
    elsewhere = [name for name, value in rerun.env if value.startswith(ELSEWHERE)]
    if missing := [name for name in (*rerun.links, *elsewhere) if name not in bench.links]:
        raise UsageError(
            f"the tests need what the recorded run had under {missing[0]!r}; say where it is: "
            f"--link {missing[0]}=FOLDER"
        )
    programs = {word: _program(word, bench) for word in _stand_ins(rerun.command)}
    needed = (path for _, paths in programs.values() for path in paths)
    return TestPlan(
        command=tuple(programs[word][0] if word in programs else word for word in rerun.command),
        report=rerun.report,
        report_format=ReportFormat(rerun.report_format),
        timeout_seconds=rerun.timeout_seconds,
        env=MappingProxyType(dict(rerun.env) | {name: str(bench.links[name]) for name in elsewhere}),
        readable=tuple(dict.fromkeys((*bench.readable, *needed, *bench.links.values()))),
        exit_codes=frozenset(rerun.exit_codes),
        links=tuple((name, bench.links[name]) for name in rerun.links),
    )


def _stand_ins(command: Iterable[str]) -> frozenset[str]:
    """The words of a recorded command that stand for programs which other machines have elsewhere."""
    named = programs_of(tuple(command))
    return frozenset(word for word in named if re.fullmatch(r"\{[\w.+-]+\}", word) or word in _INSTALLED)


_INSTALLED = frozenset({"go", "mvn", "node"})


def _program(word: str, bench: Bench) -> tuple[str, tuple[Path, ...]]:
    """A program of this machine, and what it needs to be able to read."""
    if word == "{python}":
        return str(bench.python), ()
    name = word.strip("{}")
    if find_program(name) is None:
        raise UsageError(f"the tests are run by {name!r}, which is not on PATH here; install it")
    return program(name, name, Machine(bench.python))


def differences(recorded: Proof, cell: Cell) -> Mapping[str, tuple[str, str]]:
    """What a run says otherwise than every recorded run of its place: recorded and seen, by test.

    Tests that the proof names as flaky are left out. Under an empty name: whether there was a report.
    """
    before = outcomes(recorded.cells, cell.suite, cell.tree)
    if cell.status not in {known.status for known in before.cells}:
        return {"": (str(before.cells[0].status), str(cell.status))}
    now = _by_test(cell)
    known = [_by_test(each) for each in before.reported]
    tests = sorted({*now, *(test for each in known for test in each)} - set(recorded.flaky))
    found: dict[str, tuple[str, str]] = {}
    for test in tests:
        said = [each.get(test, ABSENT) for each in known]
        if now.get(test, ABSENT) not in said:
            found[test] = (said[0], now.get(test, ABSENT))
    return found


def _by_test(cell: Cell) -> Mapping[str, str]:
    return {test: str(case.outcome) for test, case in Outcomes((cell,)).worst.items()}


def _judged(recorded: Proof, here: Proof) -> Iterable[Claim]:
    """What the runs made here amount to, by the rules that the recorded ones were judged by."""
    shown = [test for test in recorded.reproducing if test in here.reproducing]
    yield Claim(
        "reproduces the bug",
        f"{len(recorded.reproducing)} new test(s) fail on base and pass on the fix",
        f"{len(shown)} do so here" + _missing(recorded.reproducing, shown),
        _standing(bool(shown) and len(shown) == len(recorded.reproducing)),
    )
    uncured = _against(here, NOT_CURED, recorded.flaky)
    ran = outcomes(here.cells, Suite.NEW, Tree.FIX).ran
    yield Claim(
        "cures it",
        f"all {len(recorded.new_tests)} new test(s) pass on the fix",
        _named(uncured) if uncured else "so they do here" if ran else "the new tests left no report here",
        _standing(ran and not uncured and bool(recorded.new_tests)),
    )
    broken = _against(here, BROKEN, recorded.flaky)
    both = outcomes(here.cells, *_OLD).ran and with_fix(here.cells).ran
    passing = sum(case.outcome is Outcome.PASSED for case in outcomes(recorded.cells, *_OLD).first.values())
    yield Claim(
        "breaks nothing",
        f"all {passing} old test(s) that passed on base pass on the fix",
        _named(broken) if broken else "so they do here" if both else "the old suite left no report here",
        _standing(both and not broken),
    )
    if recorded.opinion is not Opinion.NONE:
        same = here.opinion is recorded.opinion
        yield Claim("second opinion", str(recorded.opinion), str(here.opinion), _standing(same))


_OLD = (Suite.OLD, Tree.BASE)


def _against(here: Proof, kinds: frozenset[FaultKind], flaky: Sequence[str]) -> tuple[Fault, ...]:
    """Faults of some kinds; one that concerns nothing but tests known as flaky is none."""
    return tuple(f for f in here.faults if f.kind in kinds and (not f.tests or set(f.tests) - set(flaky)))


def _named(faults: Sequence[Fault]) -> str:
    tests = [test for fault in faults for test in fault.tests]
    kinds = ", ".join(dict.fromkeys(str(fault.kind) for fault in faults))
    return f"{kinds}: {listed(tests)}" if tests else kinds


def _missing(wanted: Sequence[str], found: Sequence[str]) -> str:
    lacking = [test for test in wanted if test not in found]
    return f"; not so: {listed(lacking)}" if lacking else ""


def _standing(holds: bool) -> Standing:
    return Standing.HOLDS if holds else Standing.FAILS


def _same(recorded: Proof, cells: Sequence[Cell]) -> Claim:
    """Test by test; what differs in one run and not in the other wavers, and is named."""
    compared, otherwise, wavering = 0, [], []
    for suite, tree in dict.fromkeys((cell.suite, cell.tree) for cell in cells):
        runs = [cell for cell in cells if (cell.suite, cell.tree) == (suite, tree)]
        found = [differences(recorded, run) for run in runs]
        compared += max(len(_by_test(run)) for run in runs)
        always = set(found[0]).intersection(*found[1:])
        wavering += sorted({test for each in found for test in each} - always)
        otherwise += [f"{suite} on {tree}: {_told(test, found[0][test], runs[0])}" for test in sorted(always)]
    waver = f"; gave different answers here: {listed(wavering)}" if wavering else ""
    named = f"; {len(recorded.flaky)} named flaky, left out" if recorded.flaky else ""
    return Claim(
        "same outcomes",
        f"{len({(c.suite, c.tree) for c in recorded.cells})} runs, test by test",
        (listed(otherwise) if otherwise else f"{compared} outcomes are the same") + waver + named,
        _standing(not otherwise),
    )


def _told(test: str, pair: tuple[str, str], run: Cell) -> str:
    if test:
        return f"{test} {pair[0]} as recorded, {pair[1]} here"
    words = " ".join(run.output.split())[-300:]
    return f"{pair[0]} as recorded, {pair[1]} here ({words})" if run.status is not CellStatus.RAN else pair[1]


def _carried(recorded: Proof) -> Iterable[Claim]:
    """Findings of the recorded run that are told and not made again."""
    if recorded.hunks:
        needed = sum(hunk.needed for hunk in recorded.hunks)
        said = f"{needed} of {len(recorded.hunks)} hunk(s) are needed by some test"
        yield Claim("each hunk", said, "", Standing.CARRIED)
    if recorded.mutants:
        tried = [mutant for mutant in recorded.mutants if mutant.fate is not MutantFate.NOT_RUN]
        killed = sum(mutant.fate is MutantFate.KILLED for mutant in tried)
        yield Claim("mutants", f"{killed} of {len(tried)} killed by the new tests", "", Standing.CARRIED)
    if recorded.culprit:
        yield Claim("culprit", _blamed(recorded.culprit), "", Standing.CARRIED)


def _blamed(culprit: Culprit) -> str:
    match culprit.status:
        case CulpritStatus.FOUND:
            return f"{culprit.commit[:10]} {culprit.subject}"
        case CulpritStatus.ALWAYS:
            return "none: the oldest commit that could be tested has the bug"
        case CulpritStatus.NOT_FOUND:
            return f"not found: {culprit.detail}" if culprit.detail else "not found"
