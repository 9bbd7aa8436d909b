"""GitHub as it is set: its calls, its repositories, and who may push there. Imported where it is chosen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from anton.adapters.ci.none import NoCI
from anton.adapters.forge.local import LocalForge
from anton.adapters.forge.routed import RoutedForge
from anton.adapters.github.place import GitHubPlace
from anton.adapters.repository.credential import HostCredential
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import create_bare
from anton.adapters.repository.remote import RemoteRepository
from anton.core.errors import UsageError
from anton.ports import CI, Forge, Tracker
from anton.ports.occurrences import Occurrences
from anton.settings import Settings, package_sources_of_process
from anton.system.naming import folder_name

if TYPE_CHECKING:
    from anton.adapters.github.api import GitHub

NAMED = "github"
"""Folder in Anton's state whose paths `owner/repo` stand for repositories on GitHub, without a checkout."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True)
class GitHubSide:
    """What the rest is given of GitHub."""

    settings: Settings
    place: GitHubPlace
    calls: GitHub | None
    """None where there is no credential."""

    def forge(self) -> Forge:
        """GitHub for what was pushed there, Markdown files for all else."""
        local = LocalForge(self.settings.home / "pull_requests")
        if self.calls is None:
            return local
        adapter = import_module("anton.adapters.forge.github")
        remote: Forge = adapter.GitHubForge(self.calls, self.settings.github.repo or "")
        return RoutedForge(lambda named: bool(self.place.repository(named)), remote, local)

    def issues(self, files: Tracker) -> Tracker | None:
        """Its issues that became tickets; None where no credential lets us read them."""
        if self.calls is None:
            return None
        adapter = import_module("anton.adapters.tracker.github")
        found: Tracker = adapter.GitHubIssues(self.calls, self.place, files)
        return found

    def ci(self) -> CI:
        """Its Actions and checks, where a repository is set and a credential lets us read them."""
        repository = self.settings.github.repo
        if self.calls is None or repository is None:
            return NoCI()
        adapter = import_module("anton.adapters.ci.github")
        found: CI = adapter.GitHubCI(self.calls, repository)
        return found

    def occurrences(self) -> Occurrences | None:
        """What happens in the repository that is set; None where none is, or no credential lets us look."""
        own = self.settings.github
        if self.calls is None or own.repo is None:
            return None
        adapter = import_module("anton.adapters.occurrences.github")
        file = self.settings.home / "github-looks.json"
        found: Occurrences = adapter.GitHubOccurrences(self.calls, own.repo, own.labels, file)
        return found

    def repository(self, path: str) -> GitRepository:
        """The trusted side of a repository: of a checkout, or of one on GitHub that has none here."""
        mirror = self.settings.home / "mirrors" / f"{folder_name(path)}.git"
        environment, credential = _environment(), self._credential()
        name = self._named(path)
        if name and not Path(path).exists():
            return RemoteRepository(self.place.remote(name), mirror, environment, credential)
        return GitRepository(Path(path), mirror, environment, credential)

    async def remote(self, repository: str, origin: str) -> str:
        """Where to push to.

        On GitHub, where a credential is set and the origin is `github.repo`, or the repository was named by
        its URL. Else the origin, if it is on this machine, else a bare repository that Anton keeps.
        """
        if self.calls is not None and (found := self._pushed_to(repository, origin)):
            return self.place.remote(found)
        if origin.startswith("/") and await asyncio.to_thread(Path(origin).is_dir):
            return origin
        own = self.settings.home / "remotes" / f"{folder_name(repository)}.git"
        if not await asyncio.to_thread(own.exists):
            await create_bare(own)
        return str(own)

    def path_of(self, url: str) -> Path:
        """What stands for a repository on GitHub where a path is expected.

        Raises:
            UsageError: the URL names no repository there.
        """
        name = self.place.repository(url)
        if not name:
            raise UsageError(
                f"{url[:200]!r} names no repository at {self.place.web}: clone it and name the folder, or "
                "set github.base_url"
            )
        return self._path(name)

    def _path(self, name: str) -> Path:
        return self.settings.home / NAMED / name.lower()

    @property
    def configured(self) -> Path | None:
        """What stands for `github.repo`; None where none is set."""
        repo = self.settings.github.repo
        return self._path(repo) if repo else None

    def chosen(self, wished: Path | None) -> Path:
        """The repository to work on: what was wished for, else what is set, else the current folder."""
        if wished is not None:
            found = re.fullmatch(r"(https|ssh):/+(.+)", str(wished))  # a path keeps one of the slashes
            return self.path_of(f"{found[1]}://{found[2]}") if found else wished
        if self.settings.repo_cwd is not None:
            return self.settings.repo_cwd
        here = Path.cwd()
        return here if (here / ".git").exists() or self.configured is None else self.configured

    def _named(self, path: str) -> str:
        folder = self.settings.home.resolve() / NAMED
        parts = Path(path).parts[len(folder.parts) :] if Path(path).is_relative_to(folder) else ()
        return "/".join(parts) if len(parts) == 2 else ""

    def _pushed_to(self, repository: str, origin: str) -> str:
        named = self.place.repository(origin)
        ours = (self.settings.github.repo or "").lower()
        return named if named and (named.lower() == ours or self._named(repository)) else ""

    def _credential(self) -> HostCredential | None:
        if self.calls is None or self.calls.credential is None:
            return None
        credential = self.calls.credential
        return HostCredential(self.place.web, credential.token, credential.remedy)


@asynccontextmanager
async def github_side(settings: Settings) -> AsyncIterator[GitHubSide]:
    """GitHub for as long as it is needed."""
    calls = _calls(settings)
    try:
        yield GitHubSide(settings, GitHubPlace(settings.github.base_url), calls)
    finally:
        if calls is not None:
            await calls.close()


def _calls(settings: Settings) -> GitHub | None:
    own = settings.github
    if not own.has_credential:
        return None
    connect = import_module("anton.adapters.github.connect")
    made: GitHub
    if own.app_id is not None:
        where = (own.app_id, own.private_key, own.installation, own.repo or "")
        made = connect.with_app(own.base_url, *where)
    else:
        made = connect.with_token(own.base_url, own.token.get_secret_value() if own.token else "")
    return made


def _environment() -> dict[str, str]:
    """What git needs of this process's environment to reach another machine."""
    known = package_sources_of_process()
    found = {name: known[name] for name in _PROXIES if name in known}
    return {**found, **({"GIT_SSL_CAINFO": known["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in known else {})}
