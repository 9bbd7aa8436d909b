"""What calls and git are let in with: a person's token, or those of an App's installation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from anton.core.errors import OutsideError

SPARE = timedelta(minutes=5)
"""A token that ends sooner is renewed: a push may take as long."""


class Credential(Protocol):
    """Gives a token that is good for some minutes."""

    @property
    def description(self) -> str:
        """Its kind, without anything secret."""
        ...

    @property
    def remedy(self) -> str:
        """What a person does where it is not accepted."""
        ...

    async def token(self) -> str:
        """The token.

        Raises:
            OutsideError: there is none to be had.
        """
        ...

    def refused(self, token: str) -> bool:
        """Take note that a token was not accepted; returns whether another one can be had."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class PersonalToken:
    """A personal access token, classic or fine-grained, or that of a workflow."""

    secret: str

    @property
    def description(self) -> str:
        """Its kind."""
        return "a token (GITHUB_TOKEN)"

    @property
    def remedy(self) -> str:
        """What to do where it is not accepted."""
        return "Make a new token and set GITHUB_TOKEN to it"

    async def token(self) -> str:
        """The token."""
        return self.secret

    def refused(self, token: str) -> bool:  # noqa: ARG002 (there is one token only)
        """There is no other."""
        return False


@dataclass(frozen=True, slots=True)
class AppToken:
    """An installation's token."""

    secret: str
    ends_at: datetime


Mint = Callable[[str], Awaitable[AppToken]]
"""Makes an installation's token from an App's key in PEM."""


class AppInstallation:
    """A GitHub App where it is installed.

    Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app

    Args:
        app_id: Of the App.
        private_key: File with the App's key; read when a token is needed, and not kept.
        mint: Asks GitHub for a token.
        now: The time.
    """

    def __init__(
        self,
        app_id: int,
        private_key: Path,
        mint: Mint,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app_id = app_id
        self._private_key = private_key
        self._mint = mint
        self._now = now
        self._held: AppToken | None = None
        self._lock = asyncio.Lock()

    @property
    def description(self) -> str:
        """Its kind."""
        return f"GitHub App {self._app_id}"

    @property
    def remedy(self) -> str:
        """What to do where it is not accepted."""
        return (
            "Check github.app_id, github.private_key and github.installation, and that the App is installed"
        )

    async def token(self) -> str:
        """A token that is good for at least `SPARE`; one call at a time asks for a new one.

        Raises:
            OutsideError: the key cannot be read, or GitHub gives no token.
        """
        async with self._lock:
            if self._held is None or self._held.ends_at - self._now() < SPARE:
                self._held = await self._mint(await asyncio.to_thread(self._key))
            return self._held.secret

    def refused(self, token: str) -> bool:
        """Forget a token that was not accepted; the next one is new."""
        if self._held is not None and self._held.secret == token:
            self._held = None
        return True

    def _key(self) -> str:
        try:
            return self._private_key.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise OutsideError(
                f"the App's key {str(self._private_key)!r} cannot be read: {error}. "
                "Set github.private_key to the PEM file that GitHub gave you"
            ) from error
