"""Asking Jira Cloud's REST API, version 3: what it refuses is a sentence, what may pass is waited for.

What only reads is asked again after a refusal or a cut that may pass. What changes something is asked again
only where Jira surely did nothing: it could not be reached, or it said that there were too many requests.

Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import httpx2

from anton.adapters.backoff import Backoff
from anton.core.errors import OutsideError
from anton.core.text import one_line

MAX_BYTES = 10 << 20
"""Of an answer."""
MAX_WORDS = 300
"""Characters of Jira's own words that an error repeats."""
TOKENS_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"


class JiraAbsent(OutsideError):
    """Jira has no such thing, or does not show it to this account: it says the same of both."""


class JiraRefusal(OutsideError):
    """Jira understood what was asked, and does not do it."""


@dataclass(frozen=True, slots=True)
class Waiting(Backoff):
    """How long Jira is waited for."""

    repeats: int = 3
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0
    answer_seconds: float = 15.0
    """For one answer, from the request to its end."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str
    body: bytes


class JiraSite:
    """A site of Jira Cloud, asked in the name of one account.

    Args:
        base_url: Such as `https://example.atlassian.net`.
        email: Of the account.
        token: Its API token; shown to nobody else, and in no error.
        waiting: How patient to be.
    """

    def __init__(self, base_url: str, email: str, token: str, waiting: Waiting | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.email = email
        self._token = token
        self._waiting = waiting or Waiting()

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        """Made when it is first needed; it keeps no connection, as a run has few questions, hours apart."""
        return httpx2.AsyncClient(
            base_url=f"{self.base_url}/rest/api/3/",
            auth=httpx2.BasicAuth(self.email, self._token),
            headers={"Accept": "application/json", "User-Agent": "anton"},
            timeout=httpx2.Timeout(self._waiting.answer_seconds, connect=5.0),
            limits=httpx2.Limits(max_keepalive_connections=0),
            follow_redirects=False,
        )

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> object:
        """What Jira has under a path of its API.

        Raises:
            JiraAbsent: there is no such thing.
            OutsideError: Jira is out of reach, refused, or answered something else than JSON.
        """
        return await self._ask("GET", path, params or {}, None)

    async def post(self, path: str, body: object) -> object:
        """Have Jira do something; what it says of that, None where it says nothing.

        Raises:
            JiraAbsent: there is no such thing to do it to.
            JiraRefusal: it cannot be done so.
            OutsideError: Jira is out of reach or refused. Where the answer was lost it may have been done.
        """
        return await self._ask("POST", path, {}, body)

    async def _ask(self, method: str, path: str, params: Mapping[str, str | int], body: object) -> object:
        repeat = 0
        while True:
            repeat += 1
            try:
                answer = await self._send(method, path, params, body)
            except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
                reached = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                wait = None if reached and method != "GET" else self._waiting.wait_seconds(repeat)
                if wait is None:
                    raise self._unreachable(error) from error
            else:
                passes = answer.status == 429 or (method == "GET" and answer.status >= 500)
                asked = _seconds(answer.retry_after)
                wait = self._waiting.wait_seconds(repeat, asked) if passes else None
                if wait is None:
                    return self._read(method, path, answer)
            await self._waiting.sleep(wait)

    async def _send(self, method: str, path: str, params: Mapping[str, str | int], body: object) -> _Answer:
        request = self._client.build_request(
            method, path, params=dict(params), json=body if body is not None else None
        )
        async with asyncio.timeout(self._waiting.answer_seconds):
            response = await self._client.send(request, stream=True)
            try:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise OutsideError(f"Jira at {self.base_url} answered more than {MAX_BYTES:,} bytes")
            finally:
                await response.aclose()
        return _Answer(response.status_code, response.headers.get("Retry-After", ""), bytes(content))

    def _unreachable(self, error: Exception) -> OutsideError:
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            return OutsideError(
                f"Jira at {self.base_url} did not answer within {self._waiting.answer_seconds:g} seconds"
            )
        said = one_line(str(error))[:MAX_WORDS] or type(error).__name__
        return OutsideError(f"Jira at {self.base_url} cannot be reached: {said}; check JIRA_BASE_URL")

    def _read(self, method: str, path: str, answer: _Answer) -> object:
        said = self._words(answer.body)
        where = f"Jira at {self.base_url}"
        match answer.status:
            case 200 | 201 | 202 | 204:
                return self._json(answer.body) if answer.body.strip() else None
            case 401:
                raise OutsideError(
                    f"{where} does not take JIRA_EMAIL and JIRA_API_TOKEN: {said}; "
                    f"make a new token for {self.email!r} at {TOKENS_PAGE}"
                )
            case 403:
                raise OutsideError(
                    f"{where} does not let {self.email!r} do this ({method} {path}): {said}; "
                    "give that account the permission in the project"
                )
            case 404 | 410:
                raise JiraAbsent(f"{where} has no {path!r}, or does not show it to {self.email!r}: {said}")
            case 429:
                raise OutsideError(
                    f"{where} has had too many requests"
                    + (
                        f" and asks to wait {one_line(answer.retry_after)[:40]} seconds"
                        if answer.retry_after
                        else ""
                    )
                )
            case status if 300 <= status < 400:
                raise OutsideError(
                    f"{where} sends us elsewhere (HTTP {status}): has the site another address?"
                )
            case status if 400 <= status < 500:
                raise JiraRefusal(f"{where} does not do this ({method} {path}, HTTP {status}): {said}")
            case status:
                raise OutsideError(f"{where} fails at the moment (HTTP {status}): {said}")

    def _json(self, body: bytes) -> object:
        try:
            value: object = json.loads(body)
        except (ValueError, RecursionError):
            raise OutsideError(
                f"Jira at {self.base_url} answered something else than JSON: is JIRA_BASE_URL its address?"
            ) from None
        return value

    def _words(self, body: bytes) -> str:
        """What Jira says of a refusal, bounded, without the token."""
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        words: list[str] = []
        if isinstance(said, dict):
            listed, named = said.get("errorMessages"), said.get("errors")
            words += [str(each) for each in listed] if isinstance(listed, list) else []
            words += [f"{name}: {each}" for name, each in named.items()] if isinstance(named, dict) else []
            words += [str(said["message"])] if isinstance(said.get("message"), str) else []
        text = one_line("; ".join(words)).replace(self._token, "***") or "it does not say why"
        return text[:MAX_WORDS]


def _seconds(retry_after: str) -> float | None:
    """Seconds that Retry-After asks for. https://developer.atlassian.com/cloud/jira/platform/rate-limiting/."""
    text = retry_after.strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
