"""Pages of the web, fetched so that nobody can be reached but the named hosts on the public internet.

A host must be on the operator's list, every address that it has must be a public one, and a connection is
made to exactly such an address: the check stands where the socket is made, so a name that resolves to
something else a moment later gains nothing. Each redirect goes through all of it again.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from anton.adapters.web.address import refusal
from anton.core.errors import OutsideError
from anton.ports import WebPage

MAX_BYTES = 1 << 20
MAX_REDIRECTS = 5
SECONDS = 20.0
"""For a page with all its redirects."""
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": "Anton",
    "Accept": "text/html, text/plain, text/markdown, application/json;q=0.9, text/*;q=0.8, */*;q=0.1",
    "Accept-Encoding": "identity",
}
"""Nothing is taken compressed: a small answer could unfold into anything."""


class GuardedWeb:
    """The Web port by aiohttp, without cookies, proxies or credentials.

    Args:
        allow: hosts, `*.` before one for all below it, `:port` behind one for another port than the usual.
        resolver: in place of the system's.
        refused: why an address may not be connected to, or None; a test's own server is let through by it.
    """

    def __init__(
        self,
        allow: Collection[str],
        resolver: AbstractResolver | None = None,
        refused: Callable[[str], str | None] = refusal,
    ) -> None:
        self._allow = tuple(host.lower() for host in allow)
        self._resolver = resolver
        self._refused = refused

    @property
    def description(self) -> str:
        """For start-up."""
        return f"pages of {', '.join(self._allow)}"

    async def get(self, url: str) -> WebPage:
        """The page at an address, redirects followed.

        Raises:
            OutsideError: it may not be fetched, or cannot be.
        """
        try:
            async with asyncio.timeout(SECONDS), self._session() as session:
                return await self._follow(session, url)
        except TimeoutError:
            raise OutsideError(f"{_shown(url)} did not arrive within {SECONDS:g} seconds") from None
        except (aiohttp.ClientError, OSError) as error:
            raise OutsideError(f"{_shown(url)} cannot be fetched: {_shown(str(error))}") from error

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> WebPage:
        at = self._checked(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with session.get(at, allow_redirects=False) as response:
                location = response.headers.get("Location", "")
                if response.status not in _REDIRECTS or not location:
                    return await _page(at, response)
            at = self._checked(_joined(at, location))
        raise OutsideError(f"{_shown(url)} was redirected more than {MAX_REDIRECTS} times")

    def _checked(self, url: str) -> URL:
        """The URL, if it is one that may be fetched.

        Raises:
            OutsideError: it is not; the reason is named.
        """
        try:
            parsed = URL(url)
            host, port = (parsed.host or "").lower().rstrip("."), parsed.port
        except ValueError as error:
            raise OutsideError(f"{_shown(url)} is no URL: {error}") from error
        if parsed.scheme not in _PORTS or not host or port is None:
            raise OutsideError(
                f"{_shown(url)} cannot be fetched; give a URL that begins with http:// or https://"
            )
        if parsed.user is not None or parsed.password is not None:
            raise OutsideError(f"{_shown(url)} holds a user name or password, which is never sent")
        if not any(_covers(entry, host, port, _PORTS[parsed.scheme]) for entry in self._allow):
            raise OutsideError(
                f"{host!r} at port {port} is not among the hosts that may be read: {', '.join(self._allow)}"
            )
        return parsed.with_host(host).with_fragment(None)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._resolver or aiohttp.ThreadedResolver(), self._refused),
            socket_factory=self._socket,
            use_dns_cache=False,
            force_close=True,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            trust_env=False,
            auto_decompress=False,
            max_line_size=16_384,
            max_field_size=16_384,
        ) as session:
            yield session

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for one connection: here it is certain which address is meant."""
        family, kind, protocol, _, address = info
        if why := self._refused(str(address[0])):
            raise OutsideError(f"no connection is made: {why}")
        return socket.socket(family, kind, protocol)


class _CheckedResolver(AbstractResolver):
    """Resolves names whose every address may be connected to, and no others."""

    def __init__(self, inner: AbstractResolver, refused: Callable[[str], str | None]) -> None:
        self._inner = inner
        self._refused = refused

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if why := self._refused(result["host"]):
                raise OutsideError(f"{host!r} is not fetched from: {why}")
        return found

    async def close(self) -> None:
        await self._inner.close()


def _covers(entry: str, host: str, port: int, usual_port: int) -> bool:
    """Whether an entry of the list names a host and port."""
    name, _, its_port = entry.rpartition(":")
    if not name:
        name, its_port = entry, str(usual_port)
    if str(port) != its_port:
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and host != name[1:]
    return host == name


async def _page(at: URL, response: aiohttp.ClientResponse) -> WebPage:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutsideError(f"{_shown(str(at))} came compressed although that was not asked for")
    content = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > MAX_BYTES:
            break
    return WebPage(
        str(at),
        response.status,
        response.content_type,
        response.charset or "utf-8",
        bytes(content[:MAX_BYTES]),
        len(content) > MAX_BYTES,
    )


def _joined(at: URL, location: str) -> str:
    try:
        return str(at.join(URL(location)))
    except ValueError as error:
        raise OutsideError(
            f"{_shown(str(at))} was redirected to {_shown(location)}, which is no URL"
        ) from error


def _shown(text: str) -> str:
    """Words from outside in one line, without what may be a password."""
    plain = re.sub(r"//[^/@\s]*@", "//…@", text)
    return repr(plain if len(plain) <= 200 else f"{plain[:200]}…")
