"""What the tools of one agent work on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from anton.core.tool import Prepared
from anton.ports import (
    Board,
    CodeSearch,
    Command,
    Correspondence,
    Discussions,
    Past,
    Sandbox,
    Search,
    Tracker,
    Web,
)
from anton.tools.worktree import Worktree


@dataclass(frozen=True, slots=True)
class BaseHistory:
    """The commit that the worktree was laid out from, and what led to it."""

    past: Past
    commit: str
    """Full id."""


class Confinement(Enum):
    """Where a command runs."""

    SANDBOX = "sandbox"
    OUTSIDE = "outside"
    """Only after a person's yes to that very call."""


@dataclass(slots=True)
class Terminal:
    """Where an agent's commands run, and the folder that its shell is in."""

    prepare: Callable[[tuple[str, ...], float], Awaitable[Command]]
    """Makes of words, and a time limit in seconds, a command in the agent's worktree."""
    sandbox: Sandbox
    unconfined: Sandbox
    """Runs a command that a person lets out of the sandbox."""
    folder: str = ""
    """Relative to the worktree; empty for its root."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an agent in conversation reads and speaks for the person before it. No agent of a run has one."""

    conversation: str
    """Its id. The same said twice in one conversation is said once."""
    mask: Callable[[str], str]
    """Takes secrets out of a text."""
    propose: Callable[[str, str], Awaitable[Prepared]]
    """Makes a pull request of the worktree as it is ready, by title and body."""
    remember: Callable[[str], Awaitable[Prepared]]
    """Makes a note on the repository ready to be kept."""
    tracker: Tracker | None = None
    correspondence: Correspondence | None = None
    """The tracker, where it can be written to."""
    discussions: Discussions | None = None
    code_search: CodeSearch | None = None
    board: Board | None = None


@dataclass(frozen=True, slots=True)
class ToolContext:
    """One agent's surroundings; its tools reach nothing else."""

    worktree: Worktree
    owns: Callable[[str], str | None]
    """Takes a path from the root of the tree: None where the agent may write it, else why it may not."""
    run_tests: Callable[[tuple[str, ...]], Awaitable[str]]
    """Runs these test files or folders (none: the whole suite) on a snapshot of the worktree, in the sandbox;
    returns text for the model."""
    base: BaseHistory | None = None
    """None where the files have no history."""
    web: Web | None = None
    search: Search | None = None
    ask: Callable[[str], Awaitable[str]] | None = None
    """Puts one question to a person and returns at once, with what to tell the model; None: nobody is."""
    terminal: Terminal | None = None
    """None where nothing can be run."""
    confinement: Confinement = Confinement.SANDBOX
    delegate: Callable[[str, tuple[str, ...]], Awaitable[str]] | None = None
    """Has tasks done by delegates of one kind, side by side, and returns what they handed in."""
    desk: Desk | None = None
    """None where no person is spoken for."""
