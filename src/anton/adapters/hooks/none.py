"""No hooks: nobody is told, nothing is forbidden."""

from __future__ import annotations

from anton.core.hook import HookEvent
from anton.ports import HookAnswer


class NoHooks:
    """The embedded side."""

    @property
    def description(self) -> str:
        """For start-up."""
        return "none"

    async def tell(self, event: HookEvent) -> HookAnswer:  # noqa: ARG002 - the port's signature
        """Go on."""
        return HookAnswer()
