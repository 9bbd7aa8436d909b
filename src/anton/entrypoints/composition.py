"""What a way in asks the composition root for, and what it gets. The root itself is `anton.app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from anton.core.agent import AgentSpec
from anton.core.ticket import Ticket
from anton.ports import Journal, Queue
from anton.ports.occurrences import OccurrenceKind, Occurrences
from anton.ports.tool_servers import ToolServers
from anton.runs.housekeeping import Retention
from anton.runs.verify import Bench
from anton.runs.world import World


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person at the keyboard said about how to work."""

    repository: Path | None = None
    """The repository under repair; its own folder is then no place for the operator's settings."""
    config: Path | None = None
    record: Path | None = None
    """Where to keep the exchange with the model."""
    sandbox: str = "auto"
    """`auto`, `bubblewrap` or `landlock`."""
    unconfined: bool = False
    """Run the repository's code even where no sandbox works."""
    looking: bool = False
    """Nothing will be run: no sandbox has to be tried out."""
    attended: bool = False
    """Somebody can be asked while a run works, at the terminal, in a chat or on a page."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that is in force."""

    key: str
    """Dotted, such as `model.name`."""
    value: str
    """As a settings file would have it; empty where nothing is set. Of a secret only that it is set."""
    origin: str
    """A file's path, `environment NAME`, or `default`."""
    lacking: str = ""
    """What is not used for want of it, in a sentence without the full stop; empty where nothing is."""

    @property
    def is_set(self) -> bool:
        """Whether somebody said it."""
        return self.origin != "default"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of what `anton doctor` found."""

    name: str
    good: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """How people in Slack are heard."""

    bot_token: str
    """Empty: nothing can be posted, and no window opened."""
    signing_secret: str
    """Empty: no request by HTTP is taken."""
    app_token: str
    """For Socket Mode; empty: it is not used."""
    team: str
    """Id of the only workspace that is listened to; empty: that of the bot's token."""
    base_url: str
    """Of the Web API, with a slash at its end."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How it is looked for what webhooks did not tell."""

    occurrences: Occurrences
    kinds: tuple[OccurrenceKind, ...]
    seconds: float
    """Between two looks."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What a server logs, and how."""

    format: str = "text"
    """`text` or `json`."""
    level: str = "info"
    mask: Callable[[str], str] = str
    """Takes secrets out of a text."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What `anton serve` works with, besides all that a run needs."""

    host: str
    port: int
    public_url: str
    """Where others reach the server; empty where nobody said."""
    runs_per_hour: int
    """That one ticket may start."""
    repositories: Mapping[str, Path]
    """What a request may name, by name; a repository may have several. A ticket that names none is about the
    first; where there is none at all, about the demo's."""
    secrets: Mapping[str, str]
    """Of the senders of webhooks, by name: `slack`, `jira`, `github`, …; who has none is not listened to."""
    queue: Callable[[], Queue]
    shared: bool
    """Whether other machines have the same journal and queue."""
    demo: Ticket
    """What a request stands for that says nothing."""
    demo_checkout: Callable[[str], Path]
    """Where the demo's repository is laid out for a run; it need not be there yet."""
    tokens: Mapping[str, str]
    """Of the API, as somebody set them: identity (see `core.person`) → token."""
    own_token: Callable[[], str]
    """One that is made once and kept in the state folder: who reads it owns this machine's account."""
    alone: Callable[[], AbstractContextManager[None]]
    """Be the only server with this state folder; raises UsageError where there is one."""
    key: Callable[[], bytes]
    """That buttons, links and sessions are sealed with; made at first use."""
    slack: SlackAccess | None
    """None: nobody in Slack is heard."""
    prove: Callable[[], Awaitable[tuple[Check, ...]]]
    """Which side each port is on, and whether its credentials are good; nothing is changed anywhere."""
    open_metrics: bool = False
    """Whether `/metrics` is shown without a token, where only this machine can reach the server."""
    metrics_port: int = 0
    """Where a worker shows its metrics; 0: nowhere."""
    log: LogOptions = field(default_factory=LogOptions)
    retell_seconds: float = 30.0
    """Between two looks for messages that the chat did not take."""
    jira_label: str = ""
    """Only Jira's issues with this label start a run; empty: all that its webhook tells of."""
    github_labels: frozenset[str] = frozenset({"anton"})
    """Labels that start a run when one of GitHub's issues gets one, in any case of letters."""
    watch: Watch | None = None
    """None: nobody looks for what webhooks did not tell."""


@dataclass(frozen=True, slots=True)
class Anton:
    """Everything put together, for as long as the context is open."""

    world: World
    repository: Path
    """The repository under repair: as wished, else as set, else the current folder."""
    reports_of: Callable[[Path], Path]
    """Folder for the incident reports of a repository's runs."""
    rounds: int
    notices: tuple[str, ...]
    """What in the settings was skipped, and why."""
    suggestion: str
    """A request for changes that the model in use can answer; empty where it can answer any."""
    user: str
    """Who sits at the keyboard, as an identity: see `core.person`."""
    lay_out_demo: Callable[[str], Awaitable[Path]]
    """Makes the demo's repository and remote for a run, where they are not yet, and names the checkout."""
    examine: Callable[[], Awaitable[tuple[Check, ...]]]
    """Which side each port is on, and whether it works."""
    serving: Serving
    tool_servers: ToolServers
    """The operator's MCP servers."""
    plugins: tuple[Check, ...]
    """The plugins that are enabled, and whether each can be used."""
    plugins_installed: Callable[[], tuple[tuple[str, str], ...]]
    """Name and package of every plugin that is installed."""
    retention: Retention = field(default_factory=Retention)
    """How long things are kept."""
    sessions: Journal | None = None
    """Conversations, apart from the runs; None where there is no keyboard."""
    conversationalist: AgentSpec | None = None
    """Who talks with the person at the keyboard."""
    models: tuple[str, ...] = ()
    """Names of the models that it may talk with."""


@dataclass(frozen=True, slots=True)
class BenchWish:
    """What the person at the keyboard said about how to execute a proof bundle."""

    repository: str = ""
    """Path or URL of the repository that has the base commit; empty where the bundle is enough."""
    commit: str = ""
    """The base commit."""
    python: Path | None = None
    """Interpreter with what the tests need; by default Anton's own."""
    links: tuple[tuple[str, Path], ...] = ()
    """Where names at the root of each tree lead, such as `node_modules`."""
    sandbox: str = "auto"
    unconfined: bool = False
    looking: bool = False
    """Nothing will be run: no sandbox has to be tried out."""


VerifyBench = Bench
"""What a bundle is executed with, by the name that tells it from an agent's bench."""


class Compose(Protocol):
    """The composition root."""

    def __call__(self, wish: Wish) -> AbstractAsyncContextManager[Anton]:
        """Anton as the settings have it."""
        ...

    def settings(self, wish: Wish) -> Sequence[Setting]:
        """Every setting that is in force; raises UsageError where one is wrong."""
        ...

    def bench(self, wish: BenchWish) -> AbstractAsyncContextManager[VerifyBench]:
        """What a bundle is executed with: no settings, no journal, no model; files are temporary."""
        ...
