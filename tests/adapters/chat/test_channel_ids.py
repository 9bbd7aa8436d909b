"""A channel that the settings name by its name: what was posted and not written down is found by its id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.chat.test_slack import KEY, RESOLVED, SAID, state
from tests.counterparts.slack import CHANNEL, CHANNEL_ID, TOKEN, Slack, slack_server

from anton.adapters.chat.channel_ids import ChannelIds
from anton.adapters.chat.slack import SlackChat
from anton.core.errors import OutsideError


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_server() as server:
        yield server


def chat(slack: Slack, file: Path, channel: str = CHANNEL) -> SlackChat:
    """A process that has just been started, on one state folder."""
    return SlackChat(TOKEN, channel, KEY, base_url=slack.url, channel_ids=file)


async def test_a_post_that_was_not_written_down_is_found_by_the_id_of_an_earlier_post(
    slack: Slack, tmp_path: Path
) -> None:
    file = tmp_path / "ids.json"
    await chat(slack, file).show(replace(state(), run_id="r0"), "")
    await chat(slack, file).show(state(), "")  # and killed before its name was written down
    name = await chat(slack, file).show(state(RESOLVED), "")
    assert len(slack.roots()) == 2
    assert CHANNEL_ID in name


async def test_the_very_first_post_is_found_as_well_once_its_answer_has_come(
    slack: Slack, tmp_path: Path
) -> None:
    await chat(slack, tmp_path / "ids.json").show(state(), "")
    await chat(slack, tmp_path / "ids.json").show(state(RESOLVED), "")
    assert len(slack.roots()) == 1


async def test_what_an_agent_said_is_found_by_the_id_as_well(slack: Slack, tmp_path: Path) -> None:
    for _ in range(2):
        await chat(slack, tmp_path / "ids.json").post("The fix is out.", SAID)
    assert len(slack.messages) == 1


async def test_a_run_of_another_channel_leaves_new_runs_in_the_channel_of_the_settings(
    slack: Slack, tmp_path: Path
) -> None:
    shown = chat(slack, tmp_path / "ids.json")
    with pytest.raises(OutsideError, match="channel_not_found"):
        await shown.show(replace(state(), run_id="old"), '{"channel": "C0LD", "posts": {}}')
    slack.calls.clear()
    await shown.show(state(), "")
    assert slack.calls == ["conversations.history", "chat.postMessage"]
    (message,) = slack.roots()
    assert message["metadata"]["event_payload"]["run_id"] == "r1"


async def test_a_channel_given_by_its_id_needs_no_file(slack: Slack, tmp_path: Path) -> None:
    await chat(slack, tmp_path / "ids.json", CHANNEL_ID).show(state(), "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"oncall": 7}', b"\xff"])
async def test_a_damaged_file_is_learned_anew(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ids.json"
    file.write_bytes(content)
    ids = ChannelIds(file)
    assert await ids.id_of("oncall") == "oncall"
    await ids.learn("oncall", "C1")
    assert await ChannelIds(file).id_of("oncall") == "C1"
    assert file.stat().st_mode & 0o077 == 0


async def test_a_file_that_cannot_be_written_keeps_no_post_from_being_made(
    slack: Slack, tmp_path: Path
) -> None:
    await chat(slack, tmp_path / "missing" / "ids.json").show(state(), "")
    assert len(slack.roots()) == 1


async def test_a_name_that_went_to_another_channel_is_learned_anew(tmp_path: Path) -> None:
    ids = ChannelIds(tmp_path / "ids.json")
    await ids.learn("oncall", "C1")
    await ids.learn("oncall", "C2")
    assert await ChannelIds(tmp_path / "ids.json").id_of("oncall") == "C2"


@pytest.mark.parametrize(
    ("channel", "earlier", "messages"),
    [(CHANNEL_ID, False, 1), (CHANNEL, True, 1), (CHANNEL, False, 2)],
    ids=["by its id", "by its name, posted to before", "by its name, posted to for the first time ever"],
)
async def test_the_one_case_left_is_a_first_post_ever_by_a_name_whose_answer_was_lost(
    slack: Slack, tmp_path: Path, channel: str, earlier: bool, messages: int
) -> None:
    """Slack lets a channel be read by its id only, which nobody has told yet."""
    if earlier:
        await chat(slack, tmp_path / "ids.json", channel).show(replace(state(), run_id="r0"), "")
    slack.faults.append(("chat.postMessage", "down_after"))
    with pytest.raises(OutsideError):
        await chat(slack, tmp_path / "ids.json", channel).show(state(), "")
    name = await chat(slack, tmp_path / "ids.json", channel).show(state(RESOLVED), "")
    await chat(slack, tmp_path / "ids.json", channel).show(state(), name)
    of_the_run = [each for each in slack.roots() if each["metadata"]["event_payload"]["run_id"] == "r1"]
    assert len(of_the_run) == messages
