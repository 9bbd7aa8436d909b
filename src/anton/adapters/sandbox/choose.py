"""Which sandbox this machine gets: the strongest one that holds when it is tried."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from enum import StrEnum

from anton.adapters.sandbox.bubblewrap import BubblewrapSandbox
from anton.adapters.sandbox.closed import NoSandbox, UnconfinedSandbox
from anton.adapters.sandbox.landlock import LandlockSandbox
from anton.adapters.sandbox.memory import MAX_MEMORY_BYTES
from anton.adapters.sandbox.scratch import sweep
from anton.adapters.sandbox.selftest import self_test
from anton.core.errors import SandboxError
from anton.ports import Sandbox


class Kind(StrEnum):
    """What a person may ask for."""

    AUTO = "auto"
    """The first that holds, in the order of this list."""
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


async def choose(
    kind: Kind = Kind.AUTO, *, allow_none: bool = False, memory_bytes: int = MAX_MEMORY_BYTES
) -> Sandbox:
    """The strongest sandbox that holds here; one that runs nothing where none does.

    Before, the folders are removed that sandboxes of killed processes left behind.

    Args:
        kind: Narrows the choice to one kind.
        allow_none: Somebody asked for commands to be run even where no sandbox works; never a stored setting.
        memory_bytes: What a command may take, with all that it started.
    """
    await asyncio.to_thread(sweep)
    failures: list[str] = []
    for name, make in _CANDIDATES.items():
        if kind not in (Kind.AUTO, name):
            continue
        try:
            sandbox = make("; ".join(failures), memory_bytes)
        except SandboxError as error:
            failures.append(f"{name}: {error}")
            continue
        leaks = [finding for finding in await self_test(sandbox) if not finding.held]
        if not leaks:
            return sandbox
        failures.append(f"{name}: {', '.join(f'not so: {leak.name} ({leak.detail})' for leak in leaks)}")
    reason = "; ".join(failures) or "it was switched off"
    return UnconfinedSandbox(reason, memory_bytes) if allow_none else NoSandbox(reason)


def _bubblewrap(_instead: str, memory_bytes: int) -> Sandbox:
    executable = shutil.which("bwrap")
    if executable is None:
        raise SandboxError("not installed")
    return BubblewrapSandbox(executable, memory_bytes=memory_bytes)


def _landlock(instead: str, memory_bytes: int) -> Sandbox:
    return LandlockSandbox(instead=instead, memory_bytes=memory_bytes)


_CANDIDATES: dict[Kind, Callable[[str, int], Sandbox]] = {
    Kind.BUBBLEWRAP: _bubblewrap,
    Kind.LANDLOCK: _landlock,
}
"""Strongest first; each is told why those before it are no good."""
