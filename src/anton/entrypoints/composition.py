"""What a way in asks the composition root for, and what it gets. The root itself is `anton.app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from anton.runs.verify import Bench
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


@dataclass(frozen=True, slots=True)
class BenchWish:
    """What the person at the keyboard said about how to execute a proof bundle."""

    repository: str = ""
    """Path or URL of the repository that has the base commit; empty where the bundle is enough."""
    commit: str = ""
    """The base commit."""
    python: Path | None = None
    """Interpreter with what the tests need; by default Anton's own."""
    links: tuple[tuple[str, Path], ...] = ()
    """Where names at the root of each tree lead, such as `node_modules`."""
    sandbox: str = "auto"
    unconfined: bool = False
    looking: bool = False
    """Nothing will be run: no sandbox has to be tried out."""


VerifyBench = Bench
"""What a bundle is executed with, by the name that tells it from an agent's bench."""


class Compose(Protocol):
    """The composition root."""

    def __call__(self, wish: Wish) -> AbstractAsyncContextManager[Anton]:
        """Anton as the settings have it."""
        ...

    def bench(self, wish: BenchWish) -> AbstractAsyncContextManager[VerifyBench]:
        """What a bundle is executed with: no settings, no journal, no model; files are temporary."""
        ...
