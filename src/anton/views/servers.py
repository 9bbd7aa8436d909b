"""The servers that offer tools, and where each tool stands with the operator."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from anton.views.encode import line
from anton.views.palette import BAD, MUTED, STRONG

Row = tuple[str, str, str, str]
"""As an agent calls the tool, where it stands, its description, the accepted one if that is another."""
_IN_USE = "in use"


def servers_page(servers: Iterable[tuple[str, str, str, list[Row]]]) -> RenderableType:
    """For each server its name, where it is and who gets its tools, what is wrong, and its tools."""
    parts: list[RenderableType] = []
    for name, where, problem, rows in servers:
        parts.append(Text.assemble((line(name, 80), STRONG), "  ", (line(where, 400), MUTED)))
        if problem:
            parts.append(Text(f"  {line(problem, 1_000)}", BAD))
        for called, consent, description, accepted in rows:
            parts.append(
                Text.assemble(f"  {line(called, 80)}  ", (consent, MUTED if consent == _IN_USE else BAD))
            )
            if accepted:
                parts.append(Text(f"    accepted: {line(accepted, 2_000)}", MUTED))
            parts.append(Text(f"    {'now:      ' if accepted else ''}{line(description, 2_000)}", MUTED))
    return Group(*parts) if parts else Text("No MCP server is set: see docs/mcp.md", MUTED)
