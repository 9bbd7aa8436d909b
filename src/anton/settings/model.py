"""The settings as types, and what each may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    model_validator,
)

from anton.core.agent import CHAT_LIMITS, DELEGATE_LIMITS, MAX_DELEGATE_SECONDS, AgentName
from anton.core.permission import Policy
from anton.settings.approval import ApprovalSettings
from anton.settings.fields import AbsolutePath, Dollars, Host, InsidePath, Key, SecretText, Section, Text, Url
from anton.settings.github import GitHubSettings
from anton.settings.jira import JiraSettings
from anton.settings.mcp import McpSettings, PluginSettings
from anton.settings.retention import RetentionSettings
from anton.settings.server import ServerSettings, WebhookSettings
from anton.settings.telemetry import LogSettings, TelemetrySettings

DEFAULT = "default"
"""Origin of what nobody set."""
OF_REPOSITORY = "the repository's anton.toml"
"""Origin of what the repository under repair says of itself."""

Keys = tuple[str, ...]
"""A key, table by table."""


class PriceSettings(Section):
    """What a model costs, in US dollars per million tokens."""

    input: Dollars
    cached: Dollars
    """Of the part of the input that the provider read from its prompt cache."""
    output: Dollars


def _named(value: object) -> object:
    """A fallback that is written as a name alone."""
    return {"name": value} if isinstance(value, str) else value


class FallbackSettings(Section):
    """One of `model.fallback`: what is asked where the models before it give no reply."""

    name: Text
    base_url: Url | None = None
    """Without one, the endpoint of `[model]`, with its key."""
    api_key_env: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Variable that holds the key."""
    api_key: Key | None = None
    """What that variable holds; None where it is not set."""

    @model_validator(mode="after")
    def _key_of_another_endpoint(self) -> Self:
        if (self.api_key or self.api_key_env) and self.base_url is None:
            raise ValueError("has a key of its own and needs the base_url of the endpoint that takes it")
        return self


Effort = Literal["low", "medium", "high"]


class ModelSettings(Section):
    """`[model]`: any endpoint that speaks chat completions."""

    api_key: Key | None = None
    base_url: Url = "https://api.openai.com/v1"
    name: Text | None = None
    idle_seconds: Annotated[float, Field(strict=True, gt=0, le=3600)] = 60.0
    """Silence of a stream after which it counts as cut."""
    context_tokens: Annotated[int, Field(strict=True, ge=8_000, le=100_000_000)] = 128_000
    """What the model takes in; a conversation is compressed before it is full."""
    reasoning_effort: Effort | None = None
    """How hard the model is asked to think; without one, the provider decides."""
    fallback: tuple[Annotated[FallbackSettings, BeforeValidator(_named)], ...] = ()
    """Asked in order, where the model gives no reply."""
    prices: Mapping[str, PriceSettings] = Field(default_factory=dict)
    """By the model's name; these come before the built-in ones."""


class AgentLimits(Section):
    """`[agents.NAME]`: one agent's limits per stint."""

    turns: Annotated[int, Field(strict=True, ge=1, le=1000)]
    seconds: Annotated[float, Field(strict=True, gt=0, le=86_400)]
    model: Text | None = None
    """In place of the model of all."""
    reasoning_effort: Effort | None = None
    """In place of the one of all."""
    tools: tuple[Text, ...] = ()
    """Names of tools that it gets besides its own."""


class ChatLimits(AgentLimits):
    """`[agents.chat]`: who talks with you in `anton chat`; the limits are of one answer."""

    turns: Annotated[int, Field(strict=True, ge=1, le=1000)] = CHAT_LIMITS.turns
    seconds: Annotated[float, Field(strict=True, gt=0, le=86_400)] = CHAT_LIMITS.seconds
    without: tuple[Text, ...] = ()
    """Names of tools that are taken away from it."""
    models: tuple[Text, ...] = ()
    """Names that `/model` takes besides those that the settings name elsewhere."""


class DelegateLimits(Section):
    """`[agents.investigator]`, `[agents.reviewer]`: limits of one task."""

    turns: Annotated[int, Field(strict=True, ge=1, le=100)]
    seconds: Annotated[float, Field(strict=True, gt=0, le=MAX_DELEGATE_SECONDS)]


def _delegate(kind: str) -> DelegateLimits:
    return DelegateLimits(**asdict(DELEGATE_LIMITS[kind]))


class AgentsSettings(Section):
    """`[agents]`: the four agents, whom they may delegate to, and who talks with you."""

    triage: AgentLimits
    code: AgentLimits
    test: AgentLimits
    pr: AgentLimits
    chat: ChatLimits = Field(default_factory=ChatLimits)
    investigator: DelegateLimits = Field(default_factory=partial(_delegate, "investigator"))
    reviewer: DelegateLimits = Field(default_factory=partial(_delegate, "reviewer"))

    def of(self, name: str) -> AgentLimits:
        """An agent's limits.

        Raises:
            KeyError: there is no such agent.
        """
        limits = dict(self)[name]
        if not isinstance(limits, AgentLimits):
            raise KeyError(name)
        return limits


class SuiteSettings(Section):
    """`[tests]`: how the repository's tests are run."""

    command: tuple[Text, ...] = ()
    """Words of a command that leaves JUnit XML at `report`; without one, pytest is run."""
    report: InsidePath = ""
    """File or folder inside the repository; needed with `command`."""
    patterns: tuple[Text, ...] = ()
    """Globs of the paths that belong to tests, in place of the built-in ones."""
    timeout_seconds: Annotated[float, Field(strict=True, ge=1, le=7200)] = 120.0
    """For one run of the suite."""
    python: AbsolutePath | None = None
    """Interpreter with the repository's dependencies and pytest; where one is given, nothing is built."""
    environment: Literal["auto", "none"] = "auto"
    """Whether what the repository declares is fetched into an environment of its own."""
    env: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Added to the environment of the tests, which is otherwise almost empty."""

    @model_validator(mode="after")
    def _command_has_a_report(self) -> Self:
        if self.command and not self.report:
            raise ValueError("has a command and needs a report: say where the command leaves JUnit XML")
        return self


class RunSettings(Section):
    """`[run]`: one ticket's way."""

    rounds: Annotated[int, Field(strict=True, ge=1, le=10)] = 2
    """Attempts before a red proof is put before a person."""
    reports: AbsolutePath | None = None
    """Folder of the incident reports; without one, `.oncall_runs` where Anton was started."""


class ProofSettings(Section):
    """`[proof]`: how far a proof goes."""

    mutation_seconds: Annotated[float, Field(strict=True, ge=0, le=3600)] = 60.0
    """Wall time for taking back hunks and trying mutants, once the matrix is green; 0 leaves both out."""
    culprit_seconds: Annotated[float, Field(strict=True, ge=0, le=3600)] = 60.0
    """Wall time for finding the commit that brought the bug, at the same time; 0 leaves it out."""


class BudgetSettings(Section):
    """`[budget]`: what the agents of one run may spend; without a limit there is none."""

    run_dollars: Annotated[float, Field(strict=True, gt=0)] | None = None
    run_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    """Input and output of all agents."""
    agent_dollars: Annotated[float, Field(strict=True, gt=0)] | None = None
    """Of each agent."""
    agent_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(strict=True, ge=256, le=1_000_000)] = 16_000
    """Of one answer; asked of the provider wherever there is a limit to keep."""


class PermissionSettings(Section):
    """`[permissions]`: what the agents may do of themselves; docs/permissions.md has the whole table."""

    policy: Policy = Policy.AUTO
    question_seconds: Annotated[float, Field(strict=True, ge=0, le=86_400)] = 300.0
    """How long a person is waited for who is asked whether a call may be made; 0: nobody is asked."""


class SandboxSettings(Section):
    """`[sandbox]`: where code of the repository runs. That there be none is never a setting."""

    kind: Literal["auto", "bubblewrap", "landlock"] = "auto"
    memory_mib: Annotated[int, Field(strict=True, ge=256, le=1 << 20)] = 4096
    """What a command may take, with all that it started."""


class HookSettings(Section):
    """`[[hooks]]`: a program that is told of what agents do."""

    moment: Literal["before_agent", "after_agent", "before_tool", "after_tool", "on_error"]
    command: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The program and its arguments."""
    seconds: Annotated[float, Field(strict=True, gt=0, le=600)] = 5.0
    """Time limit."""
    tools: tuple[Text, ...] = ()
    """Names of the tools that it hears of; without any, of all."""
    agents: tuple[AgentName, ...] = ()
    """Agents that it hears of; without any, of all."""
    env: Mapping[str, str] = Field(default_factory=dict, repr=False)
    """Added to its environment, which otherwise holds PATH, HOME and LANG."""

    @model_validator(mode="after")
    def _tools_at_a_moment_of_tools(self) -> Self:
        if self.tools and self.moment not in ("before_tool", "after_tool"):
            raise ValueError(f"names tools, and {self.moment} is no moment of a tool")
        return self


class WebSettings(Section):
    """`[web]`: what agents may read of the web, if they are given tools for it."""

    allow: tuple[Host, ...] = ()
    """Hosts whose pages may be read; `*.` before one stands for all below it."""
    search_url: Url | None = None
    """Of a SearXNG server."""


def _channel(text: str) -> str:
    name = text.strip().removeprefix("#")
    if not name or not re.fullmatch(r"[^\s#@<>&,]{1,80}", name):
        raise ValueError("must be the name of a channel or its id, as in 'oncall' or 'C0123456789'")
    return name


class SlackSettings(Section):
    """`[slack]`: the workspace that is told of runs, and decides on them."""

    bot_token: Key | None = None
    """`xoxb-…`; without one, messages are Markdown files."""
    channel: Annotated[str, AfterValidator(_channel)] | None = None
    signing_secret: Key | None = None
    """For requests that Slack sends to the server."""
    app_token: Key | None = None
    """`xapp-…`: connect by Socket Mode, with no public URL."""
    team: Annotated[str, Field(pattern="^[TE][A-Z0-9]{2,30}$")] | None = None
    """Id of the only workspace that is listened to; without one, that of the bot token."""
    base_url: Url = "https://slack.com/api"

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.bot_token is not None and self.channel is None:
            raise ValueError("has a bot_token and needs a channel: set SLACK_CHANNEL, such as 'oncall'")
        return self


class Settings(Section):
    """All settings, checked. Secrets show neither in its text nor in any error."""

    model: ModelSettings = Field(default_factory=ModelSettings)
    agents: AgentsSettings
    tests: SuiteSettings = Field(default_factory=SuiteSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    proof: ProofSettings = Field(default_factory=ProofSettings)
    budget: BudgetSettings = Field(default_factory=BudgetSettings)
    permissions: PermissionSettings = Field(default_factory=PermissionSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    slack: SlackSettings = Field(default_factory=SlackSettings)
    github: GitHubSettings = Field(default_factory=GitHubSettings)
    jira: JiraSettings = Field(default_factory=JiraSettings)
    approval: ApprovalSettings = Field(default_factory=ApprovalSettings)
    mcp: McpSettings = Field(default_factory=McpSettings)
    plugins: PluginSettings = Field(default_factory=PluginSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)
    log: LogSettings = Field(default_factory=LogSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    hooks: tuple[HookSettings, ...] = ()
    """In the order in which they are told."""
    home: AbsolutePath
    """Folder of journal, mirrors and the embedded tracker and forge."""
    repo_cwd: AbsolutePath | None = None
    """Repository to work on where the command line names none."""
    database_url: SecretText | None = None
    """Of the journal; without one, `journal.db` in `home`."""

    _origins: Mapping[Keys, str] = PrivateAttr(default_factory=dict)
    _notices: tuple[str, ...] = PrivateAttr(default=())

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the person, such as that a file was not read."""
        return self._notices

    def origin(self, *keys: str) -> str:
        """Where a value came from: a file's path, `environment BASE_URL`, `command line` or `default`."""
        return self._origins.get(keys, DEFAULT)

    def with_repository(self, found: RepositorySettings) -> Settings:
        """These settings, where they say nothing of the tests completed by the repository's own."""
        own = {name for name in SuiteSettings.model_fields if self.origin("tests", name) != DEFAULT}
        if own & {"command", "report"}:
            own |= {"command", "report"}  # a command and the place of its report belong together
        taken = {name: getattr(found.tests, name) for name in found.given if name not in own}
        completed = self.model_copy(update={"tests": self.tests.model_copy(update=taken)})
        origins: dict[Keys, str] = {("tests", name): OF_REPOSITORY for name in taken}
        completed._origins = MappingProxyType({**self._origins, **origins})  # noqa: SLF001 (a copy of our own)
        completed._notices = (*self._notices, *found.notices)  # noqa: SLF001 (the same)
        return completed


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """What the repository under repair may say of itself: how its tests are run."""

    tests: SuiteSettings
    given: tuple[str, ...]
    """Names of the fields of `tests` that it says something about."""
    notices: tuple[str, ...] = ()
