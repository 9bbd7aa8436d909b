"""Webhooks of Prometheus' Alertmanager, version 4: a group of alerts fires.

Alertmanager says the same again at its repeat interval, and whenever another alert joins the group. A group
is one run from its earliest alert on, until that one has ended and the group fires anew.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Mapping
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
    hexadecimal,
    read,
    ticket_of,
)

MAX_ALERTS = 20
"""Of a group, that are told of one by one."""
NO_FAULTS = frozenset({"none", "info"})
"""Severities that call nobody, such as the alert that always fires to show that alerting works."""


class _Alert(Payload):
    status: Words = ""
    labels: Mapping[str, Words] | None = None
    annotations: Mapping[str, Words] | None = None
    starts_at: Words = Field(default="", alias="startsAt")
    source: Words = Field(default="", alias="generatorURL")


class _Group(Payload):
    version: Words = ""
    status: Words = ""
    key: Words = Field(default="", alias="groupKey")
    receiver: Words = ""
    url: Words = Field(default="", alias="externalURL")
    group_labels: Mapping[str, Words] | None = Field(default=None, alias="groupLabels")
    labels: Mapping[str, Words] | None = Field(default=None, alias="commonLabels")
    annotations: Mapping[str, Words] | None = Field(default=None, alias="commonAnnotations")
    alerts: Annotated[tuple[_Alert, ...], Listed] = ()


def alertmanager(payload: object) -> Taken | Ignored:
    """The group of alerts that a webhook tells of.

    Labels or annotations `repository` and `branch`, where all alerts of the group have them, say what it is
    about.

    Raises:
        UsageError: it is no webhook of version 4, or holds no alert.
    """
    group = read(_Group, payload, "Alertmanager")
    if group.status == "resolved":
        return Ignored("the alerts have ended")
    firing = [alert for alert in group.alerts if alert.status == "firing"]
    if group.status != "firing" or not group.key or not firing:
        raise UsageError(
            "this is no payload of Alertmanager: status, groupKey and at least one firing alert are needed"
        )
    labels = {**(group.group_labels or {}), **(group.labels or {})}
    said = group.annotations or {}
    if labels.get("severity", "").lower() in NO_FAULTS:
        return Ignored(f"the severity {labels['severity'][:60]!r} calls nobody")
    delivery = delivery_of("alertmanager", group.key, min(alert.starts_at for alert in group.alerts))
    name = labels.get("alertname", "Alert")
    ticket = ticket_of(
        title=said.get("summary") or said.get("title") or f"{name} fires",
        body="\n\n".join([said.get("description", ""), *map(_told, firing[:MAX_ALERTS]), _rest(firing)]),
        key=f"{name}-{hexadecimal(delivery)}",
        source="alertmanager",
        reporter="Alertmanager",
        url=said.get("runbook_url") or group.url,
        labels=(f"{key}={value}" for key, value in labels.items()),
    )
    known = {**labels, **said}
    return Taken(
        ticket, delivery, "alertmanager", known.get("repository", "")[:200], known.get("branch", "")[:200]
    )


def _told(alert: _Alert) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in (alert.labels or {}).items())
    said = (alert.annotations or {}).get("description") or (alert.annotations or {}).get("summary", "")
    return "\n".join(part for part in (f"Since {alert.starts_at}: {labels}", said, alert.source) if part)


def _rest(alerts: list[_Alert]) -> str:
    return f"And {len(alerts) - MAX_ALERTS} more." if len(alerts) > MAX_ALERTS else ""
