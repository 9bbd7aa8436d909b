"""The token of a GitHub App's installation."""

from __future__ import annotations

from datetime import datetime

import jwt
from gidgethub.apps import get_jwt
from pydantic import AwareDatetime, BaseModel, ValidationError

from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import AppToken
from anton.core.errors import OutsideError

JWT_SECONDS = 540
"""GitHub takes at most ten minutes."""


class _Token(BaseModel):
    token: str
    expires_at: AwareDatetime


class _Installation(BaseModel):
    id: int


async def mint(github: GitHub, app_id: int, installation: int | None, repository: str, key: str) -> AppToken:
    """A token of the installation; of the one that `repository` is in, where none is named.

    Raises:
        OutsideError: the key is none, or GitHub gives no token for it.
    """
    try:
        signed = get_jwt(app_id=str(app_id), private_key=key, expiration=JWT_SECONDS)
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        raise OutsideError(
            "github.private_key holds no RSA key in PEM. Make a new one on the App's page and name its file"
        ) from error
    try:
        if installation is None:
            path = "/repos/{repository}/installation"
            found = await github.get_as_app(path, {"repository": repository}, signed)
            installation = _Installation.model_validate(found).id
        path = "/app/installations/{id}/access_tokens"
        answer = await github.post_as_app(path, {"id": str(installation)}, signed)
        token = _Token.model_validate(answer)
    except ValidationError as error:
        raise OutsideError(f"GitHub gave no token for App {app_id}: its answer has another shape") from error
    ends_at: datetime = token.expires_at
    return AppToken(token.token, ends_at)
