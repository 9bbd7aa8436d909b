"""One agent's moments, told to the operator's hooks.

A hook that fails is journaled and changes nothing. An agent that goes on after a crash is told of again, from
`before_agent` on: hooks hear everything at least once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from anton.core.ended import RESTED
from anton.core.event import HookFailed, HookMoment
from anton.core.hook import HookEvent
from anton.core.message import ToolCall
from anton.core.tool import ToolResult
from anton.engine.log import AgentLog
from anton.ports import Hooks


@dataclass(frozen=True, slots=True)
class AgentHooks:
    """The hooks as one agent's work meets them."""

    hooks: Hooks
    log: AgentLog
    agent: str
    run: str

    async def before_agent(self) -> None:
        """The agent starts, or a note woke it, or it goes on after a crash."""
        await self._tell(self._event(HookMoment.BEFORE_AGENT))

    async def after_agent(self) -> None:
        """The agent rests; one that brought no result is an error as well."""
        ended = self.log.state.ended
        if ended is None:
            return
        if ended.outcome not in RESTED:
            await self._tell(replace(self._event(HookMoment.ON_ERROR), ended=ended))
        await self._tell(replace(self._event(HookMoment.AFTER_AGENT), ended=ended))

    async def before_tool(self, call: ToolCall) -> str | None:
        """Why the call must not be carried out; None where no hook forbids it."""
        return await self._tell(replace(self._event(HookMoment.BEFORE_TOOL), call=call))

    async def after_tool(self, call: ToolCall, result: ToolResult) -> None:
        """The call was carried out, or failed."""
        await self._tell(replace(self._event(HookMoment.AFTER_TOOL), call=call, result=result))

    def _event(self, moment: HookMoment) -> HookEvent:
        state = self.log.state
        return HookEvent(moment, self.run, self.agent, state.model, state.turn)

    async def _tell(self, event: HookEvent) -> str | None:
        answer = await self.hooks.tell(event)
        for failure in answer.failures:
            self.log.post(HookFailed(self.agent, event.moment, failure.command, failure.detail))
        return answer.veto
