"""Whole runs beside each other, without a sandbox, without a tracker, without some of the agents."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.model.scripted import Refuse, Reply, ScriptedModel
from anton.adapters.sandbox.closed import NoSandbox
from anton.core.decision import Answer, Refused
from anton.core.errors import OutsideError, RunBusy, UsageError
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    Entry,
    NotePosted,
    ReplyReceived,
    RunClosed,
    RunOutcome,
    Source,
    TurnEnded,
    Verb,
)
from anton.core.proof import FaultKind
from anton.core.run import Phase, RunState
from anton.core.ticket import Ticket
from anton.ports import Sighting, Tracker
from anton.proving.bundle import read_bundle
from anton.runs.bundle import BUNDLE
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.office import (
    CODE_DONE,
    FIX,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    Office,
    git,
    written_up,
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


async def approve(world: World, state: RunState) -> RunState:
    assert state.briefing is not None
    await answer(world, state.run_id, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
    return await advance(world, state.run_id)


@pytest.mark.slow
async def test_two_runs_on_one_repository_at_once_both_come_to_their_end(office: Office) -> None:
    async def whole(run_id: str) -> RunState:
        await office.receive(run_id)
        world = office.world()
        return await approve(world, await advance(world, run_id))

    first, second = await asyncio.gather(whole("r1"), whole("r2"))
    branches = git(office.remote, "for-each-ref", "--format=%(refname:short)").split()
    assert branches == [first.branch, second.branch] == ["fix/bug-42-r1", "fix/bug-42-r2"]
    assert first.proof is not None
    assert second.proof is not None
    assert first.proof.green, first.proof.faults
    assert second.proof.green, second.proof.faults
    assert first.proof.patch.diff == second.proof.patch.diff


async def test_a_run_that_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    ours, theirs = (SqlJournal(tmp_path / "journal.db") for _ in range(2))
    office = Office(tmp_path, journal=ours, files=QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    try:
        async with theirs.hold(RUN):
            with pytest.raises(RunBusy, match="run 'r1' is being worked on by process"):
                await advance(office.world(), RUN)
            with pytest.raises(RunBusy):
                await answer(office.world(), RUN, Answer(Verb.DECLINE, "terminal:Kim", "d" * 64))
        assert len(await ours.read(RUN)) == 1
    finally:
        await ours.close()
        await theirs.close()


async def test_an_unknown_run_is_neither_advanced_nor_decided(office: Office) -> None:
    with pytest.raises(UsageError, match="there is no run 'r9'"):
        await advance(office.world(), "r9")
    with pytest.raises(UsageError, match="there is no run 'r9'"):
        await answer(office.world(), "r9", Answer(Verb.DECLINE, "terminal:Kim", ""))


async def test_a_witness_that_could_not_reach_its_model_is_woken_where_it_was(office: Office) -> None:
    await office.receive()
    refused = {**HONEST, "code": [*HONEST["code"][:2], Refuse("503 at https://model.example: try later")]}
    with pytest.raises(OutsideError, match="try later"):
        await advance(office.world(refused), RUN)
    entries = await office.journal.read(RUN)
    [failed] = [e.event for e in entries if isinstance(e.event, AgentEnded) and e.event.agent == "code"]
    assert failed.outcome is AgentOutcome.FAILED
    model = ScriptedModel(HONEST)
    state = await advance(office.world(model), RUN)
    assert state.briefing is not None
    assert state.briefing.green
    assert [n.text for n in state.agents["code"].notes if n.source is Source.ANTON] == [
        "The model could not be reached before. Go on from where you were."
    ]
    assert len(model.requests_by_agent["code"]) == 1, "what it had done is not done again"


@pytest.mark.slow
async def test_a_run_keeps_its_way_of_running_tests_wherever_it_is_gone_on_with(office: Office) -> None:
    await office.receive()
    with pytest.raises(OutsideError):
        await advance(office.world({**HONEST, "code": [Refuse("try later")]}), RUN)
    office.command, office.timeout_seconds = ("python", "-m", "unittest"), 1.0
    state = await approve(office.world(), await advance(office.world(), RUN))
    assert state.proof is not None
    assert {cell.command[-1] for cell in state.proof.cells} == {"quick.py"}
    bundle = read_bundle((Path(state.steps["report"].result).parent / BUNDLE).read_bytes())
    assert bundle.rerun.timeout_seconds == 60.0


@pytest.mark.slow
async def test_agents_that_are_not_witnesses_do_not_hold_up_the_repair(office: Office) -> None:
    await office.receive()
    script = {**HONEST, "triage": [Refuse("no triage today")], "pr": [Refuse("no prose today")]}
    state = await advance(office.world(script), RUN)
    assert state.briefing is not None
    assert state.briefing.green
    assert state.briefing.pull_request_title
    closed = await approve(office.world(script), state)
    assert closed.phase is Phase.CLOSED


async def test_without_a_sandbox_nothing_runs_and_the_briefing_says_not_tested(tmp_path: Path) -> None:
    office = Office(
        tmp_path, files=QUICK_FILES, command=QUICK_COMMAND, sandbox=NoSandbox("no user namespaces")
    )
    await office.receive()
    runs_tests = Reply(calls=(("run_tests", {}),))
    state = await advance(office.world({**HONEST, "code": [runs_tests, FIX, CODE_DONE]}), RUN)
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert [fault.kind for fault in state.proof.faults] == [FaultKind.NOT_TESTED]
    assert state.proof.cells == ()
    assert [change.path for change in state.proof.patch.source] == ["todo.py"]
    assert state.briefing is not None
    assert not state.briefing.green
    entries = await office.journal.read(RUN)
    results = [r for e in entries if isinstance(e.event, TurnEnded) for r in e.event.results]
    [told] = [result for result in results if result.name == "run_tests"]
    assert told.failed
    assert "there is no sandbox (no user namespaces)" in told.text
    with pytest.raises(Refused, match="not green"):
        await approve(office.world(), state)


@dataclass
class TrackerDown:
    """Out of reach."""

    inner: Tracker

    @property
    def description(self) -> str:
        return "down"

    async def get(self, key: str) -> Ticket:
        return await self.inner.get(key)

    async def start(self, ticket: Ticket) -> None:
        raise OutsideError("tracker.example does not answer")

    async def reread(self, ticket: Ticket) -> Sighting:
        return Sighting(ticket)

    async def merged(self, ticket: Ticket, link: str) -> str:
        return await self.close(ticket, link)

    async def close(self, ticket: Ticket, link: str) -> str:
        raise OutsideError("tracker.example does not answer")


async def test_a_tracker_that_is_down_does_not_hold_up_the_repair(office: Office) -> None:
    await office.receive()
    world = office.world()
    state = await advance(replace(world, tracker=TrackerDown(world.tracker)), RUN)
    assert state.phase is Phase.DECIDING
    assert state.base is not None
    assert state.base.notices == (
        "The ticket was not marked as in progress: tracker.example does not answer",
    )


@pytest.mark.slow
async def test_a_ticket_whose_key_cannot_be_one_of_the_tracker_does_not_hold_up_the_repair(
    office: Office,
) -> None:
    await office.receive(ticket=Ticket("no/such key", "It breaks", "Badly."))
    state = await advance(office.world(), RUN)
    assert state.phase is Phase.DECIDING
    assert state.base is not None
    [notice] = state.base.notices
    assert "not marked as in progress" in notice


async def test_a_repository_that_is_gone_is_named(office: Office) -> None:
    await office.receive(repository=str(office.folder / "gone"))
    with pytest.raises(UsageError, match="gone"):
        await advance(office.world(), RUN)


@pytest.mark.slow
async def test_a_checkout_with_changes_is_based_on_what_is_committed(office: Office) -> None:
    (office.checkout / "todo.py").write_text("half done\n")
    await office.receive()
    state = await advance(office.world(), RUN)
    assert state.base is not None
    assert "changes that are not committed" in state.base.notices[0]
    assert state.briefing is not None
    assert state.briefing.green
    assert (office.checkout / "todo.py").read_text() == "half done\n"


async def test_agents_that_only_talk_end_in_a_red_briefing(office: Office) -> None:
    await office.receive()
    talk = [Reply("Let me think about that.")] * 20
    script = {"triage": talk, "code": talk, "test": talk, "pr": talk}
    state = await advance(office.world(script), RUN)
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert {fault.kind for fault in state.proof.faults} == {FaultKind.NO_FIX, FaultKind.NO_TESTS}
    outcomes = {name: agent.ended.outcome for name, agent in state.agents.items() if agent.ended}
    assert set(outcomes.values()) == {AgentOutcome.IDLE}
    replies = [e for e in await office.journal.read(RUN) if isinstance(e.event, ReplyReceived)]
    assert len(replies) <= 24, "talk is not paid for without end"


@pytest.mark.slow
async def test_a_worktree_that_git_cannot_keep_is_told_to_its_agent(office: Office) -> None:
    await office.receive()
    spoiled = False

    class Spoiling:
        """The first snapshot that holds the fix fails."""

        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        async def snapshot(self, folder: Path, base: str) -> str:
            nonlocal spoiled
            if folder.name == "code" and not spoiled and "not" not in (folder / "todo.py").read_text():
                spoiled = True
                raise OutsideError("a file name that git does not take")
            kept: str = await self._inner.snapshot(folder, base)  # type: ignore[attr-defined]
            return kept

    # The note may come before the agent hands in, or after: then it hands in once more.
    world = office.world({**HONEST, "code": [*HONEST["code"], CODE_DONE], "pr": [written_up("A")] * 4})
    inner = world.repository
    spoiling = replace(world, repository=lambda path: Spoiling(inner(path)))  # type: ignore[arg-type,return-value]
    state = await advance(spoiling, RUN)
    [note] = [
        e.event.note.text
        for e in await office.journal.read(RUN)
        if isinstance(e.event, NotePosted) and e.event.note.source is Source.ANTON
    ]
    assert note == "Your worktree cannot be kept: a file name that git does not take"
    assert state.briefing is not None
    assert state.briefing.green


@pytest.mark.slow
async def test_a_closed_run_stays_as_it_is(office: Office) -> None:
    await office.receive()
    state = await advance(office.world(), RUN)
    closed = await approve(office.world(), state)
    entries = await office.journal.read(RUN)
    assert await advance(office.world(), RUN) == closed
    assert await office.journal.read(RUN) == entries
    assert isinstance(office.journal, MemoryJournal)


async def test_however_deep_a_run_has_nested_its_folders_nothing_is_left_of_them(office: Office) -> None:
    await office.receive()
    closed = RunClosed(RunOutcome.UNUSABLE, "It has no tests.")
    await office.journal.append(RUN, [Entry(RUN, 2, office.world().clock(), closed)])
    scratch = office.world().scratch(RUN)
    scratch.mkdir(parents=True)
    nest(scratch, 2_000)
    await advance(office.world(), RUN)
    assert not scratch.exists()


def nest(folder: Path, depth: int) -> None:
    current = os.open(folder, os.O_PATH)
    for _ in range(depth):
        os.mkdir("d", dir_fd=current)
        deeper = os.open("d", os.O_PATH, dir_fd=current)
        os.close(current)
        current = deeper
    os.close(current)
