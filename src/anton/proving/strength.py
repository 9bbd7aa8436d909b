"""How much the new tests of a green proof notice: each hunk taken back alone, and mutants of its lines.

A hunk is needed if any test fails without it: a new one, or else one of the old suite. A mutant is killed by
new tests alone, as it is they whose meaning is in question. A test that is not steady notices nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from anton.core.errors import OutsideError, unwrapped
from anton.core.outcomes import Outcomes, outcomes, with_fix
from anton.core.proof import (
    BAD,
    Cell,
    CellStatus,
    HunkCheck,
    Mutant,
    MutantFate,
    Outcome,
    Proof,
    Suite,
    Tree,
)
from anton.ports import Repository
from anton.proving.harvest import Harvest
from anton.proving.hunks import FixedFile, Removal, fixed_files, removals
from anton.proving.mutants import MAX_MUTANTS, Mutation, mutations, not_mutated
from anton.proving.suite import SuiteRunner

SLOWER = 5.0
"""How many times as long as the fix itself a run may take before it counts as one that does not end."""
SHORTEST = 5.0
"""Seconds that a run may take in any case."""
NO_END = "the run did not end"
NO_REPORT = "the run left no report"


@dataclass(frozen=True, slots=True)
class Strength:
    """What was found, and a sentence for everything that there was no time for."""

    hunks: tuple[HunkCheck, ...] = ()
    mutants: tuple[Mutant, ...] = ()
    undone: tuple[str, ...] = ()


async def measure(
    repository: Repository, runner: SuiteRunner, harvest: Harvest, proof: Proof, seconds: float = 60.0
) -> Strength:
    """How much the tests of a green proof notice.

    Args:
        repository: Makes the trees.
        runner: Ran the matrix.
        harvest: What the proof is of.
        proof: Green.
        seconds: Wall time for all of it; 0 leaves it out.
    """
    if seconds <= 0:
        return Strength(undone=("Hunks and mutants were not tried: `proof.mutation_seconds` is 0.",))
    new, old = (_watch(runner, proof, suite) for suite in (Suite.NEW, Suite.OLD))
    stage = _Stage(repository, harvest, proof.reproducing, new, old)
    try:
        async with asyncio.timeout(seconds):
            await stage.carry_out()
    except TimeoutError:
        stage.undone.append(f"The time for hunks and mutants, {seconds:g} s, was over.")
    except OutsideError as error:
        stage.undone.append(f"Hunks and mutants could not all be tried: {error}")
    return stage.strength()


@dataclass(frozen=True, slots=True)
class _Watch:
    """Tests that pass on the fix in every attempt, and how to run them on another tree."""

    runner: SuiteRunner
    suite: Suite
    paths: tuple[str, ...]
    tests: tuple[str, ...]
    """In the order in which they are named as the one that noticed."""
    ignored: frozenset[str]
    """Tests that are not steady."""

    async def run(self, tree: str) -> Cell:
        return await self.runner.run(tree, self.suite, Tree.FIX, self.paths)

    def noticed(self, cell: Cell) -> str:
        """The first test that notices; empty where none does."""
        if cell.status is CellStatus.TIMED_OUT:
            return NO_END
        if cell.status is CellStatus.NO_REPORT:
            return NO_REPORT
        cases = Outcomes((cell,)).first
        bad = {test for test, case in cases.items() if case.outcome in BAD and test not in self.ignored}
        failed = next((test for test in self.tests if test in bad), "")
        if failed or not bad:
            return failed
        # a module that cannot be imported is one error in place of its tests
        return next((test for test in self.tests if test not in cases), "")


def _watch(runner: SuiteRunner, proof: Proof, suite: Suite) -> _Watch:
    new = outcomes(proof.cells, Suite.NEW, Tree.FIX)
    on_fix = new if suite is Suite.NEW else with_fix(proof.cells)
    ignored = frozenset(proof.flaky) | on_fix.unsteady()
    steady = {
        test for test, case in on_fix.worst.items() if case.outcome is Outcome.PASSED and test not in ignored
    }
    if suite is Suite.NEW:
        steady &= set(proof.new_tests)
    else:
        steady -= set(proof.new_tests)
    longest = max((cell.seconds for cell in on_fix.cells), default=0.0)
    return _Watch(
        runner=runner.limited(max(SHORTEST, SLOWER * longest)),
        suite=suite,
        paths=on_fix.cells[0].paths if on_fix.cells else (),
        tests=tuple(sorted(steady, key=lambda test: (test not in proof.reproducing, test))),
        ignored=ignored,
    )


@dataclass(slots=True)
class _Stage:
    repository: Repository
    harvest: Harvest
    reproducing: tuple[str, ...]
    new: _Watch
    old: _Watch
    undone: list[str] = field(default_factory=list)
    _removals: list[Removal] = field(default_factory=list)
    _checks: dict[Removal, HunkCheck] = field(default_factory=dict)
    _mutations: list[Mutation] = field(default_factory=list)
    _mutants: dict[Mutation, Mutant] = field(default_factory=dict)
    _unbuilt: set[Mutation] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(os.cpu_count() or 1))

    async def carry_out(self) -> None:
        files = await fixed_files(self.repository, self.harvest)
        if skipped := not_mutated(files):
            self.undone.append(f"No mutants are made of {', '.join(skipped)}.")
        await self._choose_mutations(files)
        for file in files:
            self._removals += await removals(self.repository, self.harvest, file)
        hunks = (partial(self._check, removal) for removal in self._removals)
        mutants = (partial(self._try, mutation) for mutation in self._mutations)
        # in turns, so that neither takes all the time from the other
        turns = itertools.chain.from_iterable(itertools.zip_longest(hunks, mutants))
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                for attempt in turns:
                    if attempt is not None:
                        group.create_task(self._in_turn(attempt))

    async def _in_turn(self, attempt: Callable[[], Awaitable[None]]) -> None:
        async with self._slots:
            await attempt()

    async def _choose_mutations(self, files: Sequence[FixedFile]) -> None:
        chosen = await asyncio.to_thread(lambda: tuple(itertools.islice(mutations(files), MAX_MUTANTS + 1)))
        self._mutations += chosen[:MAX_MUTANTS]
        if len(chosen) > MAX_MUTANTS:
            self.undone.append(
                f"Only the first {MAX_MUTANTS} mutants were made, spread over the changed lines."
            )

    async def _check(self, removal: Removal) -> None:
        if len(self._removals) == 1:  # without its only hunk the fix is the base, where these fail
            by = self.reproducing[0]
        else:
            by = await self._needs(removal)
        self._checks[removal] = HunkCheck(removal.path, removal.header, bool(by), by)

    async def _needs(self, removal: Removal) -> str:
        if by := self.new.noticed(await self.new.run(removal.tree)):
            return by
        return self.old.noticed(await self.old.run(removal.tree)) if self.old.tests else ""

    async def _try(self, mutation: Mutation) -> None:
        tree = await self.repository.with_file(self.harvest.trees.head, mutation.path, mutation.content)
        cell = await self.new.run(tree)
        if cell.status is CellStatus.NO_REPORT and mutation.may_not_compile:
            self._unbuilt.add(mutation)
            return
        by = self.new.noticed(cell)
        self._mutants[mutation] = _mutant(mutation, MutantFate.KILLED if by else MutantFate.SURVIVED, by)

    def strength(self) -> Strength:
        """What is known by now."""
        return Strength(
            hunks=tuple(self._checks[removal] for removal in self._removals if removal in self._checks),
            mutants=tuple(self._mutants.get(m) or _mutant(m, MutantFate.NOT_RUN) for m in self._mutations),
            undone=(*self.undone, *self._left()),
        )

    def _left(self) -> list[str]:
        hunks, mutants = len(self._removals), len(self._mutations)
        left = (
            (hunks - len(self._checks), hunks, "hunks were not tried"),
            (mutants - len(self._mutants) - len(self._unbuilt), mutants, "mutants were not tried"),
            (len(self._unbuilt), mutants, "mutants left no report, as one that does not compile"),
        )
        return [f"{number} of {whole} {what}." for number, whole, what in left if number]


def _mutant(mutation: Mutation, fate: MutantFate, by: str = "") -> Mutant:
    return Mutant(mutation.path, mutation.line, mutation.before, mutation.after, fate, by)
