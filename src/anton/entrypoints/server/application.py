"""The server's application: every route in its place.

A way in of its own, such as Slack's or the page, is a module with a router and a line in ROUTERS. It works
with the desk (`access.TheDesk`), knows who asks by `access.Who`, and may add a way of being known to
`app.state.doors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI

from anton import __version__
from anton.entrypoints.composition import Check
from anton.entrypoints.page.routes import Doorkeeper, page_routes
from anton.entrypoints.server import events, reference, runs, scrape, status, webhooks
from anton.entrypoints.server.access import Door
from anton.entrypoints.server.catching_up import catching_up
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.guard import Guard
from anton.entrypoints.server.listen import is_own
from anton.entrypoints.server.measuring import WebhookMeter
from anton.entrypoints.server.problems import answer_with_problems
from anton.entrypoints.server.slack import routes as slack_routes
from anton.entrypoints.server.slack import slack_app, socket_mode, workspace_of
from anton.entrypoints.server.slack_workspace import Workspace

ROUTERS: Sequence[APIRouter] = (
    status.router,
    scrape.router,
    runs.router,
    events.router,
    webhooks.router(),
    reference.router,
)


def application(
    desk: Desk, tokens: Mapping[str, str], sides: Sequence[Check] = (), hosts: Sequence[str] = ()
) -> FastAPI:
    """The ASGI application.

    Args:
        desk: What the routes work with; it works runs off while the application is up.
        tokens: Of the API: identity of who holds it → token.
        sides: What start-up found of each port.
        hosts: Names of this server besides `localhost` and the public URL's.
    """
    app = FastAPI(
        title="Anton",
        version=__version__,
        summary="An autonomous on-call engineer: bugs in, proved fixes before a person, pull requests out.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        strict_content_type=True,
    )
    app.state.desk, app.state.tokens, app.state.sides = desk, tokens, sides
    app.state.open_metrics = _may_show_metrics(desk, hosts)
    doors: list[Door] = []
    app.state.doors = doors
    app.include_router(page_routes(Doorkeeper(desk, desk.serving.key(), tokens)))
    app.state.slack = app.state.workspace = None
    if (access := desk.serving.slack) is not None:
        app.state.workspace = workspace_of(access)
        app.state.slack = slack_app(desk, access, app.state.workspace)
        app.include_router(slack_routes(app.state.slack))
    for router in ROUTERS:
        app.include_router(router)
    answer_with_problems(app)
    public = urlsplit(desk.serving.public_url)
    app.add_middleware(
        Guard,
        hosts={host.lower() for host in (*hosts, public.hostname or "") if host},
        origins={f"{public.scheme}://{public.netloc}"} if public.netloc else set(),
    )
    app.add_middleware(WebhookMeter, metrics=desk.metrics, senders=_senders())
    return app


def _senders() -> tuple[str, ...]:
    return ("slack", *(sender.name for sender in webhooks.SENDERS))


def _may_show_metrics(desk: Desk, hosts: Sequence[str]) -> bool:
    """Whether metrics are shown to anybody: wished, and nobody but this machine reaches the server."""
    serving = desk.serving
    return serving.open_metrics and not serving.public_url and all(map(is_own, hosts))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    async with desk.open(), catching_up(desk), _beside(app), AsyncExitStack() as held:
        if desk.serving.slack is not None and desk.serving.slack.app_token:
            await held.enter_async_context(socket_mode(app.state.slack, desk.serving.slack.app_token))
        yield


@asynccontextmanager
async def _beside(app: FastAPI) -> AsyncIterator[None]:
    """Learn which workspace of Slack's is listened to, while everything else works already."""
    workspace: Workspace | None = app.state.workspace
    async with asyncio.TaskGroup() as group:
        learning = group.create_task(workspace.learn(), name="workspace") if workspace else None
        try:
            yield
        finally:
            if learning is not None:
                learning.cancel()
