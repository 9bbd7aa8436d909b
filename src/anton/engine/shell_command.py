"""What a command line was read as: words, redirections, simple commands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How much of a word is known before it is expanded."""

    PLAIN = "plain"
    """Exactly its text."""
    GLOB = "glob"
    """Names of files that match it, each with its `prefix`; or its text where none does."""
    OPEN = "open"
    """Whatever an expansion brings, perhaps several words, perhaps none."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command, with its quotes resolved."""

    text: str
    """Expansions stand in it as they were written."""
    kind: Kind = Kind.PLAIN
    prefix: str = ""
    """What each file name begins with; of a GLOB only."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """One redirection."""

    operator: str
    descriptor: str
    """As written; empty for the operator's own."""
    target: Word
    """A file, a descriptor, or what a here-document or here-string feeds in."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command; one without words only assigns or redirects."""

    argv: tuple[Word, ...]
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    fed: bool = False
    """It reads a pipe, a file, a here-document or a here-string."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Every simple command of a text, in the order of the text."""

    commands: tuple[Simple, ...]
    functions: tuple[str, ...] = ()
    """Names that the text defines anew."""


@dataclass(frozen=True, slots=True)
class Unparsable:
    """The text is not read, so nothing good can be said of it."""

    reason: str
