"""Any model, told no secrets, and none taken from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from anton.core.message import CallReady, Message, StreamItem, Usage
from anton.core.secrets import Masker
from anton.ports import Model, ModelRequest

REMEMBERED = 10_000
"""Messages that were looked at already: a conversation is sent again and again, and looked at once."""


class MaskedModel:
    """The Model port on another.

    Every message is masked on its way out. A call is masked on its way in, before anybody carries it out:
    what is done is then what is written down, also after a crash.
    """

    def __init__(self, inner: Model, masker: Masker) -> None:
        self._inner = inner
        self._masker = masker
        self._harmless: set[bytes] = set()

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self._inner.name

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The inner model's items."""
        messages = tuple(map(self._masked, request.messages))
        async for item in self._inner.stream(replace(request, messages=messages)):
            yield self._masker.masked(item) if isinstance(item, CallReady) else item

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """As the inner model has it."""
        return self._inner.cost_dollars(model, usage)

    async def close(self) -> None:
        """Close the inner model."""
        await self._inner.close()

    def _masked(self, message: Message) -> Message:
        if message.wire in self._harmless:
            return message
        masked = self._masker.masked(message)
        if masked is message:
            if len(self._harmless) >= REMEMBERED:
                self._harmless.clear()
            self._harmless.add(message.wire)
        return masked
