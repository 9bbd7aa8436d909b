"""Agents that hand tasks to delegates, in whole runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Refuse, Reply, ScriptedModel, Silence, Step
from anton.agents.roster import delegates
from anton.core.errors import OutsideError
from anton.core.event import AgentEnded, AgentOutcome, AgentStarted, TurnEnded
from anton.core.message import Usage, UserMessage
from anton.core.run import Phase, RunState
from anton.entrypoints.page.render import Viewer
from anton.entrypoints.page.render import run_page as page_of
from anton.runs.budget import Budget
from anton.runs.delegation import MAX_DELEGATIONS
from anton.runs.runner import advance
from anton.runs.world import World
from anton.views.incident import incident_report
from anton.views.lanes import lanes
from anton.views.runs import run_page
from anton.views.slack.message import Links, message
from anton.views.timeline import moments
from tests.crash.test_cut_anywhere import DyingJournal, Killed, essence, replies_asked_for, replies_paid
from tests.office import CODE_DONE, FIX, HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office

NAMES = ("code/investigator-1", "code/investigator-2", "code/reviewer-3")


def delegated(to: str, *tasks: str) -> Reply:
    """A reply that hands tasks out."""
    return Reply(calls=(("delegate", {"to": to, "tasks": list(tasks)}),))


def found(answer: str) -> Reply:
    """An investigator's result."""
    return Reply(calls=(("submit", {"answer": answer}),), usage=Usage(100, 0, 10))


REVIEWED = Reply(calls=(("submit", {"summary": "It is sound."}),))
READ = Reply(calls=(("read_file", {"path": "todo.py"}),))
ASKED = delegated("investigator", "Who calls complete()?", "What does Todo hold?")
DELEGATING: Mapping[str, Sequence[Step]] = {
    **HONEST,
    "code": [
        ASKED,
        FIX,
        delegated("reviewer", "Does it hold for every input?"),
        CODE_DONE,
        CODE_DONE,
    ],
    NAMES[0]: [READ, found("Nobody but the tests.")],
    NAMES[1]: [found("A flag.")],
    NAMES[2]: [READ, REVIEWED],
}


def office_at(folder: Path, journal: MemoryJournal | None = None) -> Office:
    """An office whose code agent may delegate."""
    office = Office(folder, journal or MemoryJournal(), QUICK_FILES, command=QUICK_COMMAND)
    office.specs = tuple(
        replace(spec, tools=(*spec.tools, "delegate")) if spec.name == "code" else spec
        for spec in office.specs
    )
    return office


def world_of(office: Office, model: ScriptedModel, budget: Budget = Budget()) -> World:
    """A process in that office."""
    return replace(office.world(model, budget), delegates=delegates())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office whose code agent may delegate."""
    return office_at(tmp_path)


async def run(office: Office, model: ScriptedModel, budget: Budget = Budget()) -> RunState:
    """The run up to the person's decision."""
    if not await office.journal.read(RUN):
        await office.receive()
    return await advance(world_of(office, model, budget), RUN)


async def results(office: Office) -> list[str]:
    """What the code agent's calls brought."""
    return [
        result.text
        for entry in await office.journal.read(RUN)
        if isinstance(entry.event, TurnEnded) and entry.event.agent == "code"
        for result in entry.event.results
    ]


async def test_only_the_result_comes_back(office: Office) -> None:
    model = ScriptedModel(DELEGATING)
    state = await run(office, model)
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert state.proof.green
    told = await results(office)
    assert told[0] == (
        "code/investigator-1 handed in:\n"
        '{\n "answer": "Nobody but the tests.",\n "evidence": [],\n "open": []\n}\n\n'
        'code/investigator-2 handed in:\n{\n "answer": "A flag.",\n "evidence": [],\n "open": []\n}'
    )
    assert '"summary": "It is sound."' in told[2]
    mine = " ".join(str(message) for message in state.agents["code"].messages)
    assert "class Todo" not in mine


async def test_a_delegate_knows_the_ticket_and_its_task_and_nothing_of_its_principal(office: Office) -> None:
    state = await run(office, ScriptedModel(DELEGATING))
    first, reviewer = (state.agents[name].messages[1] for name in (NAMES[0], NAMES[2]))
    assert isinstance(first, UserMessage)
    assert isinstance(reviewer, UserMessage)
    assert first.text.startswith("<ticket>\nKey: BUG-42")
    assert first.text.endswith("<task>\nWho calls complete()?\n</task>")
    assert "+    todo.completed = True" in reviewer.text
    assert len(state.agents[NAMES[0]].messages) == 6


async def test_delegates_only_read_and_hand_nothing_on(office: Office) -> None:
    asked = {
        **DELEGATING,
        NAMES[0]: [
            Reply(
                calls=(
                    ("write_file", {"path": "x", "content": "x"}),
                    ("delegate", {"to": "reviewer", "tasks": ["x"]}),
                )
            ),
            Reply(calls=(("ask_person", {"question": "x"}), ("shell", {"command": "x"}), ("run_tests", {}))),
            found("Nobody."),
        ],
    }
    await run(office, ScriptedModel(asked))
    entries = await office.journal.read(RUN)
    tools = {e.event.agent: e.event.tools for e in entries if isinstance(e.event, AgentStarted)}
    looking = ("list_dir", "glob", "grep", "read_file", "git_log", "git_show", "git_blame", "submit")
    assert {tools[name] for name in NAMES} == {looking}
    failed = [
        result.failed
        for e in entries
        if isinstance(e.event, TurnEnded) and e.event.agent == NAMES[0]
        for result in e.event.results
    ]
    assert failed == [True] * 5 + [False]


async def test_a_delegate_that_fails_is_a_result_like_another(office: Office) -> None:
    failing: Mapping[str, Sequence[Step]] = {
        **DELEGATING,
        NAMES[0]: [Refuse("no such model")],
        NAMES[1]: [Reply("hm"), Reply("hm"), Reply("hm")],
    }
    state = await run(office, ScriptedModel(failing))
    assert state.phase is Phase.DECIDING
    assert (await results(office))[0] == (
        "code/investigator-1 brought no result: no such model\n\n"
        "code/investigator-2 brought no result: 3 replies in a row without calling any tool"
    )


async def test_a_delegate_whose_principal_runs_out_of_time_is_ended_too(office: Office) -> None:
    office.with_limits(code=(15, 1.0))
    silent: Mapping[str, Sequence[Step]] = {**DELEGATING, NAMES[0]: [Silence()]}
    await run(office, ScriptedModel(silent))
    ends: dict[str, AgentEnded] = {}
    for entry in await office.journal.read(RUN):
        if isinstance(entry.event, AgentEnded):
            ends.setdefault(entry.event.agent, entry.event)
    assert ends["code"].outcome is AgentOutcome.TIMED_OUT
    assert ends[NAMES[0]].detail == "code had no more time to wait for it"
    assert ends[NAMES[1]].outcome is AgentOutcome.SUBMITTED


async def test_tasks_are_counted(office: Office) -> None:
    greedy = [
        delegated("investigator", *"abc"),
        delegated("investigator", *"def"),
        delegated("reviewer", "g"),
    ]
    names = [f"code/investigator-{number}" for number in range(1, MAX_DELEGATIONS + 1)]
    script = {**HONEST, "code": [*greedy, *HONEST["code"]], **{name: [found("x")] for name in names}}
    state = await run(office, ScriptedModel(script))
    assert [name for name in state.agents if "/" in name] == names
    assert "an agent may delegate 6 tasks in a run, and 0 are left" in (await results(office))[2]


async def test_what_delegates_spend_is_their_principals_and_the_runs(office: Office) -> None:
    state = await run(office, ScriptedModel(DELEGATING), Budget(agent_tokens=60_000, max_output_tokens=1_000))
    assert state.agents[NAMES[0]].usage.input_tokens == 100
    spent = await results(office)
    assert "brought no result" not in spent[0]
    other = office_at(office.folder / "poor")
    await other.receive()
    script = {
        **DELEGATING,
        "code": [replace(ASKED, usage=Usage(9_000, 0, 10)), *HONEST["code"]],
    }
    poor = world_of(other, ScriptedModel(script), Budget(agent_tokens=14_000, max_output_tokens=1_000))
    with pytest.raises(OutsideError, match="tokens of agent 'code'"):
        await advance(poor, RUN)
    assert "of agent 'code'" in (await results(other))[0]


async def test_delegates_are_seen_behind_their_principal(office: Office) -> None:
    state = await run(office, ScriptedModel(DELEGATING))
    console = Console(width=110, record=True, file=None, color_system=None)
    with console.capture() as shown:
        console.print(lanes(state, datetime(2026, 11, 25, 3, tzinfo=UTC)))
    names = [row.split()[1] for row in shown.get().splitlines() if "done" in row]
    assert names == ["triage", "code", "investigator-1", "investigator-2", "reviewer-3", "test", "pr"]
    story = moments(await office.journal.read(RUN))
    assert {moment.who for moment in story} >= set(NAMES)


async def test_every_view_takes_delegates(office: Office) -> None:
    hostile = {**DELEGATING, NAMES[0]: [found("<script>alert(1)</script> <!channel> `x` \x1b[31m")]}
    state = await run(office, ScriptedModel(hostile))
    entries = await office.journal.read(RUN)
    page = page_of(state, entries, Viewer("Kim", "t"), datetime(2026, 11, 25, 3, tzinfo=UTC))
    assert "code/investigator-1" in page
    assert "<script>alert(1)" not in page
    assert "code/reviewer-3" in incident_report(state, tuple(entries))
    console = Console(width=110, color_system=None)
    with console.capture() as shown:
        console.print(run_page(state, entries))
    assert "code/investigator-2" in shown.get()
    assert message(state, Links()).blocks


@pytest.mark.slow
async def test_a_crash_anywhere_pays_no_reply_of_a_delegate_twice(tmp_path: Path) -> None:
    whole = office_at(tmp_path / "whole")
    expected = essence(await run(whole, ScriptedModel(DELEGATING)))
    dies_at, inside = 1, 0
    while True:
        journal = DyingJournal(dies_at, keeps_it=dies_at % 2 == 0)
        office = office_at(tmp_path / str(dies_at), journal)
        try:
            await run(office, ScriptedModel(DELEGATING))
        except (Killed, BaseExceptionGroup):
            journal.revive()
        else:
            break
        before = await journal.read(RUN)
        started = {e.event.agent for e in before if isinstance(e.event, AgentStarted)}
        inside += bool(started & set(NAMES)) and not any(
            isinstance(e.event, TurnEnded) and e.event.agent == "code" for e in before
        )
        model = ScriptedModel(DELEGATING)
        assert essence(await run(office, model)) == expected
        paid = replies_paid(before)
        asked = replies_asked_for(model.requests)
        assert not [key for key in asked if key in paid], f"paid twice after a crash at write {dies_at}"
        entries = await journal.read(RUN)
        said = [e.event.agent for e in entries if isinstance(e.event, AgentStarted) and "/" in e.event.agent]
        assert tuple(said) == NAMES
        dies_at += 2 if inside < 6 else 5
    assert inside >= 3
