"""Puts the questions of a run to the person at this terminal, one at a time, while the run goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from anton.core.decision import Refused
from anton.core.event import Entry
from anton.core.letter import QuestionReply
from anton.core.question import Question
from anton.core.run import RunState
from anton.entrypoints.composition import Anton
from anton.runs.tell import tell, write
from anton.views.questions import how_to_answer, question_card

MAX_LINE_BYTES = 65_536


class Inquirer:
    """Stops the live view for each open question, and takes the person's line as its answer."""

    def __init__(self, anton: Anton, console: Console, live: Live) -> None:
        self._anton, self._console, self._live = anton, console, live
        self._state: RunState | None = None
        self._news = asyncio.Event()
        self._typed: list[str | None] = []
        """Lines that nobody has looked at yet; None for the end of input."""

    def see(self, entry: Entry, state: RunState) -> None:  # noqa: ARG002 - a watcher's signature
        """A watcher of the run's log."""
        self._state = state
        self._news.set()

    async def attend(self) -> None:
        """Put each question once, as they come; until cancelled."""
        put: set[str] = set()
        while True:
            await self._news.wait()
            self._news.clear()
            while waiting := [question for question in self._open() if question.id not in put]:
                put.add(waiting[0].id)
                self._live.stop()
                try:
                    await self._put(waiting[0])
                finally:
                    self._live.start()

    def _open(self) -> tuple[Question, ...]:
        return self._state.open_questions if self._state else ()

    async def _put(self, question: Question) -> None:
        state = self._state
        if state is None:
            return
        self._console.print(question_card(question))
        with self._listening():
            reply = await self._reply(question)
        if reply is None:
            why = "Left open" if question in self._open() else "It is settled without you"
            self._say(f"{why}. From any terminal: {how_to_answer(question, state.run_id)}")
            return
        world = self._anton.world
        try:
            await tell(world, write(world, state.run_id, self._anton.user, reply))
        except Refused as refusal:
            self._say(f"anton: {refusal}")

    async def _reply(self, question: Question) -> QuestionReply | None:
        """The answer that is typed; None where the question is left open, or settled otherwise."""
        self._prompt(question)
        while question in self._open():
            if not self._typed:
                await self._news.wait()
                self._news.clear()
                continue
            typed = self._typed.pop(0)
            if typed is None or (not typed and not question.is_permission):
                return None
            if not question.is_permission:
                return QuestionReply(question.id, typed)
            word, _, more = typed.partition(" ")
            if (allowed := _ANSWERS.get(word.lower())) is not None:
                return QuestionReply(question.id, more.strip(), allowed)
            self._prompt(question)
        return None

    def _prompt(self, question: Question) -> None:
        how = "y or n, with a reason if you like" if question.is_permission else "Enter alone leaves it open"
        self._console.print(f"Your answer ({how}) > ", end="", markup=False, highlight=False)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Take lines from the terminal; what was typed before the question was there is no answer to it."""
        loop, keyboard = asyncio.get_running_loop(), sys.stdin.fileno()
        termios.tcflush(keyboard, termios.TCIFLUSH)
        self._typed.clear()
        loop.add_reader(keyboard, self._read, keyboard)
        try:
            yield
        finally:
            loop.remove_reader(keyboard)

    def _read(self, keyboard: int) -> None:
        """A terminal is readable once a whole line is typed."""
        line = os.read(keyboard, MAX_LINE_BYTES)
        self._typed += [line.decode("utf-8", "replace").strip()] if line else [None]
        self._news.set()


_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}
