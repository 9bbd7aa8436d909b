"""Tasks that an agent hands to a delegate: an agent of its own, with a conversation and limits of its own.

A delegate is named after its principal and numbered in the order in which tasks were handed out. A turn that
is carried out again after a crash hands out the same tasks in the same order, finds its delegates in the
journal, and has each go on from where it was: no reply is paid twice. Delegates only read, and have no tool
to delegate on.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from anton.core.agent import AgentSpec, AgentState
from anton.core.errors import ToolError, unwrapped
from anton.core.event import AgentEnded, AgentOutcome, AgentStarted, Entry, TurnEnded
from anton.core.message import UserMessage
from anton.engine.loop import Agent, work
from anton.runs.log import RunLog

REVIEWER = "reviewer"
"""The kind that is shown the change; every other sees only the files."""
MAX_DELEGATIONS = 6
"""Of one agent in one run."""
MAX_CHANGE_CHARACTERS = 30_000
"""Of the change that a reviewer is shown at once; it sees all files."""

Hire = Callable[[AgentSpec, str], Awaitable[Agent]]
"""Starts a delegate with an opening, or takes it up again."""


@dataclass(slots=True)
class Delegation:
    """One agent's way to its delegates, in one process."""

    log: RunLog
    principal: AgentSpec
    specs: tuple[AgentSpec, ...]
    hire: Hire
    opening: Callable[[str, str], Awaitable[str]]
    """What a delegate of some kind is told of a task."""
    handed_out: int
    """Tasks so far; see `settled`."""

    async def __call__(self, kind: str, tasks: tuple[str, ...]) -> str:
        """Have tasks done by delegates of one kind; what each handed in, in the order of the tasks.

        Raises:
            ToolError: there are no such delegates, or the tasks are more than may be handed out.
        """
        spec = next((spec for spec in self.specs if spec.name == kind), None)
        if spec is None:
            raise ToolError(f"there is no {kind!r} to delegate to")
        if self.handed_out + len(tasks) > MAX_DELEGATIONS:
            left = max(0, MAX_DELEGATIONS - self.handed_out)
            raise ToolError(
                f"an agent may delegate {MAX_DELEGATIONS} tasks in a run, and {left} are left; "
                "find out the rest yourself"
            )
        hired = [await self._hired(spec, task) for task in tasks]
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                for one in hired:
                    group.create_task(work(one), name=one.spec.name)
        return "\n\n".join(_told(one.log.state) for one in hired)

    async def _hired(self, spec: AgentSpec, task: str) -> Agent:
        told = await self.opening(spec.name, task)
        self.handed_out += 1
        name = f"{self.principal.name}/{spec.name}-{self.handed_out}"
        known = self.log.agent(name).state.messages
        if known and known[1] != UserMessage(told):  # a hook that answered otherwise than before the crash
            return await self._hired(spec, task)
        return await self.hire(replace(spec, name=name, model=spec.model or self.principal.model), told)


def settled(entries: Iterable[Entry], principal: str) -> int:
    """How many tasks an agent had handed out when its last turn was over: those of a later one are redone."""
    started = over = 0
    for entry in entries:
        match entry.event:
            case AgentStarted(agent=agent) if is_delegate_of(agent, principal):
                started += 1
            case TurnEnded(agent=agent) | AgentEnded(agent=agent) if agent == principal:
                over = started
    return over


def is_delegate_of(name: str, principal: str) -> bool:
    """Whether an agent works for another."""
    return name.startswith(f"{principal}/")


async def dismiss(log: RunLog, principal: str) -> None:
    """End the delegates of an agent that rests: its time was over before theirs."""
    late = [
        AgentEnded(name, AgentOutcome.TIMED_OUT, None, f"{principal} had no more time to wait for it")
        for name, state in log.state.agents.items()
        if is_delegate_of(name, principal) and state.ended is None
    ]
    if late:
        await log.append(*late)


def task_opening(ticket: str, task: str, change: str | None = None) -> str:
    """A task, and a change to look at; neither can end the block that it stands in."""
    parts = [ticket, f"<task>\n{_closed(task)}\n</task>"]
    if change is not None:
        parts.append(f"<change>\n{_closed(_cut(change)) or '(nothing was changed yet)'}\n</change>")
    return "\n\n".join(parts)


def _cut(change: str) -> str:
    if len(change) <= MAX_CHANGE_CHARACTERS:
        return change
    return f"{change[:MAX_CHANGE_CHARACTERS]}\n… cut here; read the files for the rest"


def _closed(text: str) -> str:
    return re.sub(r"<(?=\s*/?\s*(?:task|change|ticket|note)\b)", "‹", text, flags=re.IGNORECASE)


def _told(state: AgentState) -> str:
    ended = state.ended
    if ended is None or ended.output is None:
        why = f": {ended.detail}" if ended and ended.detail else ""
        return f"{state.name} brought no result{why}"
    handed_in = json.dumps(json.loads(ended.output), ensure_ascii=False, indent=1)
    return f"{state.name} handed in:\n{handed_in}"
