"""Runs the `git` command with an empty environment and a git directory of ours.

Whatever could make git execute something is a setting, and settings are read from files. So the only files
that git reads settings from here are ours: the mirror's, and those of a lens on somebody else's repository.
`SETTINGS` come on top of that and are not relied upon alone.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from anton.adapters.repository.credential import Handed
from anton.core.errors import OutsideError
from anton.core.text import one_line, without_userinfo
from anton.system.child import child, end_group, read_head

SECONDS = 300.0
"""Time limit of a command that works on local files only."""
MAX_ERROR_BYTES = 16_000
SHOWN_CHARACTERS = 600
"""Of git's own words in an error."""

SETTINGS = (
    "advice.detachedHead=false",
    "commit.gpgSign=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.fsmonitor=false",
    "core.fsync=committed",  # git itself leaves single objects to the system; the journal names them for good
    "core.fsyncMethod=batch",
    "core.hooksPath=/dev/null",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.quotePath=false",
    "core.untrackedCache=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "push.gpgSign=false",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a git command."""

    code: int
    out: bytes
    err: bytes

    @property
    def words(self) -> str:
        """What git said on stderr: one line, bounded, without control characters or the userinfo of URLs."""
        return speakable(self.err) or f"git ended with code {self.code} and said nothing"


@dataclass(frozen=True, slots=True)
class Git:
    """The git command bound to one git directory that is ours."""

    folder: Path
    """The git directory."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the empty environment."""
    settings: tuple[str, ...] = ()
    """Further `name=value` settings."""
    handed: Handed | None = None
    """What the remote wants to see."""

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        stdout: int | None = None,
        cwd: Path | None = None,
        max_bytes: int | None = None,
        seconds: float = SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command to its end.

        Args:
            arguments: the subcommand and its arguments.
            stdin: what the command reads; then its input ends.
            stdout: a file descriptor to write to, in place of `Finished.out`.
            cwd: the working directory, where it matters.
            max_bytes: end the command once it has written this much.
            seconds: time limit.
            environment: added for this command.

        Raises:
            OutsideError: git is not installed, or the time limit was reached.
        """
        program = _git()
        async with AsyncExitStack() as stack:
            open_ = self.handed.open() if self.handed else nullcontext(((), ()))
            asking, descriptors = stack.enter_context(open_)
            options = [part for setting in (*SETTINGS, *self.settings, *asking) for part in ("-c", setting)]
            process = await stack.enter_async_context(
                child(
                    *(program, f"--git-dir={self.folder}", *options, *arguments),
                    stdin=PIPE if stdin else DEVNULL,
                    stdout=PIPE if stdout is None else stdout,
                    stderr=PIPE,
                    cwd=cwd or self.folder,
                    env={**_empty_environment(program), **self.environment, **(environment or {})},
                    descriptors=descriptors,
                )
            )
            try:
                async with asyncio.timeout(seconds):
                    out, err, _ = await asyncio.gather(
                        _collect(process, max_bytes),
                        read_head(process.stderr, MAX_ERROR_BYTES),
                        _feed(process, stdin),
                    )
                    code = await process.wait()
            except TimeoutError:
                raise OutsideError(
                    f"git {arguments[0]} did not end within {seconds:g} seconds and was stopped. "
                    "Look at the disk and the network, then try again."
                ) from None
        return Finished(0 if len(out) == max_bytes else code, out, err)

    async def out(
        self, *arguments: str, stdin: bytes = b"", index: Path | None = None, cwd: Path | None = None
    ) -> bytes:
        """What a command writes.

        Args:
            arguments: the subcommand and its arguments.
            stdin: what the command reads; then its input ends.
            index: the index file that it works on.
            cwd: the working directory, where it matters.

        Raises:
            OutsideError: the command failed.
        """
        environment = {"GIT_INDEX_FILE": str(index)} if index else {}
        done = await self.run(*arguments, stdin=stdin, environment=environment, cwd=cwd)
        return require(done, f"git {arguments[0]} in {str(self.folder)!r}").out


def require(done: Finished, what: str) -> Finished:
    """The command as it ended, if it ended well.

    Raises:
        OutsideError: it did not; `what` names it.
    """
    if done.code:
        raise OutsideError(f"{what} failed: {done.words}")
    return done


def speakable(said: bytes) -> str:
    """Foreign words as one line: bounded, without what cannot be seen or the userinfo of URLs."""
    return without_userinfo(one_line(said.decode("utf-8", "replace")))[:SHOWN_CHARACTERS]


def split(listing: bytes) -> Sequence[str]:
    """The items of a NUL-separated listing; bytes that are not UTF-8 survive as surrogates."""
    return [os.fsdecode(item) for item in listing.split(b"\0") if item]


def _git() -> str:
    """Absolute path of the git command."""
    found = shutil.which("git")
    if not found:
        raise OutsideError("There is no git command on PATH. Install git 2.36 or newer.")
    return str(Path(found).absolute())


def _empty_environment(program: str) -> dict[str, str]:
    return {
        "PATH": f"{Path(program).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C",
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


async def _feed(process: Process, content: bytes) -> None:
    if process.stdin is None:
        return
    try:
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return  # the command ended without reading everything; its exit code tells why


async def _collect(process: Process, limit: int | None) -> bytes:
    """All that a command writes, or its first `limit` bytes, whereupon it is ended."""
    if limit is None:
        return await process.stdout.read() if process.stdout else b""
    return await read_head(process.stdout, limit, partial(end_group, process))
