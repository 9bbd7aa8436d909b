"""Commands about the MCP servers of the operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console, RenderableType

from anton.core.text import listed, one_line
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import FAILED, speaking
from anton.entrypoints.start import config_option
from anton.ports.tool_servers import ServerState
from anton.views.servers import servers_page


@click.group(invoke_without_command=True)
@config_option
@click.pass_context
def mcp(context: click.Context, config: Path | None) -> None:
    """List the MCP servers and their tools, as they were when last reached."""
    if context.invoked_subcommand is None:
        _show_recorded(context.obj, config)


@speaking
def _show_recorded(compose: Compose, config: Path | None) -> None:
    async def read(anton: Anton) -> tuple[ServerState, ...]:
        return await anton.tool_servers.listed()

    console = Console()
    console.print(mcp_page(Seat(compose, Wish(config=config, looking=True), console).run(read)))


@mcp.command()
@config_option
@click.pass_obj
@speaking
def check(compose: Compose, config: Path | None) -> int:
    """Reach each server, and show what it offers now."""

    async def reach(anton: Anton) -> tuple[ServerState, ...]:
        return await anton.tool_servers.check()

    console = Console()
    states = Seat(compose, Wish(config=config, looking=True), console).run(reach)
    console.print(mcp_page(states))
    return FAILED if any(state.problem for state in states) else 0


@mcp.command()
@click.argument("name")
@config_option
@click.pass_obj
@speaking
def accept(compose: Compose, name: str, config: Path | None) -> None:
    """Consent to all tools of the server NAME as `anton mcp` shows them."""

    async def consent(anton: Anton) -> ServerState:
        return await anton.tool_servers.accept(name)

    state = Seat(compose, Wish(config=config, looking=True), Console()).run(consent)
    names = listed([one_line(tool.name) for tool in state.tools], 50) or "none"
    click.echo(f"Accepted of the MCP server {name}: {names}")


def mcp_page(states: Sequence[ServerState]) -> RenderableType:
    """Servers, their tools, and what was consented to."""
    return servers_page(
        (
            state.name,
            f"{state.address} · {', '.join(state.agents)}" + ("" if state.seen else " · never reached"),
            state.problem,
            [(tool.called, tool.consent.value, tool.description, tool.accepted) for tool in state.tools],
        )
        for state in states
    )
