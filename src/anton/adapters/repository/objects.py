"""Names of objects."""

from __future__ import annotations

import re


def checked_id(object_id: str) -> str:
    """A full hexadecimal object id, fit to stand on a command line.

    Raises:
        ValueError: it is something else.
    """
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", object_id):
        raise ValueError(f"not a full object id: {object_id!r}")
    return object_id
