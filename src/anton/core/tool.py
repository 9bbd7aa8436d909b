"""What a tool is to the engine and to a model."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Reach(StrEnum):
    """How far a tool's effects go. Only READ may start while the reply still streams."""

    READ = "read"
    """Looks at the agent's own worktree and changes nothing."""
    WRITE = "write"
    """Changes files of the agent's own worktree."""
    RUN = "run"
    """Runs code of the repository in the sandbox."""
    NETWORK = "network"
    """Talks to other machines."""
    OUTSIDE = "outside"
    """Touches files outside the worktree, or runs outside the sandbox."""
    SUBMIT = "submit"
    """Hands in the agent's result."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: Mapping[str, object]
    """JSON schema of the arguments, an object."""
    reach: Reach
    seconds: float = 60.0
    """Time limit of one call; waiting for a person does not count."""
    in_order: bool = False
    """Not begun before the reply is whole, though it changes nothing of the worktree."""
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        body = {"type": "function", "function": function}
        object.__setattr__(self, "wire", json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


class Tool(Protocol):
    """A tool bound to one agent's surroundings, ready to be called."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description, schema and reach."""
        ...

    async def call(self, arguments: str) -> str:
        """Carry out one call.

        Args:
            arguments: JSON text as the model wrote it.

        Returns:
            What the model reads, already bounded in length.

        Raises:
            ToolError: the call was refused or failed; the text says why and what would work.
        """
        ...


@runtime_checkable
class Escapable(Tool, Protocol):
    """A tool that runs something in the sandbox, and could run it without."""

    async def call_outside(self, arguments: str) -> str:
        """Carry out one call outside the sandbox, as a person has said that it may.

        Raises:
            ToolError: it failed.
        """
        ...


@runtime_checkable
class Situated(Tool, Protocol):
    """A tool whose calls start in a folder of the worktree that earlier calls led to."""

    async def folder(self) -> str:
        """That the next call starts in, relative to the worktree; empty for its root."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that is ready to be made, and does then what was shown and nothing else."""

    shown: str
    """The exact call, for the person who is asked about it."""
    carry_out: Callable[[], Awaitable[str]]
    """Makes it; returns what the model reads. Done again, it finds what is there."""


@runtime_checkable
class Publishing(Tool, Protocol):
    """A tool whose calls others see: each is shown to a person first, under every policy."""

    async def prepare(self, arguments: str) -> Prepared:
        """Make one call ready, so far that it can be shown; nothing has left the machine then.

        Raises:
            ToolError: it cannot be made; the text says why and what would work.
        """
        ...


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one call brought."""

    call_id: str
    name: str
    text: str
    failed: bool = False
    started_after_seconds: float = 0.0
    """From the start of the turn."""
    seconds: float = 0.0
