"""Workflow runs and checks of GitHub.

Sources: https://docs.github.com/en/rest/actions/workflow-runs, https://docs.github.com/en/rest/checks/runs
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from anton.adapters.ci.archive import MAX_PACKED_BYTES, logs_in
from anton.adapters.ci.log import around_failure, failed_tests
from anton.adapters.github.api import GitHub, Invalid, Missing
from anton.core.errors import OutsideError
from anton.ports import CIRun

FAILURES = frozenset({"failure", "timed_out", "startup_failure", "action_required", "cancelled", "error"})


Shape = TypeVar("Shape", bound=BaseModel)


class _Run(BaseModel):
    status: str | None = None
    conclusion: str | None = None
    html_url: str = ""


class _Checks(BaseModel):
    check_runs: list[_Run]


class _Combined(BaseModel):
    state: str
    total_count: int


class GitHubCI:
    """The CI port on GitHub Actions and whatever else reports checks to it.

    Args:
        github: With a credential.
        repository: `owner/repo`.
    """

    def __init__(self, github: GitHub, repository: str) -> None:
        self._github = github
        self._names = {"repository": repository}

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"GitHub Actions of {self._names['repository']}"

    async def read(self, run: str) -> CIRun:
        """What a workflow run came to, by its id, with the tests that its logs say have failed.

        Raises:
            OutsideError: it is out of reach or refused, or its logs cannot be read.
        """
        if not (run.isascii() and run.isdecimal()):
            raise OutsideError(f"{run[:40]!r} is no id of a workflow run")
        names = {**self._names, "run": run}
        found = _valid(_Run, await self._github.get("/repos/{repository}/actions/runs/{run}", names))
        status = _status([found])
        if status != "failure":
            return CIRun(status, found.html_url)
        logs = await asyncio.to_thread(logs_in, await self._packed(names))
        return await asyncio.to_thread(_understood, logs, found.html_url)

    async def _packed(self, names: dict[str, str]) -> bytes:
        content = bytearray()
        async with self._github.download("/repos/{repository}/actions/runs/{run}/logs", names) as chunks:
            async for chunk in chunks:
                content += chunk
                if len(content) > MAX_PACKED_BYTES:
                    raise OutsideError(f"the logs are larger than {MAX_PACKED_BYTES:,} bytes; they were left")
        return bytes(content)

    async def status(self, commit: str) -> CIRun:
        """What the checks of a commit say, without logs; `none` for one that is not there.

        Raises:
            OutsideError: it is out of reach or refused.
        """
        names = {**self._names, "commit": commit}
        try:
            path = "/repos/{repository}/commits/{commit}"
            checks = await self._github.get(f"{path}/check-runs", names, per_page="100")
            combined = await self._github.get(f"{path}/status", names)
        except (Invalid, Missing):  # a commit that was not pushed
            return CIRun("none")
        runs = _valid(_Checks, checks).check_runs
        old = _valid(_Combined, combined)  # of services that report the older statuses
        if old.total_count:
            done = old.state != "pending"
            runs.append(
                _Run(status="completed" if done else "pending", conclusion=old.state if done else None)
            )
        failed = next((run for run in runs if run.conclusion in FAILURES), None)
        return CIRun(_status(runs), failed.html_url if failed else "")


def _status(runs: Iterable[_Run]) -> str:
    known = list(runs)
    if any(run.conclusion in FAILURES for run in known):
        return "failure"
    if any(run.conclusion is None for run in known):
        return "pending"
    return "success" if known else "none"


def _understood(logs: list[str], url: str) -> CIRun:
    failed = tuple(dict.fromkeys(test for log in logs for test in failed_tests(log)))
    if failed:
        return CIRun("failure", url, failed)
    broken = [log for log in logs if "##[error]" in log] or logs[-1:]
    return CIRun("failure", url, log=around_failure(broken[0]) if broken else "")


def _valid(shape: type[Shape], answer: object) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        raise OutsideError("GitHub answered something else than checks. Check github.base_url") from error
