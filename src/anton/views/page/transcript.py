"""What an agent and its model said to each other, turn by turn, from the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from anton.core.event import (
    AgentEnded,
    AgentStarted,
    ConversationCompressed,
    Entry,
    NotePosted,
    ReplyReceived,
    TurnEnded,
)
from anton.core.message import ToolCall
from anton.core.question import QuestionAnswered, QuestionAsked
from anton.core.tool import ToolResult
from anton.views.encode import cut, line, revealed
from anton.views.figures import money, tokens
from anton.views.testimony import ending

RESULT_CHARACTERS = 6_000
"""Of one tool's result on the page; the journal holds the whole."""
TEXT_CHARACTERS = 12_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and what came of it."""

    name: str
    arguments: str
    result: str
    failed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that happened in the conversation."""

    kind: str
    """`opening`, `reply`, `note`, `question`, `compressed` or `end`."""
    title: str
    text: str
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One agent's conversation."""

    agent: str
    parts: tuple[Part, ...]


def transcripts(entries: Iterable[Entry]) -> tuple[Transcript, ...]:
    """The conversations of all agents, in the order in which they started."""
    by_agent: dict[str, list[Part]] = {}
    replies: dict[str, ReplyReceived] = {}
    for entry in entries:
        event = entry.event
        match event:
            case AgentStarted(agent):
                by_agent.setdefault(agent, []).append(_opening(event))
            case ReplyReceived(agent):
                replies[agent] = event
                by_agent.setdefault(agent, []).append(_reply(event, ()))
            case TurnEnded(agent) if agent in replies:
                by_agent[agent][-1] = _reply(replies.pop(agent), event.results)
            case NotePosted(agent):
                note = event.note
                title = f"note from {note.source}"
                by_agent.setdefault(agent, []).append(Part("note", title, _text(note.text)))
            case QuestionAsked(agent):
                asked = event.question.text + (f"\n\n{event.question.call}" if event.question.call else "")
                by_agent.setdefault(agent, []).append(Part("question", "asks a person", _text(asked)))
            case QuestionAnswered(agent):
                who = f"answered by {line(event.by, 80)}" if event.by else "not answered in time"
                by_agent.setdefault(agent, []).append(Part("question", who, _text(event.text)))
            case ConversationCompressed(agent):
                by_agent.setdefault(agent, []).append(
                    Part("compressed", "older turns were compressed", _text(event.summary))
                )
            case AgentEnded(agent):
                by_agent.setdefault(agent, []).append(
                    Part("end", ending(event), _pretty(event.output) if event.output else "")
                )
            case _:
                continue
    return tuple(Transcript(line(agent, 60), tuple(parts)) for agent, parts in by_agent.items())


def _opening(event: AgentStarted) -> Part:
    tools = ", ".join(line(name, 60) for name in event.tools) or "none"
    text = f"{event.system}\n\n— tools: {tools}\n\n— opening\n\n{event.opening}"
    return Part("opening", f"started with {line(event.model, 80)}", _text(text))


def _reply(event: ReplyReceived, results: tuple[ToolResult, ...]) -> Part:
    spent = event.usage.input_tokens + event.usage.output_tokens
    price = "" if event.cost_dollars is None else f" · {money(event.cost_dollars)}"
    again = f" · asked again {event.restarts} times" if event.restarts else ""
    title = f"turn {event.turn} · {event.seconds:.1f} s · {tokens(spent)} tokens{price}{again}"
    by_id = {result.call_id: result for result in results}
    exchanges = tuple(_exchange(call, by_id.get(call.id)) for call in event.calls)
    return Part("reply", title, _text(event.text), exchanges)


def _exchange(call: ToolCall, result: ToolResult | None) -> Exchange:
    arguments = cut(_pretty(call.arguments), RESULT_CHARACTERS)
    if result is None:
        return Exchange(line(call.name, 60), arguments, "", failed=False, seconds=0.0)
    shown = revealed(cut(result.text, RESULT_CHARACTERS))
    return Exchange(line(call.name, 60), arguments, shown, result.failed, result.seconds)


def _pretty(text: str) -> str:
    """JSON with its line ends as line ends; text that is none, as it is."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return revealed(text)
    if not isinstance(parsed, dict):
        return revealed(text)
    return revealed("\n".join(f"{name}: {_value(value)}" for name, value in parsed.items()))


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def _text(text: str) -> str:
    return revealed(cut(text, TEXT_CHARACTERS)).strip()
