"""Webhooks of a Sentry integration: an issue, or an alert about one.

An issue of Sentry starts one run, however many alerts there are about it, and another one when Sentry says
that it came back.

Source: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from anton.core.errors import UsageError
from anton.entrypoints.intake.taken import (
    Ignored,
    Listed,
    Payload,
    Taken,
    Words,
    delivery_of,
    read,
    ticket_of,
)

MAX_FRAMES = 30
"""Of a stack trace: the innermost are kept."""
_BACK = frozenset({"unresolved", "regression"})


class _Frame(Payload):
    filename: Words = ""
    function: Words = ""
    lineno: Words = ""
    line: Words = Field(default="", alias="context_line")


class _Trace(Payload):
    frames: Annotated[tuple[_Frame | None, ...], Listed] = ()


class _Raised(Payload):
    type: Words = ""
    value: Words = ""
    stacktrace: _Trace | None = None


class _Exceptions(Payload):
    values: Annotated[tuple[_Raised | None, ...], Listed] = ()


class _Occurrence(Payload):
    """An event of Sentry's: the bug happening once."""

    issue: Words = Field(default="", alias="issue_id")
    title: Words = ""
    message: Words = ""
    culprit: Words = ""
    level: Words = ""
    environment: Words = ""
    release: Words = ""
    url: Words = Field(default="", alias="web_url")
    exception: _Exceptions | None = None


class _Project(Payload):
    slug: Words = ""


class _Issue(Payload):
    id: Words = ""
    short: Words = Field(default="", alias="shortId")
    title: Words = ""
    culprit: Words = ""
    level: Words = ""
    count: Words = ""
    first_seen: Words = Field(default="", alias="firstSeen")
    url: Words = Field(default="", alias="web_url")
    permalink: Words = ""
    project: _Project | None = None
    status: Words = ""


class _Alert(Payload):
    event: _Occurrence


class _IssueNews(Payload):
    issue: _Issue


class _Event(Payload):
    action: Words = ""


class _AlertEvent(_Event):
    data: _Alert


class _IssueEvent(_Event):
    data: _IssueNews


def sentry(resource: str, request: str, payload: object) -> Taken | Ignored:
    """The issue that a webhook tells of.

    Args:
        resource: Sentry-Hook-Resource.
        request: Request-ID, another one each time that Sentry has something to say; may be empty.
        payload: The parsed body.

    Raises:
        UsageError: it is no such webhook.
    """
    if resource == "event_alert":
        return _occurred(read(_AlertEvent, payload, "Sentry").data.event)
    if resource == "issue":
        return _news(request, payload)
    return Ignored(f"only issues and alerts about them start a run, not {resource[:60]!r}")


def _occurred(event: _Occurrence) -> Taken:
    if not event.issue:
        raise UsageError("this is no alert of Sentry: data.event.issue_id is missing")
    ticket = ticket_of(
        title=event.title,
        body="\n".join(_traced(event)) or event.message,
        key=f"SENTRY-{event.issue}",
        source="sentry",
        reporter="Sentry",
        url=event.url,
        facts={
            "Where": event.culprit,
            "Level": event.level,
            "Environment": event.environment,
            "Release": event.release,
        },
    )
    return Taken(ticket, delivery_of("sentry", event.issue), "sentry")


def _news(request: str, payload: object) -> Taken | Ignored:
    action = read(_Event, payload, "Sentry").action
    if action != "created" and action not in _BACK:
        return Ignored(f"an issue that is {action[:60]!r} needs no repair")
    issue = read(_IssueEvent, payload, "Sentry").data.issue
    if not issue.id:
        raise UsageError("this is no issue of Sentry: data.issue.id is missing")
    ticket = ticket_of(
        title=issue.title,
        body="",
        key=issue.short or f"SENTRY-{issue.id}",
        source="sentry",
        reporter="Sentry",
        url=issue.url or issue.permalink,
        facts={
            "Where": issue.culprit,
            "Level": issue.level,
            "Project": issue.project.slug if issue.project else "",
            "First seen": issue.first_seen,
            "Times seen": issue.count,
        },
    )
    again = (request,) if action in _BACK and request else ()
    return Taken(ticket, delivery_of("sentry", issue.id, *again), "sentry")


def _traced(event: _Occurrence) -> Iterator[str]:
    """The exceptions as tracebacks; Sentry lists frames and causes from the outermost to the innermost."""
    for raised in event.exception.values if event.exception else ():
        if raised is None:
            continue
        frames = [f for f in (raised.stacktrace.frames if raised.stacktrace else ()) if f is not None]
        if len(frames) > MAX_FRAMES:
            yield f"  ({len(frames) - MAX_FRAMES} outer frames left out)"
        for frame in frames[-MAX_FRAMES:]:
            yield f"  {frame.filename}:{frame.lineno} in {frame.function or '?'}"
            if frame.line.strip():
                yield f"    {frame.line.strip()}"
        yield f"{raised.type}: {raised.value}"
