"""Searching by a SearXNG server, through its JSON API.

The server is the operator's own and may be on their network: it is named in the settings and by nobody else.

Source: https://docs.searxng.org/dev/search_api.html
"""

from __future__ import annotations

import asyncio

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError
from yarl import URL

from anton.core.errors import OutsideError
from anton.ports import SearchHit

MAX_BYTES = 4 << 20
SECONDS = 15.0


class _Result(BaseModel):
    url: str
    title: str = ""
    content: str | None = None


class _Answer(BaseModel):
    results: list[_Result]


_ANSWER = TypeAdapter(_Answer)


class SearxngSearch:
    """Asks `{url}/search`.

    Args:
        url: of the server, without `/search`.
    """

    def __init__(self, url: str) -> None:
        self._url = URL(url.rstrip("/")) / "search"

    @property
    def description(self) -> str:
        """For start-up."""
        return f"SearXNG at {self._url.origin()}"

    async def search(self, query: str, limit: int) -> tuple[SearchHit, ...]:
        """What is found, best first.

        Raises:
            OutsideError: the server is out of reach, refused, or answered something else than results.
        """
        try:
            async with asyncio.timeout(SECONDS):
                content = await self._ask(query)
        except TimeoutError:
            raise OutsideError(f"{self.description} did not answer within {SECONDS:g} seconds") from None
        except (aiohttp.ClientError, OSError) as error:
            raise OutsideError(
                f"{self.description} cannot be reached: {error}; check web.search_url"
            ) from error
        try:
            results = _ANSWER.validate_json(content).results
        except ValidationError as error:
            raise OutsideError(f"{self.description} answered something else than results") from error
        return tuple(SearchHit(r.url, r.title, r.content or "") for r in results[:limit])

    async def _ask(self, query: str) -> bytes:
        asked = {"q": query, "format": "json"}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session,
            session.get(self._url, params=asked, allow_redirects=False) as response,
        ):
            if response.status == 403:
                raise OutsideError(
                    f"{self.description} refuses to answer in JSON; "
                    "list `json` under search.formats in its settings"
                )
            if response.status != 200:
                raise OutsideError(f"{self.description} answered with status {response.status}")
            content = await response.content.read(MAX_BYTES + 1)
            while not response.content.at_eof() and len(content) <= MAX_BYTES:
                content += await response.content.read(MAX_BYTES + 1 - len(content))
            if len(content) > MAX_BYTES:
                raise OutsideError(f"{self.description} answered with more than {MAX_BYTES:,} bytes")
            return content
