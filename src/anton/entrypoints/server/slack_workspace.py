"""Which Slack workspace is listened to, and what is said to people in it; Slack may be down at any moment.

Whose the bot's token is, Slack is asked at the start, so that nobody has to wait for it who presses a button,
and a decision counts that is made while Slack's own interface is out of order.
"""

from __future__ import annotations

import asyncio
import logging
import random
from http import HTTPStatus

from aiohttp import ClientError
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncRespond
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from anton.core.errors import OutsideError, UsageError
from anton.core.text import one_line
from anton.views.slack.blocks import escaped

ANSWER_SECONDS = 2
"""For one answer while a person waits: Slack shows as failed what takes three."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 120.0
"""Between two questions whose the token is; the wait doubles."""
MAX_SAID_CHARACTERS = 2_500
"""Of one answer to a person."""
OUTAGES = (SlackClientError, ClientError, TimeoutError, OSError, AttributeError, TypeError, ValueError)
"""What slack_sdk raises when Slack is down; the last three because it takes any answer for Slack's own, as it
does a proxy's page."""

logger = logging.getLogger(__name__)


class OtherTeam(UsageError):
    """The request comes from a workspace that is not listened to."""


class Workspace:
    """The only workspace that is listened to.

    Args:
        client: With the bot's token.
        team: Its id; empty for the one that the token is of.
    """

    def __init__(self, client: AsyncWebClient, team: str) -> None:
        self._client = client
        self._team = team

    async def refuse_others(self, team: object) -> None:
        """Let only the workspace pass that the bot's token is of, or that the settings name.

        Raises:
            OtherTeam: it is another one.
            OutsideError: Slack does not say which one it is.
        """
        if not self._team and self._client.token:
            self._team = await self._asked()
        if self._team and team != self._team:
            raise OtherTeam("this Slack workspace is not the one that Anton works for; nothing was done")

    async def learn(self) -> None:
        """Ask whose the token is until it is known, later and later."""
        wait = FIRST_WAIT_SECONDS
        while not self._team and self._client.token:
            try:
                self._team = await self._asked()
            except OutsideError as error:
                logger.warning("%s", error)
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _asked(self) -> str:
        try:
            team = (await self._client.auth_test())["team_id"]
        except OUTAGES as error:
            raise OutsideError(
                f"Slack does not say whose token this is: {worded(error)}; try again"
            ) from error
        if not isinstance(team, str) or not team:
            raise OutsideError(
                "Slack does not say whose token this is; check slack.base_url, or set slack.team"
            )
        return team


def worded(error: Exception) -> str:
    """Why Slack could not be asked, in a few words."""
    if isinstance(error, TimeoutError):
        return f"it did not answer within {ANSWER_SECONDS} seconds"
    if isinstance(error, SlackApiError):
        said = getattr(error.response, "data", None)
        code = said.get("error") if isinstance(said, dict) else None
        return f"it says {one_line(code)[:100]!r}" if isinstance(code, str) else "what answered is not Slack"
    if isinstance(error, AttributeError | TypeError | ValueError):
        return "what answered is not Slack"
    return one_line(str(error))[:300] or type(error).__name__


class Untold(OutsideError):
    """What somebody did was not done, and they could not be told; Slack has to show that it failed."""


async def whisper(respond: AsyncRespond, text: str) -> None:
    """Say something that only the person sees who pressed a button.

    Raises:
        Untold: Slack does not take it.
    """
    if respond.response_url is None:  # as in no request that Slack makes of a button
        return
    said = escaped(text, MAX_SAID_CHARACTERS)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await respond(said, response_type="ephemeral", replace_original=False)
    except OUTAGES as error:
        raise Untold(f"a person could not be told ({worded(error)}): {text}") from error


async def show_as_failed(error: Exception) -> BoltResponse:
    """What Slack hears where something could not be done: it shows the person that it failed."""
    if isinstance(error, OutsideError):
        logger.warning("%s", error)
        return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, body=str(error))
    logger.error("a mistake in Anton", exc_info=error)
    return BoltResponse(status=HTTPStatus.INTERNAL_SERVER_ERROR, body="")
