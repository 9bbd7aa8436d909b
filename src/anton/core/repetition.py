"""Is an agent going round in circles? Read off its conversation alone.

What counts is a call together with what it brought: a call that is made again and brings something new is
honest polling, however often. Found are, among the calls since the agent was last told anything:

- the same call with the same result, EXACT times in a row;
- a cycle of two or three such calls, EXACT times in a row;
- calls of one tool that differ only in noise (case, white space, numbers) and bring the same result, NEAR
  times.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from anton.core.message import AssistantMessage, Message, ToolMessage, UserMessage

EXACT = 3
NEAR = 4
LONGEST_CYCLE = 3
LOOKED_AT = EXACT * LONGEST_CYCLE
"""Calls, counted from the last; no rule needs more."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What an agent does again and again."""

    calls: tuple[str, ...]
    """The calls of one round of the circle, in a few words each."""
    times: int

    def __str__(self) -> str:
        what = ", then ".join(self.calls)
        return f"{what}: {self.times} times with the same result"


@dataclass(frozen=True, slots=True)
class _Made:
    """A call and its result."""

    shown: str
    exact: str
    near: str


def find_repetition(messages: Sequence[Message]) -> Repetition | None:
    """The circle that the conversation ends in, if it does."""
    made = list(_made(messages))
    for length in range(1, LONGEST_CYCLE + 1):
        last = made[-length * EXACT :]
        if len(last) == length * EXACT and all(
            call.exact == last[index % length].exact for index, call in enumerate(last)
        ):
            return Repetition(tuple(call.shown for call in last[:length]), EXACT)
    last = made[-NEAR:]
    if len(last) == NEAR and len({call.near for call in last}) == 1:
        return Repetition((last[-1].shown,), NEAR)
    return None


def _made(messages: Sequence[Message]) -> Iterator[_Made]:
    """The last calls that are answered, oldest first, none from before the agent was told something."""
    results: dict[str, str] = {}
    found: list[_Made] = []
    for message in reversed(messages):
        match message:
            case UserMessage():
                break
            case ToolMessage():
                results.setdefault(message.call_id, message.text)
            case AssistantMessage():
                calls = reversed(message.calls)
                found += [_pair(call.name, call.arguments, results.pop(call.id, "")) for call in calls]
                if len(found) >= LOOKED_AT:
                    break
            case _:
                break
    return reversed(found[:LOOKED_AT])


@functools.lru_cache(maxsize=LOOKED_AT * 100)
def _pair(name: str, arguments: str, result: str) -> _Made:
    """Each is looked at again after each turn until it is too long ago; so a hundred agents' are kept."""
    canonical = _canonical(arguments)
    brought = hashlib.sha256(result.encode("utf-8", "replace")).hexdigest()
    shown = f"{name} {canonical}" if canonical != "{}" else name
    return _Made(
        shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…",
        f"{name} {canonical} {brought}",
        f"{name} {_NOISE.sub('', canonical.lower())} {brought}",
    )


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return arguments.strip()


_NOISE = re.compile(r"[\W\d_]+")
_SHOWN = 120
