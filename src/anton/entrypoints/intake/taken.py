"""What becomes of a payload, and what all senders' modules share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from anton.core.errors import UsageError
from anton.core.text import one_line
from anton.core.ticket import Ticket, ticket_from_text, ticket_text

MAX_LABELS = 20
_URL = re.compile(r"https?://[!-~]{1,2000}")
_NO_KEY = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Taken:
    """A ticket to take on."""

    ticket: Ticket
    """As the payload tells it; where a tracker is its home, that one may know more (`Tracker.get`)."""
    delivery: str
    """Names what happened: a run is begun for it once. Printable, at most 200 characters."""
    requested_by: str
    """Who or what asked, such as `slack:T1/U42`, `github:octocat`, `sentry`."""
    repository: str = ""
    """Hint at the repository that the ticket is about, such as `owner/name`; empty where none is named."""
    base_ref: str = ""
    """Branch to base the fix on; empty for what the repository's default is."""
    ci_run: str = ""
    """Id of the workflow run whose failure this is, see `ports.CI.read`; empty where it is none."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do, and why, in one sentence for whoever looks at the sender's log."""

    reason: str


class Payload(BaseModel):
    """What is read of a payload; whatever else it holds is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def _words(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 200:
        return str(value)
    return "" if value is None else str(value) if isinstance(value, float) else value


def _items(value: object) -> object:
    return () if value is None else value


Words = Annotated[str, BeforeValidator(_words)]
"""Text, or a number as text; null is empty."""
Listed = BeforeValidator(_items)
"""Marks a list for which null is as good as empty."""

P = TypeVar("P", bound=Payload)


def read(model: type[P], payload: object, sender: str) -> P:
    """The payload as the model has it.

    Raises:
        UsageError: something in it is missing or of another kind; the first such place is named.
    """
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(_word(str(step)) for step in first["loc"]) or "the body"
        what = first["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
        raise UsageError(f"this is no payload of {sender}: {where}: {what}") from None


def ticket_of(
    *,
    title: str,
    body: str,
    key: str,
    source: str,
    reporter: str = "",
    url: str = "",
    labels: Iterable[str] = (),
    facts: Mapping[str, str] | None = None,
) -> Ticket:
    """A ticket from what outsiders wrote; `facts` are lines at its end, as far as they are not empty.

    Raises:
        UsageError: it says nothing.
    """
    try:
        ticket = ticket_from_text(ticket_text(title, body, facts or {}), key=ticket_key(key), source=source)
    except ValueError:
        raise UsageError("it has neither a title nor a text, so there is nothing to repair by it") from None
    named = dict.fromkeys(one_line(label)[:100] for label in labels)
    return replace(
        ticket,
        reporter=one_line(reporter)[:100],
        url=url if _URL.fullmatch(url) else "",
        labels=tuple(label for label in named if label)[:MAX_LABELS],
    )


def ticket_key(text: str) -> str:
    """A text as a ticket's key: letters, digits, `.`, `_` and `-`, at most 100, the first no sign."""
    return _NO_KEY.sub("-", text).lstrip("._-")[:100].rstrip("-") or "BUG"


def delivery_of(sender: str, *parts: str) -> str:
    """A delivery's name: readable where it is short and printable, else its digest."""
    name = "/".join(parts)
    if len(name) > 150 or not re.fullmatch("[!-~]+", name):
        name = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{sender}:{name}"


def hexadecimal(text: str, digits: int = 8) -> str:
    """A short name for a text: another one, in all likelihood, for another text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]


def who(sender: str, *parts: str) -> str:
    """Who asked, as one word without anything that a person cannot see."""
    name = "/".join(_word(part) for part in parts if part)
    return f"{sender}:{name}" if name else sender


def _word(text: str) -> str:
    """The first printable characters of a text, without spaces."""
    return "".join(character for character in text[:200] if character.isprintable() and character != " ")[:60]
