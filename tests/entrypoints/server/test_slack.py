"""A run as Slack has it, on real wires: begun, told of, sent back, approved; and what does not count."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from anton.adapters.chat.slack import SlackChat
from anton.core.approval import ApprovalRules, Rule
from anton.core.event import Verb
from anton.core.person import Person
from anton.core.run import RunState
from anton.core.seal import Choice, seal_choice
from anton.core.ticket import ticket_from_text
from anton.entrypoints.composition import Anton, SlackAccess
from anton.entrypoints.intake.taken import Taken
from anton.entrypoints.server.admission import MOST_BY_MEMBER, TooManyRuns
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.slack import slack_app, workspace_of
from tests.counterparts.slack import APP_TOKEN, CHANNEL, TOKEN, Slack, slack_server
from tests.entrypoints.server.served import KEY, Served, an_anton, an_office, served
from tests.office import CODE_DONE, HONEST, TESTS_DONE, Office, written_up

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
REVISED = {
    "code": [*HONEST["code"], CODE_DONE],
    "test": [*HONEST["test"], TESTS_DONE],
    "pr": [*HONEST["pr"], written_up("Better")],
    "triage": HONEST["triage"],
}
RULES = ApprovalRules(
    people=(Person("lee", frozenset({"slack:T1/ULEE"})), Person("dana", frozenset({"slack:T1/UDANA"}))),
    rules=(Rule(frozenset({"lee", "dana"})),),
    keyboard="listed",
)


@dataclass
class Team:
    """A workspace with a server that listens to it."""

    slack: Slack
    server: Served

    async def send(
        self, path: str, form: Mapping[str, str], secret: str = SECRET, **headers: str
    ) -> httpx2.Response:
        """A request as Slack signs it."""
        body = urlencode(form).encode()
        stamp = headers.pop("stamp", str(int(time.time())))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        signed = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest}",
            **headers,
        }
        return await self.server.client.post(f"/webhook/slack/{path}", content=body, headers=signed)

    async def oncall(self, text: str, trigger: str = "t1", **fields: str) -> httpx2.Response:
        return await self.send("command", command(text, trigger, **fields))

    async def press(self, state: RunState, action: str, by: str = "ULEE", **value: str) -> httpx2.Response:
        return await self.send("actions", {"payload": json.dumps(self.pressed(state, action, by, **value))})

    def pressed(self, state: RunState, action: str, by: str, **value: str) -> dict[str, Any]:
        digest = state.briefing.digest if state.briefing else ""
        made = {"run": state.run_id, "digest": digest, "verb": action.removeprefix("anton_"), **value}
        choice = Choice(made["run"], made["digest"], Verb(made["verb"]))
        carried = json.dumps({"choice": value.get("choice") or seal_choice(KEY, choice)})
        return {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": by},
            "trigger_id": "trigger",
            "response_url": self.slack.response_url,
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": carried}],
        }

    async def submit(self, window: Mapping[str, Any], text: str, by: str = "ULEE") -> httpx2.Response:
        view = {
            "type": "modal",
            "callback_id": window["callback_id"],
            "private_metadata": window["private_metadata"],
            "state": {"values": {"text": {"text": {"type": "plain_text_input", "value": text}}}},
        }
        payload = {"type": "view_submission", "team": {"id": "T1"}, "user": {"id": by}, "view": view}
        return await self.send("actions", {"payload": json.dumps(payload)})

    async def begun(self) -> str:
        answer = await self.oncall("To-dos come back")
        assert answer.status_code == 200, answer.text
        return (await self.server.desk.world.journal.run_ids())[-1]

    async def briefed(self, run: str, nth: int = 1) -> RunState:
        await self.server.until(run, phase="deciding", round=nth)
        async with asyncio.timeout(60):
            while True:
                state = await self.server.desk.state(run)
                if state.told:
                    return state
                await asyncio.sleep(0.02)

    async def told(self, count: int) -> list[str]:
        """What only the person saw who pressed a button, once so much was said: it comes after the answer."""
        async with asyncio.timeout(60):
            while True:
                said = [word["text"] for word in self.slack.said]
                if len(said) >= count:
                    return said
                await asyncio.sleep(0.02)

    async def says(self, words: str) -> dict[str, Any]:
        """The run's message, once it says so."""
        async with asyncio.timeout(60):
            while True:
                (message,) = self.slack.roots()
                if words in texts(message):
                    return message
                await asyncio.sleep(0.02)


def command(text: str, trigger: str = "t1", **fields: str) -> dict[str, str]:
    return {
        "command": "/oncall",
        "text": text,
        "team_id": "T1",
        "user_id": "UDANA",
        "user_name": "dana",
        "trigger_id": trigger,
        "channel_id": "C0123",
        **fields,
    }


def listening(office: Office, slack: Slack, app_token: str = "") -> Anton:
    anton = an_anton(office, REVISED)
    access = SlackAccess(TOKEN, "" if app_token else SECRET, app_token, "", slack.url)
    return replace(
        anton,
        world=replace(anton.world, chat=SlackChat(TOKEN, CHANNEL, KEY, base_url=slack.url), approval=RULES),
        serving=replace(anton.serving, slack=access),
    )


def test_a_server_with_a_token_in_its_environment_starts_without_a_warning(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    access = SlackAccess(TOKEN, SECRET, "", "", "http://127.0.0.1:9/")
    slack_app(Desk(an_anton(office)), access, workspace_of(access))
    assert caplog.messages == []


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return an_office(tmp_path)


@pytest.fixture
async def team(office: Office) -> AsyncIterator[Team]:
    async with slack_server() as slack, served(listening(office, slack), office) as server:
        yield Team(slack, server)


def forged(state: RunState) -> Choice:
    assert state.briefing is not None
    return Choice(state.run_id, state.briefing.digest, Verb.APPROVE)


def texts(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)


async def test_the_whole_way_from_a_command_to_a_pull_request(team: Team, office: Office) -> None:
    answer = (await team.oncall("To-dos come back <!channel>")).json()
    assert answer["response_type"] == "in_channel"
    assert "Anton is on it" in answer["text"]
    assert "<!" not in answer["text"]
    run = (await team.server.desk.world.journal.run_ids())[-1]

    state = await team.briefed(run)
    (message,) = team.slack.roots()
    assert "anton_approve" in texts(message)

    assert (await team.press(state, "anton_request_changes")).status_code == 200
    (window,) = team.slack.windows
    assert (await team.submit(window, "Say why.")).text == ""
    again = await team.briefed(run, 2)
    assert again.decisions[-1].text == "Say why."
    assert again.briefing is not None
    assert state.briefing is not None
    assert again.briefing.digest != state.briefing.digest

    assert (await team.press(again, "anton_approve")).status_code == 200
    closed = await team.server.until(run, outcome="delivered")
    assert Path(str(closed["pull_request"])).is_file()
    message = await team.says("Delivered")
    assert "anton_approve" not in texts(message)
    assert "lee" in texts(message)
    assert team.slack.said == []


async def test_who_may_not_decide_is_told_so_and_nothing_happens(team: Team) -> None:
    state = await team.briefed(await team.begun())
    presses: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("anton_approve", "UEVE", {}),
        ("anton_approve", "UDANA", {}),
        ("anton_approve", "ULEE", {"digest": "0" * 64}),
        ("anton_approve", "ULEE", {"run": "r0"}),
        ("anton_decline", "UEVE", {}),
        ("anton_approve", "ULEE", {"choice": seal_choice(b"x" * 32, forged(state))}),
    )
    said: list[str] = []
    for count, (action, by, value) in enumerate(presses, 1):
        await team.press(state, action, by, **value)
        said = await team.told(count)
    assert all(
        word["response_type"] == "ephemeral" and not word["replace_original"] for word in team.slack.said
    )
    assert "may not decide" in said[0]
    assert "somebody else has to approve" in said[1]
    assert "newer briefing" in said[2]
    assert "there is no run" in said[3]
    assert "may not decide" in said[4]
    assert "none that Anton made" in said[5]
    assert not (await team.server.desk.state(state.run_id)).decisions


async def test_a_double_tap_approves_once(team: Team) -> None:
    state = await team.briefed(await team.begun())
    await asyncio.gather(*(team.press(state, "anton_approve") for _ in range(3)))
    await team.server.until(state.run_id, outcome="delivered")
    decided = (await team.server.desk.state(state.run_id)).decisions
    assert [decision.verb for decision in decided] == [Verb.APPROVE]
    assert len(await team.told(2)) == 2


async def test_the_same_delivery_begins_one_run(team: Team) -> None:
    for attempt in range(3):
        await team.oncall("To-dos come back", **{"X-Slack-Retry-Num": str(attempt)} if attempt else {})
    assert len(await team.server.desk.world.journal.run_ids()) == 1


async def test_a_window_of_a_briefing_that_is_gone_keeps_the_words(team: Team) -> None:
    state = await team.briefed(await team.begun())
    await team.press(state, "anton_request_changes")
    (window,) = team.slack.windows
    await team.press(state, "anton_decline")
    answer = (await team.submit(window, "Say why.")).json()
    assert answer["response_action"] == "errors"
    assert "declined" in answer["errors"]["text"]


async def test_an_empty_command_is_the_demo(team: Team) -> None:
    answer = (await team.oncall("")).json()
    assert "BUG-42" in answer["text"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"team_id": "T2"}, "not the one that Anton works for"), ({"user_id": ""}, "no slash command")],
)
async def test_a_command_from_elsewhere_begins_nothing(team: Team, fields: dict[str, str], said: str) -> None:
    answer = (await team.oncall("To-dos come back", **fields)).json()
    assert (answer["response_type"], said in answer["text"]) == ("ephemeral", True)
    assert await team.server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize("headers", [{"stamp": "1000000000"}, {"X-Slack-Signature": "v0=" + "0" * 64}])
async def test_an_unsigned_or_old_request_is_refused(team: Team, headers: dict[str, str]) -> None:
    answer = await team.send("command", command("To-dos come back"), **headers)
    assert answer.status_code == 401
    assert await team.server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize(
    "payload",
    [
        "{",
        "[]",
        "{}",
        '{"type": "block_actions"}',
        '{"type": "block_actions", "actions": [{"action_id": "anton_approve", "value": "["}]}',
        '{"type": "block_actions", "actions": [7], "team": {"id": "T1"}}',
        "[" * 100_000,
        '{"type": "view_submission", "view": {"callback_id": "anton_changes"}, "team": {"id": "T1"}}',
        '{"type": "view_submission", "view": {"callback_id": "anton_answer_text", "private_metadata": "7"}}',
    ],
)
async def test_whatever_is_sent_nothing_breaks(team: Team, payload: str) -> None:
    answer = await team.send("actions", {"payload": payload})
    assert answer.status_code < 500, answer.text


async def test_by_socket_mode_the_same_happens(office: Office) -> None:
    async with (
        slack_server() as slack,
        served(listening(office, slack, APP_TOKEN), office) as server,
        asyncio.timeout(60),
    ):
        team = Team(slack, server)
        answer = await slack.push("slash_commands", command("To-dos come back"), "e1")
        assert "Anton is on it" in answer["text"]
        (run,) = await server.desk.world.journal.run_ids()
        state = await team.briefed(run)
        await slack.push("interactive", team.pressed(state, "anton_approve", "ULEE"), "e2")
        await server.until(run, outcome="delivered")
        refused = await team.oncall("To-dos come back")
        assert refused.status_code == 401


@pytest.mark.parametrize("secret", ["no request by HTTP is taken", " "])
async def test_by_socket_mode_nothing_is_taken_by_http_whatever_it_is_signed_with(
    office: Office, secret: str
) -> None:
    async with slack_server() as slack, served(listening(office, slack, APP_TOKEN), office) as server:
        answer = await Team(slack, server).send("command", command("To-dos come back"), secret)
        assert (answer.status_code, "no secret is set" in answer.text) == (401, True)
        assert await server.desk.world.journal.run_ids() == ()


@pytest.mark.parametrize("size", [10, 900_000])
async def test_what_nobody_signed_is_not_even_read(team: Team, size: int) -> None:
    answer = await team.server.client.post("/webhook/slack/actions", content=b"payload=" + b"[" * size)
    assert answer.status_code == 401


async def test_a_guest_of_a_shared_channel_is_of_their_own_workspace(team: Team) -> None:
    state = await team.briefed(await team.begun())
    pressed = team.pressed(state, "anton_approve", "ULEE")
    pressed["user"]["team_id"] = "T2"
    await team.send("actions", {"payload": json.dumps(pressed)})
    assert (await team.server.desk.state(state.run_id)).phase == "deciding"
    assert "not the one that Anton works for" in (await team.told(1))[0]


async def test_one_member_starts_so_many_runs_an_hour_and_no_more(team: Team) -> None:
    asked = [
        Taken(
            ticket_from_text("To-dos come back", key=f"ONCALL-{number}"), f"slack:{number}", "slack:T1/UDANA"
        )
        for number in range(MOST_BY_MEMBER + 1)
    ]
    for taken in asked[:-1]:
        await team.server.desk.take_in(taken)
    with pytest.raises(TooManyRuns, match="slack:T1/UDANA has started 30 runs within an hour"):
        await team.server.desk.take_in(asked[-1])
    _, begun = await team.server.desk.take_in(replace(asked[-1], requested_by="slack:T1/ULEE"))
    assert begun
