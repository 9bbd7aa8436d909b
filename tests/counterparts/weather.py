"""Bad days of a service: one middleware for every counterpart, and one table of what may go wrong.

A call site is a method and a path without what differs from run to run. It is found by being called, so that
a call that is new in Anton is faulted from then on without anybody adding it here.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_SENT = 64_000_000
"""Bytes of an answer without end, after which the counterpart has seen enough."""
PIECE = b"[" * 1_000_000
SHAPES = (
    b'{"ok": true, "choices": [null], "comments": [7], "transitions": {"id": []}, "messages": ["?", {}]}',
    b'[{"number": "one", "fields": 3, "check_runs": "none"}, null]',
    b'"Welcome"',
    b"null",
)
"""JSON of shapes that no service of Anton's answers with, in turn."""

PLAIN = {
    "429 asked": (429, {"Retry-After": "1"}),
    "429": (429, {}),
    "500": (500, {}),
    "502": (502, {}),
    "503": (503, {}),
}
FAULTS = (
    "reset",
    "silent",
    "silent, done",
    *PLAIN,
    "502, done",
    "cut, done",
    "html",
    "other shape",
    "truncated, done",
    "endless",
    "other type, done",
)
"""Before anything is done, unless the name says that it was done."""
REFUSED = "refused"
"""Nobody listens. Possible for a service as a whole, and not for one of its calls."""


def site_of(request: web.Request) -> str:
    """The call site, by method and path."""
    path = re.sub(r"fix/[^/]*|\b[0-9a-f]{7,64}\b|(?<=/)\d+(?=/|$)", "…", request.path)
    return f"{request.method} {path}{'?' + request.query['service'] if 'service' in request.query else ''}"


@dataclass
class Weather:
    """What happens to the calls of one service."""

    site: Callable[[web.Request], Awaitable[str]] | None = None
    """Names a call where its path does not say enough."""
    first: str = ""
    """Fault of the first `times` calls of each site."""
    times: int = 2
    storm: str = ""
    """Fault of every call, as long as it is set."""
    seen: Counter[str] = field(default_factory=Counter)
    """By call site."""
    dealt: Counter[str] = field(default_factory=Counter)
    """Faults, by call site."""
    sent: int = 0
    """Most bytes of one endless answer that were taken."""
    _runner: web.AppRunner | None = None
    _where: tuple[int, ssl.SSLContext | None] = (0, None)
    _shapes: int = 0

    @property
    def middlewares(self) -> tuple[Callable[..., Awaitable[web.StreamResponse]], ...]:
        """For the counterpart's application."""

        @web.middleware
        async def weather(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.over(request, handler)

        return (weather,)

    async def listen(self, runner: web.AppRunner, tls: ssl.SSLContext | None = None) -> int:
        """Have the counterpart listen on a free port of the loopback; the port."""
        self._runner = runner
        await web.TCPSite(runner, "127.0.0.1", self._where[0], ssl_context=tls).start()
        self._where = (runner.addresses[0][1], tls)
        return self._where[0]

    async def worsen(self, fault: str) -> None:
        """From now on every call meets the fault."""
        self.storm = fault
        if fault == REFUSED:
            assert self._runner is not None
            for site in list(self._runner.sites):
                await site.stop()

    async def clear(self) -> None:
        """The service is well again."""
        if self.storm == REFUSED:
            assert self._runner is not None
            await self.listen(self._runner, self._where[1])
        self.storm = ""

    async def over(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """One call, which the handler answers in good weather."""
        site = await self.site(request) if self.site else site_of(request)
        self.seen[site] += 1
        fault = self.storm or (self.first if self.seen[site] <= self.times else "")
        if not fault:
            return await handler(request)
        self.dealt[site] += 1
        if fault in PLAIN:
            status, headers = PLAIN[fault]
            await request.read()
            return web.Response(status=status, headers=headers, text="upstream connect error")
        return await self._deal(fault, request, handler)

    async def _deal(self, fault: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        done = await handler(request) if fault.endswith(", done") else await _ignored(request)
        body = done.body if isinstance(done, web.Response) and isinstance(done.body, bytes) else b""
        match fault.removesuffix(", done"):
            case "silent":
                await asyncio.Event().wait()
            case "502":
                return web.Response(status=502, text="bad gateway")
            case "truncated":
                return _like(done, body[: len(body) * 2 // 3])
            case "other type":
                return _like(done, body, "text/plain")
            case "html":
                return web.Response(text="<html><body>Sign in</body></html>", content_type="text/html")
            case "other shape":
                self._shapes += 1
                shape = SHAPES[self._shapes % len(SHAPES)]
                return web.Response(body=shape, content_type="application/json")
            case "cut":
                return await _cut(request, done, body)
            case "endless":
                return await self._endless(request)
        hang_up(request)
        return web.Response()

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        sent = 0
        try:
            while sent < MOST_SENT and request.transport is not None and not request.transport.is_closing():
                await answer.write(PIECE)
                sent += len(PIECE)
                self.sent = max(self.sent, sent)
                await asyncio.sleep(0)  # that the end of the connection is noticed
        except OSError:
            pass
        hang_up(request)
        return answer


async def _ignored(request: web.Request) -> web.StreamResponse:
    await request.read()
    return web.Response()


def _like(done: web.StreamResponse, body: bytes, kind: str = "") -> web.Response:
    headers = _kept(done)
    if kind:
        headers["Content-Type"] = kind
    return web.Response(status=done.status, body=body, headers=headers)


def _kept(done: web.StreamResponse) -> dict[str, str]:
    """Headers of an answer that another one takes over."""
    return {name: value for name, value in done.headers.items() if name != "Content-Length"}


async def _cut(request: web.Request, done: web.StreamResponse, body: bytes) -> web.StreamResponse:
    """Half of the answer, of which the whole was announced."""
    headers = {**_kept(done), "Content-Length": str(len(body) + 100)}
    answer = web.StreamResponse(status=done.status, headers=headers)
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    hang_up(request)
    return answer


def hang_up(request: web.Request) -> None:
    """End the connection, whatever is still to be sent."""
    if request.transport is not None:
        request.transport.abort()
