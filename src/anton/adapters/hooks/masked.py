"""Any hooks, told no secrets: a program of the operator's may well hand on what it is told."""

from __future__ import annotations

from anton.core.hook import HookEvent
from anton.core.secrets import Masker
from anton.ports import HookAnswer, Hooks


class MaskedHooks:
    """The Hooks port on another: whatever is told is masked first."""

    def __init__(self, inner: Hooks, masker: Masker) -> None:
        self._inner = inner
        self._masker = masker

    @property
    def description(self) -> str:
        """The inner hooks'."""
        return self._inner.description

    async def tell(self, event: HookEvent) -> HookAnswer:
        """Tell them; see the port."""
        return await self._inner.tell(self._masker.masked(event))
