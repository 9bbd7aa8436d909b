"""What other systems send: signature, ticket, journal, answer, in that order. The work comes after.

A sender without a secret here is not listened to. Slack has its own routes, see `slack`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

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
    parse_json,
    sentry,
)
from anton.entrypoints.server.access import TheDesk, desk_of
from anton.entrypoints.server.guard import LARGE_BODIES, MAX_BODY_BYTES
from anton.entrypoints.server.problems import problem, refusals
from anton.entrypoints.server.runs import begun_of
from anton.entrypoints.server.shapes import Begun
from anton.entrypoints.signatures import (
    verify_bearer,
    verify_generic,
    verify_github,
    verify_jira,
    verify_pagerduty,
    verify_sentry,
)
from anton.runs.ticket import conclude_merged

Read = Taken | Merged | Ignored


@dataclass(frozen=True, slots=True)
class Sender:
    """A system that sends webhooks."""

    name: str
    """Of its secret, and in the address."""
    verify: Callable[[str, Request, bytes], None]
    """Raises `Unverified` unless the request is the sender's."""
    read: Callable[[Request, bytes, object], Read]
    """What the body amounts to, which comes raw and parsed."""


def _header(request: Request, name: str) -> str:
    return request.headers.get(name, "")


def _named(request: Request, name: str, body: bytes) -> str:
    """Names the delivery that a header names, by its body: what no signature covers is easily another.

    Empty where the header is missing.
    """
    return hashlib.sha256(body).hexdigest() if _header(request, name) else ""


def _jira_rules(request: Request) -> JiraRules:
    return JiraRules(label=desk_of(request).serving.jira_label)


SENDERS = (
    Sender(
        "jira",
        lambda secret, request, body: verify_jira(
            secret, request.scope["headers"], request.query_params.multi_items(), body
        ),
        lambda request, body, payload: jira(
            _named(request, "X-Atlassian-Webhook-Identifier", body), payload, _jira_rules(request)
        ),
    ),
    Sender(
        "github",
        lambda secret, request, body: verify_github(secret, request.scope["headers"], body),
        lambda request, body, payload: github(
            _header(request, "X-GitHub-Event"),
            _named(request, "X-GitHub-Delivery", body),
            payload,
            GitHubRules(labels=desk_of(request).serving.github_labels),
        ),
    ),
    Sender(
        "sentry",
        lambda secret, request, body: verify_sentry(secret, request.scope["headers"], body),
        lambda request, body, payload: sentry(
            _header(request, "Sentry-Hook-Resource"), _named(request, "Request-ID", body), payload
        ),
    ),
    Sender(
        "pagerduty",
        lambda secret, request, body: verify_pagerduty(secret, request.scope["headers"], body),
        lambda request, body, payload: pagerduty(payload),  # noqa: ARG005 - it is all in the body
    ),
    Sender(
        "alertmanager",
        lambda secret, request, body: verify_bearer(secret, request.scope["headers"]),  # noqa: ARG005 - unsigned
        lambda request, body, payload: alertmanager(payload),  # noqa: ARG005 - it is all in the body
    ),
    Sender(
        "generic",
        lambda secret, request, body: verify_generic(secret, request.scope["headers"], body),
        lambda request, body, payload: generic(payload),  # noqa: ARG005 - it is all in the body
    ),
)

_REFUSALS = refusals(
    {
        400: "the body broke off",
        401: "it is not shown to be the sender's",
        404: "no secret is set for this sender, so it is not listened to",
        413: "the body is too large",
        422: "the body is none of the sender's, or nothing can be done about it here",
        429: "the ticket has started as many runs as it may for now",
        503: "nothing was taken in: send it again",
    }
)


def router() -> APIRouter:
    """The routes of all senders."""
    routes = APIRouter(prefix="/webhook", tags=["webhooks"], responses=_REFUSALS)
    for sender in SENDERS:
        routes.add_api_route(
            f"/{sender.name}",
            _route(sender),
            methods=["POST"],
            name=f"webhook_{sender.name}",
            response_model=Begun,
            status_code=HTTPStatus.OK,
            description=f"A webhook of {sender.name.capitalize()}, signed as docs/server.md says.",
            openapi_extra={
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
            },
        )
    return routes


def _route(sender: Sender) -> Callable[[Request, TheDesk], object]:
    limit = LARGE_BODIES.get(f"/webhook/{sender.name}", MAX_BODY_BYTES)

    async def take(request: Request, desk: TheDesk) -> Response | Begun:
        secret = desk.serving.secrets.get(sender.name)
        if secret is None:
            return not_listened_to(sender.name)
        body = await request.body()
        sender.verify(secret, request, body)
        read = sender.read(request, body, parse_json(body, limit))
        match read:
            case Ignored(reason):
                return Begun(run=None, begun=False, url=None, detail=reason)
            case Merged(_, branch, link):
                told = await conclude_merged(desk.world, branch, link)
                return Begun(run=None, begun=False, url=None, detail=told)
            case Taken():
                run_id, begun = await desk.take_in(read)
                return begun_of(run_id, begun=begun)

    return take


def not_listened_to(sender: str) -> Response:
    """The refusal where no secret is set for a sender."""
    return problem(
        HTTPStatus.NOT_FOUND,
        f"no secret is set for {sender}, so nothing that it sends can be believed: set "
        + ("slack.signing_secret" if sender == "slack" else f"webhooks.{sender}"),
    )
