"""Whether a sandbox holds, found out by trying to get out: that a program is installed proves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sys
import tempfile
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anton.adapters.sandbox import probe
from anton.core.errors import SandboxError
from anton.ports import Command, Execution, Sandbox

SECONDS = 10.0
"""Time limit of the one command; it takes some 60 ms."""

_RUNS = "commands run"
_HELD = {
    "read": "files outside cannot be read",
    "write": "files outside cannot be changed",
    "connect": "the network is out of reach",
    "environment": "Anton's environment is hidden",
    "settings": "the kernel's settings cannot be changed",
}
_TREE = "the tree can be written"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of a sandbox brought."""

    name: str
    """What should be so."""
    held: bool
    detail: str = ""
    """What was got hold of, or why nothing could be tried; empty where it held."""


async def self_test(sandbox: Sandbox) -> tuple[Finding, ...]:
    """Run one command that tries to read, write and connect to what lies outside."""
    with tempfile.TemporaryDirectory(prefix="anton-selftest-") as folder:
        tree, outside = Path(folder, "tree"), Path(folder, "outside")
        for path in (tree, outside):
            path.mkdir()
        (outside / "victim").write_text("full")
        async with _listener() as port:
            arguments = (
                str(_canary(outside)),
                str(outside / "victim"),
                str(outside),
                str(port),
                str(os.getpid()),
            )
            try:
                execution = await sandbox.run(_command(arguments, tree))
            except SandboxError as error:
                return (Finding(_RUNS, held=False, detail=str(error)),)
    return _findings(execution)


def interpreter_paths() -> tuple[Path, ...]:
    """What a command must be able to read to run the Python that Anton itself runs on."""
    real = Path(sys.executable).resolve().parent.parent
    return tuple(dict.fromkeys((Path(sys.prefix), Path(sys.base_prefix), real)))


def _command(arguments: tuple[str, ...], tree: Path) -> Command:
    source = Path(probe.__file__).read_text()
    python = (sys.executable, "-I", "-S", "-B", "-c", source)
    return Command(("env", *python, *arguments), tree, SECONDS, readable=interpreter_paths())


def _findings(execution: Execution) -> tuple[Finding, ...]:
    try:
        outcomes = json.loads(execution.output)
    except json.JSONDecodeError:
        how = "timed out" if execution.timed_out else f"exit code {execution.exit_code}"
        return (Finding(_RUNS, held=False, detail=f"{how}: {execution.output.strip()[-400:]}"),)
    written = outcomes["tree"] is not None
    return (
        Finding(_RUNS, held=True),
        Finding(_TREE, held=written, detail="" if written else "a file in it could not be made"),
        *(Finding(text, outcomes[key] is None, outcomes[key] or "") for key, text in _HELD.items()),
    )


def _canary(outside: Path) -> Path:
    """A file of the user's own home, where the secrets are; one of ours where there is none."""
    with suppress(OSError, KeyError):  # a user need not be in the passwd file, such as in a container
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
        for path in sorted(home.iterdir()):
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                return path
    own = outside / "canary"
    own.write_text("secret")
    return own


@asynccontextmanager
async def _listener() -> AsyncIterator[int]:
    async def hang_up(_reader: StreamReader, writer: StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
