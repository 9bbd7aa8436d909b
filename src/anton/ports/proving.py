"""Credentials that can be shown to be good."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Proving(Protocol):
    """What an adapter has besides its port where it reaches a service with credentials."""

    async def prove(self) -> str:
        """Who the service says we are and what we may do there, for start-up; nothing is changed.

        Raises:
            OutsideError: it is out of reach, or does not take the credentials.
        """
        ...
