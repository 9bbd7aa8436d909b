"""What is measured beside runs: webhooks, the chat, the event loop, and where the others' runs stand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anton.core.errors import AntonError, OutsideError
from anton.core.run import MILESTONES, RunState, fold
from anton.core.shortage import shortages_told
from anton.entrypoints.server.metrics import OTHER, Metrics
from anton.ports import Chat, Journal

LAG_SECONDS = 0.5
"""Between two looks at how punctual the event loop is."""
CENSUS_SECONDS = 60.0
"""Between two looks at where all runs stand."""

WEBHOOKS = "/webhook/"


@dataclass(frozen=True, slots=True)
class MeasuredChat:
    """A chat whose failures are counted."""

    chat: Chat
    metrics: Metrics

    @property
    def description(self) -> str:
        """The chat's own."""
        return self.chat.description

    async def show(self, state: RunState, message: str) -> str:
        """Show a run; see the port."""
        try:
            name = await self.chat.show(state, message)
        except OutsideError:
            self.metrics.chat_failures.inc()
            self.metrics.chat_up.set(0)
            raise
        self.metrics.chat_up.set(1)
        return name

    async def close(self) -> None:
        """Let go of connections."""
        await self.chat.close()


class WebhookMeter:
    """ASGI middleware: how long webhooks took, by sender and answer.

    Args:
        app: What comes after.
        metrics: Where it is counted.
        senders: Names of the senders that there are; any other is `other`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, senders: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._senders = frozenset(senders)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see what it is answered."""
        if scope["type"] != "http" or not scope["path"].startswith(WEBHOOKS):
            await self._app(scope, receive, send)
            return
        name = scope["path"].removeprefix(WEBHOOKS).partition("/")[0]
        started, code = time.perf_counter(), "none"

        async def answered(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, answered)
        finally:
            sender = name if name in self._senders else OTHER
            self._metrics.webhooks.labels(sender, code).observe(time.perf_counter() - started)


async def watch_the_loop(metrics: Metrics) -> None:
    """Measure how late the event loop is, until cancelled."""
    while True:
        due = time.perf_counter() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        metrics.lag.observe(max(0.0, time.perf_counter() - due))


async def take_census(journal: Journal, metrics: Metrics) -> None:
    """Look where the runs stand that other processes work on, or nobody, until cancelled."""
    closed: set[str] = set()
    while True:
        with (
            suppress(AntonError),
            shortages_told(),
        ):  # said where open runs are looked for; the last count stands
            await count_runs(journal, metrics, closed)
        await asyncio.sleep(CENSUS_SECONDS)


async def count_runs(journal: Journal, metrics: Metrics, closed: set[str]) -> None:
    """Bring `anton_runs` up to date.

    Args:
        journal: Of all runs.
        metrics: That tell of them.
        closed: Runs that are known to be over and need no look; grows.

    Raises:
        JournalError: it cannot be read.
    """
    for run_id in await journal.run_ids():
        if run_id in closed:
            continue
        if await journal.read_kinds(run_id, {"run_closed"}):
            closed.add(run_id)
            metrics.runs.forget(run_id)
            continue
        with suppress(AntonError):  # one that cannot be read: the same
            metrics.runs.know(fold(await journal.read_kinds(run_id, MILESTONES)))
