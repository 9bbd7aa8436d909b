"""One conversation in front of a person: lines in, answers out, questions in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anton.core.errors import OutsideError, UsageError, unwrapped
from anton.entrypoints.chat.errands import Errands
from anton.entrypoints.chat.screen import Screen
from anton.entrypoints.composition import Anton
from anton.entrypoints.keyboard import Keyboard, Stop
from anton.entrypoints.session import Seat
from anton.ports import Journal
from anton.runs.conversation import Conversation
from anton.views.questions import question_card

EXIT = "/exit"


@dataclass(frozen=True, slots=True)
class Next:
    """Which conversation is opened after this one."""

    id: str
    """Empty: none, the person leaves."""
    shown: bool = False
    """What was said last is shown again."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What one person works with, whichever conversation is open."""

    seat: Seat
    anton: Anton
    sessions: Journal
    screen: Screen
    keyboard: Keyboard
    errands: Errands
    commands: Mapping[str, Command]


@dataclass(frozen=True, slots=True)
class Command:
    """Something other than words to the agent."""

    usage: str
    """What stands behind it, such as `FILE`."""
    text: str
    act: Callable[[Dialogue, str], Awaitable[Next | None]]
    """Does it; says which conversation has to be opened anew, where one has."""
    words: Callable[[Dialogue], Awaitable[Sequence[str]]] | None = None
    """What may stand behind it, for completion."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation that is open, and who sits before it."""

    sitting: Sitting
    talk: Conversation

    @property
    def screen(self) -> Screen:
        """Where things are shown."""
        return self.sitting.screen

    async def carry_on(self) -> Next:
        """Until the person leaves, or the conversation has to be opened anew."""
        if self.talk.interrupted:
            self.screen.say("The last answer was interrupted; it goes on.")
            self._take_up_questions()
            await self._heard(self.talk.go_on())
        while isinstance(line := await self._line(), str):
            word, _, rest = line.strip().partition(" ")
            if word == EXIT:
                break
            if word.startswith("/"):
                if then := await self._command(word, rest.strip()):
                    return then
            elif line.strip():
                await self._heard(self.talk.say(line.strip()))
        return Next("")

    def _take_up_questions(self) -> None:
        """Put those again that the last process left open, where anybody is asked: none is asked anew."""
        world = self.sitting.anton.world
        now = world.clock()
        for question in self.talk.own.open_questions if world.question_seconds else ():
            if question.expires_at is None or question.expires_at > now:
                self.screen.questions.put_nowait(question)

    async def _line(self) -> str | Stop:
        offered: dict[str, Sequence[str]] = {EXIT: ()}
        for name, command in self.sitting.commands.items():
            offered[name] = await command.words(self) if command.words else ()
        self.sitting.keyboard.offer(offered)
        return await self.sitting.keyboard.line("you > ")

    async def _command(self, word: str, rest: str) -> Next | None:
        commands = self.sitting.commands
        if word not in commands:
            self.screen.say(f"There is no {word}. There are: {', '.join((*commands, EXIT))}")
            return None
        try:
            return await commands[word].act(self, rest)
        except (UsageError, OutsideError) as error:
            self.screen.say(f"anton: {error}")
            return None

    async def _heard(self, answer: Coroutine[Any, Any, None]) -> None:
        """Wait for an answer, and put the questions that come up meanwhile; Ctrl-C cuts it short."""
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(answer, name="answer of the conversation")
                asking = group.create_task(self._ask(answering), name="questions of the conversation")
                with self.screen.answering(), self.sitting.keyboard.interrupting(answering.cancel):
                    await asyncio.wait([answering])
                    if answering.cancelled():  # a second Ctrl-C must not leave it to be gone on with
                        asking.cancel()
                        await self.talk.cut_short()
                asking.cancel()
        self.screen.say("")
        if answering.cancelled():
            self.screen.say("Interrupted. What was done is kept; say what to do instead.")

    async def _ask(self, answering: asyncio.Task[None]) -> None:
        while True:
            question = await self.screen.questions.get()
            if question not in self.talk.state.open_questions:
                continue
            self.screen.show(question_card(question))
            self.sitting.keyboard.forget()  # what was typed before this was seen answers something else
            word = reason = ""
            while word not in ("y", "n"):
                line = await self.sitting.keyboard.line("y or n, with a reason if you like > ")
                if line is Stop.INTERRUPT:
                    answering.cancel()
                    return
                word, _, reason = ("n" if isinstance(line, Stop) else line).strip().partition(" ")
            if question in self.talk.state.open_questions:
                user = self.sitting.anton.user
                await self.talk.answer(question, user, allowed=word == "y", text=reason.strip())
            else:
                self.screen.say("That came too late: nobody waits for it any more, and the call is not made.")
