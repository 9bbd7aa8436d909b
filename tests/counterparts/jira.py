"""A Jira of the tests' own: issues that keep what is done to them, workflows of any shape, and bad days.

Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.counterparts.weather import Weather

EMAIL, TOKEN = "anton@example.com", "ATATT3xFfGF0-secret"
ACCOUNT = {"accountId": "712020:anton", "displayName": "Anton", "emailAddress": EMAIL}


@dataclass(frozen=True)
class Step:
    """A transition of a workflow."""

    id: str
    name: str
    to: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What its screen asks for."""


@dataclass(frozen=True)
class Workflow:
    """Status → category, and status → ways out of it."""

    statuses: Mapping[str, str]
    steps: Mapping[str, Sequence[Step]]


SIMPLE = Workflow(
    {"To Do": "new", "In Progress": "indeterminate", "Done": "done"},
    {
        "To Do": (Step("11", "In Progress", "In Progress"), Step("31", "Done", "Done")),
        "In Progress": (Step("12", "To Do", "To Do"), Step("31", "Done", "Done")),
        "Done": (Step("12", "To Do", "To Do"),),
    },
)


@dataclass
class Trouble:
    """What happens to the next requests of a method: an answer in place of the real one, or none."""

    status: int = 503
    times: int = 1
    method: str = ""
    """Only this one; empty: any."""
    path: str = ""
    """Only where the path contains this."""
    headers: Mapping[str, str] = field(default_factory=dict)
    how: Literal["before", "after", "silence", "cut", "garbage"] = "before"
    """Before or after doing what was asked."""

    def fits(self, request: web.Request) -> bool:
        return self.times > 0 and self.method in ("", request.method) and self.path in request.path


@dataclass
class Jira:
    """One site."""

    base_url: str = ""
    workflow: Workflow = SIMPLE
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Key → fields."""
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    moved: list[tuple[str, str, Any]] = field(default_factory=list)
    """Key, status, fields that were filled in."""
    requests: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    def put(self, key: str, status: str = "To Do", **fields: Any) -> None:
        """An issue."""
        self.issues[key] = {"summary": "It breaks", "status": self.status(status), **fields}
        self.comments[key] = []

    def say(
        self, key: str, body: Any, author: str | None = "Kim", created: str = "2026-11-24T10:00:00.000+0000"
    ) -> None:
        """A comment of somebody's."""
        self.comments[key].append(
            {"author": {"displayName": author} if author else None, "body": body, "created": created}
        )

    def status(self, name: str) -> dict[str, Any]:
        return {"name": name, "statusCategory": {"key": self.workflow.statuses[name]}}

    def status_of(self, key: str) -> str:
        """Where an issue stands."""
        return str(self.issues[key]["status"]["name"])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path.removeprefix('/rest/api/3/')}")
        trouble = next((each for each in self.troubles if each.fits(request)), None)
        if trouble is None:
            return await self._answer(request)
        trouble.times -= 1
        if trouble.how == "after":
            await self._answer(request)
        match trouble.how:
            case "silence":
                await asyncio.Event().wait()
            case "cut" if request.transport is not None:
                request.transport.close()
            case "garbage":
                return web.Response(text="<html>Sign in</html>", content_type="text/html")
        said = {"errorMessages": [f"no luck with {TOKEN}"], "errors": {}}
        return web.json_response(said, status=trouble.status, headers=trouble.headers)

    async def _answer(self, request: web.Request) -> web.Response:
        expected = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return web.json_response({"message": "Client must be authenticated"}, status=401)
        parts = request.path.removeprefix("/rest/api/3/").split("/")
        match request.method, parts:
            case "GET", ["myself"]:
                return web.json_response(ACCOUNT)
            case _, ["issue", key, *_] if key not in self.issues:
                words = "Issue does not exist or you do not have permission to see it."
                return web.json_response({"errorMessages": [words], "errors": {}}, status=404)
            case "GET", ["issue", key]:
                return web.json_response({"id": "1", "key": key, "fields": self.issues[key]})
            case "GET", ["issue", key, "comment"]:
                return self._page(key, request.query)
            case "POST", ["issue", key, "comment"]:
                said = await request.json()
                self.say(key, said["body"], "Anton", "2026-11-25T10:00:00.000+0000")
                made = {"id": str(10_000 + len(self.comments[key])), **self.comments[key][-1]}
                return web.json_response(made, status=201)
            case "GET", ["issue", key, "transitions"]:
                return web.json_response({"transitions": [self._offered(step) for step in self._ways(key)]})
            case "POST", ["issue", key, "transitions"]:
                return self._move(key, await request.json())
        return web.json_response({"errorMessages": ["no such thing"]}, status=404)

    def _page(self, key: str, query: Mapping[str, str]) -> web.Response:
        newest = list(reversed(self.comments[key]))
        assert query["orderBy"] == "-created"
        start, most = int(query["startAt"]), min(int(query["maxResults"]), 100)
        page = {"comments": newest[start : start + most], "startAt": start, "total": len(newest)}
        return web.json_response(page)

    def _ways(self, key: str) -> Sequence[Step]:
        return self.workflow.steps.get(self.status_of(key), ())

    def _offered(self, step: Step) -> dict[str, Any]:
        return {"id": step.id, "name": step.name, "to": self.status(step.to), "fields": dict(step.fields)}

    def _move(self, key: str, asked: dict[str, Any]) -> web.Response:
        step = next((each for each in self._ways(key) if each.id == asked["transition"]["id"]), None)
        filled = asked.get("fields", {})
        lacking = step and [n for n, f in step.fields.items() if f.get("required") and n not in filled]
        if step is None or lacking:
            return web.json_response(
                {"errorMessages": [], "errors": {"transition": "is not valid"}}, status=400
            )
        self.issues[key]["status"] = self.status(step.to)
        self.moved.append((key, step.to, filled))
        return web.Response(status=204)


@asynccontextmanager
async def serving(jira: Jira, weather: Weather | None = None) -> AsyncIterator[Jira]:
    """The site, on the loopback."""
    weather = weather or Weather()
    app = web.Application(middlewares=weather.middlewares)
    app.router.add_route("*", "/{path:.*}", jira.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    jira.base_url = f"http://127.0.0.1:{await weather.listen(runner)}"
    try:
        yield jira
    finally:
        await runner.cleanup()
