"""Runs that a person has begun from a conversation, worked on beside it.

Nothing of a run depends on the conversation: what is not done when the person leaves goes on with
`anton resume`, and where other machines share the journal, they do the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from anton.core.errors import AntonError, unwrapped
from anton.core.event import BriefingPrepared, Entry, RunClosed, RunReceived
from anton.core.question import QuestionAsked
from anton.core.run import MILESTONES, Phase, RunState, advance, begin
from anton.core.work import WorkStopped
from anton.entrypoints.chat.screen import Screen
from anton.entrypoints.composition import Anton
from anton.ports import Queue
from anton.runs.runner import receive
from anton.runs.supervise import work_on
from anton.views.questions import how_to_answer

LOOK_SECONDS = 2.0
"""Between two looks at a run that others work on."""
UNTOUCHED_LOOKS = 10
"""After which it is said that nobody has taken a run on."""


@dataclass(slots=True)
class Errands:
    """Those of one sitting."""

    anton: Anton
    screen: Screen
    group: asyncio.TaskGroup
    under_way: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    """By run, those that this process works on."""
    followed: list[asyncio.Task[None]] = field(default_factory=list)
    """Those that it tells of."""
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing new is tried any more."""
    _phases: dict[str, Phase] = field(default_factory=dict)

    async def begin(self, run_id: str, received: RunReceived) -> str:
        """Take a ticket in and have it worked on; what happens with it, for the person."""
        await receive(self.anton.world, run_id, received)
        self._phases[run_id] = Phase.RECEIVED
        if self.anton.serving.shared:
            await self._hand_over(run_id, received.repository)
            return f"Run {run_id} is taken in, and a server or worker with the same database takes it on."
        self._start(run_id, self._work(run_id))
        return (
            f"Run {run_id} is taken in and worked on in the background; you can go on talking. If you leave "
            f"before it is done, it goes on with: anton resume {run_id}"
        )

    async def wait(self) -> None:
        """Until nothing is under way any more; what fails is tried once more at most."""
        self._ending.set()
        if self.under_way:
            self.screen.say(f"Waiting for {_runs(self.under_way)}; Ctrl-C leaves it for anton resume.")
            await asyncio.wait(list(self.under_way.values()))

    async def leave(self) -> None:
        """Stop what is under way, and say how it goes on."""
        left = dict(self.under_way)
        for task in (*left.values(), *self.followed):
            task.cancel()
        if left:
            await asyncio.wait(list(left.values()))
        for run_id in left:
            phase = self._phases.get(run_id, Phase.RECEIVED)
            self.screen.say(
                f"Run {run_id} is left, {phase}; nothing is lost. Go on with: anton resume {run_id}"
            )

    def _start(self, run_id: str, work: Awaitable[None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except AntonError as error:
                self.screen.say(f"Run {run_id}: {error}. Go on with: anton resume {run_id}")

        task = self.group.create_task(guarded(), name=f"run {run_id}")
        task.add_done_callback(lambda _: self.under_way.pop(run_id, None))
        self.under_way[run_id] = task

    async def _work(self, run_id: str) -> None:
        while (wait := await work_on(self.anton.world, run_id, [self._see])) is not None:
            if self._ending.is_set():
                self.screen.say(f"Run {run_id} is not done. Go on with: anton resume {run_id}")
                return
            self.screen.say(f"Run {run_id} is taken on again in {wait:.0f} s.")
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ending.wait()

    async def _hand_over(self, run_id: str, repository: str) -> None:
        queue: Queue = self.anton.serving.queue()
        try:
            await queue.put(run_id, repository)
        finally:
            await queue.close()
        following = self.group.create_task(self._follow(run_id), name=f"progress of run {run_id}")
        self.followed.append(following)

    async def _follow(self, run_id: str) -> None:
        """Tell of a run that others work on, until it needs nobody."""
        told, looks = 0, 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                entries = await self.anton.world.journal.read_kinds(run_id, MILESTONES)
            except AntonError as error:
                self.screen.say(f"Run {run_id} cannot be followed: {error}")
                return
            state = begin(entries[0])
            for entry in entries[1:]:
                state = advance(state, entry)
                if entry.number > told:
                    self._see(entry, state)
            told, looks = entries[-1].number, looks + 1
            if state.phase in (Phase.DECIDING, Phase.CLOSED) or state.work.parked:
                return
            if looks == UNTOUCHED_LOOKS and len(entries) == 1:
                self.screen.say(
                    f"Nobody has taken run {run_id} on yet. Do it here with: anton resume {run_id}"
                )

    def _see(self, entry: Entry, state: RunState) -> None:
        """A watcher of the run's log: one line where a person wants to know."""
        if text := _news(entry, state, self._phases.get(state.run_id)):
            self.screen.say(f"Run {state.run_id}: {text}")
        self._phases[state.run_id] = state.phase


def _news(entry: Entry, state: RunState, before: Phase | None) -> str:
    match entry.event:
        case BriefingPrepared(briefing=briefing):
            return (
                f"{briefing.headline} Look at it: anton show {state.run_id}. Decide in Slack or on the page, "
                f"where those are set up, or with: anton approve, request-changes or decline {state.run_id}"
            )
        case RunClosed(outcome=outcome, detail=detail):
            return f"closed, {outcome}" + (f" ({detail})" if detail else "")
        case WorkStopped(awaits="start"):
            return ""  # by whoever leaves, who is told more
        case WorkStopped(reason=reason):
            return f"stopped: {reason}"
        case QuestionAsked(question=question):
            return f"asks: {question.text} {question.call}  [{how_to_answer(question, state.run_id)}]"
        case _ if state.phase is not before:
            return state.phase.value if state.round == 1 else f"{state.phase} (round {state.round})"
    return ""


def _runs(names: dict[str, asyncio.Task[None]]) -> str:
    return f"run{'s' if len(names) > 1 else ''} {', '.join(names)}"


@asynccontextmanager
async def errands(anton: Anton, screen: Screen) -> AsyncIterator[Errands]:
    """Room for runs beside a conversation; whatever ends it, they are left so that they can go on."""
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            room = Errands(anton, screen, group)
            try:
                yield room
            finally:
                await room.leave()
