"""The file format of a recording.

One JSON object a line, one line an exchange, each written whole. Messages are written once, with the exchange
that first holds them, and named by their id from then on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from anton.adapters.model.conversation_key import ConversationKey, key_of
from anton.core.errors import ModelError
from anton.core.message import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)


@dataclass(frozen=True, slots=True)
class ExchangeLine:
    """One question and its reply as they stand in the file."""

    agent: str
    started: int
    """Beginnings and ends of all replies of the file are numbered in their true order."""
    ended: int
    at: datetime
    """Of the reply's end; aware, UTC."""
    seconds: float
    model: str
    messages: tuple[str, ...]
    """Ids; the messages themselves stand under `new` of this line or another."""
    new: Mapping[str, dict[str, Any]]
    tools: tuple[str, ...]
    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A recorded exchange and the conversation that it is found by."""

    key: ConversationKey
    line: ExchangeLine


_LINE: TypeAdapter[ExchangeLine] = TypeAdapter(ExchangeLine)


def encode_line(line: ExchangeLine) -> bytes:
    """The exchange as one line, its end included."""
    return _LINE.dump_json(line) + b"\n"


def message_id(message: Message) -> str:
    """What a message is named by within a recording."""
    return hashlib.sha256(message.wire).hexdigest()[:16]


def message_as_dict(message: Message) -> dict[str, Any]:
    """The message as it is sent."""
    plain: dict[str, Any] = json.loads(message.wire.decode("utf-8", "replace"))
    return plain


def read_recording(source: Traversable | Path) -> tuple[Exchange, ...]:
    """All exchanges of a recording, in the order in which their replies ended.

    Raises:
        ModelError: the file cannot be read, or a line of it is not an exchange.
    """
    try:
        texts = source.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the recording {str(source)!r} cannot be read: {error}") from error
    lines: list[ExchangeLine] = []
    messages: dict[str, Message] = {}
    for number, text in enumerate(texts, start=1):
        try:
            if text:
                lines.append(_LINE.validate_json(text))
                messages |= {ident: _message(body) for ident, body in lines[-1].new.items()}
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"line {number} of {str(source)!r} is not a recorded exchange: {error}"
            ) from error
    missing = {ident for line in lines for ident in line.messages} - messages.keys()
    if missing:
        raise ModelError(f"the recording {str(source)!r} lacks the messages {sorted(missing)!r}")
    found = (Exchange(key_of(line.agent, [messages[i] for i in line.messages]), line) for line in lines)
    return tuple(sorted(found, key=lambda exchange: exchange.line.ended))


def _message(body: Mapping[str, Any]) -> Message:
    match body["role"]:
        case "system":
            return SystemMessage(body["content"])
        case "user":
            return UserMessage(body["content"])
        case "tool":
            return ToolMessage(body["tool_call_id"], body["content"])
        case "assistant":
            calls = (ToolCall(call["id"], **call["function"]) for call in body.get("tool_calls", ()))
            return AssistantMessage(body["content"] or "", tuple(calls))
        case role:
            raise ValueError(f"a message has the unknown role {role!r}")
