"""What can be set of `anton serve`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from anton.settings.fields import AbsolutePath, Key, Section, Text, Url


class ServerSettings(Section):
    """`[server]`: where `anton serve` listens, and how much it works on at once."""

    host: Text = "127.0.0.1"
    """Address to listen on; any but this machine's own needs `api_token`."""
    port: Annotated[int, Field(strict=True, ge=0, le=65_535)] = 8000
    """0 takes a free one."""
    public_url: Url | None = None
    """Where others reach the server; its host is answered to, and links begin with it."""
    api_token: Key | None = None
    """Bearer token of the API, or several with commas between, each `TOKEN` or `NAME:TOKEN`; without one, the
    server makes one and keeps it in the state folder."""
    runs: Annotated[int, Field(strict=True, ge=1, le=100)] = 4
    """Runs that are worked on at once."""
    per_repository: Annotated[int, Field(strict=True, ge=1, le=100)] = 2
    """The same of one repository."""
    runs_in_total: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 0
    """By all processes that share a journal on PostgreSQL; 0 for as many as each takes on."""
    runs_per_hour: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5
    """Runs that one ticket may start within an hour."""
    repositories: tuple[AbsolutePath, ...] = ()
    """Repositories that a request to the API may name, besides `repo_cwd`."""
    open_metrics: Annotated[bool, Field(strict=True)] = False
    """Whether `/metrics` is shown without a token, where only this machine can reach the server."""


class WebhookSettings(Section):
    """`[webhooks]`: the secrets by which senders are known; a sender without one is not listened to."""

    github: Key | None = None
    jira: Key | None = None
    sentry: Key | None = None
    pagerduty: Key | None = None
    alertmanager: Key | None = None
    generic: Key | None = None
