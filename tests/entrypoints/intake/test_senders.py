"""What each sender's payload becomes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from anton.core.errors import UsageError
from anton.core.ticket import Ticket
from anton.entrypoints.intake import (
    GitHubRules,
    Ignored,
    JiraRules,
    Merged,
    Taken,
    alertmanager,
    generic,
    github,
    jira,
    pagerduty,
    sentry,
    slack_command,
)
from tests.entrypoints.intake.examples import (
    ALERTMANAGER,
    GENERIC,
    GITHUB_COMMENT,
    GITHUB_LABELED,
    GITHUB_MERGED,
    GITHUB_WORKFLOW,
    JIRA_CREATED,
    LABELED,
    PAGERDUTY,
    SENTRY_ALERT,
    SENTRY_ISSUE,
    SLACK,
    SUMMARY,
    TRANSITION,
    jira_updated,
)

DEMO = Ticket("BUG-42", "To-dos come back", "Tap Done twice.", "Jo", "local", labels=("bug",))
ANY_ISSUE, LABELED_ONLY = JiraRules(), JiraRules(label="anton")


def changed(payload: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The payload with one value replaced, at a path such as `issue.state`."""
    other = copy.deepcopy(payload)
    *outer, last = path.split(".")
    inner: Any = other
    for step in outer:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    inner[last] = value
    return other


def taken(result: Taken | Merged | Ignored) -> Taken:
    assert isinstance(result, Taken), result
    return result


def ignored(result: Taken | Merged | Ignored) -> str:
    assert isinstance(result, Ignored), result
    return result.reason


def from_github(event: str, payload: object, **rules: Any) -> Taken | Merged | Ignored:
    return github(event, "72d3162e-cc78-11e3-81ab-4c9367dc0958", payload, GitHubRules(**rules))


# Slack


def test_a_command_is_a_ticket_of_its_own() -> None:
    result = taken(slack_command(SLACK, DEMO))
    assert result == Taken(
        Ticket(
            result.ticket.key,
            "Checkout fails for guests & the cart (https://shop.example/cart) is emptied",
            "Since *Tuesday*.",
            "Steve",
            "slack",
        ),
        "slack:T0001/13345224609.738474920.8088930838d88f008e0",
        "slack:T0001/U2147483697",
    )
    assert result.ticket.key.startswith("ONCALL-")


def test_the_same_command_again_is_another_run_and_the_same_request_is_not() -> None:
    first, same = taken(slack_command(SLACK, DEMO)), taken(slack_command(dict(SLACK), DEMO))
    other = taken(slack_command({**SLACK, "trigger_id": "13345224610.1.2"}, DEMO))
    assert first == same
    assert (first.delivery, first.ticket.key) != (other.delivery, other.ticket.key)
    assert first.ticket.key != other.ticket.key


@pytest.mark.parametrize("text", ["", "  \n ", None])
def test_an_empty_command_is_the_demo_ticket_under_a_key_of_its_own(text: str | None) -> None:
    form = {name: value for name, value in SLACK.items() if name != "text"}
    result = taken(slack_command(form if text is None else {**form, "text": text}, DEMO))
    assert result.ticket == replace(DEMO, key=result.ticket.key)
    assert result.ticket.key.startswith("BUG-42-")


@pytest.mark.parametrize("missing", ["command", "team_id", "user_id"])
def test_a_form_that_is_no_command_is_refused(missing: str) -> None:
    with pytest.raises(UsageError, match="no slash command of Slack"):
        slack_command({name: value for name, value in SLACK.items() if name != missing}, DEMO)


def test_slacks_check_of_the_certificate_starts_nothing() -> None:
    assert "certificate" in ignored(slack_command({"ssl_check": "1", "token": "x"}, DEMO))


def test_a_command_without_a_trigger_is_told_apart_by_its_fields() -> None:
    form = {name: value for name, value in SLACK.items() if name != "trigger_id"}
    other = {**form, "text": "Something else"}
    assert taken(slack_command(form, DEMO)).delivery != taken(slack_command(other, DEMO)).delivery


def test_mentions_and_hidden_characters_of_a_command_are_plain_text() -> None:
    text = "<!channel> <@U1|kim> sees\u200b <#C1|general> &lt;b&gt;"
    result = taken(slack_command({**SLACK, "text": text}, DEMO))
    assert result.ticket.title == "!channel kim sees general <b>"
    assert result.ticket.hidden_characters == 1


# Jira


def test_a_created_issue_is_a_ticket() -> None:
    result = taken(jira("webhook-1", JIRA_CREATED, ANY_ISSUE))
    assert result == Taken(
        Ticket(
            "ED-1",
            "Checkout fails for guests",
            "h2. Steps\n# Put a book into the cart\n# Pay as a guest\n\n"
            "Priority: High\nComponents: checkout, payments",
            "Jo",
            "jira",
            "https://your-domain.atlassian.net/browse/ED-1",
            ("bug", "anton"),
        ),
        "jira:your-domain.atlassian.net/10002",
        "jira:99:27935d01",
    )


def test_an_issue_that_is_told_of_again_is_the_same_delivery() -> None:
    created = taken(jira("webhook-1", JIRA_CREATED, ANY_ISSUE))
    updated = taken(jira("webhook-2", jira_updated(SUMMARY), ANY_ISSUE))
    assert created.delivery == updated.delivery


def test_the_label_put_on_again_asks_for_another_run() -> None:
    deliveries = {
        taken(jira("w", payload, LABELED_ONLY)).delivery
        for payload in (
            JIRA_CREATED,
            jira_updated(LABELED, changelog="1"),
            jira_updated(LABELED, changelog="1"),
            jira_updated(LABELED, changelog="2"),
            jira_updated(SUMMARY, changelog="3"),
        )
    }
    assert deliveries == {
        "jira:your-domain.atlassian.net/10002",
        "jira:your-domain.atlassian.net/10002/1",
        "jira:your-domain.atlassian.net/10002/2",
    }


def without_labels() -> dict[str, Any]:
    return changed(JIRA_CREATED, "issue.fields.labels", None)


@pytest.mark.parametrize(
    ("payload", "rules", "reason"),
    [
        (jira_updated(TRANSITION), ANY_ISSUE, "nothing new of the bug"),
        (jira_updated(), ANY_ISSUE, "nothing new of the bug"),
        (jira_updated({"field": "Comment", "toString": "Done"}), ANY_ISSUE, "nothing new of the bug"),
        (without_labels(), LABELED_ONLY, "does not have the label 'anton'"),
        ({"webhookEvent": "comment_created", "comment": {"body": "x"}}, ANY_ISSUE, "'comment_created'"),
        ({"webhookEvent": "jira:issue_deleted"}, ANY_ISSUE, "'jira:issue_deleted'"),
        (
            changed(JIRA_CREATED, "issue.fields.status", {"name": "X", "statusCategory": {"key": "done"}}),
            ANY_ISSUE,
            "the issue is done",
        ),
    ],
)
def test_what_else_happens_in_jira_starts_nothing(
    payload: dict[str, Any], rules: JiraRules, reason: str
) -> None:
    assert reason in ignored(jira("w", payload, rules))


def test_an_issue_of_nulls_is_taken_for_what_it_says() -> None:
    fields = dict.fromkeys(JIRA_CREATED["issue"]["fields"]) | {"summary": "It breaks"}
    result = taken(jira("", changed(JIRA_CREATED, "issue.fields", fields) | {"user": None}, ANY_ISSUE))
    assert (result.ticket.title, result.ticket.body, result.ticket.reporter) == ("It breaks", "It breaks", "")
    assert result.requested_by == "jira"


# GitHub


def test_a_labeled_issue_is_a_ticket() -> None:
    assert from_github("issues", GITHUB_LABELED) == Taken(
        Ticket(
            "shop-12",
            "Checkout fails for guests",
            "Pay as a guest.",
            "jo",
            "github",
            "https://github.com/octo/shop/issues/12",
            ("bug", "anton"),
        ),
        "github:octo/shop/issue/12",
        "github:kim",
        "octo/shop",
    )


def test_a_command_in_a_comment_is_a_ticket_with_its_words() -> None:
    result = taken(from_github("issue_comment", GITHUB_COMMENT))
    assert result.ticket.key == "shop-12"
    assert result.ticket.body == ("Pay as a guest.\n\nWith the command came:\n\nlook at the guest's session")


def test_a_failed_workflow_is_a_ticket_with_its_run() -> None:
    result = taken(from_github("workflow_run", GITHUB_WORKFLOW))
    assert (result.ci_run, result.base_ref, result.repository) == ("30433642", "main", "octo/shop")
    assert result.delivery == "github:octo/shop/run/30433642"
    assert result.ticket.title == "CI fails on main"
    assert "acb5820ced9479c074f688cc328bf03f341a511d Let guests pay" in result.ticket.body


def test_a_merged_pull_request_is_told_by_its_branch() -> None:
    merged = Merged("octo/shop", "fix/bug-42-r1", "https://github.com/octo/shop/pull/13")
    assert from_github("pull_request", GITHUB_MERGED) == merged


@pytest.mark.parametrize("words", ["/anton", "/oncall please", "\n /anton\nmore"])
def test_a_command_stands_at_the_beginning_of_a_comment(words: str) -> None:
    taken(from_github("issue_comment", changed(GITHUB_COMMENT, "comment.body", words)))


@pytest.mark.parametrize(
    ("event", "payload", "reason"),
    [
        ("ping", {"zen": "Design for failure.", "hook_id": 1}, "ping"),
        ("push", {}, "'push'"),
        ("issues", changed(GITHUB_LABELED, "action", "opened"), "only a label"),
        ("issues", changed(GITHUB_LABELED, "label", {"name": "bug"}), "not a label that starts"),
        ("issues", changed(GITHUB_LABELED, "issue.state", "closed"), "is closed"),
        ("issues", changed(GITHUB_LABELED, "issue.pull_request", {"url": "x"}), "a pull request"),
        ("issue_comment", changed(GITHUB_COMMENT, "action", "edited"), "edited or deleted"),
        ("issue_comment", changed(GITHUB_COMMENT, "action", "deleted"), "edited or deleted"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.body", "Try /anton"), "does not begin with"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.body", "/antonio"), "does not begin with"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.body", None), "does not begin with"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.author_association", "NONE"), "collaborators"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.author_association", "CONTRIBUTOR"), "collab"),
        ("issue_comment", changed(GITHUB_COMMENT, "comment.user.type", "Bot"), "a program wrote"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "action", "requested"), "has not ended"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.conclusion", "success"), "'success'"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.conclusion", None), "ended with ''"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.event", "pull_request"), "for the branch"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.head_branch", "topic"), "for the branch"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.head_repository.id", 2), "another repo"),
        ("workflow_run", changed(GITHUB_WORKFLOW, "workflow_run.head_repository", None), "another repo"),
        ("pull_request", changed(GITHUB_MERGED, "pull_request.merged", False), "without being merged"),
        ("pull_request", changed(GITHUB_MERGED, "action", "opened"), "only that it is merged"),
    ],
)
def test_what_else_happens_on_github_starts_nothing(event: str, payload: object, reason: str) -> None:
    assert reason in ignored(from_github(event, payload))


def test_a_webhook_without_a_delivery_is_refused() -> None:
    with pytest.raises(UsageError, match="X-GitHub-Delivery"):
        github("issues", "", GITHUB_LABELED, GitHubRules())


# Sentry


def test_an_alert_of_sentry_is_a_ticket_with_its_traceback() -> None:
    result = taken(sentry("event_alert", "request-1", SENTRY_ALERT))
    assert result.delivery == "sentry:1117540176"
    assert result.ticket == Ticket(
        "SENTRY-1117540176",
        "ReferenceError: heck is not defined",
        "/js/prod/runner-4.1.7.min.js:1 in ?\n"
        "    {snip} e(a.old),a.active=b {snip}\n"
        "  <anonymous>:3 in heck\n"
        "ReferenceError: heck is not defined\n\n"
        "Where: ?(<anonymous>)\nLevel: error",
        "Sentry",
        "sentry",
        "https://sentry.io/organizations/test-org/issues/1117540176/events/e4874d664c3540c1/",
    )


def test_an_issue_of_sentry_and_the_alerts_about_it_are_one_run() -> None:
    issue = changed(SENTRY_ISSUE, "data.issue.id", "1117540176")
    assert (
        taken(sentry("issue", "r1", issue)).delivery
        == taken(sentry("event_alert", "r2", SENTRY_ALERT)).delivery
    )


def test_an_issue_of_sentry_that_came_back_is_another_run() -> None:
    result = taken(sentry("issue", "r2", changed(SENTRY_ISSUE, "action", "unresolved")))
    assert (result.delivery, result.ticket.key) == ("sentry:1170820242/r2", "IPE-1")


@pytest.mark.parametrize("resource", ["installation", "comment", "metric_alert", "error", ""])
def test_other_resources_of_sentry_start_nothing(resource: str) -> None:
    assert "only issues" in ignored(sentry(resource, "r", {}))


@pytest.mark.parametrize("action", ["resolved", "assigned", "archived"])
def test_an_issue_of_sentry_that_needs_no_repair_starts_nothing(action: str) -> None:
    assert "needs no repair" in ignored(sentry("issue", "r", changed(SENTRY_ISSUE, "action", action)))


# PagerDuty


def test_an_incident_is_a_ticket() -> None:
    assert pagerduty(PAGERDUTY) == Taken(
        Ticket(
            "PD-2",
            "A little bump in the road",
            "Service: API Service\nUrgency: high\nPriority: P1\n"
            "Incident key: d3640fbd41094207a1c11e58e46b1662\nSince: 2020-04-09T15:16:27Z",
            "Tenex Engineer",
            "pagerduty",
            "https://acme.pagerduty.com/incidents/PGR0VU2",
        ),
        "pagerduty:5ac64822-4adc-4fda-ade0-410becf0de4f",
        "pagerduty",
    )


@pytest.mark.parametrize("kind", ["pagey.ping", "incident.acknowledged", "incident.resolved", None])
def test_other_events_of_pagerduty_start_nothing(kind: str | None) -> None:
    assert "starts no run" in ignored(pagerduty(changed(PAGERDUTY, "event.event_type", kind)))


# Alertmanager


def test_a_group_of_alerts_is_a_ticket() -> None:
    result = taken(alertmanager(ALERTMANAGER))
    assert result.repository == "octo/shop"
    assert result.ticket.title == "BlackBox Probe Failure: https://a.example"
    assert "https://a.example has been down for over 5m." in result.ticket.body
    assert result.ticket.key.startswith("ProbeFailure-")
    assert "severity=critical" in result.ticket.labels


def test_a_group_of_alerts_is_one_run_while_it_grows_and_repeats() -> None:
    second = copy.deepcopy(ALERTMANAGER["alerts"][0]) | {"startsAt": "2023-02-06T13:20:00Z"}
    grown = changed(ALERTMANAGER, "alerts", [second, *ALERTMANAGER["alerts"]])
    anew = changed(ALERTMANAGER, "alerts", [second])
    first = taken(alertmanager(ALERTMANAGER))
    assert taken(alertmanager(grown)).delivery == first.delivery
    assert taken(alertmanager(anew)).delivery != first.delivery


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (changed(ALERTMANAGER, "status", "resolved"), "have ended"),
        (changed(ALERTMANAGER, "commonLabels.severity", "none"), "calls nobody"),
    ],
)
def test_alerts_that_call_nobody_start_nothing(payload: object, reason: str) -> None:
    assert reason in ignored(alertmanager(payload))


@pytest.mark.parametrize("alerts", [[], None, [{"status": "resolved"}]])
def test_a_group_without_a_firing_alert_is_refused(alerts: object) -> None:
    with pytest.raises(UsageError, match="at least one firing alert"):
        alertmanager(changed(ALERTMANAGER, "alerts", alerts))


# Any other


def test_a_programs_report_is_a_ticket() -> None:
    result = generic(GENERIC)
    assert result == Taken(
        Ticket(
            result.ticket.key,
            "Checkout fails",
            "Since the deployment.",
            "smoke test",
            "api",
            "https://ci.example/7",
            ("bug",),
        ),
        "api:deploy-7",
        "api:smoketest",
        "octo/shop",
        "main",
    )


def test_reports_without_an_id_are_told_apart_by_what_they_say() -> None:
    one, same, other = (generic({"text": text}) for text in ("It breaks", "It breaks", "It breaks again"))
    assert one == same
    assert one.delivery != other.delivery


def test_a_key_of_anybodys_can_name_a_file_and_a_branch() -> None:
    assert generic({"title": "x", "key": "../../etc/pass wd"}).ticket.key == "etc-pass-wd"
    assert generic({"title": "x", "key": "ä"}).ticket.key == "BUG"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a b", "https://a\nb", "file:///etc/passwd"])
def test_an_address_that_is_none_of_the_web_is_left_out(url: str) -> None:
    assert generic({"title": "x", "url": url}).ticket.url == ""


@pytest.mark.parametrize("payload", [{}, {"title": " ", "text": "\u200b"}, {"title": None}])
def test_a_report_that_says_nothing_is_refused(payload: object) -> None:
    with pytest.raises(UsageError, match="neither a title nor a text"):
        generic(payload)


def test_a_field_of_another_kind_is_named() -> None:
    with pytest.raises(UsageError, match=r"labels\.0: it should be a valid string"):
        generic({"title": "x", "labels": [{"name": "bug"}]})
