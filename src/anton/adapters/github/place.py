"""Which GitHub is meant, and which of a repository's names mean a repository there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_NAME = r"[A-Za-z0-9_.-]{1,100}"
_SHORT = re.compile(rf"(?:[^@/:]+@)?([^/:]+):/?({_NAME})/({_NAME})")
_PATH = re.compile(rf"/({_NAME})/({_NAME})/?")


@dataclass(frozen=True, slots=True)
class GitHubPlace:
    """github.com or an Enterprise server.

    Source: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api
    """

    api: str = "https://api.github.com"
    """Where calls go, such as `https://github.example.com/api/v3`; without a slash at its end."""

    @property
    def web(self) -> str:
        """Where pages and git are: scheme, host and port."""
        parts = urlsplit(self.api)
        host = parts.hostname or ""
        hosted = host == "api.github.com" or host.endswith(".ghe.com")
        location = parts.netloc.removeprefix("api.") if hosted else parts.netloc
        return f"{parts.scheme}://{location}"

    def remote(self, repository: str) -> str:
        """What git fetches from and pushes to, for `owner/repo`."""
        return f"{self.web}/{repository}.git"

    def repository(self, remote: str) -> str:
        """`owner/repo` that a remote means, by https or ssh; empty where it is no repository here."""
        if found := _SHORT.fullmatch(remote):
            host, owner, name = found.groups()
            same = host.lower() == (urlsplit(self.web).hostname or "")
        else:
            try:
                parts = urlsplit(remote)
                port, host = parts.port, parts.hostname or ""
            except ValueError:
                return ""
            path = _PATH.fullmatch(parts.path)
            if path is None or parts.scheme not in ("https", "ssh", urlsplit(self.web).scheme):
                return ""
            owner, name = path.groups()
            web = urlsplit(self.web)
            same = host == web.hostname and (parts.scheme == "ssh" or port == web.port)
        name = name.removesuffix(".git")
        return f"{owner}/{name}" if same and name not in ("", ".", "..") and owner not in (".", "..") else ""
