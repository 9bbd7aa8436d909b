"""Programs of the operator that hear what agents do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from anton.core.hook import HookEvent


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A hook that could not be started, ended badly or not in time."""

    command: str
    """The program, as the settings name it."""
    detail: str


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What came of telling the hooks."""

    veto: str | None = None
    """Why a call must not be carried out; only before a tool, and never empty."""
    failures: tuple[HookFailure, ...] = ()


class Hooks(Protocol):
    """Programs of the operator that hear what agents do, and may forbid a call."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def tell(self, event: HookEvent) -> HookAnswer:
        """Tell every hook that wants to hear of it, in order, until one forbids the call.

        Never raises: a hook that fails is named in the answer. On return, or when this is cancelled, none of
        their processes is left.
        """
        ...
