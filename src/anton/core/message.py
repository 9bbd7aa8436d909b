"""What is said to and by a model, in the chat-completions shape that every endpoint understands.

Each message keeps the JSON bytes that it is sent as, made once when the message is made. A turn then costs
the same at ten messages of history and at four hundred, and a provider's prompt cache sees the same prefix
byte for byte.

Source of the shapes: https://platform.openai.com/docs/api-reference/chat/create
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call that the model made."""

    id: str
    """Unique within the conversation; the result names it."""
    name: str
    arguments: str
    """JSON text exactly as the model wrote it; it may be invalid."""


def _object_text(call: ToolCall) -> str:
    """The arguments as an endpoint takes them back: some refuse every later request over one that is no JSON.

    The model reads in the call's result what was wrong with what it wrote.
    """
    try:
        parsed = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return "{}"
    return call.arguments if isinstance(parsed, dict) else "{}"


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """Who the agent is; the first message of every conversation."""

    text: str
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", _encode({"role": "system", "content": self.text}))


@dataclass(frozen=True, slots=True)
class UserMessage:
    """Everything the agent is told: the opening and, later, its notes."""

    text: str
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire", _encode({"role": "user", "content": self.text}))


@dataclass(frozen=True, slots=True)
class AssistantMessage:
    """A model's whole reply."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        body: dict[str, object] = {"role": "assistant", "content": self.text or None}
        if self.calls:
            body["tool_calls"] = [
                {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": _object_text(c)}}
                for c in self.calls
            ]
        elif not self.text:
            body["content"] = ""
        object.__setattr__(self, "wire", _encode(body))


@dataclass(frozen=True, slots=True)
class ToolMessage:
    """What a call brought, as the model reads it."""

    call_id: str
    text: str
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        body = {"role": "tool", "tool_call_id": self.call_id, "content": self.text}
        object.__setattr__(self, "wire", _encode(body))


Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply as the provider counted them; zeros when it said nothing."""

    input_tokens: int = 0
    cached_tokens: int = 0
    """The part of `input_tokens` that the provider read from its prompt cache."""
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply's text, in order."""

    text: str


@dataclass(frozen=True, slots=True)
class CallReady:
    """A call whose arguments are complete; the reply may still be streaming."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class StreamRestarted:
    """The stream was cut or refused and is asked for again: forget all that came before."""

    reason: str
    attempt: int
    """1 for the first repeat."""
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The reply is whole; always the last item of a stream."""

    usage: Usage
    finish_reason: str
    """As the provider names it: `stop`, `tool_calls`, `length`, `content_filter`."""
    model: str
    """The model that answered, which a fallback may have changed."""
    instead_of: str = ""
    """The model that was asked for, where it gave no reply and this one stood in for it."""


StreamItem = TextDelta | CallReady | StreamRestarted | ReplyEnded
