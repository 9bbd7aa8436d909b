"""Questions to a person, words to a run at work, and its cancellation, in whole runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.model.scripted import Reply, ScriptedModel, Silence
from anton.core.decision import Answer, Refused
from anton.core.errors import UsageError
from anton.core.event import (
    Entry,
    Event,
    HookMoment,
    NotePosted,
    RunOutcome,
    Source,
    TurnEnded,
    TurnStarted,
    Verb,
)
from anton.core.hook import HookEvent
from anton.core.letter import Cancel, Letter, Message, QuestionReply, Word
from anton.core.mail import MAX_LETTER_CHARACTERS
from anton.core.message import UserMessage
from anton.core.permission import Policy
from anton.core.question import (
    MAX_CALLS_REFUSED,
    MAX_QUESTIONS,
    LetterRefused,
    QuestionAnswered,
    QuestionAsked,
)
from anton.core.run import Phase, RunState, fold
from anton.core.tool import ToolResult
from anton.ports import HookAnswer, ModelRequest
from anton.runs.runner import advance, answer
from anton.runs.tell import Told, tell, write
from anton.runs.world import World
from tests.office import (
    CODE_DONE,
    FIX,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    Office,
    written_up,
)

KIM, LEE = "terminal:Kim", "terminal:Lee"

ASK = Reply(calls=(("ask_person", {"question": "Is a to-do that was reopened completed again by Done?"}),))
ANSWER = QuestionReply("q1", "Yes, always.")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


E = TypeVar("E", bound=Event)
WORK_OF_TEST = HONEST["test"]


class Gate:
    """Hooks that hold an agent before its first call, until a test lets it go on."""

    description = "a gate"

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.open = asyncio.Event()

    async def tell(self, event: HookEvent) -> HookAnswer:
        if event.agent == self.agent and event.moment is HookMoment.BEFORE_TOOL:
            await self.open.wait()
        return HookAnswer()


class Watched:
    """What a test waits for in a run's journal."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._changed = asyncio.Event()

    def see(self, entry: Entry, state: RunState) -> None:
        self.entries.append(entry)
        self._changed.set()

    async def until(self, happened: Callable[[Entry], bool]) -> None:
        while not any(happened(entry) for entry in self.entries):
            self._changed.clear()
            await self._changed.wait()


def asked(entry: Entry) -> bool:
    return isinstance(entry.event, QuestionAsked)


def turn_of(agent: str, turn: int = 1) -> Callable[[Entry], bool]:
    """The agent's model is being asked for this turn."""
    return lambda e: isinstance(e.event, TurnStarted) and (e.event.agent, e.event.turn) == (agent, turn)


async def say(world: World, message: Message, wait_seconds: float = 30.0) -> Told:
    return await tell(world, write(world, RUN, KIM, message), wait_seconds=wait_seconds)


async def run_while(
    world: World, happened: Callable[[Entry], bool], message: Message
) -> tuple[RunState, Told]:
    """The run to where it stops, with something said to it once something has happened."""
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(advance(world, RUN, [watched.see]))
        await watched.until(happened)
        told = await say(world, message)
    return running.result(), told


def heard(request: ModelRequest) -> str:
    return "\n".join(m.text for m in request.messages if isinstance(m, UserMessage))


async def events(office: Office, kind: type[E]) -> list[E]:
    return [entry.event for entry in await office.journal.read(RUN) if isinstance(entry.event, kind)]


async def notes_from_person(office: Office) -> list[tuple[str, str]]:
    posted = await events(office, NotePosted)
    return [(e.agent, e.note.text) for e in posted if e.note.source is Source.PERSON]


async def results_of(office: Office, agent: str, tool: str) -> list[ToolResult]:
    ended = [e for e in await events(office, TurnEnded) if e.agent == agent]
    return [result for e in ended for result in e.results if result.name == tool]


async def at_decision(office: Office) -> World:
    world = office.world()
    await office.receive()
    assert (await advance(world, RUN)).phase is Phase.DECIDING
    return world


# An agent asks


async def test_an_answer_comes_to_the_agent_as_a_note(office: Office) -> None:
    await office.receive()
    model = ScriptedModel({**HONEST, "code": [ASK, FIX, CODE_DONE, CODE_DONE, CODE_DONE]})
    state, told = await run_while(office.world(model), asked, ANSWER)
    assert told.taken
    assert state.phase is Phase.DECIDING
    assert await events(office, QuestionAnswered) == [QuestionAnswered("code", "q1", KIM, "Yes, always.")]
    asked_what = "Is a to-do that was reopened completed again by Done?"
    text = f"You asked (q1): {asked_what}\n\n{KIM} answers:\n\nYes, always."
    assert await notes_from_person(office) == [("code", text), ("pr", text)]
    assert text in heard(model.requests_by_agent["code"][-1])
    assert not any(text in heard(request) for request in model.requests_by_agent["test"])
    [result] = await results_of(office, "code", "ask_person")
    assert result.text.startswith("Asked as q1. Go on meanwhile")


async def test_an_answer_wakes_an_agent_that_has_handed_in_while_a_colleague_still_works(
    tmp_path: Path,
) -> None:
    gate = Gate("test")
    office = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND, hooks=gate)
    await office.receive()
    world = office.world({**HONEST, "code": [ASK, CODE_DONE, FIX, CODE_DONE]})
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(advance(world, RUN, [watched.see]))
        await watched.until(
            lambda e: e.event.kind == "agent_ended" and getattr(e.event, "agent", "") == "code"
        )
        await say(world, ANSWER)
        await watched.until(turn_of("code", 4))
        gate.open.set()
    state = running.result()
    assert state.proof is not None
    assert state.proof.green, "the fix was made after the agent had handed in"
    assert [entry.event.kind for entry in watched.entries].count("proof_started") == 1


async def test_nobody_has_to_answer(office: Office) -> None:
    await office.receive()
    world = office.world({**HONEST, "code": [ASK, FIX, CODE_DONE]})
    state = await advance(world, RUN)
    assert state.phase is Phase.DECIDING
    assert state.open_questions == ()
    with pytest.raises(Refused, match=r"nobody waits for the answer to q1 any more: run r1 waits for a dec"):
        await say(world, ANSWER)
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.APPROVE, KIM, state.briefing.digest))
    await advance(world, RUN)
    report = (tmp := Path(state.received.reports)) / RUN / "incident.md"
    assert tmp.is_dir()
    assert "- q1 code: Is a to-do that was reopened completed again by Done?\n  was answered by nobody" in (
        report.read_text()
    )


async def test_an_agent_has_a_few_questions_only(office: Office) -> None:
    await office.receive()
    questions = [
        Reply(calls=(("ask_person", {"question": f"Which {n}?"}),)) for n in range(MAX_QUESTIONS + 1)
    ]
    state = await advance(office.world({**HONEST, "code": [*questions, FIX, CODE_DONE]}), RUN)
    assert [question.id for question in state.questions] == ["q1", "q2", "q3"]
    *_, last = await results_of(office, "code", "ask_person")
    assert last.failed
    assert "Decide yourself" in last.text


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (QuestionReply("q7", "Yes."), "run r1 has no question 'q7'; waiting for an answer: q1"),
        (QuestionReply("q1", " \n"), "there is no answer to question q1 in that"),
        (QuestionReply("q1", "a" * (MAX_LETTER_CHARACTERS + 1)), "4,001 characters long and 4,000 are taken"),
        (Word(""), "there is nothing to tell the agents"),
    ],
)
async def test_what_says_nothing_is_refused_with_the_reason(
    office: Office, message: Message, said: str
) -> None:
    await office.receive()
    world = office.world({**HONEST, "code": [ASK, Silence()]})
    watched = Watched()
    running = asyncio.create_task(advance(world, RUN, [watched.see]))
    await watched.until(asked)
    with pytest.raises(Refused, match=said):
        await say(world, message)
    assert await office.journal.letters(RUN) == ()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_the_first_answer_counts_and_the_same_letter_twice_is_one(office: Office) -> None:
    await office.receive()
    world = office.world({**HONEST, "code": [ASK, FIX, CODE_DONE, CODE_DONE, CODE_DONE]})
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        group.create_task(advance(world, RUN, [watched.see]))
        await watched.until(asked)
        letter = write(world, RUN, KIM, ANSWER, "a press")
        assert (await tell(world, letter, wait_seconds=30)).taken
        assert (await tell(world, letter, wait_seconds=30)).taken
        with pytest.raises(
            Refused, match=f"question q1 of run r1 was already answered by {KIM}: Yes, always\\."
        ):
            await tell(world, write(world, RUN, LEE, QuestionReply("q1", "No.")))
    assert len(await events(office, QuestionAnswered)) == 1


async def test_a_letter_that_another_overtook_is_put_on_record_and_its_writer_told(office: Office) -> None:
    await office.receive()
    world = office.world({**HONEST, "code": [ASK, FIX, CODE_DONE, CODE_DONE, CODE_DONE]})
    late = Letter("late", RUN, LEE, world.clock(), QuestionReply("q1", "No."))
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        group.create_task(advance(world, RUN, [watched.see]))
        await watched.until(asked)
        await office.journal.post(write(world, RUN, KIM, ANSWER))
        await office.journal.post(late)
        world.doorbell.ring(RUN)
    reason = f"question q1 of run r1 was already answered by {KIM}: Yes, always."
    assert await events(office, LetterRefused) == [LetterRefused("late", LEE, reason)]
    assert await office.journal.letters(RUN) == ()
    with pytest.raises(Refused, match=f"already answered by {KIM}"):
        await tell(world, late)


# Somebody says something


async def test_a_word_reaches_both_witnesses_while_they_work(office: Office) -> None:
    await office.receive()
    model = ScriptedModel(
        {
            **HONEST,
            "code": [*HONEST["code"], CODE_DONE, CODE_DONE],
            "test": [*HONEST["test"], TESTS_DONE, TESTS_DONE],
        }
    )
    _, told = await run_while(office.world(model), turn_of("code"), Word("It began on Monday."))
    assert told.taken
    text = f"{KIM} says, while you work:\n\nIt began on Monday."
    assert [who for who, said in await notes_from_person(office) if said == text] == ["code", "test", "pr"]
    for agent in ("code", "test"):
        assert text in heard(model.requests_by_agent[agent][-1])


async def test_a_word_before_any_agent_is_at_work_waits_for_them(office: Office) -> None:
    await office.receive()
    model = ScriptedModel(HONEST)
    world = office.world(model)
    assert not (await say(world, Word("It began on Monday."), 0.0)).taken
    await advance(world, RUN)
    assert "It began on Monday." in heard(model.requests_by_agent["code"][0])
    assert await office.journal.letters(RUN) == ()


async def test_a_word_to_a_run_that_waits_for_a_decision_is_refused_with_what_would_do(
    office: Office,
) -> None:
    world = await at_decision(office)
    with pytest.raises(Refused, match='To send it back to the agents: anton request-changes r1 "…"'):
        await say(world, Word("Mind the edge."))


async def test_a_letter_to_no_run_is_refused(office: Office) -> None:
    with pytest.raises(UsageError, match="there is no run 'r1'"):
        await say(office.world(), Word("Hello?"))


# Somebody cancels


async def test_a_run_at_work_is_cancelled_and_closed_by_the_process_that_works_on_it(office: Office) -> None:
    await office.receive()
    world = office.world({**HONEST, "code": [Silence()]})
    state, told = await run_while(world, turn_of("code"), Cancel("Known upstream."))
    assert told.taken
    assert state.closed is not None
    assert (state.closed.outcome, state.closed.detail) == (RunOutcome.DECLINED, "Known upstream.")
    assert state.decision is not None
    assert (state.decision.verb, state.decision.by) == (Verb.DECLINE, KIM)
    assert sorted(state.steps) == ["report"]
    assert not world.scratch(RUN).exists()


async def test_a_cancel_ends_the_programs_of_the_run(tmp_path: Path) -> None:
    """The suite of the unchanged code says its process id, and then never ends."""
    told_by = tmp_path / "pid"
    os.mkfifo(told_by)
    hangs = f"import os, time\nopen({str(told_by)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    files = {**QUICK_FILES, "tests/test_todo.py": hangs}
    office = Office(tmp_path, files=files, command=QUICK_COMMAND)
    await office.receive()
    world = office.world({**HONEST, "code": [Silence()], "test": [Silence()]})
    async with asyncio.TaskGroup() as group:
        running = group.create_task(advance(world, RUN))
        suite = int(await asyncio.to_thread(told_by.read_text))
        await say(world, Cancel())
    assert running.result().phase is Phase.CLOSED
    with pytest.raises(ProcessLookupError):
        os.kill(suite, 0)


async def test_a_run_that_nobody_works_on_is_cancelled_at_once(office: Office) -> None:
    await office.receive()
    world = office.world()
    told = await say(world, Cancel(), 0.0)
    assert told.taken
    assert told.state.phase is Phase.DELIVERING
    state = await advance(world, RUN)
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.DECLINED


async def test_a_cancel_is_heeded_before_anything_else_is_done(office: Office) -> None:
    await office.receive()
    model = ScriptedModel({})
    world = office.world(model)
    await office.journal.post(write(world, RUN, KIM, Cancel()))
    state = await advance(world, RUN)
    assert state.phase is Phase.CLOSED
    assert model.requests == []


async def test_what_is_decided_is_not_cancelled(office: Office) -> None:
    world = await at_decision(office)
    state = fold(await office.journal.read(RUN))
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.APPROVE, KIM, state.briefing.digest))
    with pytest.raises(Refused, match="already approved"):
        await say(world, Cancel())
    assert (await advance(world, RUN)).phase is Phase.CLOSED
    with pytest.raises(Refused, match="already approved"):
        await say(world, Cancel())


async def test_a_run_that_waits_for_a_decision_can_be_cancelled(office: Office) -> None:
    world = await at_decision(office)
    assert (await say(world, Cancel("Obsolete."), 0.0)).taken
    state = await advance(world, RUN)
    assert state.closed is not None
    assert (state.closed.outcome, state.closed.detail) == (RunOutcome.DECLINED, "Obsolete.")


class LastInstant(MemoryJournal):
    """Somebody writes after the last look for letters, when the run is still held."""

    letter: Letter | None = None

    @asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        async with super().hold(run_id):
            yield
            if self.letter is not None:
                await self.post(self.letter)
                self.letter = None


async def test_a_letter_that_comes_while_the_run_is_let_go_of_is_not_left_lying(tmp_path: Path) -> None:
    journal = LastInstant()
    office = Office(tmp_path, journal, QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    world = office.world()
    journal.letter = write(world, RUN, KIM, Cancel("Late."))
    state = await advance(world, RUN)
    assert state.closed is not None
    assert state.closed.detail == "Late."
    assert await journal.letters(RUN) == ()


async def test_another_process_reaches_a_run_at_work(tmp_path: Path) -> None:
    here, there = (SqlJournal(tmp_path / "journal.db") for _ in range(2))
    office = Office(tmp_path, here, QUICK_FILES, command=QUICK_COMMAND)
    await office.receive()
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(
            advance(office.world({**HONEST, "code": [ASK, Silence()]}), RUN, [watched.see])
        )
        await watched.until(asked)
        elsewhere = replace(office.world(), journal=there)
        assert (await say(elsewhere, ANSWER)).taken
        assert (await say(elsewhere, Cancel())).taken
    assert running.result().phase is Phase.CLOSED
    await here.close()
    await there.close()


# A call is asked about


def attended(office: Office, world: World, seconds: float = 300.0) -> World:
    """With somebody there, whom everything that changes a file is asked."""
    return replace(world, policy=Policy.ON_REQUEST, question_seconds=seconds)


ONLY_CODE_WRITES = {
    **HONEST,
    "code": [FIX, CODE_DONE, CODE_DONE],
    "test": [TESTS_DONE, TESTS_DONE, TESTS_DONE],
    "pr": [written_up("Draft"), written_up("Keep completed to-dos completed")],
}


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_call_is_made_only_if_the_person_says_yes(office: Office, allowed: bool) -> None:
    await office.receive(rounds=1)
    world = attended(office, office.world(ONLY_CODE_WRITES))
    await run_while(world, asked, QuestionReply("q1", "mind the rest", allowed))
    [question] = [e.question for e in await events(office, QuestionAsked)]
    arguments = {"path": "todo.py", "old": "not todo.completed", "new": "True"}
    assert question.call == f"edit_file {json.dumps(arguments)}"
    assert question.reason == "it changes files of the worktree, about which the policy on_request asks"
    assert question.is_permission
    [result] = await results_of(office, "code", "edit_file")
    assert result.failed is not allowed
    if not allowed:
        assert result.text.endswith(f"the policy on_request asks; {KIM} says no: mind the rest.")


async def test_nobody_who_answers_in_time_is_a_no(office: Office) -> None:
    await office.receive(rounds=1)
    world = attended(office, office.world(ONLY_CODE_WRITES), seconds=0.001)
    state = await advance(world, RUN)
    [result] = await results_of(office, "code", "edit_file")
    assert result.failed
    assert result.text.endswith("asked as q1, nobody answered in time.")
    assert await events(office, QuestionAnswered) == [QuestionAnswered("code", "q1", "", "", allowed=False)]
    assert state.open_questions == ()


async def test_whoever_said_no_often_enough_is_asked_no_more(office: Office) -> None:
    await office.receive(rounds=1)
    script = {**ONLY_CODE_WRITES, "code": [*[FIX] * (MAX_CALLS_REFUSED + 2), CODE_DONE, CODE_DONE]}
    await advance(attended(office, office.world(script), seconds=0.001), RUN)
    results = await results_of(office, "code", "edit_file")
    assert len(await events(office, QuestionAsked)) == MAX_CALLS_REFUSED
    assert all(result.failed for result in results)
    assert results[-1].text.endswith("so nobody is asked any more.")


async def test_where_nobody_is_there_nobody_is_asked(office: Office) -> None:
    await office.receive(rounds=1)
    await advance(replace(office.world(ONLY_CODE_WRITES), policy=Policy.ON_REQUEST), RUN)
    [result] = await results_of(office, "code", "edit_file")
    assert result.failed
    assert result.text.endswith("nobody is there to answer.")
    assert await events(office, QuestionAsked) == []


async def test_whether_a_call_may_be_made_is_answered_by_yes_or_no(office: Office) -> None:
    await office.receive(rounds=1)
    world = attended(office, office.world(ONLY_CODE_WRITES))
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        group.create_task(advance(world, RUN, [watched.see]))
        await watched.until(asked)
        with pytest.raises(Refused, match="question q1 is whether a call may be made: answer it with yes or"):
            await say(world, QuestionReply("q1", "Go on."))
        await say(world, QuestionReply("q1", "", allowed=True))


async def test_a_call_that_cannot_be_shown_whole_is_not_asked_about(office: Office) -> None:
    await office.receive(rounds=1)
    long = Reply(calls=(("write_file", {"path": "notes.txt", "content": "a" * 10_000}),))
    world = attended(office, office.world({**ONLY_CODE_WRITES, "code": [long, CODE_DONE, CODE_DONE]}))
    await advance(world, RUN)
    [result] = await results_of(office, "code", "write_file")
    assert result.text.endswith("longer than 10,000 characters, it cannot be shown to anybody.")


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_dangerous_command_is_asked_about_by_its_line(tmp_path: Path, allowed: bool) -> None:
    office = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    office.specs = tuple(
        replace(spec, tools=tuple(dict.fromkeys((*spec.tools, "shell")))) if spec.name == "code" else spec
        for spec in office.specs
    )
    await office.receive(rounds=1)
    remove = Reply(calls=(("shell", {"command": "rm -rf notes && echo gone"}),))
    script = {**ONLY_CODE_WRITES, "code": [remove, FIX, CODE_DONE, CODE_DONE]}
    world = replace(office.world(script), question_seconds=300.0)
    await run_while(world, asked, QuestionReply("q1", "", allowed))
    [question] = [e.question for e in await events(office, QuestionAsked)]
    assert question.call == "rm -rf notes && echo gone"
    assert "is dangerous, about which the policy auto asks (rm: " in question.reason
    [result] = await results_of(office, "code", "shell")
    assert result.failed is not allowed
    assert ("gone" in result.text) is allowed
