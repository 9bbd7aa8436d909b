"""By what a recorded conversation is recognised when it is held again.

In a playback only the model is recorded; tools, tests and git are real, so their results differ in what does
not matter: durations, absolute paths, ids, addresses, versions. Both sides are normalised before they are
compared. What counts is the opening, every call with its result except `submit`, and the notes that a
conversation turns on. What does not: the system prompt, which may be improved without recording anew, the
model's own prose, and hints that merely arrive earlier or later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from anton.core.agent import WRITER
from anton.core.event import Source
from anton.core.message import AssistantMessage, Message, SystemMessage, ToolCall, ToolMessage, UserMessage

ADVISORY = frozenset({Source.TRIAGE, Source.ANTON})
"""Notes from these may reach an agent a turn earlier or later than recorded, and are left out of its key."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), replacement)
    for pattern, replacement in (
        (r"\x1b\[[0-9;]*[A-Za-z]", ""),
        # Lines that only underline the one above: newer Pythons draw more of them.
        (r"^(?:E[ \t])?[ \t]*[~^][~^ \t]*(?:\n|\Z)", ""),
        (r"^(?:platform|plugins:|cachedir:|rootdir:|configfile:|asyncio:)[^\n]*(?:\n|\Z)", ""),
        (r"\b([Pp]ython|cpython|pytest|pluggy)([ \-/]?)v?\d+(?:\.\d+)*[\w.+]*", r"\1\2<version>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"[ \t]*\(\d+:\d\d:\d\d\)", ""),
        (r"\b\d+(?:\.\d+)?[ ]?(?:ns|µs|us|ms|s|secs?|seconds?|min|minutes?)\b", "<duration>"),
        (r"(?<![\w.:/<>-])/(?:[\w.@+~-]+/)+", "<path>/"),
        (r"\btmp[a-z0-9_]{6,}\b", "<tmp>"),
        (r"\b0x[0-9a-fA-F]{6,}\b", "<address>"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
        (r"\b(?=[a-f]*[0-9])[0-9a-f]{7,}\b", "<id>"),
        (r"([=_-])\1{3,}", r"\1\1\1"),
        (r"[ \t]+$", ""),
    )
)
_NOTE = re.compile(r'<note from="([^"\n]*)">\n(.*?)\n</note>(?=\s*(?:<note from="|\Z))', re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """Where a conversation stands."""

    pieces: tuple[str, ...]
    """The opening, then the calls with their results, then the notes; normalised."""
    replies_since: int
    """Replies after the last piece, such as submissions that were not taken."""


@lru_cache(maxsize=2048)
def normalise(text: str) -> str:
    """The text without what differs from one execution to the next."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.strip()


def key_of(agent: str, messages: Sequence[Message]) -> ConversationKey:
    """The key of a request."""
    opening: str | None = None
    calls: dict[str, ToolCall] = {}
    results: list[str] = []
    notes: list[tuple[str, str]] = []
    replies_since = 0
    for message in messages:
        match message:
            case SystemMessage():
                pass
            case UserMessage() if opening is None:
                opening = f"the opening\n{normalise(message.text)}"
            case UserMessage():
                counting = [
                    note for note in _notes(message.text) if agent == WRITER or note[0] not in ADVISORY
                ]
                notes += counting
                replies_since = 0 if counting else replies_since
            case AssistantMessage():
                calls.update((call.id, call) for call in message.calls)
                replies_since += 1
            case ToolMessage():
                call = calls.get(message.call_id)
                if call is None or call.name != "submit":
                    results.append(_result(call, message.text))
                    replies_since = 0
    # Which of two sources was heard first is a matter of timing; the order within one source is not.
    said = [f"a note from {source}\n{text}" for source, text in sorted(notes, key=lambda note: note[0])]
    return ConversationKey((opening or "no opening", *results, *said), replies_since)


def _notes(text: str) -> Iterator[tuple[str, str]]:
    """Source and text of each note of a user message; the whole text where it holds no note."""
    found = _NOTE.findall(text)
    yield from ((source, normalise(said)) for source, said in found) if found else [("", normalise(text))]


def _result(call: ToolCall | None, text: str) -> str:
    if call is None:
        return f"a call without a name\n{normalise(text)}"
    return f"{call.name} {_arguments(call.arguments)}\n{normalise(text)}"


def _arguments(text: str) -> str:
    """The arguments with their keys in order, so that spacing and order make no difference.

    What is no JSON object is told an endpoint, and so recorded, as an empty one.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    given = parsed if isinstance(parsed, dict) else {}
    return normalise(json.dumps(given, sort_keys=True, ensure_ascii=False))
