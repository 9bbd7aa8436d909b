"""A span, and the numbers by which spans know each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

Value = str | int | float | bool | tuple[str, ...]
"""What an attribute may hold."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A moment within a span."""

    name: str
    at: datetime
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a run that has a beginning and an end. It holds no text of tickets, prompts or models."""

    name: str
    """One of few: names with numbers in them could not be grouped."""
    trace: int
    """128 bits, of the run."""
    id: int
    """64 bits."""
    parent: int | None
    """The id of the span that it is a part of; None for the whole run."""
    started_at: datetime
    ended_at: datetime
    attributes: Mapping[str, Value]
    error: str = ""
    """The kind of failure that it ended with; empty where it did not."""
    calls_out: bool = False
    """Whether it is a request to another program."""
    happenings: tuple[Happening, ...] = field(default=())


def trace_id(run_id: str, started_at: datetime) -> int:
    """The same for a run in whatever process; the moment tells runs of different journals apart."""
    return _number(f"{run_id}\0{started_at.isoformat()}", 16)


def span_id(trace: int, number: int, part: str = "") -> int:
    """Of the span that the event with a number began; `part` tells several of one event apart."""
    return _number(f"{trace:032x}\0{number}\0{part}", 8)


def _number(text: str, size: int) -> int:
    """So many bytes, and never 0, which stands for none."""
    return int.from_bytes(sha256(text.encode("utf-8", "replace")).digest()[:size]) or 1
