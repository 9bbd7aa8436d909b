"""When who did what, as bars on one axis of time: the agents side by side, and the proof below them.

While nothing is done, because a person is awaited, the axis does not go on: a night's sleep would press the
work into a line. Such a pause is drawn as a break.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anton.core.event import (
    AgentEnded,
    BriefingPrepared,
    CellFinished,
    Decided,
    Entry,
    ReplyReceived,
    TurnEnded,
    TurnStarted,
)
from anton.core.run import RunState
from anton.views.encode import line
from anton.views.figures import duration

WIDTH = 1_000
"""Units of the whole axis."""
NARROWEST = 2.0
"""Units of a bar; a shorter one could not be seen."""
PROOF = "proof"
TICKS = 5
SHORTEST_BREAK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that was done."""

    kind: str
    """`model`, `tools`, `cell` or `bad`; what is between bars is waiting."""
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """What one of them did."""

    name: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """A pause in which a person was awaited."""

    x: float
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The lanes over one axis of time."""

    lanes: tuple[Lane, ...]
    breaks: tuple[Break, ...]
    ticks: tuple[str, ...]
    """Labels, evenly spaced from the start to the end of the axis."""


@dataclass(frozen=True, slots=True)
class _Span:
    lane: str
    kind: str
    start: datetime
    end: datetime
    title: str


def plot(state: RunState, entries: Iterable[Entry], now: datetime) -> Plot:
    """The plot of a run.

    Args:
        state: The run.
        entries: Its journal.
        now: Aware; what is under way reaches to it.
    """
    known = tuple(entries)
    spans = tuple(_spans(known, now if state.closed is None else state.updated_at))
    pauses = _pauses(known)
    axis = _Axis(state.started_at, max([state.started_at, *(span.end for span in spans)]), pauses)
    names = [*state.agents, *([PROOF] if any(span.lane == PROOF for span in spans) else ())]
    lanes = tuple(
        Lane(line(name, 40), tuple(axis.bar(span) for span in spans if span.lane == name)) for name in names
    )
    breaks = tuple(
        Break(axis.at(start), f"waited {duration((end - start).total_seconds())} for a person")
        for start, end in pauses
    )
    ticks = tuple(duration(axis.seconds * step / (TICKS - 1)) for step in range(TICKS))
    return Plot(lanes, breaks, ticks)


def _pauses(entries: Sequence[Entry]) -> tuple[tuple[datetime, datetime], ...]:
    pauses, since = [], None
    for entry in entries:
        if isinstance(entry.event, BriefingPrepared):
            since = entry.at
        elif isinstance(entry.event, Decided) and since is not None:
            if entry.at - since >= SHORTEST_BREAK:
                pauses.append((since, entry.at))
            since = None
    return tuple(pauses)


class _Axis:
    """Moments as units, with the pauses taken out."""

    def __init__(self, start: datetime, end: datetime, pauses: Sequence[tuple[datetime, datetime]]) -> None:
        self._start = start
        self._pauses = pauses
        self.seconds = max(1.0, self._worked(end))

    def _worked(self, at: datetime) -> float:
        paused = sum(
            (max(timedelta(), min(at, end) - start) for start, end in self._pauses if start < at), timedelta()
        )
        return (at - self._start - paused).total_seconds()

    def at(self, moment: datetime) -> float:
        return round(min(WIDTH, max(0.0, WIDTH * self._worked(moment) / self.seconds)), 1)

    def bar(self, span: _Span) -> Bar:
        x = min(self.at(span.start), WIDTH - NARROWEST)
        return Bar(span.kind, x, round(max(NARROWEST, self.at(span.end) - x), 1), span.title)


def _spans(entries: Sequence[Entry], until: datetime) -> Iterable[_Span]:
    asked: dict[str, datetime] = {}
    acting: dict[str, tuple[datetime, ReplyReceived]] = {}
    for entry in entries:
        event = entry.event
        match event:
            case TurnStarted():
                asked[event.agent] = entry.at
            case ReplyReceived():
                start = asked.pop(event.agent, entry.at)
                yield _Span(
                    event.agent, "model", start, entry.at, f"turn {event.turn}: {line(event.model, 60)}"
                )
                acting[event.agent] = (entry.at, event)
            case TurnEnded() if event.agent in acting:
                start, reply = acting.pop(event.agent)
                names = ", ".join(line(call.name, 40) for call in reply.calls) or "no tool"
                yield _Span(event.agent, "tools", start, entry.at, f"turn {event.turn}: {names}")
            case AgentEnded():
                asked.pop(event.agent, None)
                acting.pop(event.agent, None)
            case CellFinished(cell):
                start = max(entries[0].at, entry.at - timedelta(seconds=cell.seconds))
                failed = sum(case.outcome != "passed" for case in cell.cases)
                title = f"{cell.suite} on {cell.tree}: {len(cell.cases)} tests, {failed} not passed"
                yield _Span(PROOF, "cell", start, entry.at, title)
            case _:
                continue
    for agent, start in asked.items():
        yield _Span(agent, "model", start, max(start, until), "the model is being asked")
    for agent, (start, reply) in acting.items():
        names = ", ".join(line(call.name, 40) for call in reply.calls)
        yield _Span(agent, "tools", start, max(start, until), f"turn {reply.turn}: {names}, under way")
