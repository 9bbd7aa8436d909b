"""Everything that can be set, from files, environment and command line; the only reader of the environment.

Later layers win, key by key:

    1. defaults                                    this module and `model`
    2. the user's file                             $XDG_CONFIG_HOME/anton/anton.toml
    3. --config, else ANTON_CONFIG, else ./anton.toml
    4. the environment                             ENVIRONMENT below
    5. the command line

A file inside the repository under repair is nobody's settings: whoever can commit there could otherwise
redirect the model or the state. From there only `repository_settings` counts, harmless in the sandbox.
Relative paths are relative to the file that holds them, or to the current folder.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from anton.core.agent import DELEGATE_LIMITS, LIMITS
from anton.core.errors import UsageError
from anton.settings.errors import explained
from anton.settings.model import DEFAULT, OF_REPOSITORY, Keys, RepositorySettings, Settings, SuiteSettings

FILE_NAME = "anton.toml"
MAX_BYTES = 1_000_000
"""Of a settings file."""

ENVIRONMENT: Mapping[str, Keys] = MappingProxyType(
    {
        "API_KEY": ("model", "api_key"),
        "BASE_URL": ("model", "base_url"),
        "MODEL": ("model", "name"),
        "SLACK_BOT_TOKEN": ("slack", "bot_token"),
        "SLACK_CHANNEL": ("slack", "channel"),
        "SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
        "SLACK_APP_TOKEN": ("slack", "app_token"),
        "SLACK_API_URL": ("slack", "base_url"),
        "JIRA_BASE_URL": ("jira", "base_url"),
        "JIRA_EMAIL": ("jira", "email"),
        "JIRA_API_TOKEN": ("jira", "api_token"),
        "ANTON_API_TOKEN": ("server", "api_token"),
        "GITHUB_TOKEN": ("github", "token"),
        "GITHUB_REPO": ("github", "repo"),
        "GITHUB_API_URL": ("github", "base_url"),
        "GITHUB_WEBHOOK_SECRET": ("webhooks", "github"),
        "JIRA_WEBHOOK_SECRET": ("webhooks", "jira"),
        "REPO_CWD": ("repo_cwd",),
        "DATABASE_URL": ("database_url",),
        "OTEL_EXPORTER_OTLP_ENDPOINT": ("telemetry", "otlp_endpoint"),
        "ANTON_HOME": ("home",),
    }
)
"""Variable → key. An empty variable is one that is not set. ANTON_CONFIG names the file of layer 3."""

PACKAGE_SOURCES = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "NODE_EXTRA_CA_CERTS"),
        *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"),
        *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
        *("UV_NO_INDEX", "UV_OFFLINE", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"),
        *("NPM_CONFIG_REGISTRY", "NPM_CONFIG_CAFILE", "NPM_CONFIG_OFFLINE"),
        *("GOPROXY", "GONOSUMDB", "GOSUMDB"),
    }
)
"""Variables that say where packages come from; they are passed on when an environment is built."""

HOOK_VARIABLES = ("PATH", "HOME", "LANG")
"""What a hook's environment takes over from this process's."""

_PATHS: frozenset[Keys] = frozenset(
    {("home",), ("repo_cwd",), ("run", "reports"), ("tests", "python"), ("github", "private_key")}
)


@dataclass(slots=True)
class _Layers:
    """The layers merged so far, and where each value came from."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[Keys, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def add(self, values: Mapping[str, object], origin: str) -> None:
        _merge(self.values, values)
        self.origins.update((keys, origin) for keys, _ in _leaves(values))


def settings_of_process(
    repository: Path | None = None,
    config: Path | None = None,
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Settings:
    """`load_settings` with this process's environment and current folder."""
    return load_settings(os.environ, Path.cwd(), repository, config, overrides)


def package_sources_of_process() -> dict[str, str]:
    """What this process's environment says of where packages come from."""
    return {name: value for name, value in os.environ.items() if name in PACKAGE_SOURCES and value.strip()}


def hook_environment_of_process() -> dict[str, str]:
    """What hooks are given of this process's environment, without folders of PATH that are relative."""
    found = {name: os.environ[name] for name in HOOK_VARIABLES if os.environ.get(name)}
    folders = found.get("PATH", os.defpath).split(os.pathsep)
    return {**found, "PATH": os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())}


def variables_of_process(names: Iterable[str]) -> dict[str, str]:
    """Those of some variables that this process's environment has."""
    return {name: os.environ[name] for name in names if name in os.environ}


def load_settings(
    environ: Mapping[str, str],
    cwd: Path,
    repository: Path | None = None,
    config: Path | None = None,
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Settings:
    """All layers merged and checked; reads nothing but its arguments and the files that they lead to.

    Args:
        environ: The environment's variables.
        cwd: The current folder, absolute.
        repository: The repository under repair, or a folder of it: files in it are skipped with a notice.
            Where none is named, that goes for `repo_cwd` and for any git work tree that `cwd` lies in.
        config: The file of layer 3; it must exist, and may lie anywhere because a person named it.
        overrides: Dotted key → value, such as `{"model.name": "gpt-5-mini"}`; None says nothing.

    Raises:
        UsageError: file, key, what was given, and what is allowed.
    """
    environ = {name: value for name, value in environ.items() if value.strip()}
    layers = _Layers()
    layers.add(_defaults(environ), DEFAULT)
    from_overrides = {tuple(k.split(".")): v for k, v in overrides.items() if v is not None}
    repo_cwd = from_overrides.get(("repo_cwd",)) or environ.get("REPO_CWD")
    suspects = [repository or _path_or_none(repo_cwd, cwd)]
    if folder := _xdg(environ, "XDG_CONFIG_HOME", ".config"):
        _add_file(layers, folder / "anton" / FILE_NAME, environ, suspects)
    if named := config or _path_or_none(environ.get("ANTON_CONFIG"), cwd):
        layers.add(_anchored(_read(named), named.absolute().parent, environ), str(named))
    else:
        if repository is None:  # then it may be the one that the current folder lies in
            suspects += [_path_or_none(layers.values.get("repo_cwd"), cwd), _work_tree(cwd)]
        _add_file(layers, cwd / FILE_NAME, environ, suspects)
    for name, keys in ENVIRONMENT.items():
        if name in environ:
            layers.add(_anchored(_nested(keys, environ[name]), cwd, environ), f"environment {name}")
    for keys, given in from_overrides.items():
        layers.add(_anchored(_nested(keys, given), cwd, environ), "command line")
    _take_keys(layers, environ)
    return _checked(layers)


def repository_settings(toml_text: str) -> RepositorySettings:
    """What the `anton.toml` of the repository under repair may say: how its tests are run.

    That is `[tests]` command, report, patterns and timeout_seconds. Everything else in it is ignored with a
    notice, because the same file may serve its owners as settings.

    Raises:
        UsageError: it is not TOML, or one of the four is not allowed.
    """
    origin = OF_REPOSITORY
    values = _parsed(toml_text, origin)
    tests = values.pop("tests", {})
    if not isinstance(tests, dict):
        raise UsageError(f"{origin}: tests must be a table, written [tests]")
    safe = ("command", "report", "patterns", "timeout_seconds")
    ignored = [*values, *(f"tests.{name}" for name in tests if name not in safe)]
    given = {name: tests[name] for name in safe if name in tests}
    try:
        suite = SuiteSettings.model_validate(given)
    except ValidationError as error:
        raise explained(error, Settings, lambda _: origin, prefix=("tests",)) from None
    notice = (
        f"{origin} sets {', '.join(map(ascii, ignored[:10]))}: ignored, "
        f"only [tests] {', '.join(safe)} are taken from a repository"
    )
    return RepositorySettings(suite, tuple(given), (notice,) if ignored else ())


def _defaults(environ: Mapping[str, str]) -> dict[str, object]:
    agents = {name: asdict(limits) for name, limits in (*LIMITS.items(), *DELEGATE_LIMITS.items())}
    state = _xdg(environ, "XDG_STATE_HOME", ".local/state")
    return {"agents": agents, **({"home": str(state / "anton")} if state else {})}


def _xdg(environ: Mapping[str, str], name: str, default: str) -> Path | None:
    """Source: https://specifications.freedesktop.org/basedir-spec/latest/ (a relative path is ignored)."""
    if environ.get(name, "").startswith("/"):
        return Path(environ[name])
    return Path(environ["HOME"]) / default if "HOME" in environ else None


def _take_keys(layers: _Layers, environ: Mapping[str, str]) -> None:
    """Give each fallback the key that its `api_key_env` names; what is malformed is left to be refused."""
    model = layers.values.get("model")
    fallback = model.get("fallback") if isinstance(model, dict) else None
    for each in fallback if isinstance(fallback, list) else ():
        name = each.get("api_key_env") if isinstance(each, dict) else None
        if isinstance(name, str) and name in environ:
            each["api_key"] = environ[name]


def _path_or_none(value: object, cwd: Path) -> Path | None:
    return cwd / value if isinstance(value, str | Path) else None


def _add_file(
    layers: _Layers, path: Path, environ: Mapping[str, str], suspects: Sequence[Path | None]
) -> None:
    """Add a file that need not be there, unless it belongs to what may be the repository under repair."""
    if not os.path.lexists(path):
        return
    if any(_lies_in(path, _work_tree(suspect) or suspect) for suspect in suspects if suspect is not None):
        layers.notices.append(
            f"{str(path)!r} was not read, because it lies in the repository under repair: "
            "name it with --config if it is yours"
        )
        return
    layers.add(_anchored(_read(path), path.absolute().parent, environ), str(path))


def _work_tree(folder: Path) -> Path | None:
    """The git work tree that a folder lies in."""
    try:
        inner = folder.resolve()
        return next((outer for outer in (inner, *inner.parents) if os.path.lexists(outer / ".git")), None)
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a NUL in the path
        raise UsageError(f"the folder {str(folder)!r} cannot be looked at: {error}") from error


def _lies_in(path: Path, repository: Path) -> bool:
    try:
        inside = repository.resolve()
        return path.resolve().is_relative_to(inside) or path.parent.resolve().is_relative_to(inside)
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"{str(path)!r} may lie in {str(repository)!r}, which cannot be told: {error}"
        ) from error


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes, so it is no settings file")
        return _parsed(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(f"{str(path)!r} cannot be read as settings: {error}") from error


def _parsed(text: str, origin: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{origin}: nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"{origin}: not TOML: {error}") from None


def _anchored(values: dict[str, object], folder: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """The values with their paths made absolute; a path that is no text or empty is left to be refused."""
    for keys in _PATHS:
        table: object = values
        for key in keys[:-1]:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict) and isinstance(written := table.get(keys[-1]), str) and written:
            table[keys[-1]] = _absolute(written, folder, environ)
    server = values.get("server")
    listed = server.get("repositories") if isinstance(server, dict) else None
    if isinstance(server, dict) and isinstance(listed, list):
        server["repositories"] = [
            _absolute(each, folder, environ) if isinstance(each, str) and each else each for each in listed
        ]
    hooks = values.get("hooks")
    for hook in hooks if isinstance(hooks, list) else ():
        words = hook.get("command") if isinstance(hook, dict) else None
        if isinstance(words, list) and words and isinstance(words[0], str) and "/" in words[0]:
            words[0] = _absolute(words[0], folder, environ)  # a word without a slash is looked up on PATH
    mcp = values.get("mcp")
    servers = mcp.get("servers") if isinstance(mcp, dict) else None
    for server in servers.values() if isinstance(servers, dict) else ():
        _anchor_server(server, folder, environ)
    return values


def _anchor_server(server: object, folder: Path, environ: Mapping[str, str]) -> None:
    for key in ("command", "cwd"):
        written = server.get(key) if isinstance(server, dict) else None
        if isinstance(server, dict) and isinstance(written, str) and (key == "cwd" or "/" in written):
            server[key] = _absolute(written, folder, environ)


def _absolute(written: str, folder: Path, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME", "/")
    return str(folder / (f"{home}/{written[2:]}" if written.startswith("~/") else written))


def _merge(below: dict[str, object], above: Mapping[str, object]) -> None:
    for key, value in above.items():
        known = below.get(key)
        if isinstance(value, Mapping):
            merged = dict(known) if isinstance(known, dict) else {}
            _merge(merged, value)
            below[key] = merged
        else:
            below[key] = value


def _leaves(values: Mapping[str, object], above: Keys = ()) -> Iterator[tuple[Keys, object]]:
    for key, value in values.items():
        yield (*above, key), value
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))


def _nested(keys: Sequence[str], value: object) -> dict[str, object]:
    first, *rest = keys
    return {first: _nested(rest, value) if rest else value}


def _checked(layers: _Layers) -> Settings:
    def origin(keys: Keys) -> str:
        """Of a key or, where it was not set, of the table that it is missing from."""
        return layers.origins.get(keys) or origin(keys[:-1])

    if "home" not in layers.values:
        raise UsageError("HOME is not set, so there is no folder for Anton's state: set ANTON_HOME to one")
    try:
        settings = Settings.model_validate(layers.values)
    except ValidationError as error:
        raise explained(error, Settings, origin) from None
    settings._origins = MappingProxyType(layers.origins)  # noqa: SLF001 (of an object made here)
    settings._notices = tuple(layers.notices)  # noqa: SLF001 (the same)
    return settings
