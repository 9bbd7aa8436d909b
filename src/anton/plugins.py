"""What an installed package may add to Anton, and all that its author may rely on.

A package names a `Plugin` in its entry points, in the group `anton.plugins`:

    [project.entry-points."anton.plugins"]
    example = "anton_example:plugin"

It is imported only where the operator's settings enable it by that name: `[plugins] enable = ["example"]`.
What this module exports keeps its meaning within a major version; anything else of Anton may change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anton.core.errors import OutsideError, ToolError, UsageError
from anton.core.run import RunState
from anton.core.ticket import Ticket, ticket_from_text
from anton.core.tool import Reach
from anton.ports import (
    Board,
    Chat,
    CodeSearch,
    Correspondence,
    Discussions,
    Forge,
    Model,
    ModelRequest,
    PullRequestDraft,
    Sighting,
    Tracker,
)
from anton.tools.context import ToolContext
from anton.tools.define import FunctionTool, tool

GROUP = "anton.plugins"
"""The entry point group."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the maker of an adapter is given."""

    home: Path
    """Folder of the plugin's own in Anton's state; it may have to be made."""
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    """`[plugins.options.NAME]` as the operator wrote it; nobody has checked it."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a package adds. Adapters are made by kind, when the settings choose that kind.

    A maker raises UsageError where its options are wrong; the text goes to the operator.
    """

    tools: tuple[FunctionTool, ...] = ()
    """Made by `tool`; the operator gives them to agents by name, in `[agents.NAME] tools`."""
    trackers: Mapping[str, Callable[[Surroundings], Tracker]] = field(default_factory=dict)
    forges: Mapping[str, Callable[[Surroundings], Forge]] = field(default_factory=dict)
    chats: Mapping[str, Callable[[Surroundings], Chat]] = field(default_factory=dict)
    models: Mapping[str, Callable[[Surroundings], Model]] = field(default_factory=dict)


__all__ = [
    "GROUP",
    "Board",
    "Chat",
    "CodeSearch",
    "Correspondence",
    "Discussions",
    "Forge",
    "FunctionTool",
    "Model",
    "ModelRequest",
    "OutsideError",
    "Plugin",
    "PullRequestDraft",
    "Reach",
    "RunState",
    "Sighting",
    "Surroundings",
    "Ticket",
    "ToolContext",
    "ToolError",
    "Tracker",
    "UsageError",
    "ticket_from_text",
    "tool",
]
