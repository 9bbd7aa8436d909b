"""The tests' own GitHub with issues, workflow runs and merges, which it lists as the real one does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from tests.adapters.github.server import Faulty

REPOSITORY_ID = 42


@dataclass
class Happening(Faulty):
    """Issues, runs and pull requests as its API lists them, with ETags."""

    labeled: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    merged: list[dict[str, Any]] = field(default_factory=list)
    labelers: dict[int, str] = field(default_factory=dict)
    talked_of: dict[int, int] = field(default_factory=dict)
    """Events of an issue after its label."""
    at: datetime = datetime(2026, 11, 25, 2, 0)
    unchanged: int = 0
    """Answers of 304."""
    page: int = 100

    def tick(self) -> str:
        """A moment later."""
        self.at += timedelta(seconds=1)
        return f"{self.at:%Y-%m-%dT%H:%M:%SZ}"

    def label(self, number: int, name: str = "anton", by: str = "kim", **more: object) -> dict[str, Any]:
        """An issue gets a label."""
        issue = {
            "number": number,
            "title": "To-dos come back",
            "body": "Tapping Done twice brings them back.",
            "html_url": f"https://github.example/{self.repository}/issues/{number}",
            "state": "open",
            "user": {"login": "jo"},
            "labels": [{"name": name}],
            "updated_at": self.tick(),
            **more,
        }
        self.labelers[number] = by
        self.labeled = [each for each in self.labeled if each["number"] != number] + [issue]
        return issue

    def ran(self, number: int, conclusion: str = "failure", **more: object) -> dict[str, Any]:
        """A workflow ended."""
        run = {
            "id": number,
            "workflow_id": 1,
            "name": "CI",
            "event": "push",
            "status": "completed",
            "conclusion": conclusion,
            "head_branch": "main",
            "head_sha": "a" * 40,
            "html_url": f"https://github.example/{self.repository}/actions/runs/{number}",
            "head_commit": {"message": "Let guests pay"},
            "head_repository": {"id": REPOSITORY_ID},
            "triggering_actor": {"login": "sam"},
            "created_at": self.tick(),
            **more,
        }
        self.runs.insert(0, run)
        return run

    def merge(self, branch: str, url: str, **more: object) -> dict[str, Any]:
        """A pull request is merged."""
        at = self.tick()
        pull = {"html_url": url, "head": {"ref": branch}, "merged_at": at, "updated_at": at, **more}
        self.merged.insert(0, pull)
        return pull

    async def _done(self, key: str, request: web.Request) -> web.Response:
        match key.split("/"):
            case ["GET "]:
                name = self.repository.partition("/")[2]
                told: Any = {
                    "id": REPOSITORY_ID,
                    "name": name,
                    "full_name": self.repository,
                    "default_branch": "main",
                }
            case ["GET ", "issues"]:
                told = self._piece(request, self._issues(request))
            case ["GET ", "issues", number, "events"]:
                label = next(each["labels"][0] for each in self.labeled if each["number"] == int(number))
                actor = {"login": self.labelers[int(number)]}
                events = [{"event": "closed"}, {"event": "labeled", "label": label, "actor": actor}]
                events += [{"event": "mentioned"}] * self.talked_of.get(int(number), 0)
                told = self._piece(request, events)
            case ["GET ", "actions", "runs"]:
                told = {"workflow_runs": self._piece(request, self._runs(request))}
            case ["GET ", "pulls"] if "head" not in request.query:
                told = self._piece(request, self.merged)
            case _:
                return await super()._done(key, request)
        return self._answered(request, told)

    def _issues(self, request: web.Request) -> list[dict[str, Any]]:
        return [
            each
            for each in self.labeled
            if request.query["labels"] in [label["name"] for label in each["labels"]]
            and each["state"] == request.query["state"]
            and each["updated_at"] >= request.query["since"]
        ]

    def _runs(self, request: web.Request) -> list[dict[str, Any]]:
        since = request.query["created"].removeprefix(">=")
        branch = request.query["branch"]
        return [each for each in self.runs if each["created_at"] >= since and each["head_branch"] == branch]

    def _piece(self, request: web.Request, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        start = (int(request.query.get("page", "1")) - 1) * self.page
        return listed[start : start + self.page]

    def _answered(self, request: web.Request, told: object) -> web.Response:
        etag = f'W/"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == etag:
            self.unchanged += 1
            return web.Response(status=304)
        return web.json_response(told, headers={"etag": etag})
