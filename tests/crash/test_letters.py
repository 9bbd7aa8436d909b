"""A crash at every write while a person is asked, answers, or cancels: nothing is asked or heard twice.

The person answers each question as soon as it is on disk, or, where the process died with that write, before
another process takes the run on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Reply, ScriptedModel
from anton.core.event import (
    Decided,
    Entry,
    NotePosted,
    Source,
    TurnEnded,
)
from anton.core.letter import Cancel, Letter, Message, QuestionReply
from anton.core.permission import Policy
from anton.core.question import QuestionAnswered, QuestionAsked
from anton.core.run import Phase, RunState
from anton.runs.doorbell import Doorbell
from anton.runs.runner import advance
from tests.crash.test_cut_anywhere import Killed, replies_asked_for, replies_paid
from tests.office import (
    ADD_TEST,
    CODE_DONE,
    FIX,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    Office,
    StepClock,
)

KIM = "terminal:Kim"
ASK = Reply(calls=(("ask_person", {"question": "Is Done a switch?"}),))
SCRIPT = {
    **HONEST,
    "code": [ASK, FIX, CODE_DONE, CODE_DONE, CODE_DONE],
    "test": [ADD_TEST, FIX, TESTS_DONE, TESTS_DONE],
}
QUESTIONS = 4
"""One of the agent's own, and one for each of three changes of files."""

Writer = Callable[[Entry], Message | None]
"""What the person writes on seeing an entry."""


def answering(entry: Entry) -> Message | None:
    if not isinstance(entry.event, QuestionAsked):
        return None
    question = entry.event.question
    return QuestionReply(question.id, "It is not.", allowed=True if question.is_permission else None)


def cancelling(entry: Entry) -> Message | None:
    first = isinstance(entry.event, TurnEnded) and (entry.event.agent, entry.event.turn) == ("code", 1)
    return Cancel("Known.") if first else None


class Mortal(MemoryJournal):
    """Dies at its n-th write, with or without it; a person reads along and writes letters."""

    def __init__(self, writes: Writer, dies_at: int, *, keeps_it: bool) -> None:
        super().__init__()
        self.bell = Doorbell()
        self.writes = writes
        self.appends = 0
        self.dies_at, self.keeps_it = dies_at, keeps_it
        self.dead = False
        self.clock = StepClock()

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        if self.dead:
            raise Killed
        self.appends += 1
        dies = self.appends == self.dies_at
        if not dies or self.keeps_it:
            await super().append(run_id, entries, taken)
        if dies:
            self.dead = True
            raise Killed
        await self.read_along(entries)

    async def read_along(self, entries: Sequence[Entry]) -> None:
        """The person reads, and writes; a letter of the same id is kept once."""
        for entry in entries:
            if (message := self.writes(entry)) is not None:
                name = getattr(message, "question", message.kind)
                await self.post(Letter(name, RUN, KIM, self.clock(), message))
                self.bell.ring(RUN)


async def work(office: Office, journal: Mortal, model: ScriptedModel) -> RunState:
    """One process: from wherever the journal stands to the decision, or the end."""
    world = replace(
        office.world(model), policy=Policy.ON_REQUEST, question_seconds=3_600.0, doorbell=journal.bell
    )
    if not await journal.read(RUN):
        await office.receive()
    return await advance(world, RUN)


async def killed_and_resumed(
    folder: Path, journal: Mortal, judge: Callable[[RunState, Sequence[Entry]], None]
) -> bool:
    """One crash point; False when the run ends before it."""
    office = Office(folder, journal, QUICK_FILES, command=QUICK_COMMAND)
    try:
        await work(office, journal, ScriptedModel(SCRIPT))
    except Killed:
        pass
    else:
        return False
    journal.dead = False
    before = await journal.read(RUN)
    await journal.read_along(before)
    model = ScriptedModel(SCRIPT)
    state = await work(office, journal, model)
    assert not replies_paid(before) & replies_asked_for(model.requests)
    judge(state, await journal.read(RUN))
    assert await journal.letters(RUN) == ()
    return True


def judge_answered(state: RunState, entries: Sequence[Entry]) -> None:
    """Every question was asked once and answered once, and its answer came to the agent once."""
    assert state.phase is Phase.DECIDING
    assert state.proof is not None
    assert state.proof.green
    asked = [e.event.question for e in entries if isinstance(e.event, QuestionAsked)]
    assert sorted(question.id for question in asked) == [f"q{n + 1}" for n in range(QUESTIONS)]
    assert Counter((q.agent, q.call != "") for q in asked) == {
        ("code", False): 1,
        ("code", True): 1,
        ("test", True): 2,
    }
    answered = [e.event for e in entries if isinstance(e.event, QuestionAnswered)]
    assert sorted(answer.question for answer in answered) == [f"q{n + 1}" for n in range(QUESTIONS)]
    assert {answer.by for answer in answered} == {KIM}
    notes = [e.event for e in entries if isinstance(e.event, NotePosted) and e.event.agent == "code"]
    assert sum(posted.note.source is Source.PERSON for posted in notes) == 1


def judge_cancelled(state: RunState, entries: Sequence[Entry]) -> None:
    """It was decided once, and closed."""
    assert state.phase is Phase.CLOSED
    assert state.closed is not None
    assert (state.closed.outcome, state.closed.detail) == ("declined", "Known.")
    assert sum(isinstance(entry.event, Decided) for entry in entries) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("keeps_it", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize(
    ("writes", "judge", "least"),
    [(answering, judge_answered, 20), (cancelling, judge_cancelled, 5)],
    ids=["answered", "cancelled"],
)
async def test_a_run_killed_at_any_write_hears_every_letter_once(
    tmp_path: Path,
    writes: Writer,
    judge: Callable[[RunState, Sequence[Entry]], None],
    least: int,
    keeps_it: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    points = 0
    while await killed_and_resumed(
        tmp_path / f"at{points + 1}", Mortal(writes, points + 1, keeps_it=keeps_it), judge
    ):
        points += 1
    with capsys.disabled():
        print(f" [{points} crash points]", end="")  # noqa: T201 - the figure is what the test is worth
    assert points >= least
