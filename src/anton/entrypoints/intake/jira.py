"""Webhooks of Jira: an issue was created or changed.

An issue starts one run, at the first event that tells of it. It starts another one when somebody puts the
label on it again that Anton listens to. What Anton does to an issue itself, a comment and a transition, is
among what starts nothing whoever does it.

Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.entrypoints.intake.taken import (
    Ignored,
    Listed,
    Payload,
    Taken,
    Words,
    delivery_of,
    read,
    ticket_of,
    who,
)

REPORTS = frozenset(
    {
        *("summary", "description", "environment", "labels", "priority", "issuetype", "component"),
        *("components", "project", "key", "fix version", "versions"),
    }
)
"""Fields whose change is news of the bug; all others, such as status or assignee, are about the work."""


@dataclass(frozen=True, slots=True)
class JiraRules:
    """Which issues are Anton's."""

    label: str = ""
    """Only issues with this label start a run; empty: all that the webhook tells of."""


class _Named(Payload):
    name: Words = ""


class _Person(Payload):
    account: Words = Field(default="", alias="accountId")
    name: Words = Field(default="", alias="displayName")


class _Category(Payload):
    key: Words = ""


class _Status(Payload):
    category: _Category | None = Field(default=None, alias="statusCategory")


class _Fields(Payload):
    summary: Words = ""
    description: object = None
    priority: _Named | None = None
    components: Annotated[tuple[_Named, ...], Listed] = ()
    labels: Annotated[tuple[Words, ...], Listed] = ()
    reporter: _Person | None = None
    status: _Status | None = None


class _Issue(Payload):
    id: Words = ""
    key: Words = ""
    link: Words = Field(default="", alias="self")
    fields: _Fields = _Fields()


class _Change(Payload):
    field: Words = ""
    before: Words = Field(default="", alias="fromString")
    after: Words = Field(default="", alias="toString")


class _Changelog(Payload):
    id: Words = ""
    items: Annotated[tuple[_Change, ...], Listed] = ()


class _Event(Payload):
    kind: Words = Field(default="", alias="webhookEvent")
    user: _Person | None = None


class _IssueEvent(_Event):
    issue: _Issue
    changelog: _Changelog | None = None


def jira(identifier: str, payload: object, rules: JiraRules) -> Taken | Ignored:
    """The issue that a webhook tells of; its description may be less than what Jira itself gives.

    Args:
        identifier: X-Atlassian-Webhook-Identifier, the same for a webhook that is sent again; may be empty.
        payload: The parsed body.
        rules: Which issues start a run.

    Raises:
        UsageError: it is no webhook of Jira, or the issue says nothing.
    """
    kind = read(_Event, payload, "Jira").kind
    if not kind:
        raise UsageError("this is no payload of Jira: webhookEvent is missing")
    if kind not in ("jira:issue_created", "jira:issue_updated"):
        return Ignored(f"only issues that are created or updated start a run, not {kind[:60]!r}")
    event = read(_IssueEvent, payload, "Jira")
    issue, changes = event.issue, event.changelog.items if event.changelog else ()
    if not issue.key or not issue.id:
        raise UsageError("this is no payload of Jira: issue.id and issue.key are needed")
    asked = kind == "jira:issue_updated" and _label_added(changes, rules.label)
    if reason := _why_not(event, rules, kind, changes):
        return Ignored(reason)
    site = issue.link.partition("/rest/")[0]
    again = (event.changelog.id if event.changelog else "") or identifier
    parts = (issue.id, again) if asked and again else (issue.id,)
    return Taken(
        _ticket(issue, f"{site}/browse/{issue.key}"),
        delivery_of("jira", site.partition("://")[2], *parts),
        who("jira", event.user.account if event.user else ""),
    )


def _why_not(event: _IssueEvent, rules: JiraRules, kind: str, changes: tuple[_Change, ...]) -> str:
    fields = event.issue.fields
    if fields.status and fields.status.category and fields.status.category.key == "done":
        return "the issue is done"
    if rules.label and rules.label.lower() not in {label.lower() for label in fields.labels}:
        return f"the issue does not have the label {rules.label!r}"
    if kind == "jira:issue_updated" and not any(c.field.lower() in REPORTS for c in changes):
        return "what was changed says nothing new of the bug"
    return ""


def _label_added(changes: tuple[_Change, ...], label: str) -> bool:
    wanted = label.lower()
    return bool(wanted) and any(
        change.field.lower() == "labels"
        and wanted in change.after.lower().split()
        and wanted not in change.before.lower().split()
        for change in changes
    )


def _ticket(issue: _Issue, url: str) -> Ticket:
    fields = issue.fields
    return ticket_of(
        title=fields.summary,
        body=fields.description if isinstance(fields.description, str) else "",
        key=issue.key,
        source="jira",
        reporter=fields.reporter.name if fields.reporter else "",
        url=url,
        labels=fields.labels,
        facts={
            "Priority": fields.priority.name if fields.priority else "",
            "Components": ", ".join(component.name for component in fields.components),
        },
    )
