"""Lay out the demo repository, the same to the last commit id every time.

Its history is kept as one mailbox patch per commit (`history/*.patch`): they read as a reviewer reads any
change, hold author, date and message, and no tool takes them for code of Anton's.
"""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import Ticket, ticket_from_text
from anton.system.child import child

TICKET_KEY = "BUG-42"
REQUEST = (
    "Say in the docstring of complete() that repeating it is safe, "
    "and show that a to-do completed twice is still done after a restart."
)
"""The request for changes that the recorded run was given; the recording can answer no other."""

_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_COMMITTER_NAME": "Todo team",
    "GIT_COMMITTER_EMAIL": "team@todo.example",
    "GIT_TERMINAL_PROMPT": "0",
}


def demo_ticket() -> Ticket:
    """BUG-42, as the person from support reported it."""
    text = files("anton.demo").joinpath("ticket.md").read_text(encoding="utf-8")
    ticket = ticket_from_text(text, key=TICKET_KEY, reporter="Jo from support", source="local")
    return replace(ticket, labels=("bug", "mobile"))


async def lay_out(folder: Path, remote: Path) -> None:
    """Make `folder` the to-do service's repository and `remote` the bare repository that is its `origin`.

    Both are made, with their parents; each may exist as an empty folder.

    Raises:
        UsageError: one of them holds something already.
        OutsideError: git is missing or failed.
    """
    folder, remote = await asyncio.to_thread(_made_empty, folder, remote)
    patches = files("anton.demo").joinpath("history")
    with as_file(patches) as history:
        names = sorted(str(patch) for patch in await asyncio.to_thread(_patches, history))
        await _git(folder, "init", "-q", "-b", "main", "--template=")
        await _git(folder, "am", "-q", "--committer-date-is-author-date", *names)
    await _git(remote, "init", "-q", "--bare", "-b", "main", "--template=")
    await _git(folder, "remote", "add", "origin", str(remote))
    await _git(folder, "push", "-q", "-u", "origin", "main")


def _patches(history: Path) -> list[Path]:
    return list(history.glob("*.patch"))


def _made_empty(*folders: Path) -> tuple[Path, ...]:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            empty = not any(folder.iterdir())
        except OSError as error:
            raise UsageError(f"the demo cannot be laid out in {str(folder)!r}: {error}") from error
        if not empty:
            raise UsageError(f"{str(folder)!r} is not empty: name a new folder for the demo, or remove it")
    return tuple(folder.absolute() for folder in folders)


async def _git(folder: Path, *arguments: str) -> None:
    git = shutil.which("git")
    if git is None:
        raise OutsideError("git was not found on PATH: install it, the demo is a git repository")
    env = {**_ENVIRONMENT, "PATH": f"{Path(git).parent}:/usr/bin:/bin"}
    async with child(git, *arguments, cwd=folder, env=env, stdout=PIPE, stderr=STDOUT) as process:
        output, _ = await process.communicate()
    if process.returncode != 0:
        words = output.decode("utf-8", "replace").strip()
        raise OutsideError(f"`git {arguments[0]}` failed in {str(folder)!r}: {words}")
