"""What `anton serve` works with, from the settings."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from anton.adapters.key_file import load_key
from anton.app.examination import prove
from anton.app.shared import queue_of, shared_database
from anton.core import person
from anton.core.errors import UsageError
from anton.demo.build import demo_ticket
from anton.entrypoints.composition import LogOptions, Serving, SlackAccess, Watch
from anton.ports.occurrences import Occurrences
from anton.runs.world import World
from anton.settings import Settings
from anton.system.files import replace_file
from anton.system.locks import try_lock

TOKEN_FILE = "api-token"  # noqa: S105 - the name of a file
"""In the state folder: the API's token where nobody set one; its owner alone can read it."""

POLL_SECONDS = 300
"""Between two looks for what GitHub's webhooks did not tell, where they are listened to."""

UNNAMED = "token"
"""Name of a token that was set without one."""
_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,59}):(.+)")


def serving_of(
    settings: Settings, world: World, on_github: Path | None, occurrences: Occurrences | None
) -> Serving:
    """What `anton serve` works with; `on_github` stands for a repository that needs no checkout."""
    server = settings.server
    first = (settings.repo_cwd,) if settings.repo_cwd else ()
    return Serving(
        host=server.host,
        port=server.port,
        public_url=server.public_url or "",
        runs_per_hour=server.runs_per_hour,
        repositories={**_by_name((*first, *server.repositories)), **_on_github(settings, on_github)},
        secrets=_secrets(settings),
        queue=partial(queue_of, settings),
        shared=shared_database(settings) is not None,
        demo=demo_ticket(),
        demo_checkout=partial(demo_checkout, settings.home),
        tokens=_named_tokens(server.api_token.get_secret_value() if server.api_token else ""),
        own_token=partial(_own_token, settings.home / TOKEN_FILE),
        alone=partial(_alone, settings.home),
        key=partial(load_key, settings.home),
        slack=_slack(settings),
        prove=partial(prove, settings, world),
        jira_label=settings.jira.label or "",
        github_labels=frozenset(settings.github.labels),
        watch=watch_of(settings, occurrences),
        open_metrics=server.open_metrics,
        metrics_port=settings.telemetry.metrics_port,
        log=LogOptions(settings.log.format, settings.log.level, world.masker.mask),
    )


def watch_of(settings: Settings, occurrences: Occurrences | None) -> Watch | None:
    """Looks for what was missed, where it can be asked for and somebody wants it."""
    own = settings.github
    listening = settings.webhooks.github is not None
    seconds = own.poll_seconds if own.poll_seconds is not None else POLL_SECONDS * listening
    if occurrences is None or not seconds or not own.poll:
        return None
    return Watch(occurrences, own.poll, seconds)


def _on_github(settings: Settings, path: Path | None) -> dict[str, Path]:
    """The repository on GitHub by its name: its checkout where one is set, else what stands for it."""
    name, found = settings.github.repo, settings.repo_cwd or path
    return {name: found} if name and found else {}


def _by_name(repositories: Iterable[Path]) -> dict[str, Path]:
    """Repositories by folder and by path, in their order; the first of a name has it."""
    found: dict[str, Path] = {}
    for path in repositories:
        for name in (path.name, str(path)):
            found.setdefault(name, path)
    return found


def demo_checkout(home: Path, run_id: str) -> Path:
    """Where the demo's repository is laid out for a run."""
    return home / "demo" / run_id / "todo-service"


def _secrets(settings: Settings) -> dict[str, str]:
    found = {name: getattr(settings.webhooks, name) for name in type(settings.webhooks).model_fields}
    found["slack"] = settings.slack.signing_secret
    return {name: secret.get_secret_value() for name, secret in found.items() if secret is not None}


def _named_tokens(text: str) -> dict[str, str]:
    """Identity → token, for `TOKEN` or `NAME:TOKEN`, several with commas between."""
    found = {}
    for each in filter(None, text.split(",")):
        named = _NAMED.fullmatch(each)
        name, token = (named[1], named[2]) if named else (UNNAMED, each)
        found[person.api(name)] = token
    return found


def _slack(settings: Settings) -> SlackAccess | None:
    slack = settings.slack
    if slack.bot_token is None and slack.signing_secret is None:
        return None
    return SlackAccess(
        bot_token=slack.bot_token.get_secret_value() if slack.bot_token else "",
        signing_secret=slack.signing_secret.get_secret_value() if slack.signing_secret else "",
        app_token=slack.app_token.get_secret_value() if slack.app_token else "",
        team=slack.team or "",
        base_url=f"{slack.base_url}/",
    )


def _own_token(path: Path) -> str:
    """The token that is kept in a file, made where there is none.

    Raises:
        UsageError: the file cannot be read or written, or holds no token.
    """
    try:
        if not path.exists():
            replace_file(path, f"{secrets.token_urlsafe(32)}\n".encode())
        with path.open("rb") as file:
            found, token = os.fstat(file.fileno()), file.read(1_000).decode("ascii", "replace").strip()
    except OSError as error:
        raise UsageError(
            f"the API's token cannot be kept in {str(path)!r}: {error.strerror}; set ANTON_API_TOKEN"
        ) from error
    if found.st_mode & 0o077 or found.st_uid != os.geteuid():
        raise UsageError(
            f"the API's token in {str(path)!r} can be read by others, so it may be known: remove that file, "
            "and a new one is made"
        )
    if len(token) < 20 or " " in token or not token.isascii():
        raise UsageError(f"there is no token in {str(path)!r}: remove that file, and a new one is made")
    return token


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Hold the state folder as its only server.

    Raises:
        UsageError: another server holds it.
    """
    path = home / "server.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise UsageError(
                f"a server works with the state folder {str(home)!r} already (process {holder}): "
                "stop it, or set ANTON_HOME to another folder"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
