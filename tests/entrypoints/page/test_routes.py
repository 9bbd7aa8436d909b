"""The page over HTTP: who is let in, what they may do there, and what another site may not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from tests.entrypoints.server.served import KEY, OWNER, TOKEN, Served, an_anton, an_office, served
from tests.office import Office

from anton.core.approval import ApprovalRules, Rule
from anton.core.person import Person
from anton.core.seal import make_link
from anton.entrypoints.page.sessions import LIFETIME
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.events import MOST_STREAMS

HTML = {"Accept": "text/html,application/xhtml+xml"}
RULES = ApprovalRules(people=(Person("lee"), Person("dana")), rules=(Rule(frozenset({"lee"})),))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@pytest.fixture
async def server(office: Office) -> AsyncIterator[Served]:
    anton = an_anton(office)
    anton = replace(anton, world=replace(anton.world, approval=RULES))
    async with served(anton, office) as up:
        yield up


@pytest.fixture
async def browser(server: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without the API's token, as a browser asks."""
    async with httpx2.AsyncClient(base_url=server.client.base_url, headers=HTML, trust_env=False) as client:
        yield client


async def log_in(browser: httpx2.AsyncClient, key: str = TOKEN, where: str = "/runs") -> httpx2.Response:
    return await browser.post("/login", data={"key": key, "next": where})


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)"', html)
    assert found
    return found[1]


async def enter(
    browser: httpx2.AsyncClient, desk: Desk, person: str, run: str, hours: float = 1
) -> httpx2.Response:
    word = make_link(KEY, person, run, desk.world.clock() + timedelta(hours=hours))
    return await browser.get(f"/enter/{word}", params={"run": run})


async def test_a_stranger_is_led_to_the_login_and_from_there_to_what_they_wanted(
    server: Served, browser: httpx2.AsyncClient
) -> None:
    run = await server.begun()
    led = await browser.get(f"/runs/{run}")
    assert (led.status_code, led.headers["location"]) == (303, f"/login?next=/runs/{run}")
    in_ = await log_in(browser, where=f"/runs/{run}")
    assert (in_.status_code, in_.headers["location"]) == (303, f"/runs/{run}")
    assert {"httponly", "samesite=lax"} <= set(in_.headers["set-cookie"].lower().replace(" ", "").split(";"))
    page = await browser.get(f"/runs/{run}")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("key", ["", "wrong", TOKEN.upper(), "é" * 30])
async def test_another_key_opens_nothing(browser: httpx2.AsyncClient, key: str) -> None:
    answer = await log_in(browser, key)
    assert answer.status_code in (403, 422)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "where", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
)
async def test_a_login_leads_to_no_other_site(browser: httpx2.AsyncClient, where: str) -> None:
    assert (await log_in(browser, where=where)).headers["location"] == "/runs"


async def test_the_same_address_is_json_for_programs(server: Served) -> None:
    run = await server.begun()
    assert (await server.client.get(f"/runs/{run}")).json()["id"] == run
    assert (await server.client.get("/runs")).json()["runs"][0]["id"] == run


@pytest.mark.parametrize("host", ["anton.example.com", "127.0.0.1"])
async def test_behind_a_proxy_a_session_goes_by_https_only(office: Office, host: str) -> None:
    anton = an_anton(office)
    anton = replace(anton, serving=replace(anton.serving, public_url="https://anton.example.com"))
    async with served(anton, office) as server:
        form, headers = {"key": TOKEN}, {**HTML, "Host": host}
        answer = await server.client.post("/login", data=form, headers=headers)
        assert ("; Secure" in answer.headers["set-cookie"]) is (host == "anton.example.com")


async def test_a_link_logs_in_the_person_it_was_made_for(server: Served, browser: httpx2.AsyncClient) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    assert (await enter(browser, server.desk, "lee", run)).headers["location"] == f"/runs/{run}"
    page = await browser.get(f"/runs/{run}")
    assert "page:lee" in page.text
    assert "Approve &amp; open PR" in page.text


async def test_a_link_that_is_over_or_for_another_run_opens_nothing(
    server: Served, browser: httpx2.AsyncClient
) -> None:
    run = await server.begun()
    assert (await enter(browser, server.desk, "lee", run, hours=-1)).status_code == 403
    word = make_link(KEY, "lee", run, server.desk.world.clock() + timedelta(hours=1))
    assert (await browser.get(f"/enter/{word}", params={"run": "r0"})).status_code == 403
    assert (await browser.get(f"/enter/{word}x", params={"run": run})).status_code == 403


async def test_who_may_not_decide_sees_why_and_no_buttons(
    server: Served, browser: httpx2.AsyncClient
) -> None:
    run = await server.begun()
    waiting = await server.until(run, phase="deciding")
    await enter(browser, server.desk, "dana", run)
    page = await browser.get(f"/runs/{run}")
    assert "may not decide" in page.text
    assert "Approve &amp; open PR" not in page.text
    assert waiting["phase"] == "deciding"


async def test_a_run_is_approved_on_its_page(server: Served, browser: httpx2.AsyncClient) -> None:
    run = await server.begun()
    waiting = await server.until(run, phase="deciding")
    briefing = waiting["briefing"]
    assert isinstance(briefing, dict)
    await enter(browser, server.desk, "lee", run)
    token = token_of((await browser.get(f"/runs/{run}")).text)
    form = {"verb": "approve", "digest": briefing["digest"], "token": token}
    answer = await browser.post(f"/runs/{run}/decide", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run}")
    assert "Approved." in (await browser.get(f"/runs/{run}")).text
    await server.until(run, outcome="delivered")
    await browser.post(f"/runs/{run}/decide", data=form)
    assert "already approved" in (await browser.get(f"/runs/{run}")).text


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_of_another_site_does_nothing(
    server: Served, browser: httpx2.AsyncClient, token: str
) -> None:
    run = await server.begun()
    waiting = await server.until(run, phase="deciding")
    briefing = waiting["briefing"]
    assert isinstance(briefing, dict)
    await enter(browser, server.desk, "lee", run)
    form = {"verb": "approve", "digest": briefing["digest"], "token": token}
    answer = await browser.post(f"/runs/{run}/decide", data=form)
    assert answer.headers["location"].startswith("/login")
    foreign = {"Origin": "https://evil.example"}
    refused = await browser.post(f"/runs/{run}/decide", data=form, headers=foreign)
    assert refused.status_code == 403
    assert not (await server.desk.state(run)).decisions


async def test_changes_reach_who_is_looking_and_nothing_comes_twice(
    server: Served, browser: httpx2.AsyncClient
) -> None:
    run = await server.begun()
    await log_in(browser)
    page = await browser.get(f"/runs/{run}")
    found = re.search(r'hx-sse:connect="([^"]+)"', page.text)
    assert found
    address, seen = found[1], ""
    async with asyncio.timeout(60):
        while "Approve" not in seen:
            seen, last = "", ""
            async with browser.stream(
                "GET", address, headers={"Last-Event-ID": last} if last else {}
            ) as live:
                async for row in live.aiter_lines():
                    seen += row
                    if row.startswith("id: "):
                        last = row.removeprefix("id: ")
                    if "Approve" in seen:
                        break
        while not (await server.desk.state(run)).told:
            await server.until(run, phase="deciding")
        again = ""
        async with browser.stream(
            "GET", address, headers={"Last-Event-ID": await _settled(browser, run)}
        ) as live:
            async for row in live.aiter_lines():
                again += row
                if "still here" in again:
                    break
    assert "hx-partial" in seen
    assert "hx-partial" not in again


async def _settled(browser: httpx2.AsyncClient, run: str) -> str:
    """What a browser has that loads the page now."""
    found = re.search(r"live\?seen=([0-9a-f-]+)", (await browser.get(f"/runs/{run}")).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "path", ["/runs/none", "/runs/none/live", "/static/none.js", "/static/..%2frender.py"]
)
async def test_what_is_not_there_is_not_found(browser: httpx2.AsyncClient, path: str) -> None:
    await log_in(browser)
    assert (await browser.get(path)).status_code == 404


async def test_nothing_is_shown_live_to_a_stranger(server: Served, browser: httpx2.AsyncClient) -> None:
    run = await server.begun()
    assert (await browser.get(f"/runs/{run}/live")).status_code == 401
    answer = await browser.post(f"/runs/{run}/answer", data={"question": "q1", "text": "x"})
    assert answer.headers["location"].startswith("/login")


async def test_who_is_logged_in_no_longer_is_shown_nothing_more(office: Office) -> None:
    anton, later = an_anton(office), [timedelta()]
    clock = anton.world.clock
    anton = replace(anton, world=replace(anton.world, clock=lambda: clock() + later[0]))
    async with (
        served(anton, office) as server,
        httpx2.AsyncClient(base_url=server.client.base_url, headers=HTML, trust_env=False) as browser,
        asyncio.timeout(60),
    ):
        run = await server.begun()
        await log_in(browser)
        async with browser.stream("GET", f"/runs/{run}/live") as live:
            later[0] = LIFETIME
            async for _ in live.aiter_lines():
                pass
        assert (await browser.get(f"/runs/{run}/live")).status_code == 401


@pytest.mark.parametrize(
    ("tokens", "still"),
    [({OWNER: TOKEN}, 200), ({OWNER: f"{TOKEN}-2"}, 303), ({"api:lee": f"{TOKEN}-2"}, 303)],
    ids=["kept", "changed", "removed"],
)
async def test_a_session_ends_with_the_token_that_it_was_opened_with(
    office: Office, tokens: dict[str, str], still: int
) -> None:
    anton = an_anton(office)
    async with served(anton, office) as server:
        session = (await server.client.post("/login", data={"key": TOKEN}, headers=HTML)).headers[
            "set-cookie"
        ]
    restarted = replace(anton, serving=replace(anton.serving, tokens=tokens))
    cookie = {**HTML, "Cookie": session.partition(";")[0], "Authorization": ""}
    async with served(restarted, office) as server:
        assert (await server.client.get("/runs", headers=cookie)).status_code == still


async def test_only_so_many_look_on_at_once(server: Served, browser: httpx2.AsyncClient) -> None:
    run = await server.begun()
    await log_in(browser)
    server.desk.streams += MOST_STREAMS
    assert (await browser.get(f"/runs/{run}/live")).status_code == 503
