"""All that Anton needs from the world. Each port has a real adapter and an embedded one in `adapters/`.

| port       | real                               | embedded                          |
|------------|------------------------------------|-----------------------------------|
| Model      | any chat-completions endpoint      | a recording of a true run         |
| Sandbox    | bubblewrap, or Landlock + seccomp  | none: runs nothing unless told to |
| Repository | the `git` command on a bare mirror |                                   |
| Forge      |                                    | pull requests as Markdown files   |
| Tracker    |                                    | tickets as Markdown files         |
| Journal    | SQLite                             | in memory                         |
| Hooks      | programs of the operator           | none                              |
| Web        | pages of listed hosts              | none                              |
| Search     | a SearXNG server                   | none                              |
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anton.core.event import Entry
from anton.core.hook import HookEvent
from anton.core.message import Message, StreamItem, Usage
from anton.core.proof import FileChange, SandboxLevel
from anton.core.ticket import Ticket
from anton.core.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model: the whole conversation so far."""

    agent: str
    """Who asks; a recording is kept by agent."""
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    model: str | None = None
    """Overrides the adapter's own model name."""
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    """How hard the model is asked to think, as the provider names it; None leaves it to the provider."""


class Model(Protocol):
    """Something that answers conversations."""

    @property
    def name(self) -> str:
        """For the screen and the journal; a recording says that it is one."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        """The reply as it arrives; the last item is a ReplyEnded.

        Refusals that may pass (429, 5xx) and cut streams are asked for again by the adapter, announced by a
        StreamRestarted, after which everything said before is void.

        Raises:
            ModelError: no whole reply is to be had; the text says what to check.
        """
        ...

    def cost_dollars(self, model: str, usage: Usage) -> float | None:
        """What a reply cost in US dollars; None where the price is not known."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run inside the sandbox, in a throw-away tree."""

    argv: tuple[str, ...]
    tree: Path
    """Working directory and the only place that can be written; shown to the command as `/repo` where the
    sandbox can, and in its output in any case."""
    timeout_seconds: float
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the sandbox's own small environment; nothing else is passed on."""
    readable: tuple[Path, ...] = ()
    """Further paths of the host that the command may read and execute, such as an interpreter's prefix."""
    network: bool = False
    """Whether it may connect to other machines, and to this one: only for fetching what tests depend on."""
    max_output_bytes: int = 64_000
    """Of combined stdout and stderr; beginning and end are kept, the cut is named."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a command. The process and all its descendants are gone."""

    exit_code: int | None
    """None where the command was ended by the time limit; negative for a signal."""
    output: str
    timed_out: bool
    seconds: float


class Sandbox(Protocol):
    """Where code of the repository runs."""

    @property
    def level(self) -> SandboxLevel:
        """How strong it is."""
        ...

    @property
    def description(self) -> str:
        """For a person: `full (bubblewrap)`, or why there is none and what would help."""
        ...

    @property
    def usable(self) -> bool:
        """Whether commands are run at all; where there is no confinement only because a person allowed it."""
        ...

    async def run(self, command: Command) -> Execution:
        """Run a command to its end or its time limit, whichever is first.

        Cancellation ends the command and all its descendants before it passes on.

        Raises:
            SandboxError: the command could not be started, or there is no sandbox.
        """
        ...


@dataclass(frozen=True, slots=True)
class BaseCommit:
    """The commit to base a fix on, kept in the mirror."""

    commit: str
    tree: str
    branch: str
    subject: str
    remote: str
    """URL or path of the repository's `origin`; empty where it has none."""
    dirty: bool
    """The checkout holds changes that are not committed."""


@dataclass(frozen=True, slots=True)
class PastCommit:
    """One commit of the repository's own history; author and subject are words from outside."""

    commit: str
    parents: tuple[str, ...]
    """First parent first; empty for the first commit, and where a shallow clone ends."""
    author: str
    authored_at: str
    """ISO 8601 with offset, as git has it."""
    subject: str


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line of a file, and the commit that brought it; all words are from outside."""

    number: int
    """From 1."""
    text: str
    commit: str
    author: str
    authored_at_unix: int
    subject: str


class Past(Protocol):
    """Why a line is as it is: read-only, of commits in the mirror, without drivers of the repository."""

    async def ancestor(self, commit: str, name: str) -> str | None:
        """The full id of the commit that `name` means, if it is `commit` itself or an ancestor of it.

        `name` is a full or shortened id or `HEAD`, which is `commit`, and may end in `~2` or `^`.
        """
        ...

    async def log(self, commit: str, limit: int, path: str = "") -> tuple[PastCommit, ...]:
        """A commit and its ancestors, newest first, at most `limit`; with a path those that changed it."""
        ...

    async def show(self, commit: str, path: str = "", max_bytes: int = 100_000) -> str:
        """Author, date, message and diff to the first parent, of one path or all, cut at `max_bytes`."""
        ...

    async def blame(self, commit: str, path: str, first: int, last: int) -> tuple[BlamedLine, ...]:
        """Which commit each line of a file as it is in `commit` is from, from line `first` to `last`.

        As far as there are any: empty where there is no such file.
        """
        ...


class Repository(Protocol):
    """The trusted git directory: a bare mirror that no sandbox can write, and trees exported from it.

    Objects are named by their full hexadecimal id. The user's checkout and its `.git` are only read.
    """

    async def resolve(self, ref: str) -> BaseCommit:
        """Fetch `ref` (empty: what is checked out) into the mirror.

        Raises:
            RepositoryUnusable: not a repository, no commit, a detached head without a ref, or no such ref.
        """
        ...

    async def export(self, tree: str, folder: Path) -> None:
        """Make `folder` hold exactly the files of a tree or commit; what else was there is removed."""
        ...

    async def snapshot(self, folder: Path, base: str) -> str:
        """The tree that `folder` amounts to; files that the base's ignore rules name are left out."""
        ...

    async def keep(self, name: str, tree: str) -> None:
        """Keep a tree under a private name, so that it outlives housekeeping."""
        ...

    async def files(self, tree: str) -> tuple[str, ...]:
        """Paths of all files of a tree or commit, sorted."""
        ...

    async def read(self, tree: str, path: str, max_bytes: int = 1_000_000) -> bytes | None:
        """A file's content, cut at `max_bytes`; None where there is no such file."""
        ...

    async def changes(self, before: str, after: str) -> tuple[FileChange, ...]:
        """Files that differ between two trees or commits, by path; a rename is a removal and an addition."""
        ...

    async def graft(self, onto: str, source: str, paths: Sequence[str]) -> str:
        """The tree `onto` with `paths` as they are in `source` (absent there: removed)."""
        ...

    async def with_file(self, tree: str, path: str, content: bytes) -> str:
        """The tree with one file that it has holding other content; its mode stays.

        Raises:
            ValueError: the tree has no such file.
        """
        ...

    async def commit(self, tree: str, parent: str, message: str, at_unix: int) -> str:
        """A commit by Anton at a given time: the same arguments give the same id."""
        ...

    async def diff(self, before: str, after: str) -> str:
        """Unified diff, whole, without any of the repository's own drivers or filters."""
        ...

    async def history(self, commit: str, limit: int) -> tuple[PastCommit, ...]:
        """A commit and its ancestors by all parents, newest first, at most `limit`.

        A parent may be missing in the answer: where the limit was reached.
        """
        ...

    @property
    def past(self) -> Past:
        """What can be asked of the commits in the mirror."""
        ...

    async def pack(
        self, commits: Sequence[str], trees: Sequence[str], without: Sequence[str], max_bytes: int
    ) -> bytes | None:
        """Commits without their parents, and trees with all that is in them, as a git pack.

        The same objects give the same bytes with the same git. None where it would exceed `max_bytes`;
        what is in the trees `without` is left out.
        """
        ...

    async def unpack(self, packed: bytes, hash_name: str) -> None:
        """Take objects from a git pack of anybody's; `hash_name` is `sha1` or `sha256`.

        Raises:
            OutsideError: the pack is damaged or unfolds into too much.
        """
        ...

    async def push(self, commit: str, branch: str, remote: str) -> None:
        """Make `branch` of `remote` exactly `commit`; nothing happens where it already is.

        Raises:
            OutsideError: the remote is out of reach, refused, or has something else under that name.
        """
        ...


@dataclass(frozen=True, slots=True)
class PullRequestDraft:
    """A pull request to open."""

    head: str
    """Branch; at most one pull request is open for it."""
    base: str
    commit: str
    title: str
    body: str
    """Markdown."""
    labels: tuple[str, ...]
    remote: str
    attachments: Mapping[str, bytes] = field(default_factory=dict)
    """Files that belong to it, by name; a forge that takes none leaves them out."""


class Forge(Protocol):
    """Where pull requests live."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        """URL or path of the open pull request for the draft's branch, made where there is none.

        Raises:
            OutsideError: the forge is out of reach or refused.
        """
        ...


class Tracker(Protocol):
    """Where tickets live."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def get(self, key: str) -> Ticket:
        """The ticket.

        Raises:
            UsageError: there is no such ticket.
        """
        ...

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress; a ticket that the tracker does not know is added."""
        ...

    async def close(self, ticket: Ticket, link: str) -> str:
        """Close the ticket with a comment that links the pull request, once; returns where to look."""
        ...


class Journal(Protocol):
    """The append-only record of all runs."""

    async def append(self, run_id: str, entries: Sequence[Entry]) -> None:
        """Write entries in one transaction; on return they survive a power cut.

        Raises:
            JournalConflict: an entry's number is taken, by another writer.
            JournalError: they cannot be written (disk full, file damaged).
        """
        ...

    async def read(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """A run's entries with a number greater than `after`, in order; empty for an unknown run."""
        ...

    async def read_kinds(self, run_id: str, kinds: Collection[str]) -> tuple[Entry, ...]:
        """A run's entries of these kinds, in order; the others are passed over unread."""
        ...

    async def run_ids(self) -> tuple[str, ...]:
        """All runs, oldest first."""
        ...

    def hold(self, run_id: str) -> AbstractAsyncContextManager[None]:
        """Work on a run exclusively, among all processes.

        Raises:
            RunBusy: another process holds the run; entering does not wait.
        """
        ...

    async def close(self) -> None:
        """Finish what is being written and let go of the store."""
        ...


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A hook that could not be started, ended badly or not in time."""

    command: str
    """The program, as the settings name it."""
    detail: str


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What came of telling the hooks."""

    veto: str | None = None
    """Why a call must not be carried out; only before a tool, and never empty."""
    failures: tuple[HookFailure, ...] = ()


class Hooks(Protocol):
    """Programs of the operator that hear what agents do, and may forbid a call."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def tell(self, event: HookEvent) -> HookAnswer:
        """Tell every hook that wants to hear of it, in order, until one forbids the call.

        Never raises: a hook that fails is named in the answer. On return, or when this is cancelled, none of
        their processes is left.
        """
        ...


@dataclass(frozen=True, slots=True)
class WebPage:
    """What a web server answered; all of it is from outside."""

    url: str
    """Where it came from in the end, redirects followed."""
    status: int
    content_type: str
    """Without parameters, such as `text/html`."""
    charset: str
    """As the server says, which may be no encoding at all."""
    content: bytes
    cut: bool
    """There was more."""


class Web(Protocol):
    """Reads pages of the hosts that the operator lists, and reaches nothing else."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def get(self, url: str) -> WebPage:
        """The page, whatever its status.

        Raises:
            OutsideError: it may not be read, or cannot be.
        """
        ...


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One page that a search found; its words are from outside."""

    url: str
    title: str
    snippet: str


class Search(Protocol):
    """Searches the web."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        ...

    async def search(self, query: str, limit: int) -> tuple[SearchHit, ...]:
        """What is found, best first, at most `limit`.

        Raises:
            OutsideError: search is not set up, out of reach, or refused.
        """
        ...


__all__ = [
    "BaseCommit",
    "BlamedLine",
    "Command",
    "Execution",
    "Forge",
    "HookAnswer",
    "HookFailure",
    "Hooks",
    "Journal",
    "Model",
    "ModelRequest",
    "Past",
    "PastCommit",
    "PullRequestDraft",
    "Repository",
    "Sandbox",
    "SandboxLevel",
    "Search",
    "SearchHit",
    "Tracker",
    "Web",
    "WebPage",
]
