"""Payloads as the senders' documentation has them, shortened to the fields that could matter."""

from __future__ import annotations

import copy
from typing import Any

SLACK = {
    "token": "gIkuvaNzQIHg97ATvDxqgjtO",
    "team_id": "T0001",
    "team_domain": "example",
    "enterprise_id": "E0001",
    "channel_id": "C2147483705",
    "channel_name": "test",
    "user_id": "U2147483697",
    "user_name": "Steve",
    "command": "/oncall",
    "text": "Checkout fails for guests &amp; <https://shop.example/cart|the cart> is emptied\n"
    "Since *Tuesday*.",
    "response_url": "https://hooks.slack.com/commands/1234/5678",
    "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    "api_app_id": "A123456",
}

JIRA_CREATED: dict[str, Any] = {
    "timestamp": 1525698237764,
    "webhookEvent": "jira:issue_created",
    "issue_event_type_name": "issue_created",
    "user": {"accountId": "99:27935d01", "displayName": "Sue", "accountType": "atlassian"},
    "issue": {
        "id": "10002",
        "self": "https://your-domain.atlassian.net/rest/api/2/issue/10002",
        "key": "ED-1",
        "fields": {
            "summary": "Checkout fails for guests",
            "description": "h2. Steps\n# Put a book into the cart\n# Pay as a guest",
            "priority": {"name": "High", "id": "2"},
            "components": [{"name": "checkout"}, {"name": "payments"}],
            "labels": ["bug", "anton"],
            "reporter": {"accountId": "99:1", "displayName": "Jo"},
            "status": {"name": "To Do", "statusCategory": {"key": "new", "name": "To Do"}},
            "issuetype": {"name": "Bug"},
            "project": {"key": "ED"},
            "assignee": None,
            "customfield_10010": None,
        },
    },
}


def jira_updated(*items: dict[str, Any], changelog: str = "10124") -> dict[str, Any]:
    """The same issue, with these changes."""
    event = copy.deepcopy(JIRA_CREATED)
    event |= {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic"}
    event["changelog"] = {"id": changelog, "items": list(items)}
    return event


LABELED = {"field": "labels", "fieldId": "labels", "fromString": "bug", "toString": "bug anton"}
TRANSITION = {"field": "status", "from": "1", "fromString": "To Do", "to": "3", "toString": "In Progress"}
SUMMARY = {"field": "summary", "fromString": "What?", "toString": "Checkout fails for guests"}

SENTRY_ALERT: dict[str, Any] = {
    "action": "triggered",
    "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
    "data": {
        "event": {
            "culprit": "?(<anonymous>)",
            "environment": None,
            "exception": {
                "values": [
                    {
                        "stacktrace": {
                            "frames": [
                                {
                                    "abs_path": "https://static.jsbin.com/js/prod/runner-4.1.7.min.js",
                                    "context_line": "{snip} e(a.old),a.active=b {snip}",
                                    "filename": "/js/prod/runner-4.1.7.min.js",
                                    "function": None,
                                    "lineno": 1,
                                    "vars": None,
                                },
                                {
                                    "context_line": None,
                                    "filename": "<anonymous>",
                                    "function": "heck",
                                    "lineno": 3,
                                },
                            ]
                        },
                        "type": "ReferenceError",
                        "value": "heck is not defined",
                    }
                ]
            },
            "issue_url": "https://sentry.io/api/0/issues/1117540176/",
            "issue_id": "1117540176",
            "level": "error",
            "message": "",
            "platform": "javascript",
            "project": 1,
            "release": None,
            "tags": [["browser", "Chrome 75.0.3770"]],
            "title": "ReferenceError: heck is not defined",
            "web_url": "https://sentry.io/organizations/test-org/issues/1117540176/events/e4874d664c3540c1/",
        },
        "triggered_rule": "Very Important Alert Rule!",
    },
    "installation": {"uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},
}

SENTRY_ISSUE: dict[str, Any] = {
    "action": "created",
    "data": {
        "issue": {
            "id": "1170820242",
            "shortId": "IPE-1",
            "title": "Error #1: This is a test error!",
            "culprit": "SentryCustomError(frontend/src/util)",
            "permalink": None,
            "web_url": "https://sentry.io/organizations/test-org/issues/1170820242/",
            "level": "error",
            "status": "unresolved",
            "project": {"id": "1", "name": "Front End", "slug": "front-end"},
            "count": "1",
            "userCount": 0,
            "firstSeen": "2022-04-04T18:17:18.320000Z",
        }
    },
}

PAGERDUTY: dict[str, Any] = {
    "event": {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": "2020-10-02T18:45:22.169Z",
        "agent": {"html_url": "https://acme.pagerduty.com/users/PLH1HKV", "summary": "Tenex Engineer"},
        "client": {"name": "PagerDuty"},
        "data": {
            "id": "PGR0VU2",
            "type": "incident",
            "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
            "number": 2,
            "status": "triggered",
            "incident_key": "d3640fbd41094207a1c11e58e46b1662",
            "created_at": "2020-04-09T15:16:27Z",
            "title": "A little bump in the road",
            "service": {"id": "PF9KMXH", "summary": "API Service", "type": "service_reference"},
            "assignees": [{"id": "PTUXL6G", "summary": "User 123"}],
            "priority": {"id": "PSO75BM", "summary": "P1"},
            "urgency": "high",
            "conference_bridge": None,
            "resolve_reason": None,
        },
    }
}

ALERTMANAGER: dict[str, Any] = {
    "receiver": "sms",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "ProbeFailure", "instance": "https://a.example", "severity": "critical"},
            "annotations": {"description": "https://a.example has been down for over 5m.", "summary": "Down"},
            "startsAt": "2023-02-06T13:08:45.828Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=probe_success",
            "fingerprint": "1a30ba71cca2921f",
        }
    ],
    "groupLabels": {"alertname": "ProbeFailure"},
    "commonLabels": {"alertname": "ProbeFailure", "severity": "critical", "repository": "octo/shop"},
    "commonAnnotations": {"summary": "BlackBox Probe Failure: https://a.example"},
    "externalURL": "http://prometheus.example.org:9093",
    "version": "4",
    "groupKey": '{}/{severity="critical"}:{alertname="ProbeFailure"}',
    "truncatedAlerts": 0,
}

GENERIC: dict[str, Any] = {
    "id": "deploy-7",
    "title": "Checkout fails",
    "description": "Since the deployment.",
    "reporter": "smoke test",
    "url": "https://ci.example/7",
    "labels": ["bug"],
    "repository": "octo/shop",
    "branch": "main",
}

_REPOSITORY = {"id": 35129377, "name": "shop", "full_name": "octo/shop", "default_branch": "main"}
_SENDER = {"login": "kim", "type": "User"}
ISSUE: dict[str, Any] = {
    "number": 12,
    "title": "Checkout fails for guests",
    "body": "Pay as a guest.",
    "html_url": "https://github.com/octo/shop/issues/12",
    "state": "open",
    "user": {"login": "jo", "type": "User"},
    "labels": [{"name": "bug"}, {"name": "anton"}],
}

GITHUB_LABELED: dict[str, Any] = {
    "action": "labeled",
    "issue": ISSUE,
    "label": {"name": "Anton"},
    "repository": _REPOSITORY,
    "sender": _SENDER,
}

GITHUB_COMMENT: dict[str, Any] = {
    "action": "created",
    "issue": ISSUE,
    "comment": {
        "body": "/anton look at the guest's session",
        "author_association": "MEMBER",
        "user": {"login": "kim", "type": "User"},
    },
    "repository": _REPOSITORY,
    "sender": _SENDER,
}

GITHUB_WORKFLOW: dict[str, Any] = {
    "action": "completed",
    "workflow_run": {
        "id": 30433642,
        "name": "CI",
        "event": "push",
        "conclusion": "failure",
        "head_branch": "main",
        "head_sha": "acb5820ced9479c074f688cc328bf03f341a511d",
        "html_url": "https://github.com/octo/shop/actions/runs/30433642",
        "head_commit": {"message": "Let guests pay\n\nAt last."},
        "head_repository": {"id": 35129377},
    },
    "repository": _REPOSITORY,
    "sender": _SENDER,
}

GITHUB_MERGED: dict[str, Any] = {
    "action": "closed",
    "pull_request": {
        "merged": True,
        "html_url": "https://github.com/octo/shop/pull/13",
        "head": {"ref": "fix/bug-42-r1"},
    },
    "repository": _REPOSITORY,
    "sender": _SENDER,
}
