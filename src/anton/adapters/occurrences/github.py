"""What happened in a repository on GitHub, told as its webhooks tell it.

A webhook is sent once, so what came while nobody listened is looked for. Where a look ended is kept in a
file, by GitHub's own clock. Questions are conditional, and an answer of 304 costs nothing of the rate limit.
Sources: https://docs.github.com/en/rest/issues/issues#list-repository-issues,
https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-repository,
https://docs.github.com/en/rest/pulls/pulls#list-pull-requests,
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from anton.adapters.github.api import MAX_PAGES, GitHub
from anton.core.errors import OutsideError
from anton.ports.occurrences import Look, Occurrence, OccurrenceKind
from anton.system.files import replace_file

FIRST_LOOK = timedelta(days=1)
"""How far back the first look of all goes for issues."""
LONGEST_JOB = timedelta(hours=6)
"""A workflow run that began before one that was seen may end after it; GitHub ends a job after six hours."""
A_PAGE = 100
"""Most that GitHub puts on one."""


def _in_the_calendar(moment: str) -> str:
    datetime.fromisoformat(moment)
    return moment


Clock = Annotated[
    str,
    Field(pattern=r"^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$"),
    AfterValidator(_in_the_calendar),
]
"""A moment as GitHub writes it: two of them are ordered as texts are."""
Raw = Mapping[str, Any]
S = TypeVar("S", bound=BaseModel)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class _Mark(_Shape):
    """Where a look ended."""

    since: Clock
    began: Clock
    """The first look of all."""
    etag: str = ""
    """Of the answer to the same question; empty where the question is a new one."""


class _Repository(_Shape):
    id: int
    default_branch: str


class _Account(_Shape):
    login: str = ""


class _Issue(_Shape):
    number: int
    updated_at: Clock
    html_url: str = ""
    pull_request: object = None


class _Name(_Shape):
    name: str = ""


class _Event(_Shape):
    event: str = ""
    label: _Name | None = None
    actor: _Account | None = None


class _Head(_Shape):
    id: int | None = None


class _Run(_Shape):
    workflow_id: int
    created_at: Clock
    event: str = ""
    html_url: str = ""
    head_repository: _Head | None = None
    triggering_actor: _Account | None = None


class _Pull(_Shape):
    updated_at: Clock
    merged_at: Clock | None = None


_MARKS = TypeAdapter(dict[str, dict[str, _Mark]])
"""Repository → question → where its look ended."""


class GitHubOccurrences:
    """The Occurrences port on one repository of GitHub's.

    Args:
        github: With a credential.
        repository: `owner/repo`.
        labels: Of issues.
        file: Where it is kept how far was looked.
        now: The time.
    """

    def __init__(
        self,
        github: GitHub,
        repository: str,
        labels: Sequence[str],
        file: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._github = github
        self._names = {"repository": repository}
        self._key = f"{github.place.api}/{repository}"
        self._labels = labels
        self._file = file
        self._now = now

    @property
    def description(self) -> str:
        """Where it is looked."""
        return f"{self._names['repository']} at {self._github.place.web}"

    async def look(self, kind: OccurrenceKind, known: Container[str]) -> Look:
        """What happened since the last look of this kind that was kept; see the port.

        Raises:
            OutsideError: GitHub is out of reach or refused.
        """
        marks = await asyncio.to_thread(self._kept)
        repository = await self._github.get("/repos/{repository}", self._names)
        found: list[Occurrence] = []
        if kind == "issues":
            for label in self._labels:
                question = f"issues/{label}"
                told, marks[question] = await self._issues(label, marks.get(question), repository, known)
                found += told
        elif kind == "workflow_runs":
            found, marks[kind] = await self._failures(marks.get(kind), repository, known)
        else:
            found, marks[kind] = await self._merges(marks.get(kind), repository)
        mine = {name: mark.model_dump() for name, mark in marks.items() if name.startswith(kind)}
        return Look(kind, tuple(found), json.dumps(mine))

    async def keep(self, look: Look) -> None:
        """Have the next look of that kind go on where this one ended; see the port.

        Raises:
            OutsideError: it cannot be written down.
        """
        try:
            await asyncio.to_thread(self._keep, json.loads(look.mark))
        except OSError as error:
            raise OutsideError(
                f"{str(self._file)!r} cannot be written: {error.strerror}; the same will be looked for again"
            ) from error

    async def _issues(
        self, label: str, mark: _Mark | None, repository: Raw, known: Container[str]
    ) -> tuple[list[Occurrence], _Mark]:
        """Open issues with a label, from the one that was changed least recently on."""
        mark = mark or self._first(FIRST_LOOK)
        asked = {"labels": label, "state": "open", "since": mark.since, "sort": "updated", "direction": "asc"}
        answer = await self._listed("/repos/{repository}/issues", mark, asked)
        if answer is None:
            return [], mark
        listed, etag = answer
        found = []
        for raw, issue in _each(_Issue, listed):
            if issue.pull_request is None and issue.html_url not in known:
                told = {"action": "labeled", "label": {"name": label}, "issue": raw, "repository": repository}
                sender = await self._labeler(issue.number, label)
                found.append(Occurrence("issues", {**told, "sender": sender}))
        newest = max((issue.updated_at for _, issue in _each(_Issue, listed)), default=mark.since)
        return found, _moved(mark, newest, etag)

    async def _labeler(self, number: int, label: str) -> Raw | None:
        """Who put a label on an issue, the last time.

        GitHub lists the oldest first. None where it does not say, or where so much happened that the last
        time may not have been read: nobody is better than somebody else.
        """
        names = {**self._names, "number": str(number)}
        last = None
        for page in range(1, MAX_PAGES + 1):
            asked = {"per_page": str(A_PAGE), "page": str(page)}
            listed = await self._github.get("/repos/{repository}/issues/{number}/events", names, **asked)
            for _, event in _each(_Event, listed):
                if event.event == "labeled" and event.label and event.label.name.lower() == label.lower():
                    last = event.actor
            if len(listed) < A_PAGE:
                return last.model_dump() if last else None
        return None

    async def _failures(
        self, mark: _Mark | None, repository: Raw, known: Container[str]
    ) -> tuple[list[Occurrence], _Mark]:
        """Of each workflow on the default branch the newest run, whatever it came to.

        Runs for pull requests and forks are passed over, or one of these would hide what is newest.
        """
        mark = mark or self._first()
        home = _valid(_Repository, repository)
        began = max(mark.began, _earlier(mark.since, LONGEST_JOB))
        asked = {"branch": home.default_branch, "status": "completed", "created": f">={began}"}
        answer = await self._listed("/repos/{repository}/actions/runs", mark, asked, within="workflow_runs")
        if answer is None:
            return [], mark
        listed, etag = answer
        newest: dict[int, tuple[Raw, _Run]] = {}
        for raw, run in sorted(_each(_Run, listed), key=lambda each: each[1].created_at):
            own = run.head_repository is not None and run.head_repository.id == home.id
            if own and not run.event.startswith("pull_request"):
                newest[run.workflow_id] = raw, run
        found = [
            Occurrence(
                "workflow_run",
                {
                    "action": "completed",
                    "workflow_run": raw,
                    "repository": repository,
                    "sender": run.triggering_actor.model_dump() if run.triggering_actor else None,
                },
            )
            for raw, run in newest.values()
            if run.html_url not in known
        ]
        last = max((run.created_at for _, run in _each(_Run, listed)), default=mark.since)
        return found, _moved(mark, max(mark.since, last), etag)

    async def _merges(self, mark: _Mark | None, repository: Raw) -> tuple[list[Occurrence], _Mark]:
        """Pull requests that were merged since; one that was only talked of since then is none."""
        mark = mark or self._first()
        asked = {"state": "closed", "sort": "updated", "direction": "desc"}
        answer = await self._listed("/repos/{repository}/pulls", mark, asked, until=mark.since)
        if answer is None:
            return [], mark
        listed, etag = answer
        merged = [
            (raw, pull.merged_at)
            for raw, pull in _each(_Pull, listed)
            if pull.merged_at is not None and pull.merged_at > mark.since
        ]
        found = [
            Occurrence(
                "pull_request",
                {"action": "closed", "pull_request": {**raw, "merged": True}, "repository": repository},
            )
            for raw, _ in merged
        ]
        newest = max((at for _, at in merged), default=mark.since)
        return found, mark.model_copy(update={"since": newest, "etag": etag})  # the question stays the same

    async def _listed(
        self, path: str, mark: _Mark, asked: Mapping[str, str], within: str = "", until: str = ""
    ) -> tuple[list[Raw], str] | None:
        """All pages of a list, and the first one's ETag; None where nothing has changed since the mark.

        Args:
            path: Of the list.
            mark: With the ETag of the answer to the same question.
            asked: The question.
            within: Name of the list in the answer; empty where it is the answer.
            until: No page is read after one that goes back to here.
        """
        question = {**asked, "per_page": str(A_PAGE)}
        first = await self._github.get_if_changed(path, self._names, mark.etag, **question)
        if first is None:
            return None
        answer, etag = first
        found = page = _list_of(answer, within)
        number = 1
        while len(page) == A_PAGE and number < MAX_PAGES and str(page[-1].get("updated_at", until)) >= until:
            number += 1
            answer = await self._github.get(path, self._names, **question, page=str(number))
            page = _list_of(answer, within)
            found = [*found, *page]
        return found, etag

    def _first(self, back: timedelta = timedelta()) -> _Mark:
        at = _written(self._now() - back)
        return _Mark(since=at, began=at)

    def _kept(self) -> dict[str, _Mark]:
        return self._read().get(self._key, {})

    def _read(self) -> dict[str, dict[str, _Mark]]:
        """All that is kept; nothing where the file is missing or damaged: then it is looked as at first."""
        try:
            return _MARKS.validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return {}

    def _keep(self, marks: Mapping[str, Any]) -> None:
        known = self._read()
        mine = {**known.get(self._key, {}), **{name: _Mark(**mark) for name, mark in marks.items()}}
        replace_file(self._file, _MARKS.dump_json({**known, self._key: mine}, indent=1))


def _moved(mark: _Mark, since: str, etag: str) -> _Mark:
    """The mark after a look; another moment makes another question, whose ETag is not known yet."""
    return mark.model_copy(update={"since": since, "etag": etag if since == mark.since else ""})


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _earlier(moment: str, by: timedelta) -> str:
    return _written(datetime.fromisoformat(moment) - by)


def _list_of(answer: object, within: str) -> list[Raw]:
    listed = answer.get(within) if within and isinstance(answer, Mapping) else answer
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise OutsideError("GitHub answered something else than a list. Check github.base_url")
    return listed


def _each(shape: type[S], listed: object) -> list[tuple[Raw, S]]:
    return [(raw, _valid(shape, raw)) for raw in _list_of(listed, "")]


def _valid(shape: type[S], raw: object) -> S:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        raise OutsideError(
            f"GitHub answered something else than what it was asked for ({error.errors()[0]['msg']}). "
            "Check github.base_url"
        ) from error
