"""Carries out the calls of one reply.

A call that only reads starts the moment its arguments are complete, while the reply still streams, side by
side with others. The first call that changes anything, and every call after it, waits until the reply is
whole and then runs in order. So a stream that is cut has changed nothing, and a read that the model placed
behind a write sees what was written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from anton.core.errors import OutsideError, ToolError
from anton.core.message import ToolCall
from anton.core.text import sayable
from anton.core.tool import Reach, Tool, ToolResult
from anton.engine.hooks import AgentHooks
from anton.engine.limit import limited

MAX_CALLS = 32
"""Calls of one reply that are carried out; a model that sends more is told so."""
RECEIVED = "Received. Nothing more is needed."
_MAYBE = " It may have been carried out nonetheless: look before you rely on it."
_CHANGES = (Reach.WRITE, Reach.RUN)
"""After these a worktree may be another."""


@dataclass(slots=True)
class Dispatch:
    """The calls of the turn under way."""

    tools: Mapping[str, Tool]
    group: asyncio.TaskGroup
    announce: Callable[[ToolCall], None]
    """Told of each call as it starts."""
    hooks: AgentHooks
    """May forbid a call, and hear what came of it."""
    unkept: bool = True
    """The worktree may hold what no checkpoint has; at first, what a stint that was cut short left."""
    _early: list[asyncio.Task[ToolResult]] = field(default_factory=list)
    _order_kept: bool = False
    _turn_started: float = field(default_factory=time.monotonic)

    def begin_turn(self) -> None:
        """Forget the last turn; what still runs of it is cancelled."""
        for task in self._early:
            task.cancel()
        self._early = []
        self._order_kept = False
        self._turn_started = time.monotonic()

    def offer(self, call: ToolCall) -> None:
        """A call is complete; the reply may still be streaming."""
        if self._order_kept or len(self._early) >= MAX_CALLS or not self._is_early(call):
            self._order_kept = True
            return
        self._early.append(self.group.create_task(self._carry_out(call), name=f"tool {call.name}"))

    async def finish(self, calls: tuple[ToolCall, ...]) -> tuple[tuple[ToolResult, ...], str | None]:
        """Results in the order of the calls, and the submission if one was accepted.

        The reply is whole now. Calls that were not offered (the reply came out of the journal) run in order.
        """
        results = [await task for task in self._early]
        self._early = []
        submission = None
        for call in calls[len(results) : MAX_CALLS]:
            result = await self._carry_out(call)
            if self._reach(call) is Reach.SUBMIT and not result.failed:
                submission = result.text
                result = ToolResult(result.call_id, result.name, RECEIVED)
            results.append(result)
        for call in calls[MAX_CALLS:]:
            text = f"Not carried out: a reply may hold {MAX_CALLS} calls, this one held {len(calls)}."
            results.append(ToolResult(call.id, call.name, text, failed=True))
        return tuple(results), submission

    def _is_early(self, call: ToolCall) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and tool.spec.reach is Reach.READ and not tool.spec.in_order

    def _reach(self, call: ToolCall) -> Reach | None:
        tool = self.tools.get(call.name)
        return tool.spec.reach if tool else None

    async def _carry_out(self, call: ToolCall) -> ToolResult:
        tool = self.tools.get(call.name)
        if tool is None:
            text = f"There is no tool {call.name!r}. You have: {', '.join(self.tools)}."
            return ToolResult(call.id, call.name, text, failed=True)
        if veto := await self.hooks.before_tool(call):
            text = f"Not carried out: a rule of the operator forbids this call. {veto}"
            return ToolResult(call.id, call.name, sayable(text), failed=True)
        result = await self._call(tool, call)
        await self.hooks.after_tool(call, result)
        return result

    async def _call(self, tool: Tool, call: ToolCall) -> ToolResult:
        self.announce(call)
        self.unkept |= tool.spec.reach in _CHANGES
        started = time.monotonic()
        try:
            async with limited(tool.spec.seconds):
                text, failed = await tool.call(call.arguments), False
        except TimeoutError:
            text, failed = f"{call.name} was ended: it had not finished after {tool.spec.seconds:g} s.", True
            text += _MAYBE if tool.spec.reach is Reach.OUTSIDE else ""
        except (ToolError, OutsideError) as error:
            text, failed = str(error), True
        ended = time.monotonic()
        return ToolResult(
            call.id, call.name, sayable(text), failed, started - self._turn_started, ended - started
        )
