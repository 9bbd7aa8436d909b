"""Tools that the settings give to an agent besides its own."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from anton.core.agent import CHAT
from anton.core.errors import UsageError
from anton.settings import Settings
from anton.tools.catalogue import FOR_A_PERSON


def added_tools(settings: Settings, agent: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Names of the tools that `agents.NAME.tools` lists.

    Raises:
        UsageError: one is listed that there is none of, or that the agent cannot have.
    """
    added = settings.agents.of(agent).tools
    for name in added:
        if name not in allowed:
            raise refused_tool(settings, agent, "tools", name, allowed)
    return added


def refused_tool(settings: Settings, agent: str, key: str, name: str, allowed: Collection[str]) -> UsageError:
    """What is wrong with a tool that the settings list."""
    where = f"{settings.origin('agents', agent, key)}: agents.{agent}.{key} names {name[:60]!r}"
    if name in FOR_A_PERSON and agent != CHAT:
        return UsageError(
            f"{where}, which only `anton chat` can have: it reads or speaks for the person in the "
            "conversation. In a run nothing leaves this machine before its briefing is approved"
        )
    close = get_close_matches(name, allowed, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    verb = "given" if key == "tools" else "denied"
    return UsageError(
        f"{where}, which it cannot be {verb}: {meant}Allowed here: {', '.join(sorted(allowed))}"
    )
