"""What hooks are told: one JSON object, described for operators in docs/hooks.md."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic_core import from_json

from anton.core.event import AgentEnded, HookMoment
from anton.core.message import ToolCall
from anton.core.tool import ToolResult

VERSION = 1
"""Of the JSON; it changes when a field is removed or means something else, and not when one is added."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """A moment in an agent's work."""

    moment: HookMoment
    run: str
    agent: str
    model: str
    turn: int
    """Turns begun since the agent started; 0 before the first."""
    call: ToolCall | None = None
    """Before and after a tool."""
    result: ToolResult | None = None
    """After a tool."""
    ended: AgentEnded | None = None
    """After an agent, and on an error."""


def event_as_json(event: HookEvent) -> bytes:
    """The event as one line of ASCII JSON."""
    body: dict[str, object] = {
        "version": VERSION,
        "moment": event.moment,
        "run": event.run,
        "agent": event.agent,
        "model": event.model,
        "turn": event.turn,
    }
    if event.call is not None:
        arguments = _parsed(event.call.arguments)
        body["tool"] = {"call_id": event.call.id, "name": event.call.name, "arguments": arguments}
    if event.result is not None:
        result = event.result
        body["result"] = {"text": result.text, "failed": result.failed, "seconds": result.seconds}
    if event.ended is not None:
        output = None if event.ended.output is None else _parsed(event.ended.output)
        body["end"] = {"outcome": event.ended.outcome, "detail": event.ended.detail, "output": output}
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def _parsed(text: str) -> object:
    """The object that a model wrote as JSON; its text where it is none, or none that JSON can hold."""
    try:
        value = from_json(text.encode("utf-8", "replace"), allow_inf_nan=False)
        json.dumps(value, allow_nan=False)
    except ValueError:
        return text
    return value if isinstance(value, dict) else text
