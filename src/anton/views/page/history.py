"""Runs by outcome and day, as a small plot over the list of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from anton.core.event import RunOutcome
from anton.core.run import Phase, RunState
from anton.views.lanes import PHASES

DAYS = 30
HEIGHT = 100
"""Units of the tallest column."""


def standing_of(state: RunState) -> str:
    """`delivered`, `declined`, `failed`, `deciding`, `stopped` or `working`: what a list is filtered by."""
    if state.closed is not None:
        return "failed" if state.closed.outcome is RunOutcome.UNUSABLE else str(state.closed.outcome)
    if state.phase is Phase.DECIDING:
        return "deciding"
    return "stopped" if state.work.stopped is not None else "working"


STANDINGS = ("working", "deciding", "stopped", "delivered", "declined", "failed")
"""In the order in which a column is stacked, from its foot."""


def standing_words(standing: str) -> str:
    """It as a person is told."""
    return PHASES.get(standing, standing)


@dataclass(frozen=True, slots=True)
class Piece:
    """The runs of one day that stand alike."""

    standing: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Day:
    """One column."""

    day: str
    title: str
    pieces: tuple[Piece, ...]


def days(states: Iterable[RunState], today: date) -> tuple[Day, ...]:
    """The last DAYS days, oldest first; the busiest is HEIGHT units tall."""
    counted: dict[date, Counter[str]] = {}
    for state in states:
        counted.setdefault(state.started_at.date(), Counter())[standing_of(state)] += 1
    shown = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    most = max([1, *(counted[day].total() for day in shown if day in counted)])
    return tuple(_day(day, counted.get(day, Counter()), most) for day in shown)


def _day(day: date, counts: Counter[str], most: int) -> Day:
    pieces, top = [], float(HEIGHT)
    for standing in STANDINGS:
        if counts[standing]:
            height = round(HEIGHT * counts[standing] / most, 2)
            top = round(top - height, 2)
            pieces.append(Piece(standing, top, height))
    said = ", ".join(
        f"{standing_words(standing)}: {counts[standing]}" for standing in STANDINGS if counts[standing]
    )
    return Day(f"{day:%m-%d}", f"{day:%Y-%m-%d}: {said or 'no runs'}", tuple(pieces))
