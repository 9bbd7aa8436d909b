"""What people do in Slack: `/oncall`, the buttons under a briefing, and the windows that they open.

One set of listeners serves HTTP and Socket Mode. What somebody did is written down before Slack hears that it
was taken: what Slack does not hear of within three seconds it shows as failed, and a person does it again.
Sources: https://docs.slack.dev/interactivity/handling-user-interaction, https://docs.slack.dev/tools/bolt-python
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped
from slack_sdk.web.async_client import AsyncWebClient

from anton.core import person
from anton.core.decision import Answer, Refused, refuse_strangers
from anton.core.errors import AntonError
from anton.core.letter import QuestionReply
from anton.core.run import RunState
from anton.core.seal import Choice, open_choice
from anton.core.secrets import Masker
from anton.entrypoints.composition import SlackAccess
from anton.entrypoints.intake.slack import slack_command
from anton.entrypoints.intake.taken import Ignored
from anton.entrypoints.server.access import desk_of
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.problems import problem
from anton.entrypoints.server.slack_payload import Body, filled_in, malformed, pressed
from anton.entrypoints.server.slack_workspace import (
    ANSWER_SECONDS,
    MAX_SAID_CHARACTERS,
    OUTAGES,
    OtherTeam,
    Workspace,
    show_as_failed,
    whisper,
    worded,
)
from anton.entrypoints.signatures import verify_slack
from anton.views.encode import line
from anton.views.slack.blocks import Block, escaped
from anton.views.slack.message import APPROVE, CHOICE, DECLINE, OPEN_PAGE, REQUEST_CHANGES
from anton.views.slack.modals import ANSWER_VIEW, CHANGES_VIEW, INPUT, answer_window, changes_window
from anton.views.slack.thread import ALLOW, ANSWER, REFUSE

COMMAND = "/oncall"

logger = logging.getLogger(__name__)


def _is_needed(record: logging.LogRecord) -> bool:
    """Bolt reads SLACK_BOT_TOKEN by itself, whatever it is given, and warns that it does not use it."""
    return record.getMessage() != warning_client_prioritized_and_token_skipped()


logger.addFilter(_is_needed)


def workspace_of(access: SlackAccess) -> Workspace:
    """The workspace that is listened to."""
    client = AsyncWebClient(token=access.bot_token, base_url=access.base_url, timeout=ANSWER_SECONDS)
    return Workspace(client, access.team)


def slack_app(desk: Desk, access: SlackAccess, workspace: Workspace) -> AsyncApp:
    """The listeners, ready for requests.

    Args:
        desk: Where runs are begun and decided.
        access: Tokens and secret; a request by HTTP is checked against the secret.
        workspace: All others are refused.
    """
    # its token comes with each request, by `authorize`
    client = AsyncWebClient(base_url=access.base_url, timeout=ANSWER_SECONDS)
    app = AsyncApp(
        client=client,
        authorize=_authorize(access),
        # Socket Mode signs nothing, and `routes` refuses what comes by HTTP where no secret is set.
        signing_secret=access.signing_secret or secrets.token_hex(32),
        request_verification_enabled=True,
        logger=logger,
    )
    listeners = _Listeners(desk, workspace)
    app.error(show_as_failed)
    app.command(COMMAND)(listeners.on_command)
    for action in (APPROVE, DECLINE):
        app.action(action)(listeners.on_decision)
    app.action(REQUEST_CHANGES)(listeners.on_request_changes)
    for action in (ALLOW, REFUSE):
        app.action(action)(listeners.on_permission)
    app.action(ANSWER)(listeners.on_answer)
    app.action(OPEN_PAGE)(listeners.on_link)
    app.view(CHANGES_VIEW)(listeners.on_changes)
    app.view(ANSWER_VIEW)(listeners.on_answer_text)
    return app


def _authorize(access: SlackAccess) -> Callable[..., Awaitable[AuthorizeResult]]:
    """Every request is the one workspace's, and so is the token: nothing has to be asked of Slack first."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=access.bot_token or "xoxb-none"
        )

    return authorize


def routes(app: AsyncApp) -> APIRouter:
    """Where Slack sends what people do; both take whatever Slack sends.

    Nothing in a request is read before it is known to be Slack's, and without a secret none is.
    """
    handler = AsyncSlackRequestHandler(app)
    router = APIRouter(prefix="/webhook/slack", include_in_schema=False)

    async def take(request: Request) -> Response:
        body, access = await request.body(), desk_of(request).serving.slack
        secret = access.signing_secret if access else ""
        verify_slack(secret, request.scope["headers"], body, time.time())
        if reason := malformed(body):
            return problem(HTTPStatus.BAD_REQUEST, reason)
        return await handler.handle(request)

    for name in ("command", "actions"):
        router.add_api_route(f"/{name}", take, methods=["POST"], name=f"webhook_slack_{name}")
    return router


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str) -> AsyncIterator[None]:
    """Listen by Socket Mode for as long as the context is open; a lost connection is made anew."""
    handler = AsyncSocketModeHandler(app, app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


class _Listeners:
    """What each thing that a person does amounts to."""

    def __init__(self, desk: Desk, workspace: Workspace) -> None:
        self._desk = desk
        self._workspace = workspace

    async def on_command(self, ack: AsyncAck, command: Body) -> None:
        """`/oncall text`."""
        try:
            await self._workspace.refuse_others(command.get("team_id"))
            form = {name: value for name, value in command.items() if isinstance(value, str)}
            taken = slack_command(form, self._desk.serving.demo)
            if isinstance(taken, Ignored):
                await ack()
                return
            run_id, begun = await self._desk.take_in(taken)
        except AntonError as error:
            said = self._desk.world.masker.mask(str(error))
            await ack(escaped(said, MAX_SAID_CHARACTERS), response_type="ephemeral")
            return
        ticket = taken.ticket
        base = self._desk.serving.public_url
        where = f"<{base}/runs/{run_id}|run {escaped(run_id)}>" if base else f"run `{escaped(run_id)}`"
        what = "is on it" if begun else "is on that already"
        await ack(
            f"Anton {what}: *{escaped(ticket.key)}* {escaped(ticket.title)}  ·  {where}",
            response_type="in_channel",
        )

    async def on_decision(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Approve, or Decline."""
        _, value = pressed(body)
        if refusal := await self._decided(body, value, ""):
            await whisper(respond, refusal)
        await ack()

    async def on_request_changes(
        self, ack: AsyncAck, body: Body, client: AsyncWebClient, respond: AsyncRespond
    ) -> None:
        """Request Changes opens a window, if there is still something to decide."""
        _, value = pressed(body)

        async def window() -> Block:
            choice = self._choice(value)
            state = await self._heard_on(choice.run_id, body)
            if state.briefing is None or state.briefing.digest != choice.digest:
                raise Refused(
                    f"run {state.run_id} has moved on since this briefing; look at its message again"
                )
            return changes_window(value[CHOICE], state.briefing.headline)

        await _open(window, ack, body, client, respond)

    async def on_changes(self, ack: AsyncAck, body: Body) -> None:
        """The window of Request Changes was sent."""
        value, text = filled_in(body)
        refusal = await self._decided(body, value, text)
        await _answer_window(ack, refusal)

    async def on_permission(self, ack: AsyncAck, body: Body, respond: AsyncRespond) -> None:
        """Allow once, or No."""
        action, value = pressed(body)
        reply = QuestionReply(value.get("question", ""), "", action == ALLOW)
        if refusal := await self._told(body, value, reply):
            await whisper(respond, refusal)
        await ack()

    async def on_answer(
        self, ack: AsyncAck, body: Body, client: AsyncWebClient, respond: AsyncRespond
    ) -> None:
        """Answer opens a window."""
        _, value = pressed(body)
        run_id, question = value.get("run", ""), value.get("question", "")

        async def window() -> Block:
            state = await self._heard_on(run_id, body)
            asked = {q.id: q for agent in state.agents.values() for q in agent.open_questions}
            if question not in asked:
                raise Refused("nobody waits for an answer to that question any more")
            return answer_window(run_id, question, asked[question].text)

        await _open(window, ack, body, client, respond)

    async def on_answer_text(self, ack: AsyncAck, body: Body) -> None:
        """The window of Answer was sent."""
        value, text = filled_in(body)
        refusal = await self._told(body, value, QuestionReply(value.get("question", ""), text))
        await _answer_window(ack, refusal)

    async def on_link(self, ack: AsyncAck, context: AsyncBoltContext) -> None:  # noqa: ARG002
        """A button that opens a page; Slack only wants to hear that it was heard."""
        await ack()

    async def _decided(self, body: Body, value: Mapping[str, str], text: str) -> str:
        """Have a decision written down; returns why not, for the person, where it was not."""
        try:
            choice = self._choice(value)
            given = Answer(choice.verb, await self._who(body), choice.digest, text)
            await self._desk.decide(choice.run_id, lambda _: given)
        except AntonError as error:
            return _plainly(error)
        return ""

    async def _told(self, body: Body, value: Mapping[str, str], reply: QuestionReply) -> str:
        """Have an answer to a question written down; returns why not, where it was not."""
        try:
            who = await self._who(body)
            state = await self._desk.state(value.get("run", ""))
            refuse_strangers(state, who, self._desk.world.approval)
            await self._desk.tell(
                state.run_id, who, reply, f"slack:{who}:{reply.question}:{state.run_id}"[:200]
            )
        except AntonError as error:
            return _plainly(error)
        return ""

    async def _heard_on(self, run_id: str, body: Body) -> RunState:
        """The run, if whoever did it has a say in it.

        Raises:
            UnknownRun: there is none.
            Refused: they have none.
        """
        state = await self._desk.state(run_id)
        refuse_strangers(state, await self._who(body), self._desk.world.approval)
        return state

    def _choice(self, value: Mapping[str, str]) -> Choice:
        """What a button stands for.

        Raises:
            Refused: the button is none that Anton made.
        """
        choice = open_choice(self._desk.serving.key(), value.get(CHOICE, ""))
        if choice is None:
            raise Refused(
                "this button is none that Anton made here, so nothing was done; use a newer message"
            )
        return choice

    async def _who(self, body: Body) -> str:
        """Identity of whoever did it.

        In a channel that workspaces share, whoever presses a button may be a member of another one.

        Raises:
            OtherTeam: they are of a workspace that is not listened to.
        """
        team, user = body.get("team") or {}, body.get("user") or {}
        await self._workspace.refuse_others(team.get("id"))
        await self._workspace.refuse_others(user.get("team_id") or team.get("id"))
        name = user.get("id")
        if not isinstance(name, str) or not name:
            raise OtherTeam("Slack does not say who you are, so nothing was done")
        return person.slack(str(user.get("team_id") or team["id"]), name)


async def _open(
    window: Callable[[], Awaitable[Block]],
    ack: AsyncAck,
    body: Body,
    client: AsyncWebClient,
    respond: AsyncRespond,
) -> None:
    """Open a window for whoever pressed a button, or tell them why there is none."""
    try:
        await client.views_open(trigger_id=str(body.get("trigger_id", "")), view=await window())
    except AntonError as error:
        await whisper(respond, _plainly(error))
        await ack()
    except OUTAGES as error:
        await whisper(respond, f"Slack did not open the window: {worded(error)}; press the button again")
        await ack()
    else:
        await ack()


async def _answer_window(ack: AsyncAck, refusal: str) -> None:
    """Close the window, or say in it what is wrong; the person's words stay in it then."""
    if refusal:
        await ack(response_action="errors", errors={INPUT: refusal[:MAX_SAID_CHARACTERS]})
    else:
        await ack()


def _plainly(error: Exception) -> str:
    """The error for a person, as one line of plain text."""
    return line(Masker().mask(str(error)), MAX_SAID_CHARACTERS)
