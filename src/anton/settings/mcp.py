"""What can be set of MCP servers and plugins: only by the operator, never by the repository under repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from anton.core.agent import AgentName
from anton.settings.fields import AbsolutePath, Section, Text, Url

Variable = Annotated[str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
ServerName = Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,19}$")]
PluginName = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class McpServerSettings(Section):
    """`[mcp.servers.NAME]`: a server of tools, started here (`command`) or reached by HTTP (`url`)."""

    command: Text | None = None
    """The program, by path or by its name on PATH."""
    args: tuple[str, ...] = ()
    env: Mapping[Variable, str] = Field(default_factory=dict, repr=False)
    """The program's environment, which is otherwise empty."""
    env_from: tuple[Variable, ...] = ()
    """Variables of Anton's own environment that it is given too."""
    cwd: AbsolutePath | None = None
    """Folder that it runs in; without one, `/`."""
    url: Url | None = None
    transport: Literal["http", "sse"] = "http"
    """Of a URL: streamable HTTP, or the older server-sent events."""
    header_env: Mapping[str, Variable] = Field(default_factory=dict)
    """Header → the variable of Anton's environment that holds its whole value."""
    agents: Annotated[tuple[AgentName | Literal["chat"], ...], Field(min_length=1)]
    """Who gets its tools."""
    tools: tuple[Text, ...] = ()
    """Only these of its tools, by its own names; without any, the first 64."""
    reach: Literal["read", "write", "run", "network", "outside"] | None = None
    """What permissions take its calls for; without one, `outside` for a program and `network` for a URL."""
    seconds: Annotated[float, Field(strict=True, gt=0, le=3600)] = 60.0
    """Time limit of one call."""
    connect_seconds: Annotated[float, Field(strict=True, gt=0, le=600)] = 20.0
    """Time limit of starting or reaching it."""

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("needs either a command or a url")
        if self.url is None and self.header_env:
            raise ValueError("has headers, and a program takes none: name a url")
        if self.command is None and (self.args or self.env or self.env_from or self.cwd):
            raise ValueError("has a url, and args, env, env_from and cwd belong to a command")
        return self


class McpSettings(Section):
    """`[mcp]`: servers that offer tools to agents."""

    servers: Mapping[ServerName, McpServerSettings] = Field(default_factory=dict)


class PluginSettings(Section):
    """`[plugins]`: installed packages that add tools, and sides of ports."""

    enable: tuple[PluginName, ...] = ()
    """Names of plugins; nothing of any other is imported."""
    tracker: Text | None = None
    """Kind of tracker that an enabled plugin adds; so are the others."""
    forge: Text | None = None
    chat: Text | None = None
    model: Text | None = None
    options: Mapping[PluginName, Mapping[str, object]] = Field(default_factory=dict, repr=False)
    """Plugin → its own settings, which it checks itself."""
