"""Models that stand in for one another.

asked        the model of the request, then each fallback in the order of the settings
goes on      after a refusal for good and after the end of patience; not where the conversation is too long
             for a model, and not where a recording departs: those are no failings of an endpoint
remembered   a model that failed is passed over by all agents for a while, then it is tried again
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from anton.core.errors import ContextExceeded, ModelError, RecordingDeparted
from anton.core.message import ReplyEnded, StreamItem, StreamRestarted, Usage
from anton.ports import Model, ModelRequest

REST_SECONDS = 300.0
"""How long a model that failed is passed over."""


class FallbackModel:
    """The first model that gives a whole reply.

    Args:
        first: asked as long as it answers; a request may name another model of its endpoint.
        others: asked under their own names, in order.
        rest_seconds: how long a model that failed is passed over.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        first: Model,
        others: Sequence[Model],
        *,
        rest_seconds: float = REST_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = (first, *others)
        self._rest_seconds = rest_seconds
        self._now = now
        self._failed_at: dict[tuple[int, str], float] = {}
        """By the model's place and the name that it was asked under."""

    @property
    def name(self) -> str:
        """The first model's; who answered stands in each reply."""
        return self._models[0].name

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """What the first of the models knows of the price."""
        costs = (each.cost_dollars(model, usage) for each in self._models)
        return next((cost for cost in costs if cost is not None), None)

    async def close(self) -> None:
        """Close all of them."""
        for model in self._models:
            await model.close()

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The reply of the first model that gives a whole one; each change of models is a StreamRestarted.

        Raises:
            ModelError: none of them did; every one's reason is named.
        """
        wanted = request.model or self.name
        errors: list[str] = []
        restarts = 0
        for place, asked in self._in_order(request):
            name = asked.model or self._models[place].name
            if errors:
                restarts += 1
                yield StreamRestarted(f"{errors[-1]}; model {name!r} is asked instead", restarts, 0.0)
            try:
                async for item in self._models[place].stream(asked):
                    if isinstance(item, StreamRestarted):
                        restarts += 1
                        yield replace(item, attempt=restarts)
                    elif isinstance(item, ReplyEnded):
                        self._failed_at.pop((place, name), None)
                        yield replace(item, instead_of=wanted) if place else item
                        return
                    else:
                        yield item
            except (ContextExceeded, RecordingDeparted):
                raise
            except ModelError as error:
                self._failed_at[place, name] = self._now()
                errors.append(str(error).rstrip(". "))
        raise ModelError("; in its place: ".join(errors))

    def _in_order(self, request: ModelRequest) -> list[tuple[int, ModelRequest]]:
        """Whom to ask what: those that failed lately come last, for want of a better one."""
        requests = [
            (place, request if place == 0 else replace(request, model=None))
            for place in range(len(self._models))
        ]
        return sorted(requests, key=lambda each: self._rests(*each))

    def _rests(self, place: int, request: ModelRequest) -> bool:
        failed_at = self._failed_at.get((place, request.model or self._models[place].name))
        return failed_at is not None and self._now() - failed_at < self._rest_seconds
