"""Who is logged in, in a cookie that only Anton can write. Pure: a key and a clock come in, words go out.

A session is an identity, when it ends, what it was opened with, and a signature over all of these. With it
goes a token for the page's forms, so that no other site can send one in a person's name.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

COOKIE = "anton_session"
LIFETIME = timedelta(hours=12)
MAX_CHARACTERS = 1_000
"""Of a cookie; a longer one was made by nobody here."""
SESSION, FORM, TOKEN = "anton session 2", "anton form 1", "anton session token 1"
"""What a signature is good for."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in."""

    identity: str
    """See `core.person`."""
    ends_at: datetime
    """Aware, UTC."""
    grant: str = ""
    """Of the token that it was opened with, from `grant_of`, so that it ends with it; empty for a link."""


def sealed(session: Session, key: bytes) -> str:
    """The session as a word that nobody else can make.

    Args:
        session: Who, and until when.
        key: Secret.
    """
    body = f"{int(session.ends_at.timestamp())}:{session.grant}:{session.identity}".encode()
    encoded = base64.urlsafe_b64encode(body).decode().rstrip("=")
    return f"{encoded}.{_signature(encoded, key, SESSION)}"


def opened(word: str, key: bytes, now: datetime) -> Session | None:
    """The session that a word stands for; None where it is forged, damaged or over."""
    encoded, _, signature = word.partition(".")
    if len(word) > MAX_CHARACTERS or not word.isascii():
        return None
    if not hmac.compare_digest(signature.encode(), _signature(encoded, key, SESSION).encode()):
        return None
    try:
        body = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        ends, grant, identity = body.split(":", 2)
        ends_at = datetime.fromtimestamp(int(ends), tz=now.tzinfo)
    except (ValueError, OverflowError, OSError):
        return None
    return Session(identity, ends_at, grant) if now < ends_at and identity else None


def grant_of(token: str, key: bytes) -> str:
    """What tells a token from any other, and tells nobody what it is."""
    return _signature(token, key, TOKEN)


def form_token(word: str, key: bytes) -> str:
    """What the forms of a session carry."""
    return _signature(word, key, FORM)


def is_form_token(given: str, word: str, key: bytes) -> bool:
    """Whether a form was made for the session."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), form_token(word, key).encode())


def _signature(text: str, key: bytes, purpose: str) -> str:
    return hmac.new(key, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()
