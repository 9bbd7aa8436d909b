"""A tool call in a few words, for a person who watches."""

from __future__ import annotations

import json

from anton.core.message import ToolCall
from anton.core.text import one_line

MAX_CHARACTERS = 80


def summarise(call: ToolCall) -> str:
    """The call's most telling argument, cut to MAX_CHARACTERS on one line."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return ""
    for name in ("path", "pattern", "paths", "command", "url"):
        if value := arguments.get(name):
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            break
    else:
        text = ""
    line = one_line(text)
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"
