"""Something that answers conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from anton.core.message import Message, StreamItem, Usage
from anton.core.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model: the whole conversation so far."""

    agent: str
    """Who asks; a recording is kept by agent."""
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    model: str | None = None
    """Overrides the adapter's own model name."""
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    """How hard the model is asked to think, as the provider names it; None leaves it to the provider."""


class Model(Protocol):
    """Something that answers conversations."""

    @property
    def name(self) -> str:
        """For the screen and the journal; a recording says that it is one."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The reply as it arrives; the last item is a ReplyEnded.

        Refusals that may pass (429, 5xx) and cut streams are asked for again by the adapter, announced by a
        StreamRestarted, after which everything said before is void.

        Raises:
            ModelError: no whole reply is to be had; the text says what to check.
        """
        ...

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """What a reply cost in US dollars; None where the price is not known."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
