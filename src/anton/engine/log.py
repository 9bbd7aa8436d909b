"""What the engine needs of a journal: one agent's part of it."""

from __future__ import annotations

from typing import Protocol

from anton.core.agent import AgentState
from anton.core.event import AgentEvent


class AgentLog(Protocol):
    """One agent's events, folded as they come."""

    @property
    def state(self) -> AgentState:
        """Where the agent stands, with everything posted so far."""
        ...

    def post(self, *events: AgentEvent) -> None:
        """Write events in order with all others, without waiting until they are on disk."""
        ...

    async def append(self, *events: AgentEvent) -> None:
        """Write events; on return they, and all that were posted before, survive a power cut."""
        ...
