"""Webhooks of PagerDuty, version 3: an incident was triggered or reopened.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from pydantic import Field

from anton.core.errors import UsageError
from anton.entrypoints.intake.taken import Ignored, Payload, Taken, Words, delivery_of, read, ticket_of

STARTS = frozenset({"incident.triggered", "incident.reopened"})


class _Reference(Payload):
    summary: Words = ""


class _Incident(Payload):
    id: Words = ""
    number: Words = ""
    title: Words = ""
    url: Words = Field(default="", alias="html_url")
    urgency: Words = ""
    service: _Reference | None = None
    priority: _Reference | None = None
    key: Words = Field(default="", alias="incident_key")
    created_at: Words = ""


class _Kind(Payload):
    id: Words = ""
    kind: Words = Field(default="", alias="event_type")
    agent: _Reference | None = None


class _Envelope(Payload):
    event: _Kind


class _News(_Kind):
    data: _Incident


class _IncidentEnvelope(Payload):
    event: _News


def pagerduty(payload: object) -> Taken | Ignored:
    """The incident that a webhook tells of.

    Raises:
        UsageError: it is no webhook of version 3, or the incident says nothing.
    """
    kind = read(_Envelope, payload, "PagerDuty").event
    if kind.kind not in STARTS:
        return Ignored(f"an event {kind.kind[:60]!r} starts no run")
    event = read(_IncidentEnvelope, payload, "PagerDuty").event
    if not event.id or not event.data.id:
        raise UsageError("this is no payload of PagerDuty: event.id and event.data.id are needed")
    incident = event.data
    ticket = ticket_of(
        title=incident.title,
        body="",
        key=f"PD-{incident.number or incident.id}",
        source="pagerduty",
        reporter=event.agent.summary if event.agent else "PagerDuty",
        url=incident.url,
        facts={
            "Service": incident.service.summary if incident.service else "",
            "Urgency": incident.urgency,
            "Priority": incident.priority.summary if incident.priority else "",
            "Incident key": incident.key,
            "Since": incident.created_at,
        },
    )
    return Taken(ticket, delivery_of("pagerduty", event.id), "pagerduty")
