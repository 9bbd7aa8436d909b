"""What is known of a call before it is made: how far it reaches, how dangerous it is, how it is shown.

A tool is judged by the reach in its specification; one whose calls say themselves what they do has a judge
of its own in `JUDGES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from anton.core.permission import Danger
from anton.core.tool import Reach, ToolSpec
from anton.engine.command_rules import Rules
from anton.engine.commands import assess
from anton.engine.path_scope import Scope
from anton.engine.rule_examples import load_rules


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the permission table is asked with."""

    reach: Reach
    danger: Danger
    shown: str
    """The exact call."""
    found: str = ""
    """What was found in it."""


Judge = Callable[[ToolSpec, str, str], Judgement]
"""Takes a tool, the arguments of a call as the model wrote them, and the folder that it starts in.

Never raises.
"""


def judge(spec: ToolSpec, arguments: str, folder: str = "") -> Judgement:
    """What is known of one call.

    Args:
        spec: The tool.
        arguments: As the model wrote them.
        folder: That the call starts in, relative to the worktree; empty for its root.
    """
    return JUDGES.get(spec.name, _by_reach)(spec, arguments, folder)


def _by_reach(spec: ToolSpec, arguments: str, folder: str) -> Judgement:  # noqa: ARG001 - a judge's signature
    danger = Danger.UNKNOWN if spec.reach in (Reach.NETWORK, Reach.OUTSIDE) else Danger.SAFE
    return Judgement(spec.reach, danger, f"{spec.name} {arguments.strip()}")


def _by_command(spec: ToolSpec, arguments: str, folder: str) -> Judgement:
    """A call whose argument `command` is a command line."""
    command = _command(arguments)
    if command is None:  # the tool itself will say what is wrong with the arguments
        return Judgement(Reach.RUN, Danger.UNKNOWN, f"{spec.name} {arguments.strip()}")
    found = assess(command, _rules(), Scope(folder=folder))
    return Judgement(found.reach, found.danger, command, found.reason)


def _command(arguments: str) -> str | None:
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    command = given.get("command") if isinstance(given, dict) else None
    return command if isinstance(command, str) else None


@cache
def _rules() -> Rules:
    return load_rules()


JUDGES: Mapping[str, Judge] = MappingProxyType({"shell": _by_command})
"""Tools whose calls are not judged by the tool's reach alone, by name."""
