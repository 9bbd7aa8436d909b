"""Who works on a run in the background, what stopped it, and how often that happened.

`WorkStarted` is written before a worker takes a run on, `WorkStopped` when it has to let go of it. A second
`WorkStarted` with neither that nor any progress between them means that the worker was killed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Awaited = Literal["time", "start", "person"]
"""What has to come before the run is taken on again."""


@dataclass(frozen=True, slots=True)
class WorkStarted:
    """A worker took the run on."""

    kind: Literal["work_started"] = "work_started"


@dataclass(frozen=True, slots=True)
class WorkStopped:
    """The run cannot go on for now; nothing of it is lost."""

    reason: str
    """For a person: what happened, and what to do about it."""
    awaits: Awaited
    """`time`: it is tried again by itself; `start`: when Anton is started; `person`: when somebody asks."""
    again_at: datetime | None = None
    """Aware, UTC; when it is tried again by itself."""
    kind: Literal["work_stopped"] = "work_stopped"


@dataclass(frozen=True, slots=True)
class Work:
    """How the work on a run goes; progress of the run wipes it clean."""

    under_way: bool = False
    """A worker took it on and has not let go of it, unless it was killed."""
    kills: int = 0
    """Workers in a row that were killed at it."""
    failures: int = 0
    """Attempts in a row that failed for a reason that may pass."""
    stopped: WorkStopped | None = None
    """Why nobody works on it."""

    @property
    def parked(self) -> bool:
        """Whether it waits for somebody to ask for another attempt."""
        return self.stopped is not None and self.stopped.awaits == "person"

    def started(self) -> Work:
        """After a worker took the run on."""
        return replace(self, under_way=True, kills=self.kills + self.under_way, stopped=None)

    def ended(self, event: WorkStopped) -> Work:
        """After a worker let go of it."""
        return Work(failures=self.failures + 1 if event.awaits == "time" else 0, stopped=event)

    def progressed(self, *, rests: bool) -> Work:
        """After the run came into another phase, where it may rest."""
        return Work(under_way=self.under_way and not rests)
