"""What every chat does; Slack's side against two counterparts, one of them nobody's here."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from tests.counterparts.emulate import SLACK_CHANNEL, SLACK_TOKEN, emulated_slack, program
from tests.counterparts.slack import CHANNEL, TOKEN, slack_server

from anton.adapters.chat.local import LocalChat
from anton.adapters.chat.slack import SlackChat
from anton.core.event import BaseResolved, Entry, Event, RunReceived
from anton.core.run import RunState, fold
from anton.core.ticket import Ticket
from anton.ports import Board, Chat

KEY = b"k" * 32
BEGAN = datetime(2026, 11, 25, 2, 13, tzinfo=UTC)
RESOLVED = BaseResolved("b" * 40, "t" * 40, "main", "Begin", "/srv/todo.git")


@dataclass(frozen=True)
class Stage:
    """A chat, and how to read what it shows."""

    open: Callable[[], Chat]
    """The chat as a process has it that has just been started."""
    says: str
    read: Callable[[], Awaitable[list[str]]]
    """Every message that there is."""


@pytest.fixture(params=["local", "slack", "emulate"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    if request.param == "local":
        folder = tmp_path / "messages"

        async def files() -> list[str]:
            return [path.read_text() for path in sorted(folder.rglob("*.md"))]

        yield Stage(lambda: LocalChat(folder), "local", files)
    elif request.param == "slack":
        async with slack_server() as slack:

            async def posted() -> list[str]:
                return [json.dumps(message) for message in slack.messages]

            yield Stage(lambda: SlackChat(TOKEN, CHANNEL, KEY, base_url=slack.url), "Slack", posted)
    elif program() is None:
        pytest.skip("emulate is not installed: .ci/run does that, with npm")
    else:
        async with emulated_slack(tmp_path) as url:

            def opened() -> SlackChat:
                return SlackChat(SLACK_TOKEN, SLACK_CHANNEL, KEY, base_url=f"{url}/api/")

            async def history() -> list[str]:
                client = AsyncWebClient(token=SLACK_TOKEN, base_url=f"{url}/api/")
                listed = await client.api_call("conversations.list")
                known = {channel["name"]: channel["id"] for channel in listed["channels"]}
                asked = {"channel": known[SLACK_CHANNEL], "include_all_metadata": "true"}
                answer = await client.api_call("conversations.history", data=asked)
                ours = [message for message in answer["messages"] if message.get("metadata")]
                return [json.dumps(message) for message in ours]

            yield Stage(opened, "Slack", history)


def state(*events: Event, run_id: str = "r1") -> RunState:
    ticket = Ticket("BUG-42", "To-dos come back", "They do.", "dana", "slack")
    first = RunReceived(ticket, "/srv/todo", "", "", "/srv/reports", "dana")
    return fold(Entry(run_id, number, BEGAN, event) for number, event in enumerate((first, *events), 1))


async def test_a_chat_says_which_side_it_is(stage: Stage) -> None:
    assert stage.open().description.startswith(stage.says)


async def test_a_run_has_one_message_that_says_where_it_stands(stage: Stage) -> None:
    chat = stage.open()
    name = await chat.show(state(), "")
    name = await chat.show(state(RESOLVED), name)
    assert await chat.show(state(RESOLVED), name) == name
    (message,) = await stage.read()
    assert "BUG-42" in message
    assert "working" in message or "at work" in message
    await chat.close()


async def test_a_process_that_is_started_anew_goes_on_with_the_message(stage: Stage) -> None:
    name = await stage.open().show(state(), "")
    await stage.open().show(state(RESOLVED), name)
    assert len(await stage.read()) == 1


async def test_every_run_has_a_message_of_its_own(stage: Stage) -> None:
    chat = stage.open()
    await chat.show(state(), "")
    await chat.show(state(run_id="r2"), "")
    assert len(await stage.read()) == 2


async def test_a_message_whose_name_was_lost_is_found(stage: Stage) -> None:
    """As after a crash between posting and writing down; the channel is known from an earlier run."""
    earlier = await stage.open().show(state(run_id="r0"), "")
    await stage.open().show(state(), "")
    chat = stage.open()
    await chat.show(state(run_id="r0"), earlier)
    await chat.show(state(RESOLVED), "")
    assert len(await stage.read()) == 2


SAID = "anton-said-0123456789abcdef"
HOSTILE = "<!channel> <@U123> @here *bold* _it_ `x` <https://evil.example|click> &amp; & :tada:"


def board(chat: Chat) -> Board:
    assert isinstance(chat, Board)
    return chat


async def test_what_is_said_under_a_mark_is_said_once_also_by_another_process(stage: Stage) -> None:
    """The channel is known from an earlier run."""
    earlier = await stage.open().show(state(run_id="r0"), "")
    first = stage.open()
    await first.show(state(run_id="r0"), earlier)
    where = await board(first).post("The fix is out.", SAID)
    again = stage.open()
    await again.show(state(run_id="r0"), earlier)
    assert await board(again).post("The fix is out.", SAID) == where
    assert await board(again).post("Another word.", f"{SAID}0") != where
    posts = [message for message in await stage.read() if "run_id" not in message and "BUG-42" not in message]
    assert len(posts) == 2


async def test_nothing_that_is_said_is_markup_or_calls_anybody(stage: Stage) -> None:
    chat = stage.open()
    where = await board(chat).post(HOSTILE, SAID)
    if stage.says != "Slack":
        assert Path(where).read_text() == f"{HOSTILE}\n"
        return
    (message,) = [json.loads(message) for message in await stage.read()]
    assert not re.search("[<>*_`@]", message["text"])
    (block,) = message["blocks"]
    assert (block["text"]["type"], block["text"]["text"]) == ("plain_text", HOSTILE)
    assert block["text"]["emoji"] is False


async def test_a_board_says_where_it_is(stage: Stage) -> None:
    assert board(stage.open()).place
