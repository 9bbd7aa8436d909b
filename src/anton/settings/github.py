"""What can be set of GitHub."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from anton.settings.fields import AbsolutePath, Key, Section, Text, Url

SHORTEST_POLL_SECONDS = 30


def _guarded(url: str) -> str:
    """A URL that a token may be sent to."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("must begin with 'https://', because a token is sent there")
    return url


def _label(text: str) -> str:
    """A label that GitHub can be asked for."""
    if "," in text:
        raise ValueError("must be one label, and GitHub takes a comma for the end of one: list them apart")
    return text.strip()


def _interval(seconds: int | None) -> int | None:
    if seconds is not None and 0 < seconds < SHORTEST_POLL_SECONDS:
        raise ValueError(
            f"must be 0, for never, or at least {SHORTEST_POLL_SECONDS}, to spare GitHub's limits"
        )
    return seconds


class GitHubSettings(Section):
    """`[github]`: the repository that is fetched, pushed to, and gets pull requests."""

    token: Key | None = None
    """A personal access token."""
    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")] | None = None
    """`owner/repo`."""
    base_url: Annotated[Url, AfterValidator(_guarded)] = "https://api.github.com"
    """Of the API; an Enterprise server has it at `https://HOST/api/v3`."""
    app_id: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Of a GitHub App, which comes before a token."""
    private_key: AbsolutePath | None = None
    """File with the App's key, as GitHub gave it."""
    installation: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Of the App; without one, the one that `repo` is in."""
    labels: Annotated[tuple[Annotated[Text, AfterValidator(_label)], ...], Field(max_length=10)] = ("anton",)
    """Labels that start a run when an issue gets one, in any case of letters; with none, no label does."""
    poll: tuple[Literal["issues", "workflow_runs", "merges"], ...] = ("issues", "workflow_runs", "merges")
    """What is looked for that a lost webhook would have told."""
    poll_seconds: Annotated[
        Annotated[int, Field(strict=True, ge=0, le=86_400)] | None, AfterValidator(_interval)
    ] = None
    """Between two looks; 0 for never; by default 300 where GitHub's webhooks are listened to, else never."""

    @model_validator(mode="after")
    def _app_is_whole(self) -> Self:
        if (self.app_id is None) != (self.private_key is None):
            raise ValueError("needs app_id and private_key together, as the App's page shows them")
        if self.app_id is not None and self.installation is None and self.repo is None:
            raise ValueError(
                "has an app_id and needs repo or installation, to say where the App is installed"
            )
        return self

    @property
    def has_credential(self) -> bool:
        """Whether GitHub lets us in."""
        return self.token is not None or self.app_id is not None
