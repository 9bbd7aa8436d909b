"""Calls of Slack's Web API: bounded in time and size, and waited for where Slack says that it is busy.

A call is repeated only where Slack says that it did nothing, which is what a rate limit means. Whatever else
goes wrong is told to the caller at once: a message in a chat holds up nothing, and is brought up to date
later.
Sources: https://docs.slack.dev/apis/web-api/, https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from anton.adapters.backoff import Backoff
from anton.core.text import one_line

MAX_BYTES = 8_000_000
"""Of an answer."""
MAX_CODE_CHARACTERS = 100
BUSY = "ratelimited"


class SlackFailure(Exception):
    """A call that came to nothing, as far as can be told; for the adapter, which says it in a sentence."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(reason or code)
        self.code = code
        """Slack's name of its refusal; empty where it gave none that can be read."""


@dataclass(frozen=True, slots=True)
class Waiting(Backoff):
    """How long Slack is waited for; it is asked again where it says that it is busy."""

    repeats: int = 3
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    answer_seconds: float = 20.0
    """For one answer, from the request to its end."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str
    body: bytes


class SlackApi:
    """The Web API in the name of one bot; it holds no connection between two calls.

    Args:
        token: Of the bot; in no error.
        base_url: With a slash at its end.
        waiting: How patient to be.
    """

    def __init__(self, token: str, base_url: str, waiting: Waiting | None = None) -> None:
        self._token = token
        self._base_url = base_url
        self._waiting = waiting or Waiting()

    async def call(self, method: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Slack's answer to a method that takes JSON.

        Raises:
            SlackFailure: it refused, was out of reach, or answered something that it does not say.
        """
        return await self._asked(method, {"json": dict(body)})

    async def read(self, method: str, form: Mapping[str, str]) -> Mapping[str, object]:
        """The same of a method that takes a form, as those that only read do.

        Raises:
            SlackFailure: as for `call`.
        """
        return await self._asked(method, {"data": dict(form)})

    async def _asked(self, method: str, content: Mapping[str, object]) -> Mapping[str, object]:
        repeat = 0
        while True:
            repeat += 1
            answer = await self._answered(method, content)
            said = _object(answer.body)
            if not _is_busy(answer, said):
                return _read(method, answer, said)
            wait = self._waiting.wait_seconds(repeat, _seconds(answer.retry_after))
            if wait is None:
                raise SlackFailure(BUSY)
            await self._waiting.sleep(wait)

    async def _answered(self, method: str, content: Mapping[str, object]) -> _Answer:
        limit = self._waiting.answer_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._sent(method, content)
        except TimeoutError:
            raise SlackFailure("", f"it did not answer {method} within {limit:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = one_line(str(error))[:300] or type(error).__name__
            raise SlackFailure("", reason) from error

    async def _sent(self, method: str, content: Mapping[str, object]) -> _Answer:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "anton"}
        async with (
            aiohttp.ClientSession(headers=headers, trust_env=True) as session,
            session.post(f"{self._base_url}{method}", allow_redirects=False, **content) as response,  # type: ignore[arg-type]
        ):
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MAX_BYTES:
                    raise SlackFailure("", f"it answered {method} with more than {MAX_BYTES:,} bytes")
            return _Answer(response.status, response.headers.get("Retry-After", ""), bytes(body))


def listed(answer: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    """The objects in a list of an answer; what is none is passed over."""
    found = answer.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def within(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object in an object; an empty one where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _object(body: bytes) -> Mapping[str, object] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_busy(answer: _Answer, said: Mapping[str, object] | None) -> bool:
    return answer.status == 429 or bool(said and not said.get("ok") and said.get("error") == BUSY)


def _read(method: str, answer: _Answer, said: Mapping[str, object] | None) -> Mapping[str, object]:
    if said is not None and said.get("ok") is True and answer.status == 200:
        return said
    code = said.get("error") if said is not None and said.get("ok") is False else None
    if isinstance(code, str) and code:
        raise SlackFailure(one_line(code)[:MAX_CODE_CHARACTERS])
    if answer.status != 200:
        raise SlackFailure(f"status {answer.status}")
    raise SlackFailure("", f"what answered {method} is not Slack; check slack.base_url and any proxy")


def _seconds(retry_after: str) -> float | None:
    text = retry_after.strip()
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
