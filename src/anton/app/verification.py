"""What a proof bundle is executed with: no settings, no state, no model."""

from __future__ import annotations

import asyncio
import platform
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anton.adapters.repository.clone import clone_commit
from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.core.errors import UsageError
from anton.entrypoints.composition import BenchWish, VerifyBench
from anton.ports import Sandbox
from anton.proving.portable import traces
from anton.proving.programs import interpreter_paths


@asynccontextmanager
async def bench(wish: BenchWish) -> AsyncIterator[VerifyBench]:
    """What a proof bundle is executed with, in a temporary folder: without settings, state folder or model.

    Raises:
        UsageError: the interpreter or a link is not there, or the repository cannot be used.
    """
    python = wish.python.absolute() if wish.python else Path(sys.executable)
    for path in (python, *(path for _, path in wish.links)):
        if not await asyncio.to_thread(path.exists):
            raise UsageError(f"there is no {str(path)!r}")
    sandbox: Sandbox = NoSandbox("not needed")
    if not wish.looking:
        sandbox = await choose(Kind(wish.sandbox), allow_none=wish.unconfined)
    readable = interpreter_paths(python)
    with tempfile.TemporaryDirectory(prefix="anton-verify-") as name:
        folder = Path(name)
        checkout = await _brought(wish, folder / "clone.git")
        yield VerifyBench(
            repository=GitRepository(checkout, folder / "mirror.git"),
            sandbox=sandbox,
            workspace=folder / "trees",
            python=python,
            readable=readable,
            links={link: path.absolute() for link, path in wish.links},
            traces=traces(readable, {folder: "/anton", Path.home(): "/home/user"}, platform.node()),
        )


async def _brought(wish: BenchWish, clone: Path) -> Path:
    """Where the named repository is on this machine, cloned where it is named by a URL."""
    named = wish.repository.removeprefix("file://")
    path = await asyncio.to_thread(Path(named or clone).absolute)
    if named and not await asyncio.to_thread(path.exists) and re.match(r"[a-z]+://|[^/]+:", named):
        await clone_commit(named, wish.commit, clone)
        return clone
    return path
