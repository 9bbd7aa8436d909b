"""A conversation that goes back to a checkpoint, is cut short, or changes its terms, through any crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Reply, Silence, Step
from anton.agents.roster import conversationalist
from anton.core.errors import UsageError
from anton.core.event import AgentOutcome, Entry
from anton.core.message import AssistantMessage, StreamItem, TextDelta
from anton.core.permission import Policy
from anton.core.question import MAX_CALLS_REFUSED
from anton.core.run import fold
from anton.ports.leftovers import Waste
from anton.runs.asking import Asking
from anton.runs.conversation import ROOM, Conversation, begin, open_conversation
from anton.runs.housekeeping import FORGOTTEN_AFTER, Retention, tidy_conversations
from anton.views.conversation import Exchange, exchanges, transcript
from tests.office import BUGGY, FIX, Office

TALK = "t1"
SPOIL = Reply(calls=(("write_file", {"path": "todo.py", "content": "spoilt\n"}),))
FIXED = BUGGY.replace("not todo.completed", "True")


@dataclass
class Room:
    """Where one conversation is had; each opening is a process of its own."""

    folder: Path
    script: Sequence[Step]
    sessions: MemoryJournal = field(default_factory=MemoryJournal)
    thinking: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first piece of text."""
    diffs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.office = Office(self.folder)

    async def begin(self) -> None:
        await begin(self.office.world(), self.sessions, TALK, self.office.received(TALK))

    @asynccontextmanager
    async def open(self, question_seconds: float = 0.0) -> AsyncIterator[Conversation]:
        script: Mapping[str, Sequence[Step]] = {"chat": self.script}
        opening = open_conversation(
            replace(self.office.world(script), question_seconds=question_seconds),
            self.sessions,
            TALK,
            conversationalist(),
            self._hear,
            changed=self.diffs.append,
        )
        async with opening as talk:
            yield talk

    def _hear(self, item: StreamItem) -> None:
        if isinstance(item, TextDelta):
            self.thinking.set()

    @property
    def file(self) -> str:
        return (self.office.home / ROOM / "scratch" / TALK / "chat" / "todo.py").read_text()

    async def entries(self) -> tuple[Entry, ...]:
        return await self.sessions.read(TALK)


async def room(folder: Path, *script: Step) -> Room:
    made = Room(folder, script)
    await made.begin()
    return made


async def test_a_restored_conversation_has_the_files_and_the_words_of_then(tmp_path: Path) -> None:
    place = await room(tmp_path, FIX, Reply("Fixed."), SPOIL, Reply("Spoilt."))
    async with place.open() as talk:
        await talk.say("Fix it.")
        await talk.mark("good")
        await talk.say("Spoil it.")
        assert place.file == "spoilt\n"
        await talk.take_back("good")
    async with place.open() as talk:
        assert place.file == FIXED
        assert not talk.interrupted
        assert "Spoil" not in str(talk.own.messages)
        assert "spoilt" not in await talk.diff()
    assert exchanges(await place.entries()) == (Exchange("Fix it.", "Fixed."),)
    assert "Spoilt." in transcript(await place.entries()), "what was taken back stays on record"


async def test_a_conversation_cut_down_after_any_event_is_at_the_checkpoint_or_before_it(
    tmp_path: Path,
) -> None:
    place = await room(tmp_path, FIX, Reply("Fixed."), SPOIL, Reply("Spoilt."))
    async with place.open() as talk:
        await talk.say("Fix it.")
        await talk.mark("good")
        await talk.say("Spoil it.")
        await talk.take_back("good")
    whole = await place.entries()
    restored = next(entry.number for entry in whole if entry.event.kind == "checkpoint_restored")
    marked = next(entry.number for entry in whole if entry.event.kind == "checkpoint_made")
    for cut in range(marked, len(whole) + 1):
        place.sessions = MemoryJournal()
        await place.sessions.append(TALK, whole[:cut])
        kept = fold(whole[:cut]).agents["chat"].checkpoint
        async with place.open() as talk:
            assert list(talk.own.marks) == ["good"]
            assert talk.own.checkpoint == kept
            assert place.file == ("spoilt\n" if "spoilt" in await talk.diff() else FIXED)
            await talk.take_back("good")
        async with place.open():
            assert place.file == FIXED, f"cut after {cut} of {restored}"


async def test_checkpoints_are_numbered_unless_they_are_named(tmp_path: Path) -> None:
    place = await room(tmp_path)
    async with place.open() as talk:
        assert [await talk.mark(), await talk.mark("x.1"), await talk.mark()] == ["c1", "x.1", "c2"]
        for bad in ("a b", "../x", "-x", "ä", "x" * 41, "a\nb"):
            with pytest.raises(UsageError, match="cannot be a checkpoint's name"):
                await talk.mark(bad)
        with pytest.raises(UsageError, match=r"there is no checkpoint 'y'; there are: c1, x\.1, c2"):
            await talk.take_back("y")


async def test_an_interrupted_answer_keeps_what_was_done_and_the_conversation_goes_on(tmp_path: Path) -> None:
    place = await room(tmp_path, FIX, Silence(after=(TextDelta("Well"),)), Reply("Stopped."))
    async with place.open() as talk:
        answering = asyncio.ensure_future(talk.say("Fix it."))
        async with asyncio.timeout(60):
            await place.thinking.wait()
        answering.cancel()
        await asyncio.wait([answering])
        await talk.cut_short()
        assert talk.own.ended is not None
        assert talk.own.ended.outcome is AgentOutcome.INTERRUPTED
        assert talk.own.messages[-1] == AssistantMessage("Well\n[The person interrupted this reply.]")
    place.script = (FIX, Reply("Well"), Reply("Stopped."))
    async with place.open() as talk:
        assert not talk.interrupted, "nobody asked for that answer any more"
        assert place.file == FIXED
        await talk.say("Stop.")
        assert talk.own.ended is not None
        assert talk.own.ended.outcome is AgentOutcome.ANSWERED
    assert "+    todo.completed = True" in place.diffs[0]


async def test_what_was_chosen_holds_when_the_conversation_is_taken_up(tmp_path: Path) -> None:
    place = await room(tmp_path)
    async with place.open() as talk:
        assert (talk.model, talk.policy) == ("scripted", Policy.AUTO)
        await talk.choose_model("other")
        await talk.choose_policy(Policy.NEVER)
    async with place.open() as talk:
        assert (talk.model, talk.policy) == ("other", Policy.NEVER)
        assert talk.agent.spec.model == "other"


async def swept(place: Room, days: int | None, *, delete: bool = True) -> list[Waste]:
    world, retention = place.office.world(), Retention(conversation_days=days)
    return [each async for each in tidy_conversations(world, place.sessions, retention, delete=delete)]


async def test_an_old_conversation_goes_and_one_that_is_open_stays(tmp_path: Path) -> None:
    place = await room(tmp_path, FIX, Reply("Fixed."))
    scratch = place.office.home / ROOM / "scratch" / TALK
    async with place.open() as talk:
        await talk.say("Fix it.")
    assert await swept(place, 1) == []
    start = place.office.clock
    place.office.clock = lambda: start() + FORGOTTEN_AFTER * 3  # type: ignore[assignment]
    async with place.open():
        assert await swept(place, 1) == []
    assert [waste.kind for waste in await swept(place, None)] == ["worktrees"]
    assert not scratch.exists()
    async with place.open():
        assert place.file == FIXED, "a younger one is laid out anew"
    named = await swept(place, 1, delete=False)
    assert [waste.kind for waste in named] == ["worktrees", "conversation"]
    assert await place.sessions.run_ids() == (TALK,), "it was only said"
    await swept(place, 1)
    assert await place.sessions.run_ids() == ()
    assert timedelta(days=1) == FORGOTTEN_AFTER


async def test_a_person_who_said_no_often_is_asked_again_after_their_next_word(tmp_path: Path) -> None:
    dangerous = tuple(
        Reply(calls=(("shell", {"command": f"rm -rf {n}"}),)) for n in range(MAX_CALLS_REFUSED + 1)
    )
    place = await room(tmp_path, *dangerous, Reply("So not."), dangerous[0], Reply("Nor that."))
    async with place.open(question_seconds=600.0) as talk, asyncio.TaskGroup() as group:
        refusing = group.create_task(refuse_all(talk))
        await talk.say("Clean up.")
        first = len(talk.own.questions)
        await talk.say("Try again.")
        refusing.cancel()
    assert first == MAX_CALLS_REFUSED
    assert len(talk.own.questions) == first + 1


class SlowDisk(MemoryJournal):
    """What is answered takes a while to be written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = asyncio.Event()

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        if any(entry.event.kind == "question_answered" for entry in entries):
            await self.writes.wait()
        await super().append(run_id, entries, taken)


async def test_nothing_comes_of_an_answer_that_is_not_on_disk(tmp_path: Path) -> None:
    sessions = SlowDisk()
    place = Room(tmp_path, (), sessions)
    await place.begin()
    async with place.open() as talk, asyncio.TaskGroup() as group:
        asking = Asking(talk.log, "chat", place.office.clock, 600.0, conversing=True)
        asked = group.create_task(asking.leave("slack_post\n\nHello.", "others will see it"))
        [question] = (await talk.log.until(lambda state: bool(state.questions))).questions
        answered = group.create_task(talk.answer(question, "kim", allowed=True))
        for _ in range(20):  # passes of the event loop, of which a posted answer needs a few
            await asyncio.sleep(0)
        early = asked.done()
        sessions.writes.set()
        await answered
    assert (early, asked.result().given) == (False, True)


async def refuse_all(talk: Conversation) -> None:
    while True:
        state = await talk.log.until(lambda state: bool(state.open_questions))
        await talk.answer(state.open_questions[0], "terminal:tester", allowed=False)
