"""No web: the embedded side of both ports."""

from __future__ import annotations

from anton.core.errors import OutsideError
from anton.ports import SearchHit, WebPage


class ClosedWeb:
    """Fetches nothing."""

    @property
    def description(self) -> str:
        """For start-up."""
        return "none: no host is on the list web.allow"

    async def get(self, url: str) -> WebPage:
        """Say that nothing is fetched.

        Raises:
            OutsideError: always.
        """
        raise OutsideError(
            f"{url[:200]!r} is not fetched: no host may be read here. The operator lists hosts in the "
            'settings as `[web] allow = ["docs.python.org"]`; go on without it'
        )


class NoSearch:
    """Finds nothing."""

    @property
    def description(self) -> str:
        """For start-up."""
        return "none: web.search_url is not set"

    async def search(
        self,
        query: str,  # noqa: ARG002 - the port's signature
        limit: int,  # noqa: ARG002 - the same
    ) -> tuple[SearchHit, ...]:
        """Say that search is not set up.

        Raises:
            OutsideError: always.
        """
        raise OutsideError(
            "web search is not set up here. The operator names a SearXNG server in the settings as "
            "`[web] search_url`; go on without it"
        )
