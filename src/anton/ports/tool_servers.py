"""Servers of the operator that offer tools to agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from anton.core.tool import Tool


class Consent(StrEnum):
    """Where a tool of a server stands with the operator."""

    GIVEN = "in use"
    """It is offered as the operator accepted it, by its first use or by word."""
    NEW = "new"
    """It came after the first use and waits for the operator's consent."""
    CHANGED = "changed"
    """Its definition is no longer the accepted one: out of use until the operator consents."""
    WITHDRAWN = "withdrawn"
    """The server offers it no longer."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool of a server; name and descriptions are words from outside."""

    name: str
    """As the server calls it."""
    called: str
    """As an agent calls it."""
    consent: Consent
    description: str
    """As it is offered now, else as it was accepted."""
    accepted: str = ""
    """The description that was accepted, where the one offered is another."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is known of one server."""

    name: str
    address: str
    """The program or the URL."""
    agents: tuple[str, ...]
    tools: tuple[OfferedTool, ...]
    problem: str = ""
    """Why it cannot be used; empty where nothing is known to be wrong."""
    missing: tuple[str, ...] = ()
    """Tools that the operator chose and the server does not offer."""
    seen: bool = True
    """Its tools have been recorded, so it was reached at least once."""


class ToolServers(Protocol):
    """Servers of the operator that offer tools to agents, reached when they are first needed."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the operator is to be told: first uses, changes, servers out of reach."""
        ...

    def tools(self, agent: str) -> Mapping[str, Tool]:
        """An agent's tools from all servers, by the names that it calls them by."""
        ...

    async def listed(self) -> tuple[ServerState, ...]:
        """What was recorded of each server when it was last reached; none is reached for it."""
        ...

    async def check(self) -> tuple[ServerState, ...]:
        """Reach each server, and say what was found; one that fails is told of like any other."""
        ...

    async def accept(self, name: str) -> ServerState:
        """Consent to all tools of a server as they were last offered.

        Raises:
            UsageError: there is no such server, or nothing is known of it.
        """
        ...
