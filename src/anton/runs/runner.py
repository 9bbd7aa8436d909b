"""Takes one run as far as it goes without a person.

It decides at its top, from the phase that the journal amounts to. A start, the next phase and a start after a
crash are one code path.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from anton.core.decision import Answer, decide
from anton.core.errors import OutsideError, UsageError, unwrapped
from anton.core.event import (
    AgentOutcome,
    BaseResolved,
    CellFinished,
    Entry,
    ProofStarted,
    RunClosed,
    RunOutcome,
    RunReceived,
)
from anton.core.proof import Cell, CellStatus, Suite, Tree
from anton.core.run import Phase, RunState
from anton.engine.loop import Agent, work
from anton.ports import Repository
from anton.proving.environment import EnvironmentUnbuildable
from anton.proving.plan import TestPlan
from anton.proving.suite import SuiteRunner
from anton.runs.brief import conclude
from anton.runs.budget import within
from anton.runs.colleagues import notes_for_witnesses, notes_for_writer
from anton.runs.crew import Crew
from anton.runs.deliver import deliver
from anton.runs.log import RunLog, Watcher, open_log
from anton.runs.planning import planned
from anton.runs.prove import prove
from anton.runs.world import World

WITNESSES = ("code", "test")


class Unusable(Exception):
    """The repository's suite tells nothing, so nothing could be proved."""


async def receive(world: World, run_id: str, received: RunReceived) -> None:
    """Write down that a ticket was taken in; from here on the run survives."""
    await world.journal.append(run_id, [Entry(run_id, 1, world.clock(), received)])


async def advance(world: World, run_id: str, watch: Sequence[Watcher] = ()) -> RunState:
    """Carry a run on until a person has to decide, or to its end.

    Raises:
        RunBusy: another process is doing that.
        UsageError: there is no such run, or its repository cannot be used.
        OutsideError: the model, the remote or the journal failed; what was done is kept, call again.
    """
    async with open_log(world.journal, run_id, clock=world.clock, watch=watch) as log:
        held = replace(world, model=within(world.budget, log.state, world.model))
        await _Runner(held, log).advance()
        return log.state


async def answer(world: World, run_id: str, given: Answer, watch: Sequence[Watcher] = ()) -> RunState:
    """Write down a person's decision, if it may be taken now.

    Raises:
        Refused: it may not; the text says why and what would.
    """
    async with open_log(world.journal, run_id, clock=world.clock, watch=watch) as log:
        await log.append(*decide(log.state, given))
        return log.state


@dataclass(slots=True)
class _Runner:
    world: World
    log: RunLog

    async def advance(self) -> None:
        while True:
            match self.log.state.phase:
                case Phase.RECEIVED:
                    await self._prepare()
                case Phase.WORKING | Phase.PROVING:
                    await self._round()
                case Phase.DELIVERING:
                    await deliver(self.world, self.log)
                case Phase.DECIDING:
                    return
                case Phase.CLOSED:
                    scratch = self.world.scratch(self.log.state.run_id)
                    await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
                    return

    async def _prepare(self) -> None:
        received = self.log.state.received
        repository = self.world.repository(received.repository)
        found = await repository.resolve(received.base_ref)
        notices = list((await planned(self.world, repository, found.tree)).notices)
        if found.dirty:
            notices.append(
                "The checkout holds changes that are not committed; they are left alone. The fix is based "
                f"on {found.commit[:10]} as it was committed."
            )
        try:
            await self.world.tracker.start(received.ticket)
        except (OutsideError, UsageError) as error:
            notices.append(f"The ticket was not marked as in progress: {error}")
        remote = received.remote or await self.world.remote(received.repository, found.remote)
        await self.log.append(
            BaseResolved(found.commit, found.tree, found.branch, found.subject, remote, tuple(notices))
        )

    async def _round(self) -> None:
        """One attempt: the witnesses work, then the proof runs while pr finishes; then it is concluded."""
        state = self.log.state
        assert state.base is not None  # noqa: S101 - the phase table has BaseResolved before WORKING
        repository = self.world.repository(state.received.repository)
        plan = (await planned(self.world, repository, state.base.tree)).plan
        workspace = self.world.scratch(state.run_id) / "trees"
        prepare = partial(self.world.environments.ensure, plan.recipe)
        suite = SuiteRunner(self.world.sandbox, repository, workspace, plan, prepare=prepare)
        try:
            with unwrapped():
                await _Round(self.world, self.log, state.base, repository, plan, suite).carry_out()
        except Unusable as reason:
            await self.log.append(RunClosed(RunOutcome.UNUSABLE, str(reason)))
            return
        await self.log.append(*conclude(self.log.state))


@dataclass(slots=True)
class _Round:
    world: World
    log: RunLog
    base: BaseResolved
    repository: Repository
    plan: TestPlan
    suite: SuiteRunner

    async def carry_out(self) -> None:
        crew = await Crew(self.world, self.log, self.base, self.repository, self.suite, self.plan).assemble()
        handed_in = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            if "pr" in crew:
                group.create_task(self._write_up(crew["pr"], handed_in), name="pr")
            if self.log.state.phase is Phase.WORKING:
                await self._investigate(crew)
                await self.log.append(ProofStarted(self.log.state.round), *notes_for_writer(self.log.state))
            handed_in.set()
            await prove(
                self.log,
                self.repository,
                self.suite,
                self.world.sandbox,
                self.plan,
                mutation_seconds=self.world.mutation_seconds,
                culprit_seconds=self.world.culprit_seconds,
            )

    async def _investigate(self, crew: Mapping[str, Agent]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure_baseline(), name="baseline")
            for name, agent in crew.items():
                if name != "pr":
                    group.create_task(self._work(agent), name=name)
        for name in WITNESSES:
            ended = self.log.state.agents[name].ended if name in self.log.state.agents else None
            if ended is not None and ended.outcome is AgentOutcome.FAILED:
                raise OutsideError(ended.detail)

    async def _work(self, agent: Agent) -> None:
        await work(agent)
        if due := notes_for_witnesses(self.log.state):
            await self.log.append(*due)

    async def _write_up(self, writer: Agent, handed_in: asyncio.Event) -> None:
        await work(writer)
        await handed_in.wait()
        await work(writer)

    async def _measure_baseline(self) -> None:
        """What the suite says before anything is changed; a suite that says nothing ends the run.

        First the environment is built, so that no agent's own test run is the one that builds it.
        """
        try:
            await self._prepared()
        except EnvironmentUnbuildable as error:
            raise Unusable(str(error)) from error
        known = next((cell for cell in self.log.state.cells if cell.is_baseline), None)
        if known is None and self.suite.can_run:
            known = await self.suite.run(self.base.tree, Suite.OLD, Tree.BASE)
            await self.log.append(CellFinished(known))
        if known is not None and (reason := _says_nothing(known)):
            raise Unusable(reason)

    async def _prepared(self) -> None:
        if self.suite.can_run:
            await self.suite.prepare()


def _says_nothing(cell: Cell) -> str:
    command = " ".join(cell.command)
    own_words = f"\n\nIts own words:\n{cell.output.strip()}" if cell.output.strip() else ""
    match cell.status:
        case CellStatus.TIMED_OUT:
            what = "the test suite did not end within its time limit on the unchanged code"
            return f"{what} ({command}){own_words}"
        case CellStatus.NO_REPORT:
            return f"the test suite cannot be run on the unchanged code ({command}){own_words}"
        case CellStatus.RAN if not cell.cases:
            return f"the repository has no tests that {command} finds, so nothing could be proved{own_words}"
        case _:
            return ""
