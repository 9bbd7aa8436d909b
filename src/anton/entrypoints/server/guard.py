"""What every request has to pass before anything of it is looked at, and what every answer says to browsers.

- Host is this server's: a name that somebody let point here is refused (DNS rebinding).
- Origin, where a browser sends one, is this server's: no other page makes a browser act here.
- The body is as large as it may be at most, arrives in time, and is not compressed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anton.entrypoints.server.problems import problem

MAX_BODY_BYTES = 1 << 20
LARGE_BODIES: Mapping[str, int] = {"/webhook/jira": 25 << 20}
"""Path → bytes, where a sender's own limit is higher: Jira sends issues whole."""
MAX_HELD_BYTES = 128 << 20
"""Of all bodies together that are in memory."""
BODY_SECONDS = 10.0
"""From a request's head to the end of its body."""

MAX_DROPPED_BYTES = 32 << 20
DROP_SECONDS = 2.0
"""How much of a body that is too large is taken and dropped, so that its sender hears why."""

HEADERS: Mapping[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": (
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    b"cache-control": b"no-store",
}
"""Of every answer that does not say otherwise itself."""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The request goes no further."""

    status: HTTPStatus
    detail: str


class Guard:
    """ASGI middleware.

    Args:
        app: What comes after.
        hosts: Names of this server, in lower case, without ports; `localhost` and addresses always count.
        origins: Of pages that may act here besides the server's own, such as `https://anton.example.com`.
        body_seconds: From a request's head to the end of its body.
        held_bytes: Of all bodies together that are in memory.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        *,
        body_seconds: float = BODY_SECONDS,
        held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._app = app
        self._hosts = frozenset({"localhost", *hosts})
        self._origins = frozenset(origins)
        self._body_seconds = body_seconds
        self._may_hold = held_bytes
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = _with_headers(send)
        try:
            self._check(scope)
            body = await self._body(scope, receive)
        except Refusal as refusal:
            refused = problem(refusal.status, refusal.detail, {"Connection": "close"})
            if refusal.status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                await _let_pass(receive)
            await refused(scope, receive, answered)
            return
        try:
            await self._app(scope, _replayed(body, receive), answered)
        finally:
            self._held -= len(body)

    def _check(self, scope: Scope) -> None:
        given = _headers(scope)
        hosts = given.get("host", ())
        if len(hosts) != 1 or not self._ours(hosts[0]):
            raise Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "Host is not a name of this server; set server.public_url to the address that others use",
            )
        for origin in given.get("origin", ()):
            if origin not in self._origins and origin.partition("://")[2] != hosts[0]:
                raise Refusal(
                    HTTPStatus.FORBIDDEN, "Origin is not this server: another page may not act here"
                )
        if "cross-site" in given.get("sec-fetch-site", ()) and scope["method"] not in ("GET", "HEAD"):
            raise Refusal(HTTPStatus.FORBIDDEN, "a page of another site may not act here")
        if any(coding != "identity" for coding in given.get("content-encoding", ())):
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body without Content-Encoding")

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._hosts or _is_address(name)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body; its bytes count as held."""
        limit = LARGE_BODIES.get(scope["path"], MAX_BODY_BYTES)
        declared = _headers(scope).get("content-length", ("0",))[0]
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                while await self._more(body, receive, limit):
                    pass
        except TimeoutError:
            self._held -= len(body)
            raise Refusal(
                HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {self._body_seconds:.0f} seconds"
            ) from None
        except BaseException:
            self._held -= len(body)
            raise
        return bytes(body)

    async def _more(self, body: bytearray, receive: Receive, limit: int) -> bool:
        """Take the next part of a body; whether there is another."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body broke off")
        part = message.get("body", b"")
        if len(body) + len(part) > limit:
            raise _too_large(limit)
        if self._held + len(part) > self._may_hold:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too much is being sent at once: try again")
        self._held += len(part)
        body += part
        return bool(message.get("more_body"))


def _too_large(limit: int) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {limit:,} bytes")


def _is_address(name: str) -> bool:
    """An address cannot be made to point here by whoever owns a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _headers(scope: Scope) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        found[key] = (*found.get(key, ()), value.decode("latin-1").strip())
    return found


async def _let_pass(receive: Receive) -> None:
    """Take the rest of a body and drop it: who is still sending does not hear the refusal."""
    dropped = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DROP_SECONDS):
            while dropped < MAX_DROPPED_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body as one message; afterwards only that the client is gone can come."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def _with_headers(send: Send) -> Send:
    async def answered(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *((name, value) for name, value in HEADERS.items() if name not in said),
            ]
        await send(message)

    return answered
