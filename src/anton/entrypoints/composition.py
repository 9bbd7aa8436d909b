"""What a way in asks the composition root for, and what it gets. The root itself is `anton.app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from anton.runs.world import World


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person at the keyboard said about how to work."""

    repository: Path | None = None
    """The repository under repair; its own folder is then no place for the operator's settings."""
    config: Path | None = None
    record: Path | None = None
    """Where to keep the exchange with the model."""
    sandbox: str = "auto"
    """`auto`, `bubblewrap` or `landlock`."""
    unconfined: bool = False
    """Run the repository's code even where no sandbox works."""
    looking: bool = False
    """Nothing will be run: no sandbox has to be tried out."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of what `anton doctor` found."""

    name: str
    good: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Anton:
    """Everything put together, for as long as the context is open."""

    world: World
    repository: Path
    """The repository under repair: as wished, else as set, else the current folder."""
    reports_of: Callable[[Path], Path]
    """Folder for the incident reports of a repository's runs."""
    rounds: int
    notices: tuple[str, ...]
    """What in the settings was skipped, and why."""
    suggestion: str
    """A request for changes that the model in use can answer; empty where it can answer any."""
    user: str
    """Who sits at the keyboard, for the journal."""
    lay_out_demo: Callable[[str], Awaitable[Path]]
    """Makes the demo's repository and remote for a run and names the checkout."""
    examine: Callable[[], Awaitable[tuple[Check, ...]]]
    """Which side each port is on, and whether it works."""


Compose = Callable[[Wish], AbstractAsyncContextManager[Anton]]
