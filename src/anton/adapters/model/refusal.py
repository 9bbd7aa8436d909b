"""Why an endpoint gave no reply, in words for the operator, and how long to wait before asking again.

What may pass: 408, 409, 429 and 5xx, cut and silent streams, connections that fail. All else is final.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic_core import from_json

from anton.adapters.backoff import Backoff
from anton.core.errors import ContextExceeded, ModelError

MAX_WORDS = 300
"""Characters of a provider's own words that an error repeats."""

_PASSING_STATUS = frozenset({408, 409, 429})
_FINAL_WORDS = (
    "insufficient_quota",
    "invalid",
    "context_length",
    "authentication",
    "permission",
    "not_found",
    "unsupported",
)
"""In the `type` or `code` of an error: asking again would not help.
https://platform.openai.com/docs/guides/error-codes"""
_TOO_LONG_WORDS = (
    "context length",
    "context_length",
    "context window",
    "maximum context",
    "prompt is too long",
)


class PassingError(ModelError):
    """A refusal or a cut that may be gone at the next attempt."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds
        """What the endpoint asked for, if it did."""


@dataclass(frozen=True, slots=True)
class Patience(Backoff):
    """How long an endpoint is waited for."""

    repeats: int = 5
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and where: the part that all refusals name."""

    url: str
    """Without user, password and query."""
    model: str
    key: str
    """Never shown; taken out of what the endpoint says."""

    def words(self, body: bytes) -> str:
        """The endpoint's own words: one line, bounded, without the key."""
        text = _message(body) or "nothing"
        if self.key:
            text = text.replace(self.key, "***")
        text = " ".join(text.split())
        return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"

    def refusal(self, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ModelError:
        """The error that an answer other than 200 amounts to."""
        said = self.words(body)
        if _passes(status, body):
            reason = f"{self.url} answered HTTP {status} for model {self.model!r}: {said}"
            return PassingError(reason, retry_after_seconds(headers, now))
        return self._final(status, said)

    def broken_off(self, error: Mapping[str, object] | str) -> ModelError:
        """The error that an error object inside a stream amounts to."""
        fields = error if isinstance(error, Mapping) else {"message": error}
        said = self.words(str(fields.get("message") or fields).encode("utf-8", "replace"))
        kind = f"{fields.get('type')} {fields.get('code')}".lower()
        code = fields.get("code")
        status = code if isinstance(code, int) else 0
        if any(word in kind for word in _FINAL_WORDS) or (400 <= status < 500 and not _passes(status, b"")):
            return self._final(status or 400, said)
        return PassingError(f"{self.url} broke off the reply of model {self.model!r}: {said}")

    def _final(self, status: int, said: str) -> ModelError:
        """A refusal that asking again does not change."""
        too_long = any(word in said.lower() for word in _TOO_LONG_WORDS)
        kind = ContextExceeded if too_long else ModelError
        return kind(f"{self._verdict(status, said)} It said: {said}")

    def _verdict(self, status: int, said: str) -> str:
        where = f"{self.url} refused model {self.model!r} (HTTP {status})"
        if any(word in said.lower() for word in _TOO_LONG_WORDS):
            return f"{where}: the conversation exceeds its context length. Set MODEL to one with more."
        match status:
            case 401 | 403:
                return f"{where}: the key is not accepted there. Set API_KEY to a key of this provider."
            case 402 | 429:
                return f"{where}: the account's credit is used up. Top it up, or set API_KEY to another key."
            case 404 | 405:
                return f"{where}: no such model or address. Check BASE_URL (most end in /v1) and MODEL."
            case _ if 300 <= status < 400:
                return f"{where}: the address has moved. Set BASE_URL to the new one."
            case _:
                return (
                    f"{where}: the request was not accepted. Check that MODEL can call tools, and BASE_URL."
                )


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """What `retry-after-ms` or `Retry-After` (seconds or HTTP date) asks for; None without a readable one.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    for name, factor in (("retry-after-ms", 0.001), ("Retry-After", 1.0)):
        try:
            wait = float(headers.get(name, "")) * factor
        except ValueError:
            continue
        if 0 <= wait < float("inf"):
            return wait
    try:
        at = parsedate_to_datetime(headers.get("Retry-After", ""))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def _passes(status: int, body: bytes) -> bool:
    if status == 429 and b"insufficient_quota" in body:
        return False
    return status in _PASSING_STATUS or status >= 500


def _message(body: bytes) -> str:
    """The message of an error body in any of the usual shapes; else the body's text."""
    try:
        value = from_json(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    if isinstance(value, list) and value:
        value = value[0]
    while isinstance(value, dict):
        inner = value.get("error") or value.get("message") or value.get("detail")
        if inner is None:
            break
        value = inner
    return value if isinstance(value, str) else body.decode("utf-8", "replace")
