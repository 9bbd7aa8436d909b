"""Fetching pages from a server on the loopback: refused, unless a test lets exactly its address through."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from anton.adapters.web.address import refusal
from anton.adapters.web.guarded import MAX_BYTES, GuardedWeb
from anton.core.errors import OutsideError


@dataclass
class Names(AbstractResolver):
    """Names of a test; others resolve to the loopback."""

    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.known.get(host, ("127.0.0.1",))
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Site:
    """A server, and what it was asked."""

    port: int = 0
    seen: list[web.Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        if to := request.query.get("to"):
            return web.Response(status=302, headers={"Location": to})
        if request.path == "/loop":
            return web.Response(status=307, headers={"Location": "/loop"})
        if request.path == "/large":
            return web.Response(body=b"x" * (MAX_BYTES + 10))
        if request.path == "/packed":
            return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
        return web.Response(text=f"hello from {request.path}", status=404 if request.path == "/no" else 200)

    def fetcher(self, *more: str, names: Names | None = None) -> GuardedWeb:
        """One that may connect to 127.0.0.1, the test's own server, and nowhere else that is not public."""
        return GuardedWeb(
            (f"site.test:{self.port}", f"*.sub.test:{self.port}", *more),
            names or Names(),
            lambda address: None if address == "127.0.0.1" else refusal(address),
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


async def test_a_page_of_a_listed_host_is_read(site: Site) -> None:
    page = await site.fetcher().get(f"http://SITE.test:{site.port}/a?b=c#d")
    assert (page.status, page.content, page.content_type) == (200, b"hello from /a", "text/plain")
    (asked,) = site.seen
    assert (asked.method, asked.path_qs, asked.host) == ("GET", "/a?b=c", f"site.test:{site.port}")
    assert not {"Cookie", "Authorization"} & set(asked.headers)
    assert (await site.fetcher().get(f"http://a.b.sub.test:{site.port}/no")).status == 404


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.0.0.1.", "127.1", "2130706433",
        "0x7f000001", "017700000001", "0177.0.0.1", "0", "0.0.0.0", "①②⑦.0.0.1", "127。0。0。1", "[::1]",
        "[::]", "[fe80::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "169.254.169.254", "10.0.0.1", "rebound.test", "two.test",
        "127.0.0.1.nip.test",
    ],
)  # fmt: skip
async def test_no_spelling_reaches_the_loopback_even_if_it_were_listed(site: Site, host: str) -> None:
    names = Names({"two.test": ("8.8.8.8", "127.0.0.1")})
    url = f"http://{host}:{site.port}/"
    plain = host.strip("[]").lower()
    listed = (f"{plain}:{site.port}", f"{plain.rstrip('.')}:{site.port}", f"*.test:{site.port}")
    with pytest.raises(OutsideError):
        await GuardedWeb(listed, names).get(url)
    with pytest.raises(OutsideError):
        await GuardedWeb(listed).get(url)
    assert site.seen == []


async def test_every_redirect_is_checked_again(site: Site) -> None:
    fetcher = site.fetcher(f"inner.test:{site.port}", names=Names({"inner.test": ("10.0.0.1",)}))
    at = f"http://site.test:{site.port}"
    assert (await fetcher.get(f"{at}/a?to=/b")).content == b"hello from /b"
    for target, said in (
        (f"http://127.0.0.1:{site.port}/x", "not among the hosts"),
        (f"http://inner.test:{site.port}/x", "not an address of the public internet"),
        ("file:///etc/passwd", "cannot be fetched"),
        (f"http://me:secret@site.test:{site.port}/x", "never sent"),
    ):
        with pytest.raises(OutsideError, match=said) as caught:
            await fetcher.get(f"{at}/a?to={target}")
        assert "secret" not in str(caught.value)
    assert all(request.path in ("/a", "/b") for request in site.seen)


async def test_redirects_come_to_an_end(site: Site) -> None:
    with pytest.raises(OutsideError, match="redirected more than 5 times"):
        await site.fetcher().get(f"http://site.test:{site.port}/loop")
    assert len(site.seen) == 6


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://site.test/", "begins with http"),
        ("site.test/", "begins with http"),
        ("http://", "begins with http|is no URL"),
        ("http://other.test/", "'other.test' at port 80 is not among the hosts that may be read"),
        ("http://site.test/", "at port 80 is not among"),
        ("http://sub.test:{port}/", "not among"),
        ("http://evilsite.test:{port}/", "not among"),
        ("http://site.test.evil.test:{port}/", "not among"),
        ("http://me:secret@site.test:{port}/", "holds a user name or password"),
        ("http://site.test:99999/", "is no URL"),
        ("http://[site.test/", "is no URL"),
    ],
)
async def test_what_may_not_be_read_is_named(site: Site, url: str, said: str) -> None:
    names = Names()
    with pytest.raises(OutsideError, match=said) as caught:
        await site.fetcher(names=names).get(url.replace("{port}", str(site.port)))
    assert "secret" not in str(caught.value)
    assert names.asked == []
    assert site.seen == []


async def test_a_large_page_is_cut_and_a_compressed_one_refused(site: Site) -> None:
    page = await site.fetcher().get(f"http://site.test:{site.port}/large")
    assert (len(page.content), page.cut) == (MAX_BYTES, True)
    with pytest.raises(OutsideError, match="came compressed"):
        await site.fetcher().get(f"http://site.test:{site.port}/packed")


async def test_a_server_that_is_not_there_is_named(site: Site) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(OutsideError, match="cannot be fetched"):
            await site.fetcher(f"none.test:{port}").get(f"http://none.test:{port}/")
