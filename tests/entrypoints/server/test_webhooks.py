"""What other systems send starts one run, once, and only where it is shown to be theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.core.errors import JournalError
from anton.core.event import Entry
from anton.entrypoints.intake.taken import Taken
from anton.entrypoints.server.desk import Desk
from tests.entrypoints.server.served import SECRETS, Served, an_anton, an_office, served
from tests.office import TICKET

JIRA = {
    "webhookEvent": "jira:issue_created",
    "issue": {
        "id": "10042",
        "key": "SHOP-7",
        "self": "https://acme.atlassian.net/rest/api/2/issue/10042",
        "fields": {"summary": "To-dos come back", "description": "Tapping Done twice brings them back."},
    },
}
GITHUB = {
    "action": "labeled",
    "label": {"name": "anton"},
    "issue": {"number": 7, "title": "To-dos come back", "state": "open", "labels": [{"name": "anton"}]},
    "repository": {"id": 1, "name": "shop", "full_name": "acme/shop", "default_branch": "main"},
    "sender": {"login": "kim", "type": "User"},
}
SENTRY = {
    "action": "triggered",
    "data": {
        "event": {"issue_id": "5", "title": "KeyError: 'todo'", "web_url": "https://sentry.io/issues/5/"}
    },
}
PAGERDUTY = {
    "event": {
        "id": "01",
        "event_type": "incident.triggered",
        "data": {
            "id": "Q1",
            "number": 3,
            "title": "To-dos come back",
            "html_url": "https://acme.pagerduty.com/1",
        },
    }
}
ALERTMANAGER = {
    "version": "4",
    "status": "firing",
    "groupKey": "{}:{}",
    "receiver": "anton",
    "commonLabels": {"alertname": "ToDosComeBack"},
    "alerts": [
        {"status": "firing", "labels": {"alertname": "ToDosComeBack"}, "startsAt": "2026-11-25T02:00:00Z"}
    ],
}
GENERIC = {"title": "To-dos come back", "id": "42"}

PAYLOADS: Mapping[str, tuple[Mapping[str, object], Mapping[str, str]]] = {
    "jira": (JIRA, {"X_Atlassian_Webhook_Identifier": "w1"}),
    "github": (GITHUB, {"X_GitHub_Event": "issues", "X_GitHub_Delivery": "d1"}),
    "sentry": (SENTRY, {"Sentry_Hook_Resource": "event_alert", "Request_ID": "q1"}),
    "pagerduty": (PAGERDUTY, {}),
    "alertmanager": (ALERTMANAGER, {}),
    "generic": (GENERIC, {}),
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    office = an_office(tmp_path)
    async with served(an_anton(office), office) as up:
        yield up


@pytest.mark.parametrize("sender", PAYLOADS)
async def test_a_webhook_starts_one_run_however_often_it_comes(server: Served, sender: str) -> None:
    payload, headers = PAYLOADS[sender]
    answers = [await server.signed(sender, payload, **headers) for _ in range(3)]
    told = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 3, told
    assert [each["begun"] for each in told] == [True, False, False]
    assert await server.desk.world.journal.run_ids() == (told[0]["run"],)


@pytest.mark.parametrize("sender", ["jira", "github", "sentry"])
async def test_a_webhook_that_somebody_kept_starts_nothing_under_another_delivery_s_name(
    server: Served, sender: str
) -> None:
    payload, headers = PAYLOADS[sender]
    (run,) = {(await server.signed(sender, payload, **headers)).json()["run"]}
    await server.client.post(f"/runs/{run}/cancel", json={})
    await server.until(run, phase="closed")
    kept = {
        name: value if "Event" in name or "Resource" in name else "another" for name, value in headers.items()
    }
    assert (await server.signed(sender, payload, **kept)).json()["begun"] is False


async def test_the_same_webhook_many_times_at_once_starts_one_run(server: Served) -> None:
    payload, headers = PAYLOADS["github"]
    answers = await asyncio.gather(*(server.signed("github", payload, **headers) for _ in range(20)))
    assert sorted(answer.json()["begun"] for answer in answers) == [False] * 19 + [True]
    assert len(await server.desk.world.journal.run_ids()) == 1


class Hesitant(MemoryJournal):
    """Fails to write the first run down, after a while."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.fails = asyncio.Event(), asyncio.Event()

    async def receive(self, delivery: str, entry: Entry) -> str:
        if not self.asked.is_set():
            self.asked.set()
            await self.fails.wait()
            raise JournalError("the disk is full")
        return await super().receive(delivery, entry)


async def test_nobody_is_told_of_a_run_that_is_not_written_down_yet(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    office.journal = journal = Hesitant()
    desk = Desk(an_anton(office))
    taken = [Taken(TICKET, f"github:{delivery}", "github:kim") for delivery in ("d1", "d2")]
    first, second = (asyncio.ensure_future(desk.take_in(each)) for each in taken)
    await journal.asked.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not second.done()
    journal.fails.set()
    with pytest.raises(JournalError):
        await first
    assert await second == (*await journal.run_ids(), True)


@pytest.mark.parametrize("sender", PAYLOADS)
async def test_a_webhook_that_is_not_shown_to_be_its_sender_s_starts_nothing(
    server: Served, sender: str
) -> None:
    payload, headers = PAYLOADS[sender]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await server.client.post(f"/webhook/{sender}", json=payload, headers=named)
    assert answer.status_code == 401
    assert await server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize("sender", PAYLOADS)
async def test_a_sender_without_a_secret_is_not_listened_to(tmp_path: Path, sender: str) -> None:
    office = an_office(tmp_path)
    others = {name: secret for name, secret in SECRETS.items() if name != sender}
    async with served(an_anton(office, secrets=others), office) as server:
        payload, headers = PAYLOADS[sender]
        answer = await server.signed(sender, payload, **headers)
        assert (answer.status_code, await server.desk.world.journal.run_ids()) == (404, ())
        assert f"webhooks.{sender}" in answer.json()["detail"]


async def test_what_starts_nothing_says_why(server: Served) -> None:
    answer = await server.signed("github", {"zen": "Keep it simple."}, X_GitHub_Event="ping")
    assert answer.json() == {
        "run": None,
        "begun": False,
        "url": None,
        "detail": "GitHub's ping: the webhook works",
    }


async def test_a_repository_that_is_not_set_up_starts_nothing(server: Served) -> None:
    foreign = {**GITHUB, "repository": {**GITHUB["repository"], "name": "bank", "full_name": "acme/bank"}}  # type: ignore[dict-item]
    answer = await server.signed("github", foreign, X_GitHub_Event="issues", X_GitHub_Delivery="d2")
    assert answer.status_code == 422
    assert "'acme/bank' is not set up here" in answer.json()["detail"]
    assert await server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize(("sent", "status"), [("acme/shop", 200), ("Acme/Shop", 200), ("evil/shop", 422)])
async def test_a_repository_is_not_taken_for_somebody_else_s_of_that_name(
    tmp_path: Path, sent: str, status: int
) -> None:
    office = an_office(tmp_path)
    known = {"shop": office.checkout, "acme/shop": office.checkout}
    theirs = {**GITHUB, "repository": {**GITHUB["repository"], "full_name": sent}}  # type: ignore[dict-item]
    async with served(an_anton(office, repositories=known), office) as server:
        answer = await server.signed("github", theirs, X_GitHub_Event="issues", X_GitHub_Delivery="d3")
        assert answer.status_code == status, answer.text
