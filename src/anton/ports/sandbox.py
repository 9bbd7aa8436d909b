"""Where code of the repository runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anton.core.proof import SandboxLevel


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run inside the sandbox, in a throw-away tree."""

    argv: tuple[str, ...]
    tree: Path
    """Working directory and the only place that can be written; shown to the command as `/repo` where the
    sandbox can, and in its output in any case."""
    timeout_seconds: float
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the sandbox's own small environment; nothing else is passed on."""
    readable: tuple[Path, ...] = ()
    """Further paths of the host that the command may read and execute, such as an interpreter's prefix."""
    network: bool = False
    """Whether it may connect to other machines, and to this one: only for fetching what tests depend on."""
    max_output_bytes: int = 64_000
    """Of combined stdout and stderr; beginning and end are kept, the cut is named."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a command. The process and all its descendants are gone."""

    exit_code: int | None
    """None where the command was ended by the time limit; negative for a signal."""
    output: str
    timed_out: bool
    seconds: float


class Sandbox(Protocol):
    """Where code of the repository runs."""

    @property
    def level(self) -> SandboxLevel:
        """How strong it is."""
        ...

    @property
    def description(self) -> str:
        """For a person: `full (bubblewrap)`, or why there is none and what would help."""
        ...

    @property
    def usable(self) -> bool:
        """Whether commands are run at all; where there is no confinement only because a person allowed it."""
        ...

    async def run(self, command: Command) -> Execution:
        """Run a command to its end or its time limit, whichever is first.

        Cancellation ends the command and all its descendants before it passes on.

        Raises:
            SandboxError: the command could not be started, or there is no sandbox.
        """
        ...
