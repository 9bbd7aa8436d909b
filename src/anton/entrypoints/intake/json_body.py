"""JSON of anybody's, within bounds."""

from __future__ import annotations

import json
import re

from anton.core.errors import UsageError
from anton.core.text import sayable

MAX_BODY_BYTES = 1 << 20
"""Of a request's body, where its sender is known to send no more."""
MAX_DEPTH = 64
"""Of lists and objects within each other; real payloads stay below 20."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(body: bytes, max_bytes: int = MAX_BODY_BYTES) -> object:
    """The value that a body is the JSON of; lone surrogates in its texts are replaced.

    Raises:
        UsageError: it is longer or deeper than allowed, not UTF-8, or not JSON as RFC 8259 has it.
    """
    if len(body) > max_bytes:
        raise UsageError(f"the body has {len(body):,} bytes, and {max_bytes:,} are taken")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"the body is not UTF-8: byte {error.start} begins no character") from None
    try:
        value: object = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise UsageError(f"the body is nested more than {MAX_DEPTH} deep") from None
    except ValueError as error:  # JSONDecodeError is one, and so is a number of too many digits
        raise UsageError(f"the body is not JSON: {error}") from None
    if _deeper_than(value, MAX_DEPTH):
        raise UsageError(f"the body is nested more than {MAX_DEPTH} deep")
    if _SURROGATE.search(text):
        value = json.loads(sayable(json.dumps(value, ensure_ascii=False)))
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number there")


def _deeper_than(value: object, limit: int) -> bool:
    """Level by level, so that the depth costs no stack."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return False
    return True
