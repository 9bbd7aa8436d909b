"""Operations that reach outside, each fault, without a run: a plain error, bounded in time and size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import httpx2
import pytest
from aiohttp import web

from anton.adapters.chat.slack import SlackChat
from anton.adapters.chat.slack_api import Waiting as SlackWaiting
from anton.adapters.ci.github import GitHubCI
from anton.adapters.forge.github import GitHubForge
from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import PersonalToken
from anton.adapters.github.patience import Patience as GitHubPatience
from anton.adapters.github.place import GitHubPlace
from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.refusal import Patience as ModelPatience
from anton.adapters.tracker.jira import JiraTracker
from anton.adapters.tracker.jira_site import JiraSite
from anton.adapters.tracker.jira_site import Waiting as JiraWaiting
from anton.core.errors import OutsideError
from anton.core.event import Entry, RunReceived
from anton.core.message import UserMessage
from anton.core.run import fold
from anton.core.ticket import Ticket
from anton.ports import ModelRequest, PullRequestDraft
from tests.adapters.github.server import Faulty
from tests.counterparts import jira, slack
from tests.counterparts.weather import FAULTS, Weather
from tests.faults.sentences import assert_plain
from tests.faults.test_first_tries import MOST_TAKEN

ANSWER_SECONDS = 0.2
TICKET = Ticket("SHOP-7", "To-dos come back", "They do.", "dana", "jira")
RECEIVED = RunReceived(TICKET, "/srv/shop", "", "", "/srv/reports", "dana")
STATE = fold([Entry("r1", 1, datetime(2026, 11, 25, 2, 13, tzinfo=UTC), RECEIVED)])
HARMLESS = "other type, done"
Operation = Callable[[], Awaitable[object]]


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def served(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], weather: Weather
) -> AsyncIterator[str]:
    """A handler on loopback, with a weather."""
    application = web.Application(middlewares=weather.middlewares)
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        yield f"http://127.0.0.1:{await weather.listen(runner)}"
    finally:
        await runner.cleanup()


async def slack_operations(stack: AsyncExitStack, weather: Weather) -> dict[str, Operation]:
    server = await stack.enter_async_context(slack.slack_server(weather))
    waiting = SlackWaiting(answer_seconds=ANSWER_SECONDS, sleep=at_once)
    chat = SlackChat(slack.TOKEN, slack.CHANNEL_ID, b"k" * 32, base_url=server.url, waiting=waiting)
    return {
        "prove": chat.prove,
        "show": lambda: chat.show(STATE, ""),
        "post": lambda: chat.post("Hello", "marker"),
    }


async def jira_operations(stack: AsyncExitStack, weather: Weather) -> dict[str, Operation]:
    site = jira.Jira()
    site.put(TICKET.key)
    await stack.enter_async_context(jira.serving(site, weather))
    waiting = JiraWaiting(answer_seconds=ANSWER_SECONDS, sleep=at_once)
    tracker = JiraTracker(JiraSite(site.base_url, jira.EMAIL, jira.TOKEN, waiting))
    return {
        "prove": tracker.prove,
        "get": lambda: tracker.get(TICKET.key),
        "start": lambda: tracker.start(TICKET),
        "close": lambda: tracker.close(TICKET, "https://example.com/1"),
        "comment": lambda: tracker.comment(TICKET, "Hello", "marker"),
    }


async def github_operations(stack: AsyncExitStack, weather: Weather) -> dict[str, Operation]:
    faulty = Faulty()
    faulty.url = await stack.enter_async_context(served(faulty.answer, weather))
    client = await stack.enter_async_context(httpx2.AsyncClient(follow_redirects=False, trust_env=False))
    patience = GitHubPatience(repeats=2, answer_seconds=ANSWER_SECONDS, sleep=at_once)
    calls = GitHub(GitHubPlace(faulty.url), client, PersonalToken("ghp_secret"), patience)
    forge, ci = GitHubForge(calls, "ann/shop"), GitHubCI(calls, "ann/shop")
    draft = PullRequestDraft(
        head="fix/shop-7-r1",
        base="main",
        commit="a" * 40,
        title="Keep them",
        body="",
        labels=("bug",),
        remote=f"{faulty.url}/ann/shop.git",
    )
    return {
        "prove": forge.prove,
        "open_pull_request": lambda: forge.open_pull_request(draft),
        "discussion": lambda: forge.discussion(7),
        "search_code": lambda: forge.search_code("toggle", 5),
        "status": lambda: ci.status("a" * 40),
        "read": lambda: ci.read("5"),
    }


async def model_operations(stack: AsyncExitStack, weather: Weather) -> dict[str, Operation]:
    async def nothing(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'data: {"choices": []}\n\n', content_type="text/event-stream")

    url = await stack.enter_async_context(served(nothing, weather))
    patience = ModelPatience(repeats=2, sleep=at_once)
    model = ChatCompletionsModel(f"{url}/v1", "key", "m", idle_seconds=ANSWER_SECONDS, patience=patience)
    stack.push_async_callback(model.close)

    async def stream() -> None:
        async for _ in model.stream(ModelRequest("code", (UserMessage("Hello"),), ())):
            pass

    return {"stream": stream}


SERVICES = {
    "slack": slack_operations,
    "jira": jira_operations,
    "github": github_operations,
    "model": model_operations,
}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != HARMLESS])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_is_down_is_an_error_outside_in_plain_words(
    service: str, fault: str, caplog: pytest.LogCaptureFixture, record_property: Callable[[str, object], None]
) -> None:
    weather, said = Weather(), dict[str, str]()
    async with AsyncExitStack() as stack:
        operations = await SERVICES[service](stack, weather)
        await weather.worsen(fault)
        for name, operation in operations.items():
            with pytest.raises(OutsideError) as failed:
                await operation()
            said[name] = str(failed.value)
    assert_plain(said.values(), caplog)
    assert weather.sent < MOST_TAKEN
    record_property("cells", len(weather.dealt))
