"""Issues of Jira Cloud as tickets.

Every step finds before it makes, so that it can be done again after a crash: a comment by the marker that
ends it, a transition by where the issue stands.

Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from anton.adapters.tracker.adf import Node, code, doc, link, paragraph, read_adf, text
from anton.adapters.tracker.issue import digest, moment
from anton.adapters.tracker.jira_site import JiraAbsent, JiraRefusal, JiraSite
from anton.adapters.tracker.transitions import Category, Kept, Status, Transition, Way, Words, way_to
from anton.core.errors import OutsideError, UsageError
from anton.core.text import one_line
from anton.core.ticket import Ticket, ticket_from_text, ticket_text
from anton.ports import Sighting

MAX_COMMENTS_READ = 50
"""Of an issue, newest first, that become part of the ticket."""
PAGE = 100
MAX_COMMENTS_SEARCHED = 5_000
"""For Anton's own comment; newest first."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}-[0-9]{1,18}")


class _Named(Kept):
    name: Words = ""


class _Person(Kept):
    account: Words = Field(default="", alias="accountId")
    name: Words = Field(default="", alias="displayName")


Listed = BeforeValidator(lambda value: () if value is None else value)


class _Fields(Kept):
    summary: Words = ""
    description: object = None
    priority: _Named | None = None
    components: Annotated[tuple[_Named, ...], Listed] = ()
    labels: Annotated[tuple[Words, ...], Listed] = ()
    reporter: _Person | None = None
    status: Status = Status()
    updated: Words = ""


class _Issue(Kept):
    key: str
    fields: _Fields


class _Comment(Kept):
    author: _Person | None = None
    body: object = None
    created: Words = ""


class _Made(Kept):
    id: str


class _Comments(Kept):
    comments: tuple[_Comment, ...]
    total: int = 0


class _Transitions(Kept):
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class JiraWorkflow:
    """How a team wants its issues moved."""

    done: Literal["approval", "merge"] = "approval"
    """When an issue becomes done."""
    in_progress: tuple[str, ...] = ()
    """Names of transitions or statuses that are preferred, best first."""
    finished: tuple[str, ...] = ()
    """The same for done."""


K = TypeVar("K", bound=Kept)


class JiraTracker:
    """The Tracker port on a site of Jira Cloud.

    Args:
        site: Where, and in whose name.
        workflow: How issues are moved.
    """

    def __init__(self, site: JiraSite, workflow: JiraWorkflow | None = None) -> None:
        self._site = site
        self._workflow = workflow or JiraWorkflow()

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"Jira ({self._site.base_url} as {self._site.email})"

    async def prove(self) -> str:
        """Who Jira says we are; nothing is changed.

        Raises:
            OutsideError: it is out of reach, or does not take the credentials.
        """
        found = self._as(_Person, await self._site.get("myself"))
        return f"signed in as {found.name or found.account}"

    async def get(self, key: str) -> Ticket:
        """The issue with its newest comments, as a ticket.

        Raises:
            UsageError: there is no such issue, or it says nothing.
            OutsideError: Jira is out of reach or refused.
        """
        return (await self._read(key))[0]

    async def _read(self, key: str) -> tuple[Ticket, _Fields]:
        issue = await self._issue(key)
        fields = issue.fields
        said = [self._told(comment) async for comment in self._comments(issue.key, MAX_COMMENTS_READ)]
        comments = "\n\n".join(["## Comments", *reversed([each for each in said if each])])
        body = [read_adf(fields.description), _facts(fields), comments if any(said) else ""]
        whole = ticket_text(fields.summary, "\n\n".join(part for part in body if part.strip()), {})
        try:
            ticket = ticket_from_text(whole, key=issue.key, source="jira")
        except ValueError:
            raise UsageError(f"the issue {issue.key!r} says nothing: write down what happened") from None
        ticket = replace(
            ticket,
            reporter=one_line(fields.reporter.name)[:100] if fields.reporter else "",
            url=self._url(issue.key),
            labels=tuple(one_line(label)[:100] for label in fields.labels),
        )
        return ticket, fields

    async def reread(self, ticket: Ticket) -> Sighting:
        """The ticket as Jira has it now.

        Raises:
            UsageError: the issue is gone.
            OutsideError: Jira is out of reach or refused.
        """
        known, fields = await self._read(ticket.key)
        status = fields.status
        closed = (one_line(status.name)[:100] or "done") if status.key == "done" else ""
        return Sighting(known, digest(known.title, known.body), closed, moment(fields.updated))

    async def start(self, ticket: Ticket) -> None:
        """Have the issue in progress, by whatever transition its workflow has for that.

        Raises:
            UsageError: the issue is gone or done, or no transition leads there.
            OutsideError: Jira is out of reach or refused.
        """
        status = (await self._issue(ticket.key)).fields.status
        if status.key == "done":
            raise UsageError(f"the issue {ticket.key!r} is {status.name!r} already")
        if status.key != "indeterminate":
            problem = await self._move(ticket.key, "indeterminate", self._workflow.in_progress, status.name)
            if problem:
                raise UsageError(f"the issue {ticket.key!r} stays {status.name!r}: {problem}")

    async def close(self, ticket: Ticket, link: str) -> str:
        """Comment on the issue with the pull request, once, and have it done where an approval does that.

        An issue that is gone, or whose workflow has no such transition for us, is no failure: what is to be
        done by hand is in what is returned.

        Raises:
            OutsideError: Jira is out of reach or refused; to be tried again.
        """
        return await self._conclude(ticket, link, finish=self._workflow.done == "approval")

    async def merged(self, ticket: Ticket, link: str) -> str:
        """Have the issue done, if that was left for when the pull request is merged; where to look.

        Raises:
            OutsideError: Jira is out of reach or refused; to be tried again.
        """
        return await self._conclude(ticket, link, finish=self._workflow.done == "merge")

    async def comment(self, ticket: Ticket, text: str, marker: str) -> str:
        """Comment on the issue, once for each marker.

        Raises:
            UsageError: the issue is gone.
            OutsideError: Jira is out of reach or refused.
        """
        try:
            await self._comment(ticket.key, marker, _plain(text, marker))
        except JiraAbsent as gone:
            raise UsageError(str(gone)) from gone
        return self._url(ticket.key)

    async def finish(self, ticket: Ticket) -> str:
        """Have the issue done, by whichever transition leads there.

        Raises:
            UsageError: the issue is gone, or no transition leads there that we could take.
            OutsideError: Jira is out of reach or refused.
        """
        if problem := await self._finish(ticket):
            raise UsageError(f"the issue {ticket.key!r} was not closed: {problem}")
        return self._url(ticket.key)

    async def _conclude(self, ticket: Ticket, link: str, *, finish: bool) -> str:
        try:
            marker = f"anton-{hashlib.sha256(link.encode()).hexdigest()[:16]}"
            await self._comment(ticket.key, marker, _announcement(link, marker))
        except JiraAbsent:
            return f"the issue {ticket.key} is gone from Jira, or not shown to {self._site.email}"
        where = self._url(ticket.key)
        if not finish:
            return where
        problem = await self._finish(ticket)
        return f"{where} (commented, and not moved: {problem})" if problem else where

    async def _finish(self, ticket: Ticket) -> str:
        try:
            status = (await self._issue(ticket.key)).fields.status
            if status.key == "done":
                return ""
            return await self._move(ticket.key, "done", self._workflow.finished, status.name)
        except UsageError as gone:
            return str(gone)

    async def _issue(self, key: str) -> _Issue:
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key!r} is no key of an issue in Jira, such as BUG-42")
        fields = "summary,description,priority,components,labels,reporter,status"
        try:
            return self._as(_Issue, await self._site.get(f"issue/{key}", {"fields": fields}))
        except JiraAbsent:
            raise UsageError(
                f"there is no issue {key!r} in {self._site.base_url}, or {self._site.email!r} may not see it"
            ) from None

    async def _move(self, key: str, category: Category, names: Sequence[str], now: str) -> str:
        """Take a transition to a category; why not, where there is none."""
        params = {"expand": "transitions.fields"}
        offered = self._as(_Transitions, await self._site.get(f"issue/{key}/transitions", params))
        way = way_to(category, offered.transitions, names, now)
        if not isinstance(way, Way):
            return way
        chosen = {"transition": {"id": way.id}, **({"fields": way.fields} if way.fields else {})}
        try:
            said = await self._site.post(f"issue/{key}/transitions", chosen)
        except JiraRefusal as refusal:
            status = (await self._issue(key)).fields.status
            return "" if status.key == category else str(refusal)
        if said is not None and (await self._issue(key)).fields.status.key != category:
            raise OutsideError(
                f"{self._site.base_url} answered something else than Jira does to a transition"
            )
        return ""

    async def _comment(self, key: str, marker: str, body: Node) -> None:
        async for comment in self._comments(key, MAX_COMMENTS_SEARCHED):
            if marker in read_adf(comment.body):
                return
        self._as(_Made, await self._site.post(f"issue/{key}/comment", {"body": body}))

    async def _comments(self, key: str, most: int) -> AsyncIterator[_Comment]:
        """Newest first."""
        for start in range(0, most, PAGE):
            params: dict[str, str | int] = {
                "orderBy": "-created",
                "startAt": start,
                "maxResults": min(PAGE, most),
            }
            page = self._as(_Comments, await self._site.get(f"issue/{key}/comment", params))
            for comment in page.comments:
                yield comment
            if not page.comments or start + len(page.comments) >= page.total:
                return

    def _told(self, comment: _Comment) -> str:
        """A comment as a part of the ticket; Anton's own is none."""
        said = read_adf(comment.body).strip()
        if not said or re.search(r"`anton-[0-9a-f]{16}`", said):
            return ""
        author = one_line(comment.author.name)[:100] if comment.author else ""
        return f"**{author or 'Somebody'}** ({comment.created[:10]}):\n{said}"

    def _url(self, key: str) -> str:
        return f"{self._site.base_url}/browse/{key}"

    def _as(self, model: type[K], answer: object) -> K:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))[:100]
            at = f" (at {where!r})" if where else ""
            raise OutsideError(
                f"{self._site.base_url} answered something else than Jira does{at}: "
                "is JIRA_BASE_URL its address?"
            ) from None


def _facts(fields: _Fields) -> str:
    named = {
        "Priority": fields.priority.name if fields.priority else "",
        "Components": ", ".join(component.name for component in fields.components),
    }
    return ticket_text("", "", named)


def _announcement(address: str, marker: str) -> Node:
    leads = address.startswith(("https://", "http://"))
    where = link(address, address) if leads else code(address)
    return doc(
        paragraph(text("Anton repaired this; its fix was approved. Pull request: "), where),
        paragraph(code(marker)),
    )


def _plain(words: str, marker: str) -> Node:
    """Words as they are: a text node is no markup, and mentions nobody."""
    return doc(*(paragraph(text(line)) for line in words.split("\n")), paragraph(code(marker)))


def jira_tracker(base_url: str, email: str, token: str, workflow: Mapping[str, Any]) -> JiraTracker:
    """A tracker on a site, as the settings have it; `workflow` holds the fields of a JiraWorkflow."""
    return JiraTracker(JiraSite(base_url, email, token), JiraWorkflow(**workflow))
