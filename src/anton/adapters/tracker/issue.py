"""What all issues of vendors have in common."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime


def digest(*texts: str) -> str:
    """What tells texts from any others: SHA-256 in hexadecimal."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()


def moment(said: str) -> datetime | None:
    """A time as a vendor writes it, in ISO 8601, as aware UTC; None where it is none."""
    try:
        at = datetime.fromisoformat(said)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
