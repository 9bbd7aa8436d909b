"""A run's message in the chat is kept up to date, and a chat that is down holds up nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from anton.adapters.chat.local import LocalChat
from anton.core.decision import Answer
from anton.core.errors import OutsideError
from anton.core.event import MessageShown, Verb
from anton.core.run import Phase, RunState
from anton.runs.announce import show_again
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.office import QUICK_COMMAND, QUICK_FILES, RUN, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


@dataclass
class FlakyChat:
    """The embedded chat, which is out of reach for some calls."""

    local: LocalChat
    refusals: int
    shown: list[Phase] = field(default_factory=list)
    asked: int = 0

    @property
    def description(self) -> str:
        return self.local.description

    async def show(self, state: RunState, message: str) -> str:
        self.asked += 1
        if self.asked <= self.refusals:
            raise OutsideError("Slack could not be reached for channel 'oncall'")
        self.shown.append(state.phase)
        return await self.local.show(state, message)

    async def close(self) -> None:
        await self.local.close()


def talking(office: Office, refusals: int = 0) -> tuple[World, FlakyChat]:
    chat = FlakyChat(LocalChat(office.home / "messages"), refusals)
    return replace(office.world(), chat=chat), chat


async def test_the_message_says_what_to_decide_on_and_how_it_ended(office: Office) -> None:
    await office.receive()
    world, chat = talking(office)
    state = await advance(world, RUN)
    assert state.briefing is not None
    assert (state.told, chat.shown[-1]) == (True, Phase.DECIDING)
    await answer(world, RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
    state = await advance(world, RUN)
    assert (state.told, chat.shown[-1]) == (True, Phase.CLOSED)
    (message,) = (office.home / "messages").iterdir()
    assert "Closed, delivered" in message.read_text()


async def test_a_chat_that_is_down_holds_up_nothing_and_is_told_later(office: Office) -> None:
    await office.receive()
    world, chat = talking(office, refusals=1_000)
    state = await advance(world, RUN)
    assert (state.phase, state.told, chat.shown) == (Phase.DECIDING, False, [])
    assert not await show_again(world, RUN)
    world, chat = talking(office)
    assert await show_again(world, RUN)
    assert chat.shown == [Phase.DECIDING]
    assert await show_again(world, RUN)
    assert len(chat.shown) == 1, "a message that is up to date is left alone"


async def test_every_showing_is_on_record_after_what_it_shows(office: Office) -> None:
    await office.receive()
    world, _ = talking(office)
    await advance(world, RUN)
    entries = await office.journal.read(RUN)
    shown = [entry for entry in entries if isinstance(entry.event, MessageShown)]
    assert shown
    for entry in shown:
        assert isinstance(entry.event, MessageShown)
        assert entry.event.number < entry.number
