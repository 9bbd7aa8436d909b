"""A chat that was down is told of every run once it is back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from anton.adapters.chat.slack import SlackChat
from tests.counterparts.slack import CHANNEL, TOKEN, slack_server
from tests.entrypoints.server.served import KEY, an_anton, an_office, served


async def test_a_briefing_of_an_outage_is_posted_when_it_ends(tmp_path: Path) -> None:
    office = an_office(tmp_path)
    async with slack_server() as slack:
        down = SlackChat(TOKEN, CHANNEL, KEY, base_url="http://127.0.0.1:9/api/")
        anton = an_anton(office)
        async with served(replace(anton, world=replace(anton.world, chat=down)), office) as server:
            run = await server.begun()
            await server.until(run, phase="deciding")
            assert not (await server.desk.state(run)).told
        up = SlackChat(TOKEN, CHANNEL, KEY, base_url=slack.url)
        async with (
            served(replace(anton, world=replace(anton.world, chat=up)), office) as server,
            asyncio.timeout(60),
        ):
            while True:
                state = await server.desk.state(run)
                if state.told:
                    break
                await asyncio.sleep(0.05)
        (message,) = slack.roots()
        assert "anton_approve" in str(message)
