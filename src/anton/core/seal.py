"""Sealed texts: what Anton hands out and takes back unchanged, such as a button's value or a link.

    base64url(JSON of what is said) . base64url(HMAC-SHA-256 over purpose and that text)

Whoever does not have the key can make none and change none; one made for a purpose is no good for another.
A seal says where a text is from, not who sends it: the gate asks for that besides (`core.decision`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from anton.core.event import Verb
from anton.core.person import page

KEY_BYTES = 32
MAX_CHARACTERS = 2_000
"""Of a sealed text; a button of Slack takes as many."""

_VERBS = {verb.value: verb for verb in Verb}
_CHOICE, _LINK = b"anton choice 1\0", b"anton link 1\0"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a button stands for."""

    run_id: str
    digest: str
    """Of the briefing that it stands under."""
    verb: Verb


@dataclass(frozen=True, slots=True)
class Link:
    """Whom the page is opened for, and how long."""

    person: str
    """Their name in the rules."""
    run_id: str
    """The run that it leads to; empty for all."""
    expires_at: datetime
    """Aware, UTC, to the second."""

    @property
    def identity(self) -> str:
        """Who comes by it, see `core.person`."""
        return page(self.person)


def seal_choice(key: bytes, choice: Choice) -> str:
    """A button's value: ASCII, fit for a URL."""
    return _sealed(key, _CHOICE, [choice.run_id, choice.digest, choice.verb.value])


def open_choice(key: bytes, text: str) -> Choice | None:
    """What `seal_choice` sealed with this key; None for any other text."""
    match _opened(key, _CHOICE, text):
        case [str(run_id), str(digest), str(verb)] if verb in _VERBS:
            return Choice(run_id, digest, _VERBS[verb])
        case _:
            return None


def make_link(key: bytes, person: str, run_id: str, expires_at: datetime) -> str:
    """What a link to the page carries: ASCII, fit for a URL."""
    return _sealed(key, _LINK, [person, run_id, int(expires_at.timestamp())])


def check_link(key: bytes, text: str, run_id: str, now: datetime) -> Link | None:
    """What `make_link` made with this key, if it leads to that run and is not over; else None."""
    match _opened(key, _LINK, text):
        case [str(person), str(leads_to), int(until)] if person and leads_to in ("", run_id):
            expires_at = datetime.fromtimestamp(until, UTC)
            return Link(person, leads_to, expires_at) if now < expires_at else None
        case _:
            return None


def _sealed(key: bytes, purpose: bytes, said: list[str | int]) -> str:
    text = _base64(json.dumps(said, separators=(",", ":")).encode())
    return f"{text}.{_base64(_mac(key, purpose, text))}"


def _opened(key: bytes, purpose: bytes, sealed: str) -> object:
    """What was said, once the seal is known to be whole; nothing is read before."""
    text, dot, mac = sealed.partition(".")
    if len(sealed) > MAX_CHARACTERS or not dot or not sealed.isascii():
        return None
    if not hmac.compare_digest(_base64(_mac(key, purpose, text)), mac):
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None


def _mac(key: bytes, purpose: bytes, text: str) -> bytes:
    if len(key) < KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, and this one {len(key)}")
    return hmac.new(key, purpose + text.encode(), hashlib.sha256).digest()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
