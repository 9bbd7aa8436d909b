"""Webhooks of GitHub: an issue was labeled, a comment gave the command, a workflow failed on the main branch.

What is taken is the text as it was when that happened. An issue that is edited or closed afterwards changes
nothing of it; whoever decides is told, where a credential lets Anton look.

Nobody is passed over for being Anton: with a personal token it goes by its owner's name, whose labels count.
Of its own accord it neither labels nor comments, and the pull requests that it opens start no run.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    who,
)

COLLABORATORS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
"""Whose comments are commands; anybody may write one."""
FAILURES = frozenset({"failure", "timed_out"})

_COMMAND = re.compile(r"/(?:anton|oncall)(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class GitHubRules:
    """What starts a run on GitHub."""

    labels: frozenset[str] = frozenset({"anton"})
    """Of issues, in any case of letters."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A pull request was merged; whether it is one of Anton's, its branch tells."""

    repository: str
    branch: str
    url: str


class _Account(Payload):
    login: Words = ""
    type: Words = ""


class _Label(Payload):
    name: Words = ""


class _Repository(Payload):
    id: Words = ""
    name: Words
    full_name: Words
    default_branch: Words = ""


class _Event(Payload):
    action: Words = ""
    repository: _Repository
    sender: _Account | None = None


class _Issue(Payload):
    number: int
    title: Words = ""
    body: Words = ""
    html_url: Words = ""
    state: Words = ""
    user: _Account | None = None
    labels: Annotated[tuple[_Label, ...], Listed] = ()
    pull_request: object = None


class _IssueLabeled(_Event):
    issue: _Issue
    label: _Label | None = None


class _Comment(Payload):
    body: Words = ""
    html_url: Words = ""
    author_association: Words = ""
    user: _Account | None = None


class _IssueCommented(_Event):
    issue: _Issue
    comment: _Comment


class _Commit(Payload):
    message: Words = ""


class _HeadRepository(Payload):
    id: Words = ""


class _WorkflowRun(Payload):
    id: Words
    name: Words = ""
    event: Words = ""
    conclusion: Words = ""
    head_branch: Words = ""
    head_sha: Words = ""
    html_url: Words = ""
    head_commit: _Commit | None = None
    head_repository: _HeadRepository | None = None


class _WorkflowEnded(_Event):
    run: _WorkflowRun = Field(alias="workflow_run")


class _Branch(Payload):
    ref: Words = ""


class _PullRequest(Payload):
    merged: bool | None = None
    html_url: Words = ""
    head: _Branch = _Branch()


class _PullRequestClosed(_Event):
    pull_request: _PullRequest


def github(event: str, delivery: str, payload: object, rules: GitHubRules) -> Taken | Merged | Ignored:
    """What a webhook asks for.

    Args:
        event: X-GitHub-Event.
        delivery: X-GitHub-Delivery, the same for a webhook that is sent again.
        payload: The parsed body.
        rules: What starts a run.

    Raises:
        UsageError: it is no such webhook.
    """
    if event == "ping":
        return Ignored("GitHub's ping: the webhook works")
    if not delivery:
        raise UsageError("X-GitHub-Delivery is missing: send the webhook as GitHub does")
    match event:
        case "issues":
            return _labeled(payload, rules)
        case "issue_comment":
            return _commented(delivery, payload)
        case "workflow_run":
            return _workflow(payload)
        case "pull_request":
            return _closed(payload)
        case _:
            return Ignored(f"events of the kind {event[:60]!r} start no run")


def _labeled(payload: object, rules: GitHubRules) -> Taken | Ignored:
    if read(_Event, payload, "GitHub").action != "labeled":
        return Ignored("of what happens to an issue only a label starts a run")
    event = read(_IssueLabeled, payload, "GitHub")
    wanted = {label.lower() for label in rules.labels}
    if event.label is None or event.label.name.lower() not in wanted:
        return Ignored("it is not a label that starts a run")
    # What happened is that this issue is to be repaired: a webhook and a look name it alike.
    named = delivery_of("github", event.repository.full_name, "issue", str(event.issue.number))
    return _issue(event, event.issue, named, "")


def _commented(delivery: str, payload: object) -> Taken | Ignored:
    if read(_Event, payload, "GitHub").action != "created":
        return Ignored("a comment that is edited or deleted starts nothing")
    event = read(_IssueCommented, payload, "GitHub")
    comment = event.comment
    command = _COMMAND.match(comment.body.lstrip())
    if not command:
        return Ignored("the comment does not begin with /anton or /oncall")
    if comment.user and comment.user.type == "Bot":
        return Ignored("a program wrote the comment")
    if comment.author_association not in COLLABORATORS:
        return Ignored("only collaborators of the repository can give the command")
    words = comment.body.lstrip()[command.end() :].strip()
    return _issue(event, event.issue, delivery_of("github", delivery), words)


def _issue(event: _Event, issue: _Issue, delivery: str, words: str) -> Taken | Ignored:
    if issue.pull_request is not None:
        return Ignored("it is a pull request, not an issue")
    if issue.state == "closed":
        return Ignored("the issue is closed")
    ticket = ticket_of(
        title=issue.title,
        body=f"{issue.body.strip()}\n\nWith the command came:\n\n{words}" if words else issue.body,
        key=f"{event.repository.name}-{issue.number}",
        source="github",
        reporter=issue.user.login if issue.user else "",
        url=issue.html_url,
        labels=(label.name for label in issue.labels),
    )
    asked = who("github", event.sender.login if event.sender else "")
    return Taken(ticket, delivery, asked, event.repository.full_name)


def _workflow(payload: object) -> Taken | Ignored:
    """Only the default branch counts: a pull request's failures are its author's, who may be anybody."""
    if read(_Event, payload, "GitHub").action != "completed":
        return Ignored("the workflow has not ended")
    event = read(_WorkflowEnded, payload, "GitHub")
    run, repository = event.run, event.repository
    if run.conclusion not in FAILURES:
        return Ignored(f"the workflow ended with {run.conclusion[:60]!r}")
    if run.event in ("pull_request", "pull_request_target") or run.head_branch != repository.default_branch:
        return Ignored(f"the workflow did not run for the branch {repository.default_branch[:100]!r}")
    if run.head_repository is None or run.head_repository.id != repository.id:
        return Ignored("the workflow ran for another repository's branch")
    first = run.head_commit.message.partition("\n")[0] if run.head_commit else ""
    ticket = ticket_of(
        title=f"{run.name or 'A workflow'} fails on {run.head_branch}",
        body=f"The workflow {run.name!r} ended with {run.conclusion!r} on {run.head_branch}.",
        key=f"ci-{run.id}",
        source="ci",
        reporter="GitHub Actions",
        url=run.html_url,
        facts={"Commit": f"{run.head_sha} {first}", "Log": run.html_url},
    )
    return Taken(
        ticket,
        delivery_of("github", repository.full_name, "run", run.id),
        who("github", event.sender.login if event.sender else ""),
        repository.full_name,
        run.head_branch,
        run.id,
    )


def _closed(payload: object) -> Merged | Ignored:
    if read(_Event, payload, "GitHub").action != "closed":
        return Ignored("of what happens to a pull request only that it is merged counts")
    event = read(_PullRequestClosed, payload, "GitHub")
    pull_request = event.pull_request
    if not pull_request.merged:
        return Ignored("the pull request was closed without being merged")
    return Merged(event.repository.full_name, pull_request.head.ref, pull_request.html_url)
