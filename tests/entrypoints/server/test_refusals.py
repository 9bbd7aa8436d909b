"""What never gets in: wrong hosts, pages of others, strangers, bodies too large, too slow or no JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anton.core.errors import UsageError
from anton.entrypoints.composition import Check
from anton.entrypoints.server import guard
from anton.entrypoints.server.guard import Guard
from anton.entrypoints.server.listen import bound, refuse_open
from anton.entrypoints.server.patience import HurriedProtocol
from tests.entrypoints.server.served import SECRETS, Served, an_anton, an_office, served, signed


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    office = an_office(tmp_path)
    async with served(an_anton(office), office, [Check("chat", True, "local")]) as up:
        yield up


async def test_health_is_open_and_tells_no_secret(server: Served) -> None:
    answer = await server.client.get("/health", headers={"Authorization": ""})
    assert answer.json()["status"] == "ok"
    assert answer.json()["sides"] == [{"name": "chat", "good": True, "detail": "local"}]
    assert [answer.json()[f"{name}_runs"] for name in ("active", "queued", "waiting")] == [0, 0, 0]


async def test_health_counts_the_runs_that_wait_for_a_person(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    assert (await server.client.get("/health")).json()["waiting_runs"] == 1
    await server.client.post(f"/runs/{run}/decline")
    await server.until(run, phase="closed")
    assert (await server.client.get("/health")).json()["waiting_runs"] == 0


async def test_health_is_degraded_where_a_side_is_not_good(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    async with served(an_anton(office), office, [Check("chat", False, "no token")]) as up:
        assert (await up.client.get("/health")).json()["status"] == "degraded"


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic a-long-token-for-tests", "Bearer é"])
async def test_whoever_has_no_token_sees_and_changes_nothing(server: Served, given: str) -> None:
    headers = {"Authorization": given.encode()}
    for method, path in [
        ("GET", "/runs"),
        ("POST", "/runs"),
        ("GET", "/runs/x"),
        ("POST", "/runs/latest/approve"),
    ]:
        answer = await server.client.request(method, path, headers=headers, json={})  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="anton"')
    assert await server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "[", ""])
async def test_a_name_that_somebody_let_point_here_is_refused(server: Served, host: str) -> None:
    assert (await server.client.get("/health", headers={"Host": host})).status_code in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8000", "LOCALHOST:80", "10.0.0.7"])
async def test_names_and_addresses_of_this_machine_are_answered_to(server: Served, host: str) -> None:
    assert (await server.client.get("/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", "http://[x]/", ""]
)
async def test_a_page_of_another_origin_may_not_act_here(server: Served, origin: str) -> None:
    answer = await server.client.post("/runs", json={}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert await server.desk.world.journal.run_ids() == ()


async def test_a_form_of_another_site_may_not_act_here(server: Served) -> None:
    answer = await server.client.post("/runs", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


async def test_no_state_changes_by_get(server: Served) -> None:
    for path in ("/runs/x/approve", "/runs/x/cancel", "/webhook/github"):
        answer = await server.client.get(path)
        assert answer.status_code == 405
        assert answer.json()["detail"] == "GET is not what this address answers to"


async def test_every_answer_keeps_browsers_from_guessing_and_framing(server: Served) -> None:
    for path in ("/health", "/runs", "/nowhere", "/docs"):
        headers = (await server.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


async def test_a_compressed_body_is_refused(server: Served) -> None:
    answer = await server.client.post("/runs", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(server: Served) -> None:
    large = b" " * (guard.MAX_BODY_BYTES + 1)

    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield large[: 1 << 16]

    for content in (large, in_parts()):
        answer = await server.client.post(
            "/runs", content=content, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["title"]) == (413, "Request Entity Too Large")


async def test_jira_may_send_more_than_others(server: Served) -> None:
    body = json.dumps({"webhookEvent": "other", "padding": "x" * (2 << 20)}).encode()
    assert (await server.post("jira", body)).status_code == 200
    assert (await server.post("github", body)).status_code == 413


async def _guarded(messages: Sequence[dict[str, object]], **limits: float) -> list[int]:
    """Statuses that a guard answers to a body in these parts; 200 where it lets the request pass."""
    seen: list[int] = []
    waiting = list(messages)

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(200)

    async def receive() -> dict[str, object]:
        return waiting.pop(0) if waiting else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            seen.append(int(str(message["status"])))

    scope = {"type": "http", "method": "POST", "path": "/runs", "headers": [(b"host", b"localhost")]}
    await Guard(app, **limits)(scope, receive, send)  # type: ignore[arg-type]
    return seen


def part(body: bytes, *, more: bool) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_many_bodies_at_once_do_not_fill_the_memory() -> None:
    assert await _guarded([part(b"x" * 11, more=False)], held_bytes=10) == [503]
    assert await _guarded([part(b"x" * 10, more=False)], held_bytes=10) == [200]


async def test_a_client_that_never_ends_its_body_is_told_so() -> None:
    assert await _guarded([part(b"{", more=True)], body_seconds=0.05) == [408]


async def test_a_client_that_breaks_off_has_asked_for_nothing() -> None:
    assert await _guarded([part(b"{", more=True), {"type": "http.disconnect"}]) == [400]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"text": ' + b"[" * 900_000,
        b'{"text": "\\ud800"}',
        b'{"text": 5}',
        b'{"text": "x", "other": 1}',
        b'{"text": "x", "key": "../../etc"}',
        b"\xff\xfe",
        b'{"text": ' + b"9" * 10_000 + b"}",
        b"NaN",
    ],
    ids=["empty", "cut", "deep", "deeper", "surrogate", "number", "unknown", "key", "bytes", "digits", "nan"],
)
async def test_a_body_that_is_no_ticket_is_refused_with_a_reason(server: Served, body: bytes) -> None:
    answer = await server.client.post("/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert await server.desk.world.journal.run_ids() == ()


async def test_another_kind_of_body_is_refused(server: Served) -> None:
    answer = await server.client.post("/runs", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code in (415, 422)


async def test_no_bytes_at_any_address_are_ever_a_mistake_of_ours(server: Served) -> None:
    paths = st.sampled_from(
        [*(f"/webhook/{name}" for name in SECRETS), "/runs", "/runs/x/approve", "/runs/x/request-changes"]
    )
    loop = asyncio.get_running_loop()

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(path=paths, body=st.binary(max_size=200) | st.text().map(lambda t: json.dumps(t).encode()))
    def check(path: str, body: bytes) -> None:
        sender = path.rpartition("/")[2]
        headers = signed(sender, body) if sender in SECRETS else {"Content-Type": "application/json"}
        post = server.client.post(path, content=body, headers=headers)
        sent = asyncio.run_coroutine_threadsafe(post, loop)
        answer = sent.result()
        assert answer.status_code < 500
        assert answer.json()

    await asyncio.to_thread(check)


class Hasty(HurriedProtocol):
    """A server that waits for nobody."""

    head_seconds = 0.05


@pytest.mark.parametrize("said", [b"", b"GET /health HTTP/1.1\r\nHost: loc"])
async def test_a_client_that_never_ends_its_head_is_let_go(tmp_path: Path, said: bytes) -> None:
    office = an_office(tmp_path)
    async with served(an_anton(office), office, protocol=Hasty) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client.base_url.port)
        writer.write(said)
        assert await reader.read() == b""
        writer.close()
        assert (await server.client.get("/health")).status_code == 200


def test_other_machines_are_let_in_only_with_a_token_that_somebody_chose() -> None:
    refuse_open("127.0.0.1", [])
    refuse_open("::1", [])
    refuse_open("0.0.0.0", ["x" * 16])
    with pytest.raises(UsageError, match="ANTON_API_TOKEN is not set"):
        refuse_open("0.0.0.0", [])
    with pytest.raises(UsageError, match="shorter than 16"):
        refuse_open("anton.example.com", ["short"])


def test_a_port_that_is_taken_is_named() -> None:
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(
            UsageError, match=f"cannot listen on 127.0.0.1 port {port}: address already in use"
        ):
            bound("127.0.0.1", port)
