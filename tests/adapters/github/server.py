"""A GitHub of the tests' own: pull requests, labels, and every way in which the real one fails."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from aiohttp import web

from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import Credential, PersonalToken
from anton.adapters.github.patience import Patience
from anton.adapters.github.place import GitHubPlace

COMMIT = "a" * 40
Answer = Callable[[], web.Response]


def refused(status: int, message: str, **headers: str) -> Answer:
    """An answer as GitHub gives it."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.json_response({"message": message}, status=status, headers=fields)


@dataclass
class Faulty:
    """Behaves like GitHub, until `faults` says otherwise."""

    url: str = ""
    repository: str = "ann/shop"
    pulls: list[dict[str, Any]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    labelled: dict[str, list[str]] = field(default_factory=dict)
    head: str = COMMIT
    """What the branch is at."""
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    faults: dict[str, list[Answer]] = field(default_factory=dict)
    """By method and path: answered in this order in place of the true answer, before anything is done."""
    late_faults: dict[str, list[Answer]] = field(default_factory=dict)
    """The same, after it was done."""
    files: dict[str, web.Response] = field(default_factory=dict)
    """By path: what is answered to a GET of anything else."""

    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """By issue or pull request, oldest first; so are those on code."""
    code_comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    hits: list[dict[str, Any]] = field(default_factory=list)
    """What any search of code finds."""
    searched: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        key = f"{request.method} {request.path.replace(f'/repos/{self.repository}', '')}"
        self.asked.append(key)
        self.tokens.append(request.headers.get("authorization", ""))
        if faults := self.faults.get(key):
            return faults.pop(0)()
        done = await self._done(key, request)
        return late.pop(0)() if (late := self.late_faults.get(key)) else done

    async def _done(self, key: str, request: web.Request) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        match key.split("/"):
            case ["GET ", "pulls"]:
                wanted = request.query["head"].partition(":")[2]
                return web.json_response([each for each in self.pulls if each["branch"] == wanted])
            case ["POST ", "pulls"]:
                return self._opened(body)
            case ["GET ", "pulls", number]:
                return self._pull(int(number))
            case ["GET ", "issues", number]:
                return self._issue(int(number))
            case ["GET ", "issues", number, "comments"]:
                return self._page(self.comments.get(int(number), []), request)
            case ["GET ", "pulls", number, "comments"]:
                newest = self.code_comments.get(int(number), [])[::-1]
                return self._page(newest, request)
            case ["GET ", "labels", name]:
                return (
                    web.json_response({"name": name}) if name in self.labels else refused(404, "Not Found")()
                )
            case ["POST ", "labels"]:
                self.labels.add(body["name"])
                return web.json_response({"name": body["name"]}, status=201)
            case ["POST ", "issues", number, "labels"]:
                self.labelled[number] = body["labels"]
                return web.json_response([{"name": name} for name in body["labels"]])
        if request.path == "/search/code":
            self.searched.append(request.query["q"])
            return web.json_response({"total_count": len(self.hits), "items": self.hits})
        if found := self.files.get(request.path):
            return found
        return refused(404, "Not Found")()

    def _pull(self, number: int) -> web.Response:
        if not 0 < number <= len(self.pulls):
            return refused(404, "Not Found")()
        pull = self.pulls[number - 1]
        head = {**pull["head"], "ref": pull["branch"]}
        return web.json_response({**pull, "head": head, "base": {"ref": pull["base"]}})

    def _issue(self, number: int) -> web.Response:
        if number in self.issues:
            comments = len(self.comments.get(number, []))
            return web.json_response({"number": number, "comments": comments, **self.issues[number]})
        if not 0 < number <= len(self.pulls):
            return refused(404, "Not Found")()
        comments = len(self.comments.get(number, []))
        pull = {**self.pulls[number - 1], "pull_request": {}, "comments": comments}
        return web.json_response(
            {name: value for name, value in pull.items() if name not in ("head", "base")}
        )

    @staticmethod
    def _page(comments: list[dict[str, Any]], request: web.Request) -> web.Response:
        size, page = int(request.query["per_page"]), int(request.query.get("page", "1"))
        return web.json_response(comments[size * (page - 1) : size * page])

    def _opened(self, body: dict[str, Any]) -> web.Response:
        if any(each["branch"] == body["head"] and each["state"] == "open" for each in self.pulls):
            errors = [
                {"resource": "PullRequest", "code": "custom", "message": "A pull request already exists"}
            ]
            return web.json_response({"message": "Validation Failed", "errors": errors}, status=422)
        number = len(self.pulls) + 1
        made = {
            "number": number,
            "html_url": f"{self.url}/{self.repository}/pull/{number}",
            "state": "open",
            "head": {"sha": self.head},
            "branch": body["head"],
            **{name: body[name] for name in ("title", "body", "draft", "base")},
        }
        self.pulls.append(made)
        return web.json_response(made, status=201)


@asynccontextmanager
async def serving(faulty: Faulty) -> AsyncIterator[Faulty]:
    """The server on loopback."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", faulty.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        faulty.url = f"http://{host}:{port}"
        yield faulty
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speaking(
    url: str, waits: list[float] | None = None, credential: Credential | None = None
) -> AsyncIterator[GitHub]:
    """Calls of a server, whose waits are written down instead of waited for."""
    taken = waits if waits is not None else []

    async def sleep(seconds: float) -> None:
        taken.append(seconds)

    async with httpx2.AsyncClient(follow_redirects=False, trust_env=False) as client:
        patience = Patience(sleep=sleep, chance=lambda: 0.5)
        yield GitHub(GitHubPlace(url), client, credential or PersonalToken("ghp_secret"), patience)
