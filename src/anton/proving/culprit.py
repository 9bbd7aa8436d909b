"""Which commit brought the bug: bisection of the history with the tests that reproduce it.

Each commit is exported as a tree of its own, with the new tests put in as they are in the patch, and run in
the sandbox like any cell. Nothing of the repository runs outside it, and no checkout is touched.

    ===========  =====================================================================================
    bad          a witness fails as it does on base: at the same place, for the same reason
    good         all witnesses pass
    untestable   anything else: no report, import or fixture errors, another failure (what the test
                 calls did not exist yet), too slow, or not the same twice
    ===========  =====================================================================================

The witnesses are the reproducing tests; where a commit lets only some of them run, it is these alone, for all
commits. So what is bad on one commit and good on the one before is the very same test. Each verdict that the
answer rests on is confirmed by a second run; a commit that wavers is untestable.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping, Sequence

from anton.core.errors import OutsideError, SandboxError, unwrapped
from anton.core.outcomes import Outcomes, outcomes
from anton.core.proof import Case, Culprit, CulpritStatus, Outcome, Proof, Suite, Tree
from anton.ports import PastCommit, Repository
from anton.proving.bisection import Bisection, Verdict
from anton.proving.failure import failure_of
from anton.proving.plan import TestPlan
from anton.proving.suite import SuiteRunner

MAX_COMMITS = 10_000
"""Of the history that is looked at, newest first."""
MAX_WIDTH = 4
"""Commits tested side by side; on fewer cores it is fewer."""
SHARE = 3
"""A commit whose run takes longer than this part of the whole time counts as untestable."""
SLOWER = 5.0
"""So does one whose run takes that many times as long as on base,"""
SHORTEST = 5.0
"""and longer than so many seconds."""

Testimony = Mapping[str, Verdict]
"""What one run on a commit says by each reproducing test that ran as it should; the others are not in it."""
SHORT = 7
"""Characters of a commit's id in a sentence."""


async def find_culprit(
    repository: Repository,
    runner: SuiteRunner,
    proof: Proof,
    seconds: float = 60.0,
    width: int = min(MAX_WIDTH, os.cpu_count() or 1),
) -> Culprit | None:
    """The commit that brought the bug that a proof reproduces; None where it reproduces none.

    Args:
        repository: Where the history and the patch are.
        runner: Runs the tests.
        proof: With a matrix that is filled; its reproducing tests are run.
        seconds: For all of it; the answer is what is known by then.
        width: Commits tested side by side.
    """
    if not proof.reproducing:
        return None
    try:
        past = await repository.history(proof.patch.base, MAX_COMMITS)
    except OutsideError as error:
        return Culprit(CulpritStatus.NOT_FOUND, detail=f"The history could not be read: {error}")
    search = _Search(_Probe(repository, runner, proof, seconds), past, width)
    try:
        async with asyncio.timeout(seconds) as cap:
            await search.carry_out()
    except TimeoutError:
        if not cap.expired():
            raise
        return search.answer(f"The search was stopped after {seconds:g} s.")
    except SandboxError as error:
        return search.answer(f"The search broke off: {error}")
    return search.answer()


class _Search:
    """Looks at commit after commit until no more can be learned; at any time it has an answer."""

    def __init__(self, probe: _Probe, past: Sequence[PastCommit], width: int) -> None:
        self._probe = probe
        self._seen: dict[str, tuple[Testimony, ...]] = {}
        self._past = {commit.commit: commit for commit in past}
        self._bisection = Bisection({c.commit: c.parents for c in past}, past[0].commit)
        self._width = width
        self._confirmed: set[str] = set()

    async def carry_out(self) -> None:
        while True:
            if commits := self._bisection.next(self._width):
                await self._look_at(commits, attempt=1)
            elif commits := tuple(c for c in self._bisection.support() if c not in self._confirmed):
                await self._look_at(commits, attempt=2)
            else:
                return

    async def _look_at(self, commits: Sequence[str], attempt: int) -> None:
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                for commit in commits:
                    group.create_task(self._hear(commit, attempt))
        self._judge()

    async def _hear(self, commit: str, attempt: int) -> None:
        heard = await self._probe.look(commit, attempt)
        self._seen[commit] = (*self._seen.get(commit, ()), heard)
        if attempt > 1:
            self._confirmed.add(commit)

    def _judge(self) -> None:
        """All verdicts anew, by the witnesses that are left now."""
        witnesses = self._witnesses()
        found = {commit: _verdict(heard, witnesses) for commit, heard in self._seen.items()}
        self._bisection.verdicts = {self._bisection.base: Verdict.BAD, **found}

    def _witnesses(self) -> frozenset[str]:
        """The reproducing tests that run wherever any of them does, newest commits first."""
        left = frozenset(self._probe.tests)
        for commit in self._past:
            for heard in self._seen.get(commit, ()):
                left = left.intersection(heard) or left
        return left

    def answer(self, broken_off: str = "") -> Culprit:
        """What is known, and what was left undone."""
        self._judge()
        bad, suspects = self._bisection.oldest_bad, self._bisection.suspects
        if broken_off:
            return self._culprit(CulpritStatus.NOT_FOUND, f"{broken_off} {self._range(suspects)}")
        if self._between_known(bad):
            if len(suspects) == 1:
                return self._culprit(CulpritStatus.FOUND, commit=bad)
            return self._culprit(CulpritStatus.NOT_FOUND, self._range(suspects))
        if bad == self._bisection.base and len(suspects) > 1:
            return self._culprit(CulpritStatus.NOT_FOUND, "No older commit that was tried could be tested.")
        return self._culprit(CulpritStatus.ALWAYS, self._older(suspects), commit=bad)

    def _between_known(self, bad: str) -> bool:
        """Whether older commits are good, and none is beyond the history that was looked at."""
        return self._bisection.cleared and all(parent in self._past for parent in self._past[bad].parents)

    def _range(self, suspects: Sequence[str]) -> str:
        untestable = sum(self._bisection.verdicts.get(c) is Verdict.UNTESTABLE for c in suspects)
        which = f"{suspects[-1][:SHORT]}"
        if not self._bisection.cleared:
            return f"It came with {which} or before."
        if len(suspects) == 1:
            return f"It came with {which}, by a single run."
        return (
            f"It is one of {len(suspects)} commits, from {suspects[0][:SHORT]} to {which}; "
            f"{untestable} of them could not be tested."
        )

    def _older(self, suspects: Sequence[str]) -> str:
        older = suspects[:-1]
        tried = sum(commit in self._bisection.verdicts for commit in older)
        if not all(parent in self._past for parent in self._past[suspects[0]].parents):
            return f"Only the latest {MAX_COMMITS:,} commits were looked at."
        if not older:
            return "There is no older commit in the repository."
        return f"Of {len(older)} older commits {tried} were tried, and none of them could be tested."

    def _culprit(self, status: CulpritStatus, detail: str = "", commit: str = "") -> Culprit:
        verdicts = list(self._bisection.verdicts.values())
        untestable = verdicts.count(Verdict.UNTESTABLE)
        past = self._past.get(commit) or PastCommit("", (), "", "", "")
        return Culprit(
            status=status,
            commit=past.commit,
            author=past.author,
            authored_at=past.authored_at,
            subject=past.subject,
            tested=len(verdicts) - untestable - 1,  # base was tested in the matrix
            skipped=untestable,
            detail=detail,
        )


class _Probe:
    """Runs the reproducing tests on past commits."""

    def __init__(self, repository: Repository, runner: SuiteRunner, proof: Proof, seconds: float) -> None:
        on_base = outcomes(proof.cells, Suite.NEW, Tree.BASE)
        longest = max(cell.seconds for cell in on_base.cells)
        self._repository = repository
        self._runner = runner.limited(min(seconds / SHARE, max(SHORTEST, SLOWER * longest)))
        self._head = proof.patch.head
        self._paths = tuple(change.path for change in proof.patch.tests if change.status != "D")
        self._narrowed = _narrowed(runner.plan, self._paths, proof.reproducing)
        self.tests = proof.reproducing
        self._failures = {
            test: failure_of(on_base.first[test].message, self._paths) for test in proof.reproducing
        }

    async def look(self, commit: str, attempt: int) -> Testimony:
        """What the reproducing tests say of a commit.

        Raises:
            SandboxError: the command could not be started.
        """
        try:
            tree = await self._repository.graft(commit, self._head, self._paths)
            cell = await self._runner.run(tree, Suite.NEW, Tree.BASE, self._narrowed, attempt)
        except SandboxError:
            raise
        except OutsideError:  # such as a tree with names that git does not take
            return {}
        return {
            test: Verdict.GOOD if case.outcome is Outcome.PASSED else Verdict.BAD
            for test, case in Outcomes((cell,)).first.items()
            if case.outcome is Outcome.PASSED or self._fails_as_on_base(case)
            if test in self._failures
        }

    def _fails_as_on_base(self, case: Case) -> bool:
        return case.outcome is Outcome.FAILED and self._failures.get(case.id) == failure_of(
            case.message, self._paths
        )


def _verdict(heard: Sequence[Testimony], witnesses: Collection[str]) -> Verdict:
    """What witnesses say of a commit, if it is the same every time."""
    said = {_said([run.get(test, Verdict.UNTESTABLE) for test in witnesses]) for run in heard}
    return said.pop() if len(said) == 1 else Verdict.UNTESTABLE


def _said(verdicts: Collection[Verdict]) -> Verdict:
    if Verdict.BAD in verdicts:
        return Verdict.BAD
    return Verdict.UNTESTABLE if Verdict.UNTESTABLE in verdicts else Verdict.GOOD


def _narrowed(plan: TestPlan, paths: Sequence[str], tests: Sequence[str]) -> tuple[str, ...]:
    """The files that hold the reproducing tests; empty where the command runs only the whole suite."""
    modules = tuple(path for path in paths if plan.narrowed((path,)))
    holding = tuple(path for path in modules if any(_holds(path, test) for test in tests))
    return holding or modules


def _holds(path: str, test: str) -> bool:
    module = path.removesuffix(".py").replace("/", ".")
    return f"{test.partition('::')[0]}.".startswith(f"{module}.")
