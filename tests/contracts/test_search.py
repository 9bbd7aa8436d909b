"""What every search does: hits or an OutsideError that says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from anton.adapters.web.closed import ClosedWeb, NoSearch
from anton.adapters.web.searxng import SearxngSearch
from anton.core.errors import OutsideError
from anton.ports import Search, SearchHit, Web


@dataclass
class Searxng:
    """A server that answers as SearXNG does."""

    answer: web.Response | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        if self.answer is not None:
            return self.answer
        hits = [
            {"url": "https://a.example/1", "title": "One", "content": "first", "engine": "x", "score": 1.5},
            {"url": "https://a.example/2", "title": "Two", "content": None},
            {"url": "https://a.example/3", "title": "Three", "content": "third"},
        ]
        return web.json_response({"query": request.query["q"], "results": hits, "suggestions": []})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Searxng, str]]:
    found = Searxng()
    app = web.Application()
    app.router.add_get("/s/search", found.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield found, f"http://127.0.0.1:{runner.addresses[0][1]}/s/"
    await runner.cleanup()


async def test_hits_come_best_first_and_bounded(server: tuple[Searxng, str]) -> None:
    found, url = server
    hits = await SearxngSearch(url).search("why & how", 2)
    assert hits == (
        SearchHit("https://a.example/1", "One", "first"),
        SearchHit("https://a.example/2", "Two", ""),
    )
    assert found.asked == [{"q": "why & how", "format": "json"}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.Response(status=403), "list `json` under search.formats"),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), "answered with status 302"),
        (web.Response(status=500), "answered with status 500"),
        (web.Response(text="<html>"), "something else than results"),
        (web.Response(text='{"results": [{"title": 1}]}'), "something else than results"),
        (web.Response(body=b"[" * (4 * 1024 * 1024 + 1)), "more than 4,194,304 bytes"),
    ],
)
async def test_what_is_no_answer_is_named(
    server: tuple[Searxng, str], answer: web.Response, said: str
) -> None:
    found, url = server
    found.answer = answer
    with pytest.raises(OutsideError, match=said):
        await SearxngSearch(url).search("x", 5)


@pytest.mark.parametrize(
    ("search", "said"),
    [(NoSearch(), "not set up"), (SearxngSearch("http://127.0.0.1:1"), "check web.search_url")],
)
async def test_without_a_server_the_error_names_the_setting(search: Search, said: str) -> None:
    with pytest.raises(OutsideError, match=said):
        await search.search("x", 5)
    with pytest.raises(OutsideError, match="search_url"):
        await search.search("x", 5)


async def test_a_closed_web_names_the_setting() -> None:
    closed: Web = ClosedWeb()
    with pytest.raises(OutsideError, match="allow = "):
        await closed.get("https://example.com")
    assert closed.description.startswith("none")
