"""A credential for git over https, handed over so that nobody else gets to see it.

It is in no URL, no file, no argument and no environment variable. Git asks a credential helper, which is one
line of shell that reads a pipe; the pipe was filled before git started, holds the credential once, and is
read empty by the first who asks. Git asks for the one host only, whatever it is redirected to.
Source: https://git-scm.com/docs/gitcredentials
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from anton.core.errors import OutsideError

USER = "x-access-token"
"""What GitHub takes for any kind of token."""


@dataclass(frozen=True, slots=True)
class HostCredential:
    """Who may give a token for a host, at the moment it is needed."""

    host: str
    """Scheme, host and port, as in `https://github.com`."""
    token: Callable[[], Awaitable[str]]
    remedy: str = ""
    """What a person does where it is not accepted."""

    def fits(self, remote: str) -> bool:
        """Whether a remote is at that host."""
        return origin(remote) == origin(self.host) != ""


@dataclass(frozen=True, slots=True)
class Handed:
    """A credential for one git command."""

    host: str
    secret: bytes
    """What a helper answers."""
    remedy: str
    """What a person does where it is not accepted."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Handed({self.host!r})"

    @contextmanager
    def open(self) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
        """Settings that make git ask for it, and the descriptors that git has to inherit."""
        read, write = os.pipe()
        try:
            try:
                os.write(write, self.secret)  # less than a pipe holds, so that it never waits
            finally:
                os.close(write)
            helper = f'!f() {{ test "$1" = get && cat /dev/fd/{read}; }}; f'
            yield (f"credential.{self.host}.helper={helper}", "credential.interactive=false"), (read,)
        finally:
            os.close(read)


async def handed(credential: HostCredential) -> Handed:
    """The credential for one command.

    Raises:
        OutsideError: there is none to be had, or it is nothing that a token could be.
    """
    token = await credential.token()
    if not token or len(token) > 2_000 or not token.isascii() or not token.isprintable():
        raise OutsideError(f"The token for {credential.host!r} is empty or no token. {credential.remedy}")
    return Handed(credential.host, f"username={USER}\npassword={token}\n".encode(), credential.remedy)


def origin(url: str) -> str:
    """Scheme, host and port of an https URL without userinfo; empty for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return ""
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return ""
    return f"https://{parts.hostname}:{port}"
