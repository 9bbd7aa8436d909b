"""One attempt of the agents: the witnesses work, then the proof runs while pr finishes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from anton.core.agent import WITNESSES, WRITER
from anton.core.errors import OutsideError, SuiteUnusable
from anton.core.event import AgentOutcome, CellFinished, ProofStarted
from anton.core.proof import Cell, CellStatus, Suite, Tree
from anton.core.run import Phase
from anton.engine.loop import Agent, work
from anton.proving.environment import EnvironmentUnbuildable
from anton.runs.colleagues import notes_for_witnesses, notes_for_writer
from anton.runs.crew import Crew
from anton.runs.delegation import dismiss
from anton.runs.prove import prove
from anton.runs.site import Site


@dataclass(frozen=True, slots=True)
class Round:
    """The round under way, from wherever its journal stands."""

    site: Site

    async def carry_out(self) -> None:
        """Work until the proof of the round is judged.

        Raises:
            SuiteUnusable: the repository's own suite says nothing on the unchanged code.
            OutsideError: an agent whose work the proof needs had no model to work with.
        """
        log = self.site.log
        crew = await Crew(self.site).assemble()
        handed_in = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            if WRITER in crew:
                group.create_task(self._write_up(crew[WRITER], handed_in), name=WRITER)
            if log.state.phase is Phase.WORKING:
                await self._investigate(crew)
                while not self._is_quiet(crew):  # somebody's word came in the last instant
                    await self._investigate(crew)
                await log.append(ProofStarted(log.state.round), *notes_for_writer(log.state))
            handed_in.set()
            await prove(self.site)

    async def _investigate(self, crew: Mapping[str, Agent]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._measure_baseline(), name="baseline")
            for name, agent in crew.items():
                if name != WRITER:
                    group.create_task(self._work(agent, crew), name=name)
        for name in WITNESSES:
            agent_state = self.site.state.agents.get(name)
            ended = agent_state.ended if agent_state else None
            if ended is not None and ended.outcome is AgentOutcome.FAILED:
                raise OutsideError(ended.detail)

    async def _work(self, agent: Agent, crew: Mapping[str, Agent]) -> None:
        """One agent, until all rest: a person's word that comes later wakes it."""
        while True:
            await work(agent)
            await dismiss(self.site.log, agent.spec.name)
            if due := notes_for_witnesses(self.site.state):
                await self.site.log.append(*due)
            await self.site.log.until(lambda _: bool(agent.log.state.unread) or self._is_quiet(crew))
            if not agent.log.state.unread:
                return

    def _is_quiet(self, crew: Mapping[str, Agent]) -> bool:
        """Whether all but the writer rest, with nothing left to read."""
        states = [agent.log.state for name, agent in crew.items() if name != WRITER]
        return all(state.ended is not None and not state.unread for state in states)

    async def _write_up(self, writer: Agent, handed_in: asyncio.Event) -> None:
        await work(writer)
        await handed_in.wait()
        await work(writer)

    async def _measure_baseline(self) -> None:
        """What the suite says before anything is changed; a suite that says nothing ends the run.

        First the environment is built, so that no agent's own test run is the one that builds it.
        """
        suite = self.site.suite
        known = next((cell for cell in self.site.state.cells if cell.is_baseline), None)
        if suite.can_run:
            try:
                await suite.prepare()
            except EnvironmentUnbuildable as error:
                raise SuiteUnusable(str(error)) from error
            if known is None:
                known = await suite.run(self.site.base.tree, Suite.OLD, Tree.BASE)
                await self.site.log.append(CellFinished(known))
        if known is not None and (reason := says_nothing(known)):
            raise SuiteUnusable(reason)


def says_nothing(cell: Cell) -> str:
    """Why nothing can be proved with a suite that ended so on the unchanged code; empty where it can."""
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
