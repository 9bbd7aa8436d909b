"""Where code of the repository runs."""

from __future__ import annotations

from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.entrypoints.composition import Wish
from anton.ports import Sandbox
from anton.settings import Settings


async def sandbox_of(wish: Wish, settings: Settings) -> Sandbox:
    """The strongest sandbox that works here, or the one that was asked for."""
    if wish.looking:
        return NoSandbox("not needed to look at runs")
    kind = wish.sandbox if wish.sandbox != "auto" else settings.sandbox.kind
    memory_bytes = settings.sandbox.memory_mib << 20
    return await choose(Kind(kind), allow_none=wish.unconfined, memory_bytes=memory_bytes)
