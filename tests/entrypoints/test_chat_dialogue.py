"""One conversation in front of a person whose keys are those of the test."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rich.console import Console

from anton.adapters.model.scripted import Silence
from anton.core.event import AgentOutcome
from anton.entrypoints.chat.dialogue import Dialogue, Sitting
from anton.entrypoints.chat.errands import Errands
from anton.entrypoints.chat.screen import Screen
from anton.entrypoints.composition import Anton
from anton.entrypoints.keyboard import Stop
from anton.entrypoints.session import Seat
from anton.runs.conversation import Conversation
from tests.runs.test_conversation import room


@dataclass
class Hands:
    """A keyboard, and what was unfinished when Ctrl-C went back to ending the process."""

    talk: Conversation
    lines: list[str]
    ctrl_c: list[Callable[[], object]] = field(default_factory=list)
    unfinished: list[bool] = field(default_factory=list)

    async def line(self, prompt: str) -> str | Stop:
        """The next line."""
        return self.lines.pop(0) if self.lines else Stop.END

    def forget(self) -> None:
        """Nothing is typed ahead."""

    def offer(self, words: Mapping[str, Sequence[str]]) -> None:
        """Nobody presses Tab."""

    @contextmanager
    def interrupting(self, act: Callable[[], object]) -> Iterator[None]:
        """Ctrl-C does something else meanwhile."""
        self.ctrl_c.append(act)
        yield
        self.unfinished.append(self.talk.interrupted)


async def test_a_second_ctrl_c_cannot_leave_an_answer_that_would_go_on(tmp_path: Path) -> None:
    place = await room(tmp_path, Silence())
    async with place.open() as talk, asyncio.TaskGroup() as group:
        hands, screen = Hands(talk, ["Publish it."]), Screen(Console(file=io.StringIO()))
        seat, anton, errands = cast("Seat", None), cast("Anton", None), cast("Errands", None)
        dialogue = Dialogue(Sitting(seat, anton, place.sessions, screen, hands, errands, {}), talk)
        sitting = group.create_task(dialogue.carry_on())
        await talk.log.until(lambda _: talk.own.asking)
        for _ in range(2):
            hands.ctrl_c[0]()
        await sitting
        assert hands.unfinished == [False], "it was written down while Ctrl-C still did nothing worse"
        assert talk.own.ended is not None
        assert talk.own.ended.outcome is AgentOutcome.INTERRUPTED
