"""The operator's MCP servers as the settings have them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from anton.adapters.mcp.server import Endpoint, Nowhere, Program, Server
from anton.core.tool import Reach
from anton.entrypoints.composition import Check
from anton.ports.tool_servers import Consent, ServerState
from anton.settings import (
    McpServerSettings,
    Settings,
    hook_environment_of_process,
    variables_of_process,
)

RECORDS = "mcp"
"""Folder in Anton's state of what was accepted of each server."""


def servers_of(settings: Settings) -> tuple[Server, ...]:
    """All servers; one that is set up wrongly is among them, and says so when it is to be reached."""
    return tuple(
        Server(
            name,
            _address(own),
            own.agents,
            frozenset(own.tools),
            Reach(own.reach or ("network" if own.url else "outside")),
            own.seconds,
            own.connect_seconds,
        )
        for name, own in settings.mcp.servers.items()
    )


def _address(own: McpServerSettings) -> Program | Endpoint | Nowhere:
    named = (*own.env_from, *own.header_env.values())
    found = variables_of_process(named)
    if missing := [name for name in named if name not in found]:
        return Nowhere(f"needs the variable {missing[0]!r}, which is not set")
    if own.url is not None:
        headers = {header: found[name] for header, name in own.header_env.items()}
        return Endpoint(own.url, headers, events=own.transport == "sse")
    command = own.command or ""
    program = shutil.which(command, path=hook_environment_of_process()["PATH"])
    if program is None:
        return Nowhere(f"names {command!r}, which is no program that can be run")
    env = {**{name: found[name] for name in own.env_from}, **own.env}
    return Program((program, *own.args), env, str(own.cwd or "/"))


def server_checks(states: Sequence[ServerState]) -> Iterator[Check]:
    """One line a server for `anton doctor`."""
    for state in states:
        ready = sum(tool.consent is Consent.GIVEN for tool in state.tools)
        waiting = sum(tool.consent in (Consent.NEW, Consent.CHANGED) for tool in state.tools)
        detail = f"{state.address}: {ready} tools for {', '.join(state.agents)}"
        if waiting:
            detail += f"; {waiting} wait for your consent: anton mcp accept {state.name}"
        if state.missing:
            detail += f"; it does not offer {', '.join(state.missing)}"
        good = not (state.problem or waiting or state.missing)
        yield Check(f"mcp {state.name}", good, state.problem or detail)
