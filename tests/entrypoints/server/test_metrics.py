"""`/metrics`: what a served run leaves there, who may see it, and that labels stay few."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from inline_snapshot import snapshot
from prometheus_client.parser import text_string_to_metric_families

from anton.core.errors import OutsideError, UsageError
from anton.core.event import Entry
from anton.core.run import RunState, fold
from anton.entrypoints.composition import Anton
from anton.entrypoints.server.application import application
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.listen import bound
from anton.entrypoints.server.measuring import MeasuredChat, WebhookMeter, count_runs
from anton.entrypoints.server.metrics import Few, Metrics
from anton.entrypoints.server.scrape import shown
from tests.entrypoints.server.served import TOKEN, Served, an_anton, an_office, served
from tests.office import HONEST, Office

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@pytest.fixture
async def server(office: Office) -> AsyncIterator[Served]:
    async with served(an_anton(office), office) as up:
        yield up


def parsed(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    return sum(
        number for (each, has), number in samples.items() if each == name and labels.items() <= set(has)
    )


async def test_a_run_can_be_seen_in_the_metrics(server: Served) -> None:
    run = await server.begun()
    await server.until(run, phase="deciding")
    waiting = parsed((await server.client.get("/metrics")).text)
    assert value(waiting, "anton_runs", phase="deciding", priority="P2") == 1
    await server.client.post(f"/runs/{run}/approve")
    await server.until(run, outcome="delivered")
    samples = parsed((await server.client.get("/metrics")).text)
    counted = {
        "taken in": value(samples, "anton_runs_taken_in_total", source="api"),
        "closed": value(samples, "anton_runs_closed_total", outcome="delivered", priority="P2"),
        "open": value(samples, "anton_runs"),
        "green briefings": value(samples, "anton_briefings_total", verdict="green"),
        "approvals": value(samples, "anton_decisions_total", verb="approve"),
        "times to briefing": value(samples, "anton_time_to_briefing_seconds_count"),
        "times to decision": value(samples, "anton_time_to_decision_seconds_count"),
        "replies of code": value(samples, "anton_model_request_duration_seconds_count", agent="code"),
        "edits": value(samples, "anton_tool_call_duration_seconds_count", tool="edit_file", result="ok"),
        "steps": value(samples, "anton_delivery_steps_total"),
        "green proofs": value(samples, "anton_proofs_total", verdict="green"),
        "chat is up": value(samples, "anton_chat_up"),
    }
    assert counted == snapshot(
        {
            "taken in": 1.0,
            "closed": 1.0,
            "open": 0.0,
            "green briefings": 1.0,
            "approvals": 1.0,
            "times to briefing": 1.0,
            "times to decision": 1.0,
            "replies of code": 3.0,
            "edits": 2.0,
            "steps": 4.0,
            "green proofs": 1.0,
            "chat is up": 1.0,
        }
    )
    assert value(samples, "anton_proof_cell_duration_seconds_count") > 3
    assert value(samples, "anton_journal_append_duration_seconds_count") > 10


async def test_webhooks_are_counted_by_sender_and_answer(server: Served) -> None:
    await server.post("jira", b"no JSON")
    await server.signed("generic", {"title": "To-dos come back", "id": "1"})
    await server.client.post("/webhook/jira", json={})
    await server.client.post("/webhook/anybody/else", json={})
    samples = parsed((await server.client.get("/metrics")).text)
    name = "anton_webhook_request_duration_seconds_count"
    answers = {
        (labels["sender"], labels["code"]): number
        for (each, has), number in samples.items()
        if each == name and (labels := dict(has))
    }
    assert answers == snapshot(
        {("jira", "422"): 1.0, ("generic", "200"): 1.0, ("jira", "401"): 1.0, ("other", "404"): 1.0}
    )


async def test_metrics_take_the_token(server: Served) -> None:
    answer = await server.client.get("/metrics", headers={"Authorization": "Bearer no"})
    assert answer.status_code == 401
    assert "anton_" not in answer.text


def opened(office: Office, **changes: object) -> Anton:
    anton = an_anton(office)
    return replace(anton, serving=replace(anton.serving, open_metrics=True, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("public_url", "hosts", "status"),
    [
        ("", (), 200),
        ("", ("127.0.0.1",), 200),
        ("", ("0.0.0.0",), 401),
        ("https://anton.example.com", ("127.0.0.1",), 401),
    ],
)
async def test_metrics_are_open_only_where_nobody_else_reaches_the_server(
    office: Office, public_url: str, hosts: tuple[str, ...], status: int
) -> None:
    desk = Desk(opened(office, public_url=public_url))
    transport = httpx2.ASGITransport(application(desk, {"me": TOKEN}, hosts=hosts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/metrics")).status_code == status


async def test_openmetrics_is_given_to_who_asks_for_it(server: Served) -> None:
    answer = await server.client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_runs_of_other_processes_are_counted_and_closed_ones_forgotten(office: Office) -> None:
    await office.receive("r1")
    await office.receive("r2")
    metrics, closed = Metrics(), set[str]()
    await count_runs(office.journal, metrics, closed)
    (family,) = metrics.runs.collect()
    assert sum(sample.value for sample in family.samples) == 2
    assert closed == set()


class Deaf:
    """A chat that is out of reach."""

    description = "deaf"

    async def show(self, state: RunState, message: str) -> str:
        raise OutsideError("nobody there")

    async def close(self) -> None:
        pass


async def test_a_chat_that_is_out_of_reach_is_counted(office: Office) -> None:
    metrics = Metrics()
    state = fold([Entry("r1", 1, datetime.now(UTC), office.received())])
    with pytest.raises(OutsideError):
        await MeasuredChat(Deaf(), metrics).show(state, "")
    down = (
        metrics.registry.get_sample_value("anton_chat_up"),
        metrics.registry.get_sample_value("anton_chat_failures_total"),
    )
    assert down == (0, 1)
    await MeasuredChat(office.world(HONEST).chat, metrics).show(state, "")
    assert metrics.registry.get_sample_value("anton_chat_up") == 1


async def test_a_request_that_is_never_answered_is_counted_too() -> None:
    metrics = Metrics()

    async def broken(scope: object, receive: object, send: object) -> None:
        raise ConnectionError

    meter = WebhookMeter(broken, metrics, ["jira"])
    with pytest.raises(ConnectionError):
        await meter({"type": "http", "path": "/webhook/jira"}, None, None)  # type: ignore[arg-type]
    labels = {"sender": "jira", "code": "none"}
    counted = metrics.registry.get_sample_value("anton_webhook_request_duration_seconds_count", labels)
    assert counted == 1


def test_labels_stay_few() -> None:
    few = Few(2)
    assert [few(name) for name in ("a", "b", "c", "a", "", "x" * 200)] == ["a", "b", "other", "a"] + [
        "other"
    ] * 2
    assert Few(1)("x" * 200) == "x" * 80


def a_port() -> int:
    """One that is free now."""
    with bound("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_worker_shows_its_metrics_at_a_port_of_its_own() -> None:
    metrics, port = Metrics(), a_port()
    metrics.decisions.labels("approve").inc()
    with shown(metrics, port):
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        with (
            pytest.raises(UsageError, match=r"port \d+: address already in use; set telemetry.metrics_port"),
            shown(metrics, port),
        ):
            pass
    assert value(parsed(text), "anton_decisions_total", verb="approve") == 1
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)


def test_a_worker_without_a_port_shows_nothing() -> None:
    with shown(Metrics(), 0):
        pass
