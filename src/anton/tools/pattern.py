"""Glob patterns for paths, matched without backtracking.

A pattern is a sequence of name patterns; a set of positions in it stands for everything that the rest of a
path may still be. Reading one name steps the set on, so the cost is linear in the path whatever the pattern.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from anton.core.errors import ToolError

_MAX_CHOICES = 50
"""Alternatives that the braces of one pattern may amount to."""

States = frozenset[tuple[int, int]]
"""Positions: (which alternative, how many of its names are matched)."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Alternatives, each a tuple of name patterns in which `**` stands for any number of folders."""

    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """The pattern that a model wrote.

        Raises:
            ToolError: it is empty, leads outside, or has too many alternatives.
        """
        inside = text.removeprefix("/repo/").removeprefix("./")
        parts = inside.split("/")
        if not inside.strip() or inside.startswith(("/", "~")) or ".." in parts:
            raise ToolError(
                f"{text!r} is not a pattern for paths inside the repository; write one such as 'src/**/*.py'"
            )
        return cls(tuple(_names(choice) for choice in _choices(inside)))

    @classmethod
    def literal_name(cls, name: str) -> PathPattern:
        """Files of exactly this name, at any depth."""
        escaped = "".join(f"[{c}]" if c in "*?[" else c for c in name)
        return cls((("**", escaped),))

    @property
    def start(self) -> States:
        """Before the first name."""
        return self._closed((index, 0) for index in range(len(self.alternatives)))

    def step(self, states: States, name: str) -> States:
        """After one more name of a path; empty where nothing can match any more."""
        after = []
        for index, position in states:
            names = self.alternatives[index]
            if position == len(names):
                continue
            if names[position] == "**":
                after.append((index, position))
            elif fnmatch.fnmatchcase(name, names[position]):
                after.append((index, position + 1))
        return self._closed(after)

    def accepts(self, states: States) -> bool:
        """Whether the names so far are a whole match."""
        return any(position == len(self.alternatives[index]) for index, position in states)

    def _closed(self, states: Iterable[tuple[int, int]]) -> States:
        """With the positions behind each `**`, which may stand for nothing."""
        closed = set()
        for index, position in states:
            names = self.alternatives[index]
            closed.add((index, position))
            while position < len(names) and names[position] == "**":
                position += 1
                closed.add((index, position))
        return frozenset(closed)


def _names(choice: str) -> tuple[str, ...]:
    parts = tuple(part for part in choice.split("/") if part not in ("", "."))
    if "/" not in choice:
        return ("**", *parts)
    return (*parts, "*") if parts[-1:] == ("**",) else parts


def _choices(text: str) -> list[str]:
    """`a{b,c}` → `ab`, `ac`; braces without a comma or a partner stand for themselves."""
    done: list[str] = []
    todo = [text]
    while todo:
        if len(todo) + len(done) > _MAX_CHOICES:
            raise ToolError(f"the braces of {text!r} amount to more than {_MAX_CHOICES} patterns; use fewer")
        head = todo.pop()
        close = head.find("}")
        open_ = head.rfind("{", 0, close) if close >= 0 else -1
        inner = head[open_ + 1 : close].split(",")
        if open_ < 0 or len(inner) < 2:
            done.append(head)
        else:
            todo += [head[:open_] + part + head[close + 1 :] for part in inner]
    return done
