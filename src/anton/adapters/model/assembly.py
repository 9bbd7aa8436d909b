"""A reply put together from the chunks that an endpoint streams, whatever its habits.

A call is handed over the moment its arguments are a complete JSON object, in the order in which the model
made its calls. Calls that never become complete are handed over at the end as they are: whoever carries them
out tells the model what is wrong with them.

Source of the shapes: https://platform.openai.com/docs/api-reference/chat/streaming
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic_core import from_json

from anton.core.errors import ModelError
from anton.core.message import (
    AssistantMessage,
    CallReady,
    Message,
    ReplyEnded,
    StreamItem,
    TextDelta,
    ToolCall,
    Usage,
)

MAX_ARGUMENT_CHARACTERS = 1_000_000
MAX_REPLY_CHARACTERS = 4_000_000

TOO_LONG = (
    f'{{"dropped":"the arguments were longer than {MAX_ARGUMENT_CHARACTERS:,} characters; '
    'write less in one call"}'
)
"""Stands for arguments beyond the limit: valid JSON, because some endpoints refuse a history without it."""

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class ObjectScanner:
    """Notices the end of one JSON object in text that comes in pieces, looking at each piece once."""

    __slots__ = ("_depth", "_escaped", "_quoted", "end")

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self.end: int | None = None
        """Where in the last piece the object ended; None while it has not."""

    def feed(self, piece: str) -> bool:
        """Whether the object is complete now."""
        position = 0
        if self._escaped and piece:
            position, self._escaped = 1, False
        while found := (_INSIDE if self._quoted else _OUTSIDE).search(piece, position):
            position = found.end()
            match found.group():
                case '"':
                    self._quoted = not self._quoted
                case "\\":
                    self._escaped = position == len(piece)
                    position += 1
                case "{" | "[":
                    self._depth += 1
                case _:
                    self._depth -= 1
                    if self._depth == 0:
                        self.end = position
                        return True
        return False


@dataclass(slots=True)
class _Call:
    """A call in the making."""

    index: object
    given_id: str
    """As the endpoint wrote it; `id` differs where that was missing or taken."""
    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    characters: int = 0
    scanner: ObjectScanner | None = field(default_factory=ObjectScanner)
    """None where the text is beyond hope of becoming an object."""
    complete: bool = False
    opened_empty: bool = False

    def add(self, piece: str) -> None:
        """Take one more piece of the arguments; what follows a complete object is dropped."""
        if self.complete or not piece:
            return
        self.characters += len(piece)
        if self.characters > MAX_ARGUMENT_CHARACTERS:
            self.pieces, self.scanner = [TOO_LONG], None
        else:
            self._append(piece)

    @property
    def arguments(self) -> str:
        """As they stand; no arguments at all are an empty object."""
        text = "".join(self.pieces)
        return text if text.strip() else "{}"

    def _append(self, piece: str) -> None:
        self.pieces.append(piece)
        if self.scanner is None or not self.scanner.feed(piece):
            return
        end = self.scanner.end
        text = "".join([*self.pieces[:-1], piece[:end]])
        found = _object(text)
        if found is None:
            self.scanner = None
        elif found or self.opened_empty:
            self.pieces, self.complete = [text], True
        else:
            # Some gateways open with an empty object before the real arguments; it says no more than nothing.
            self.pieces, self.scanner, self.opened_empty = [], ObjectScanner(), True
            self._append(piece[end:])


class ReplyAssembly:
    """One reply in the making.

    Args:
        history: the conversation that is being answered; its call ids are taken.
        model: name to report where the endpoint names none.
    """

    def __init__(self, history: Iterable[Message], model: str) -> None:
        self._history = history
        self._taken: set[str] | None = None
        self._calls: list[_Call] = []
        self._handed_over = 0
        self._characters = 0
        self._model = model
        self._usage = Usage()
        self.finish_reason = ""
        """Empty until the endpoint said that the reply is whole."""

    def take(self, chunk: dict[str, object]) -> list[StreamItem]:
        """What one chunk adds. Parts of an unknown shape are passed over.

        Raises:
            ModelError: the reply has grown beyond `MAX_REPLY_CHARACTERS`.
        """
        if usage := chunk.get("usage"):
            self._usage = usage_from(usage)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return []
        choice = choices[0]
        if isinstance(model := chunk.get("model"), str) and model:
            self._model = model
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self.finish_reason = reason
        delta = choice.get("delta") or choice.get("message")
        return self._take_delta(delta) if isinstance(delta, dict) else []

    def end(self) -> list[StreamItem]:
        """The calls that are left, complete or not, and the end of the reply."""
        left: list[StreamItem] = [
            CallReady(ToolCall(call.id, call.name, call.arguments))
            for call in self._calls[self._handed_over :]
        ]
        self._handed_over = len(self._calls)
        reason = self.finish_reason or ("tool_calls" if self._calls else "stop")
        return [*left, ReplyEnded(self._usage, reason, self._model)]

    def _take_delta(self, delta: dict[str, object]) -> list[StreamItem]:
        items: list[StreamItem] = []
        if text := _text(delta.get("content")) or _text(delta.get("refusal")):
            self._grow(len(text))
            items.append(TextDelta(text))
        if calls := delta.get("tool_calls"):
            for piece in calls if isinstance(calls, list) else ():
                if isinstance(piece, dict):
                    self._take_call(piece)
            items.extend(self._ready())
        return items

    def _take_call(self, piece: dict[str, object]) -> None:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        name, arguments = _text(function.get("name")), _text(function.get("arguments"))
        self._grow(len(name) + len(arguments))
        self._call_for(piece.get("index"), _text(piece.get("id")), name).add(arguments)

    def _call_for(self, index: object, ident: str, name: str) -> _Call:
        """The call that a piece belongs to: one that exists, or a new one.

        A new id with a name begins a call even under an old index, as some endpoints number all calls 0; a
        new id without a name does not, as others make up an id for each chunk.
        """
        mine = next((c for c in reversed(self._calls) if c.index == index), None)
        if index is None and not ident and self._calls and not name:
            mine = self._calls[-1]
        elif index is None:
            mine = next((c for c in self._calls if ident and c.given_id == ident), None)
        if mine is not None and name:
            another = bool(ident and ident != mine.given_id) or (not ident and mine.complete)
            mine = None if another else mine
        if mine is None:
            mine = _Call(index, ident, self._free_id(ident), name)
            self._calls.append(mine)
        elif not mine.name:
            mine.name = name
        return mine

    def _free_id(self, wanted: str) -> str:
        if self._taken is None:
            self._taken = call_ids(self._history)
        ident = free_call_id(wanted, self._taken)
        self._taken.add(ident)
        return ident

    def _ready(self) -> Iterator[CallReady]:
        while self._handed_over < len(self._calls) and self._calls[self._handed_over].complete:
            call = self._calls[self._handed_over]
            self._handed_over += 1
            yield CallReady(ToolCall(call.id, call.name, call.arguments))

    def _grow(self, characters: int) -> None:
        self._characters += characters
        if self._characters > MAX_REPLY_CHARACTERS:
            raise ModelError(
                f"model {self._model!r} sent a reply of more than {MAX_REPLY_CHARACTERS:,} characters: "
                "set MODEL to one that comes to an end"
            )


def usage_from(value: object) -> Usage:
    """The provider's token counts; zeros for whatever it left out."""
    if not isinstance(value, dict):
        return Usage()
    details = value.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if cached is None:
        cached = value.get("prompt_cache_hit_tokens")  # https://api-docs.deepseek.com/guides/kv_cache
    return Usage(_count(value.get("prompt_tokens")), _count(cached), _count(value.get("completion_tokens")))


def call_ids(messages: Iterable[Message]) -> set[str]:
    """All call ids that a conversation holds."""
    said = (message for message in messages if isinstance(message, AssistantMessage))
    return {call.id for message in said for call in message.calls}


def free_call_id(wanted: str, taken: set[str]) -> str:
    """The id that was wanted, or one made up where it is missing or taken.

    Nine letters and digits, because Mistral's endpoints accept nothing else.
    """
    number = len(taken)
    while not wanted or wanted in taken:
        number += 1
        wanted = f"call{number:05d}"
    return wanted


def _text(value: object) -> str:
    """The text of a field; content may also come as a list of parts."""
    if isinstance(value, list):
        return "".join(_text(part.get("text")) for part in value if isinstance(part, dict))
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _object(text: str) -> dict[str, object] | None:
    try:
        value = from_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
