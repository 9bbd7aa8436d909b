"""The run's message in Slack: made once, edited in place, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.counterparts.slack import CHANNEL, CHANNEL_ID, TOKEN, Slack, slack_server

from anton.adapters.chat.slack import SlackChat
from anton.core.errors import OutsideError
from anton.core.event import (
    AgentStarted,
    BaseResolved,
    Entry,
    Event,
    RunReceived,
)
from anton.core.question import Question, QuestionAsked
from anton.core.run import RunState, fold
from anton.core.ticket import Ticket

KEY = b"k" * 32
START = datetime(2026, 11, 25, 2, 13, tzinfo=UTC)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_server() as server:
        yield server


def chat(slack: Slack, channel: str = CHANNEL, token: str = TOKEN) -> SlackChat:
    """A Slack as a process has it that has just been started."""
    return SlackChat(token, channel, KEY, base_url=slack.url, page_url="https://anton.example/runs/{run_id}")


def state(*events: Event, run_id: str = "r1") -> RunState:
    ticket = Ticket("BUG-42", "To-dos come back <!channel>", "They do.", "dana", "slack")
    first = RunReceived(ticket, "/srv/todo", "", "", "/srv/reports", "dana")
    return fold(Entry(run_id, number, START, event) for number, event in enumerate((first, *events), 1))


RESOLVED = BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/todo.git")
STARTED = AgentStarted("code", "m", "You are.", "Fix it.", ())
ASKED = QuestionAsked("code", Question("q1", "code", "Which clock?"))


async def test_a_run_is_one_message_that_is_edited(slack: Slack) -> None:
    shown = chat(slack)
    name = await shown.show(state(), "")
    name = await shown.show(state(RESOLVED), name)
    assert await shown.show(state(RESOLVED), name) == name
    (message,) = slack.messages
    assert message["edited"] == 1
    assert "<!channel>" not in message["text"]


async def test_a_process_that_was_started_anew_edits_the_same_message(slack: Slack) -> None:
    name = await chat(slack).show(state(), "")
    await chat(slack).show(state(RESOLVED), name)
    assert len(slack.messages) == 1


async def test_what_was_posted_and_not_written_down_is_found(slack: Slack) -> None:
    other = await chat(slack).show(state(run_id="r0"), "")
    known = chat(slack)
    await known.show(state(run_id="r0"), other)  # from here on it knows the channel's id
    await chat(slack).show(state(RESOLVED), "")
    await known.show(state(RESOLVED), "")
    assert len(slack.roots()) == 2


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("fault", ["down_before", "down_after"])
async def test_a_call_that_fails_is_made_up_for_once(slack: Slack, method: str, fault: str) -> None:
    shown = chat(slack)
    name = await shown.show(state(), "")
    asked = state(RESOLVED, STARTED, ASKED)
    slack.faults.append((method, fault))
    with pytest.raises(OutsideError, match="oncall"):
        await shown.show(asked, name)
    name = await shown.show(asked, name)
    assert (len(slack.roots()), len(slack.replies())) == (1, 1)
    assert set(json.loads(name)["posts"]) == {"message", "question-q1"}


async def test_without_leave_to_read_the_channel_it_still_posts(slack: Slack) -> None:
    slack.scopes.discard("channels:history")
    name = await chat(slack).show(state(), "")
    await chat(slack).show(state(RESOLVED, STARTED, ASKED), name)
    assert (len(slack.roots()), len(slack.replies())) == (1, 1)


async def test_slack_is_waited_for_when_it_says_so(slack: Slack) -> None:
    slack.faults.extend([("chat.postMessage", "rate_limited")] * 2)
    await chat(slack).show(state(), "")
    assert len(slack.messages) == 1


async def test_a_message_that_was_deleted_is_made_anew(slack: Slack) -> None:
    shown = chat(slack)
    name = await shown.show(state(), "")
    slack.messages.clear()
    assert await shown.show(state(RESOLVED), name) != name
    assert len(slack.messages) == 1


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_blocks_that_slack_cannot_show_are_left_out(slack: Slack, method: str) -> None:
    shown = chat(slack)
    name = await shown.show(state(), "") if method == "chat.update" else ""
    slack.faults.append((method, "invalid_blocks"))
    await shown.show(state(RESOLVED), name)
    (message,) = slack.messages
    assert not message.get("blocks")
    assert "To-dos come back" in message["text"]


async def test_what_is_to_be_done_about_an_error_is_said(slack: Slack) -> None:
    with pytest.raises(
        OutsideError, match="channel 'elsewhere': channel_not_found; there is no such channel"
    ):
        await chat(slack, channel="elsewhere").show(state(), "")
    with pytest.raises(OutsideError, match="invalid_auth; SLACK_BOT_TOKEN"):
        await chat(slack, token="xoxb-old").prove()
    assert await chat(slack).prove() == "anton in Acme"
    with pytest.raises(OutsideError, match="could not be reached"):
        await SlackChat(TOKEN, CHANNEL, KEY, base_url="http://127.0.0.1:9/api/").show(state(), "")


async def test_a_name_of_another_chat_is_no_name(slack: Slack) -> None:
    await chat(slack).show(state(), "/srv/anton/messages/r1.md")
    assert len(slack.messages) == 1


async def test_runs_have_messages_of_their_own(slack: Slack) -> None:
    shown = chat(slack)
    await shown.show(state(), "")
    await shown.show(replace(state(), run_id="r2"), "")
    assert len(slack.roots()) == 2


SAID = "anton-said-0123456789abcdef"


@pytest.mark.parametrize("fault", ["down_before", "down_after", "internal_error"])
async def test_a_post_that_failed_is_found_or_made_once(slack: Slack, fault: str) -> None:
    said = chat(slack, CHANNEL_ID)
    slack.faults.append(("chat.postMessage", fault))
    with pytest.raises(OutsideError, match="tried again later"):
        await said.post("The fix is out.", SAID)
    await said.post("The fix is out.", SAID)
    await chat(slack, CHANNEL_ID).post("The fix is out.", SAID)
    (message,) = slack.messages
    assert message["metadata"] == {"event_type": "anton_post", "event_payload": {"marker": SAID}}


async def test_two_at_once_are_one_post(slack: Slack) -> None:
    said = chat(slack, CHANNEL_ID)
    await asyncio.gather(*(said.post("The fix is out.", SAID) for _ in range(5)))
    assert len(slack.messages) == 1


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_auth", "SLACK_BOT_TOKEN is not taken"),
        ("not_in_channel", "invite the app"),
        ("missing_scope", "lacks a scope"),
    ],
)
async def test_what_keeps_a_post_from_being_made_is_said(slack: Slack, error: str, remedy: str) -> None:
    slack.faults.append(("chat.postMessage", error))
    with pytest.raises(OutsideError, match=remedy):
        await chat(slack).post("The fix is out.", SAID)
    assert slack.messages == []


async def test_a_post_waits_when_slack_says_so(slack: Slack) -> None:
    slack.faults.append(("chat.postMessage", "rate_limited"))
    await chat(slack).post("The fix is out.", SAID)
    assert slack.calls.count("chat.postMessage") == 2


async def test_a_channel_that_cannot_be_read_is_posted_to_all_the_same(slack: Slack) -> None:
    slack.scopes.discard("channels:history")
    await chat(slack).post("The fix is out.", SAID)
    assert len(slack.messages) == 1
