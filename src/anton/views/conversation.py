"""A conversation as it reads afterwards: its last exchanges, and the whole of it as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC

from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    Entry,
    NotePosted,
    ReplyReceived,
    RunReceived,
    Source,
    TurnEnded,
)
from anton.core.question import QuestionAnswered, QuestionAsked
from anton.core.text import visible
from anton.core.turning import CheckpointMade, CheckpointRestored, ModelChosen, PolicyChosen
from anton.views.testimony import ending
from anton.views.timeline import turning


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a person said, and what came of it."""

    said: str
    answer: str = ""
    """The text of the last reply that had any."""


def exchanges(entries: Iterable[Entry]) -> tuple[Exchange, ...]:
    """All that the model still knows of, oldest first: what was taken back is left out."""
    said: tuple[Exchange, ...] = ()
    marks: dict[str, tuple[Exchange, ...]] = {}
    for entry in entries:
        match entry.event:
            case NotePosted(note=note) if note.source is Source.PERSON:
                said = (*said, Exchange(note.text))
            case ReplyReceived(text=text) if text.strip() and said:
                said = (*said[:-1], replace(said[-1], answer=text.strip()))
            case AgentEnded(outcome=AgentOutcome.INTERRUPTED, detail=begun) if said:
                before = said[-1].answer
                said = (*said[:-1], replace(said[-1], answer=f"{begun or before} (interrupted)".strip()))
            case CheckpointMade(name=name):
                marks[name] = said
            case CheckpointRestored(name=name):
                said = marks.get(name, said)
    return said


def transcript(entries: Iterable[Entry]) -> str:
    """The whole conversation as Markdown, also what was taken back; words from outside stay what they are."""
    return "\n\n".join(part for entry in entries for part in _parts(entry)) + "\n"


def _parts(entry: Entry) -> Iterator[str]:
    match entry.event:
        case RunReceived(repository=repository):
            at = entry.at.astimezone(UTC)
            yield f"# Conversation {entry.run_id}"
            yield f"About `{visible(repository)[0]}`, begun on {at:%Y-%m-%d} at {at:%H:%M} UTC."
        case NotePosted(note=note) if note.source is Source.PERSON:
            yield "## You"
            yield visible(note.text)[0]
        case ReplyReceived(text=text, calls=calls):
            if text.strip():
                yield "## Anton"
                yield visible(text.strip())[0]
            for call in calls:
                yield f"Calls **{visible(call.name)[0]}**:"
                yield _fenced(call.arguments)
        case TurnEnded(results=results):
            for result in results:
                yield f"**{visible(result.name)[0]}** {'failed' if result.failed else 'brought'}:"
                yield _fenced(result.text)
        case QuestionAsked(question=question):
            yield f"> {question.text} {question.reason}".rstrip()
            if question.call:
                yield _fenced(question.call)
        case QuestionAnswered() as answer:
            said = {True: "yes", False: "no", None: ""}[answer.allowed]
            words = ", ".join(filter(None, (said, visible(answer.text)[0])))
            yield f"> {answer.by or 'nobody'}: {words}"
        case CheckpointMade() | CheckpointRestored() | ModelChosen() | PolicyChosen() as event:
            yield f"*{turning(event)}*"
        case AgentEnded(outcome=AgentOutcome.INTERRUPTED, detail=begun):
            if begun:
                yield "## Anton"
                yield visible(begun)[0]
            yield "*Interrupted.*"
        case AgentEnded(outcome=outcome) as event if outcome is not AgentOutcome.ANSWERED:
            yield f"*The agent {ending(event)}.*"


def _fenced(text: str) -> str:
    """A block of code that nothing within can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{visible(text)[0].rstrip()}\n{fence}"
