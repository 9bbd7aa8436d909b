"""Filling the matrix: only the cells that can tell something, side by side, none of them twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from anton.core.errors import unwrapped
from anton.core.proof import Cell, Patch, Suite, Tree
from anton.core.verdict import suspects, undecided, wavering
from anton.proving.harvest import Harvest
from anton.proving.suite import SuiteRunner

OnCell = Callable[[Cell], Awaitable[None]]
"""Told of each cell as soon as it is filled, one at a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cell to fill."""

    suite: Suite
    tree: Tree
    tree_sha: str
    paths: tuple[str, ...] = ()

    @property
    def at(self) -> tuple[Suite, Tree]:
        """Where in the matrix it is."""
        return self.suite, self.tree


async def fill(
    runner: SuiteRunner, harvest: Harvest, filled: Sequence[Cell], on_cell: OnCell
) -> tuple[Cell, ...]:
    """All cells of the matrix; those that could be chance are run a second time.

    Args:
        runner: Runs them.
        harvest: What they run on.
        filled: Cells that are known already (the baseline, or what a crash left); those that fit are taken as
            they are.
        on_cell: Told of every cell that is filled now.

    Raises:
        SandboxError: a command could not be started.
    """
    patch, places = harvest.patch, plan_cells(harvest, runner)
    alone = Place(Suite.OLD, Tree.FIX, harvest.trees.fix)
    every = places if alone in places else (*places, alone)
    known = [cell for cell in filled if any(_fits(cell, place, runner) for place in every)]
    filler = _Filler(runner, known, on_cell, every)
    await filler.fill(places, attempt=1)
    if undecided(patch, filler.cells):
        await filler.fill([alone], attempt=1)
        places = every
    doubtful = suspects(patch, filler.cells)
    await filler.fill([place for place in places if place.at in doubtful], attempt=2)
    if wavering(patch, filler.cells):
        await filler.fill([place for place in places if place.at == DISGUISED], attempt=3)
    return filler.cells


DISGUISED = (Suite.NEW, Tree.FIX)
"""Whose second run is disguised: whoever knows that runs are watched knows this one by its first."""


def plan_cells(harvest: Harvest, runner: SuiteRunner) -> tuple[Place, ...]:
    """The cells worth filling, in the order to start them.

    The new tests on base come first: they are the cheapest refutation. The suite is next, as the longest.
    Where no test file is changed that was there, it is run on the fix once, with the new tests beside it.
    """
    patch, trees = harvest.patch, harvest.trees
    touched = _touched(patch, runner)
    places = [Place(Suite.OLD, Tree.BASE, trees.base)]
    if patch.tests and trees.base_with_tests is not None:
        places.insert(0, Place(Suite.NEW, Tree.BASE, trees.base_with_tests, touched))
    if patch.source and not (patch.tests and patch.only_adds_tests):
        places.append(Place(Suite.OLD, Tree.FIX, trees.fix))
    if patch.tests and patch.source:
        places.append(Place(Suite.WHOLE, Tree.FIX, trees.head))
        places.append(Place(Suite.NEW, Tree.FIX, trees.head, touched))
    if patch.tests and trees.second is not None:
        places.append(Place(Suite.NEW, Tree.SECOND, trees.second, touched))
    return tuple(places)


def _touched(patch: Patch, runner: SuiteRunner) -> tuple[str, ...]:
    """Files that the new tests' run is narrowed to; a removed file has nothing to run."""
    paths = runner.plan.narrowed(change.path for change in patch.tests)
    removed = {change.path for change in patch.tests if change.status == "D"}
    return tuple(path for path in paths if path not in removed)


def _fits(cell: Cell, place: Place, runner: SuiteRunner) -> bool:
    """Whether the cell came of the very run that the place asks for."""
    same_place = (cell.suite, cell.tree, cell.tree_sha) == (place.suite, place.tree, place.tree_sha)
    return same_place and (cell.paths, cell.command) == (place.paths, runner.command(place.paths))


class _Filler:
    """Cells by place and attempt."""

    def __init__(
        self, runner: SuiteRunner, known: Sequence[Cell], on_cell: OnCell, places: Sequence[Place]
    ) -> None:
        self._runner = runner
        self._cells = {(cell.suite, cell.tree, cell.attempt): cell for cell in known}
        self._on_cell = on_cell
        self._order = {place.at: number for number, place in enumerate(places)}
        self._telling = asyncio.Lock()

    async def fill(self, places: Sequence[Place], attempt: int) -> None:
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                for place in places:
                    if (*place.at, attempt) not in self._cells:
                        group.create_task(self._fill(place, attempt))

    async def _fill(self, place: Place, attempt: int) -> None:
        run = self._runner.run_disguised if (place.at, attempt) == (DISGUISED, 2) else self._runner.run
        cell = await run(place.tree_sha, place.suite, place.tree, place.paths, attempt)
        async with self._telling:
            self._cells[place.suite, place.tree, attempt] = cell
            await self._on_cell(cell)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in the order of the places, attempts in turn: the same whatever was done first."""
        ranked = sorted(
            self._cells.values(), key=lambda cell: (self._order[cell.suite, cell.tree], cell.attempt)
        )
        return tuple(ranked)
