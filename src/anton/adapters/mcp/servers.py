"""All MCP servers of the operator, for as long as one process works.

Tools are offered to agents from the record (`pins`), so a server is started only when one of its tools is
called, or when nothing is known of it yet. Without servers nothing of the protocol is even imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

from anton.adapters.mcp.pins import Pins
from anton.adapters.mcp.server import Dial, Link, ReachedServer, Server
from anton.core.errors import UsageError, unwrapped
from anton.core.text import listed, one_line
from anton.core.tool import Tool
from anton.ports.tool_servers import Consent, ServerState

MAX_TOOLS = 64
"""Of one server that are given to an agent; `tools` in the settings chooses among more."""
SHOWN_NAMES = 20
"""In a notice."""


class McpServers:
    """The ToolServers port on MCP servers."""

    def __init__(self, servers: Sequence[Server], pins: Pins, dial: Dial) -> None:
        self._servers = {server.name: ReachedServer(server, pins, dial) for server in servers}
        self._first_uses: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """First uses, changes, servers out of reach."""
        return (*self._first_uses, *(sentence for state in self._states() for sentence in _notices(state)))

    async def read(self) -> None:
        """Take in what was recorded earlier."""
        await _all(server.read() for server in self._servers.values())

    async def learn(self) -> None:
        """Reach the servers that were never used before, so that agents get their tools."""
        unknown = [
            server for server in self._servers.values() if server.pinned is None and not server.problem
        ]
        await _all(server.reach() for server in unknown)
        self._first_uses = tuple(
            _first_use(server.state()) for server in unknown if server.pinned is not None
        )

    def tools(self, agent: str) -> Mapping[str, Tool]:
        """An agent's tools by the names that it calls them by."""
        found: dict[str, Tool] = {}
        for reached in self._servers.values():
            if agent in reached.server.agents:
                found |= {tool.spec.name: tool for tool in reached.tools()[:MAX_TOOLS]}
        return MappingProxyType(found)

    async def listed(self) -> tuple[ServerState, ...]:
        """What is on record."""
        return self._states()

    async def check(self) -> tuple[ServerState, ...]:
        """Reach each server, side by side."""
        await _all(server.reach() for server in self._servers.values())
        return self._states()

    async def accept(self, name: str) -> ServerState:
        """Consent to a server's tools as they were last offered.

        Raises:
            UsageError: there is no such server, or nothing is known of it.
            OutsideError: the record cannot be read or written.
        """
        server = self._servers.get(name)
        if server is None:
            known = ", ".join(sorted(self._servers)) or "none"
            raise UsageError(f"there is no MCP server {name!r} in the settings; there are: {known}")
        if not await server.accept():
            raise UsageError(f"the MCP server {name!r} has never been reached; first: anton mcp check")
        return server.state()

    def _states(self) -> tuple[ServerState, ...]:
        return tuple(server.state() for server in self._servers.values())


@asynccontextmanager
async def mcp_servers(servers: Sequence[Server], folder: Path) -> AsyncIterator[McpServers]:
    """The servers, with what was recorded of them in a folder; connections end with the block."""
    links: list[Link] = []
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            found = McpServers(servers, Pins(folder), partial(_dial, group, links))
            await found.read()
            yield found
            for link in links:
                link.close()


async def _dial(group: asyncio.TaskGroup, links: list[Link], server: Server) -> Link:
    connect = await asyncio.to_thread(_connect)  # an import that takes most of a second
    link = await connect(server, group)
    links.append(link)
    return link


def _connect() -> Callable[[Server, asyncio.TaskGroup], Awaitable[Link]]:
    """`connection.connect`; it is the one that imports the protocol's library."""
    module = import_module("anton.adapters.mcp.connection")
    return cast("Callable[[Server, asyncio.TaskGroup], Awaitable[Link]]", module.connect)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*work)


def _first_use(state: ServerState) -> str:
    names = listed([one_line(tool.name) for tool in state.tools], SHOWN_NAMES) or "none"
    return (
        f"The MCP server {state.name!r} ({state.address}) is used for the first time. Its tools are recorded "
        f"as they are now: {names}. Read what they say of themselves: anton mcp"
    )


def _notices(state: ServerState) -> Sequence[str]:
    by_consent = {
        consent: [one_line(tool.name) for tool in state.tools if tool.consent is consent]
        for consent in Consent
    }
    given, waiting = by_consent[Consent.GIVEN], by_consent[Consent.CHANGED] + by_consent[Consent.NEW]
    found = []
    if state.problem:
        found.append(f"The MCP server {state.name!r} cannot be used: {state.problem}")
    if waiting:
        found.append(
            f"The MCP server {state.name!r} has changed or added {listed(waiting, SHOWN_NAMES)}: out of use "
            f"until you consent. Read them: anton mcp; then: anton mcp accept {state.name}"
        )
    if state.missing:
        found.append(
            f"mcp.servers.{state.name}.tools names {listed(state.missing, SHOWN_NAMES)}: the server does not "
            "offer it; see what it offers: anton mcp"
        )
    if len(given) > MAX_TOOLS:
        found.append(
            f"The MCP server {state.name!r} offers {len(given):,} tools; an agent gets the first "
            f"{MAX_TOOLS}: choose with mcp.servers.{state.name}.tools"
        )
    return found
