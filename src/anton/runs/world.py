"""All that a run needs from outside, put together once by the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from anton.core.agent import AgentSpec
from anton.core.approval import ApprovalRules
from anton.core.permission import Policy
from anton.core.secrets import Masker
from anton.core.suite_options import SuiteOptions
from anton.core.tool import Prepared, Tool
from anton.ports import CI, Chat, Command, Forge, Hooks, Journal, Model, Past, Repository, Sandbox, Tracker
from anton.ports.leftovers import Leftovers
from anton.proving.declarations import Declared
from anton.proving.environment import Environments
from anton.proving.plan import TestPlan
from anton.runs.budget import Budget
from anton.runs.doorbell import Doorbell
from anton.runs.log import Clock, Observer, RunLog, Watcher, open_log, unmeasured, utc_now

Equip = Callable[["Bench"], Mapping[str, Tool]]
"""The tools that an agent works with, bound to its surroundings."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """How an agent runs commands in its worktree."""

    prepare: Callable[[tuple[str, ...], float], Awaitable[Command]]
    """Makes of words, and a time limit in seconds, a command that has what the repository's tests have."""
    sandbox: Sandbox
    folder: str
    """Where its shell was left, relative to the worktree."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What an agent in conversation can have published or kept, once its person has seen it."""

    conversation: str
    """Its id."""
    mask: Callable[[str], str]
    """Takes secrets out of a text."""
    propose: Callable[[str, str], Awaitable[Prepared]]
    """Makes a pull request of its worktree ready, by title and body."""
    remember: Callable[[str], Awaitable[Prepared]]
    """Makes a note on the repository ready."""


@dataclass(frozen=True, slots=True)
class Bench:
    """An agent's surroundings: its worktree, what it may write, how it runs tests."""

    names: tuple[str, ...]
    """Of the tools it gets."""
    worktree: Path
    owns: Callable[[str], str | None]
    """None where the agent may write the path, else why not."""
    run_tests: Callable[[tuple[str, ...]], Awaitable[str]]
    """What came of the whole suite, or of some test files, on the worktree as it is now."""
    past: Past
    commit: str
    """That the worktree was laid out from; `past` tells what led to it."""
    ask: Callable[[str], Awaitable[str]] | None = None
    """Puts one question to a person and returns at once, with what to tell the agent."""
    command_line: CommandLine | None = None
    """None without a worktree."""
    delegate: Callable[[str, tuple[str, ...]], Awaitable[str]] | None = None
    """Has tasks done by delegates of one kind, side by side, and returns what they handed in."""
    voice: Voice | None = None
    """None for an agent of a run, in which nothing leaves the machine before its briefing is approved."""


@dataclass(frozen=True, slots=True)
class Planned:
    """How a repository's tests are run."""

    plan: TestPlan
    options: SuiteOptions
    """What the plan was made from, beside the repository's files."""
    notices: tuple[str, ...] = ()
    """What the repository itself had a say in, and what of it was ignored."""


@dataclass(frozen=True, slots=True)
class World:
    """The ports, the agents, and where things are kept."""

    journal: Journal
    model: Model
    sandbox: Sandbox
    tracker: Tracker
    forge: Forge
    chat: Chat
    ci: CI
    hooks: Hooks
    repository: Callable[[str], Repository]
    """The trusted side of the repository at an absolute path."""
    remote: Callable[[str, str], Awaitable[str]]
    """Where to push to, for a repository's path and the `origin` it names (empty: none)."""
    plan: Callable[[Declared, SuiteOptions | None], Planned]
    """How to run the tests of a repository, by its files and what they declare, `anton.toml` among them.

    With options that were settled before, by these; without, by the settings as they are now.
    """
    environments: Environments
    """What those tests depend on, built when it is first needed."""
    specs: tuple[AgentSpec, ...]
    equip: Equip
    home: Path
    """Anton's state folder."""
    notes: Path | None = None
    """The state folder that notes on repositories are in, where that is not `home`."""
    delegates: tuple[AgentSpec, ...] = ()
    """Whom agents that have the tool may delegate to."""
    clock: Clock = utc_now
    approval: ApprovalRules = field(default_factory=ApprovalRules)
    """Who may decide on a run."""
    policy: Policy = Policy.AUTO
    """What the agents may do of themselves."""
    question_seconds: float = 0.0
    """How long a person is waited for who is asked whether a call may be made; 0 where nobody is there: a
    question is then a no."""
    doorbell: Doorbell = field(default_factory=Doorbell)
    """Rings where this process leaves a letter."""
    budget: Budget = Budget()
    """What the agents of one run may spend."""
    mutation_seconds: float = 60.0
    """Wall time for hunks and mutants of a green proof; 0 leaves them out."""
    culprit_seconds: float = 60.0
    """Wall time for the search for the commit that brought the bug; 0 leaves it out."""

    leftovers: tuple[Leftovers, ...] = ()
    """What runs leave behind where many machines share it."""

    observers: tuple[Observer, ...] = ()
    """Who looks on at every run that this process works on."""

    wrote: Callable[[float], object] = unmeasured
    """Told of each transaction of a run's log: how many seconds it took."""

    masker: Masker = field(default_factory=Masker)
    """Takes secrets out of whatever is kept or told."""

    def open(self, run_id: str, watch: Sequence[Watcher] = ()) -> AbstractAsyncContextManager[RunLog]:
        """A run to work on: `open_log` with this world's journal, clock and observers."""
        return open_log(
            self.journal,
            run_id,
            clock=self.clock,
            watch=watch,
            observers=self.observers,
            wrote=self.wrote,
            masker=self.masker,
        )

    @property
    def remembered(self) -> Path:
        """The state folder that notes on repositories are in."""
        return self.notes or self.home

    def scratch(self, run_id: str) -> Path:
        """Where a run's worktrees and test trees live; it may be deleted at any time between steps."""
        return self.home / "scratch" / run_id
