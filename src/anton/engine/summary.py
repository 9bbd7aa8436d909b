"""A tool call in a few words, for a person who watches."""

from __future__ import annotations

import json
import re

from anton.core.message import ToolCall
from anton.core.text import one_line

MAX_CHARACTERS = 80
_PATCHED = re.compile(
    r"^(?:\+\+\+ (?!/dev/null)(?:b/)?"
    r"|--- a/(?=.*\n\+\+\+ /dev/null)"
    r"|\*\*\* (?:Add|Update|Delete) File: )(\S+)",
    re.MULTILINE,
)
"""Files that a patch names."""


def summarise(call: ToolCall) -> str:
    """The call's most telling argument, cut to MAX_CHARACTERS on one line."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return ""
    for name in ("commit", "path", "pattern", "paths", "command", "url", "query"):
        if value := arguments.get(name):
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            break
    else:
        text = " ".join(_PATCHED.findall(str(arguments.get("patch", ""))))
    line = one_line(text)
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"
