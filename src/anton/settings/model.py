"""The settings as types, and what each may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from anton.core.agent import AgentName
from anton.core.permission import Policy

DEFAULT = "default"
"""Origin of what nobody set."""
OF_REPOSITORY = "the repository's anton.toml"
"""Origin of what the repository under repair says of itself."""

Keys = tuple[str, ...]
"""A key, table by table."""

_HOST = re.compile(
    r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](?::[1-9][0-9]{0,4})?"
)
_CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]")


def _printable(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    if _CONTROL.search(text):
        raise ValueError("must not hold control characters, such as line breaks")
    return text


def _key(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be one word of printable ASCII characters, as keys of model endpoints are")
    return SecretStr(text)


def _secret_text(secret: SecretStr) -> SecretStr:
    _printable(secret.get_secret_value())
    return secret


def _url(text: str) -> str:
    text = _printable(text.strip())
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        raise ValueError(
            "must begin with 'http://' or 'https://' and a host, as in 'https://api.openai.com/v1'"
        )
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: the key goes into API_KEY")
    if parts.query or parts.fragment or port == 0:
        raise ValueError("must end with its path, without '?', '#' or port 0")
    return text.rstrip("/")


def _host(text: str) -> str:
    """A name on the public internet: addresses, and names without a dot, are none."""
    host = text.strip().lower()
    if not _HOST.fullmatch(host):
        raise ValueError(
            "must be the name of a host, as in 'docs.python.org', '*.readthedocs.io' or 'example.com:8443'"
        )
    return host


def _absolute(path: Path) -> Path:
    _printable(str(path))
    if not path.is_absolute():
        raise ValueError("must not be empty")
    return path


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if text and (path.is_absolute() or ".." in path.parts or _CONTROL.search(text)):
        raise ValueError("must be a path inside the repository, as in 'build/junit.xml'")
    return text


Text = Annotated[str, AfterValidator(_printable)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Dollars = Annotated[float, Field(strict=True, ge=0, le=1_000_000)]


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class PriceSettings(_Section):
    """What a model costs, in US dollars per million tokens."""

    input: Dollars
    cached: Dollars
    """Of the part of the input that the provider read from its prompt cache."""
    output: Dollars


def _named(value: object) -> object:
    """A fallback that is written as a name alone."""
    return {"name": value} if isinstance(value, str) else value


class FallbackSettings(_Section):
    """One of `model.fallback`: what is asked where the models before it give no reply."""

    name: Text
    base_url: Annotated[str, AfterValidator(_url)] | None = None
    """Without one, the endpoint of `[model]`, with its key."""
    api_key_env: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Variable that holds the key."""
    api_key: Annotated[SecretStr, AfterValidator(_key)] | None = None
    """What that variable holds; None where it is not set."""

    @model_validator(mode="after")
    def _key_of_another_endpoint(self) -> Self:
        if (self.api_key or self.api_key_env) and self.base_url is None:
            raise ValueError("has a key of its own and needs the base_url of the endpoint that takes it")
        return self


Effort = Literal["low", "medium", "high"]


class ModelSettings(_Section):
    """`[model]`: any endpoint that speaks chat completions."""

    api_key: Annotated[SecretStr, AfterValidator(_key)] | None = None
    base_url: Annotated[str, AfterValidator(_url)] = "https://api.openai.com/v1"
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


class AgentLimits(_Section):
    """`[agents.NAME]`: one agent's limits per stint."""

    turns: Annotated[int, Field(strict=True, ge=1, le=1000)]
    seconds: Annotated[float, Field(strict=True, gt=0, le=86_400)]
    model: Text | None = None
    """In place of the model of all."""
    reasoning_effort: Effort | None = None
    """In place of the one of all."""
    tools: tuple[Text, ...] = ()
    """Names of tools that it gets besides its own."""


class AgentsSettings(_Section):
    """`[agents]`: the four agents."""

    triage: AgentLimits
    code: AgentLimits
    test: AgentLimits
    pr: AgentLimits

    def of(self, name: str) -> AgentLimits:
        """An agent's limits.

        Raises:
            KeyError: there is no such agent.
        """
        limits: AgentLimits = dict(self)[name]
        return limits


class SuiteSettings(_Section):
    """`[tests]`: how the repository's tests are run."""

    command: tuple[Text, ...] = ()
    """Words of a command that leaves JUnit XML at `report`; without one, pytest is run."""
    report: Annotated[str, AfterValidator(_inside)] = ""
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


class RunSettings(_Section):
    """`[run]`: one ticket's way."""

    rounds: Annotated[int, Field(strict=True, ge=1, le=10)] = 2
    """Attempts before a red proof is put before a person."""
    reports: AbsolutePath | None = None
    """Folder of the incident reports; without one, `.oncall_runs` where Anton was started."""


class ProofSettings(_Section):
    """`[proof]`: how far a proof goes."""

    mutation_seconds: Annotated[float, Field(strict=True, ge=0, le=3600)] = 60.0
    """Wall time for taking back hunks and trying mutants, once the matrix is green; 0 leaves both out."""
    culprit_seconds: Annotated[float, Field(strict=True, ge=0, le=3600)] = 60.0
    """Wall time for finding the commit that brought the bug, at the same time; 0 leaves it out."""


class BudgetSettings(_Section):
    """`[budget]`: what the agents of one run may spend; without a limit there is none."""

    run_dollars: Annotated[float, Field(strict=True, gt=0)] | None = None
    run_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    """Input and output of all agents."""
    agent_dollars: Annotated[float, Field(strict=True, gt=0)] | None = None
    """Of each agent."""
    agent_tokens: Annotated[int, Field(strict=True, gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(strict=True, ge=256, le=1_000_000)] = 16_000
    """Of one answer; asked of the provider wherever there is a limit to keep."""


class PermissionSettings(_Section):
    """`[permissions]`: what the agents may do of themselves; docs/permissions.md has the whole table."""

    policy: Policy = Policy.AUTO


class SandboxSettings(_Section):
    """`[sandbox]`: where code of the repository runs. That there be none is never a setting."""

    kind: Literal["auto", "bubblewrap", "landlock"] = "auto"


class HookSettings(_Section):
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


class WebSettings(_Section):
    """`[web]`: what agents may read of the web, if they are given tools for it."""

    allow: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """Hosts whose pages may be read; `*.` before one stands for all below it."""
    search_url: Annotated[str, AfterValidator(_url)] | None = None
    """Of a SearXNG server."""


class Settings(_Section):
    """All settings, checked. Secrets show neither in its text nor in any error."""

    model: ModelSettings = Field(default_factory=ModelSettings)
    agents: AgentsSettings
    tests: SuiteSettings = Field(default_factory=SuiteSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    proof: ProofSettings = Field(default_factory=ProofSettings)
    budget: BudgetSettings = Field(default_factory=BudgetSettings)
    permissions: PermissionSettings = Field(default_factory=PermissionSettings)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    hooks: tuple[HookSettings, ...] = ()
    """In the order in which they are told."""
    home: AbsolutePath
    """Folder of journal, mirrors and the embedded tracker and forge."""
    repo_cwd: AbsolutePath | None = None
    """Repository to work on where the command line names none."""
    database_url: Annotated[SecretStr, AfterValidator(_secret_text)] | None = None
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
