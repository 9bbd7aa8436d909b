"""Puts the calls of GitHub together from what is set."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx2

from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import AppInstallation, Credential, PersonalToken
from anton.adapters.github.installation import mint
from anton.adapters.github.patience import Patience
from anton.adapters.github.place import GitHubPlace


def with_token(api: str, token: str, patience: Patience | None = None) -> GitHub:
    """Calls with a personal access token; to be closed after use."""
    return GitHub(GitHubPlace(api), _client(patience), PersonalToken(token), patience)


def with_app(
    api: str,
    app_id: int,
    private_key: Path,
    installation: int | None,
    repository: str,
    patience: Patience | None = None,
) -> GitHub:
    """Calls as a GitHub App where it is installed: by number, else where `repository` is."""
    place, client = GitHubPlace(api), _client(patience)
    asking = GitHub(place, client, None, patience)
    credential: Credential = AppInstallation(
        app_id, private_key, partial(mint, asking, app_id, installation, repository)
    )
    return GitHub(place, client, credential, patience)


def _client(patience: Patience | None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(follow_redirects=False, timeout=(patience or Patience()).answer_seconds)
