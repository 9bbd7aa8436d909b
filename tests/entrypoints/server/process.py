"""The real `anton serve` as a process of its own, for a test whose counterparts live in this one."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from anton.system.child import child
from tests.entrypoints.shell import SOURCE

SECONDS = 120
"""After which a state that never comes fails a test."""


@dataclass
class Running:
    """A server that listens."""

    process: Process
    said: str
    """What it said at its start."""
    client: httpx2.AsyncClient

    async def until(self, run: str, **wanted: object) -> dict[str, Any]:
        """The run, once it is as wanted."""
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    shown = (await self.client.get(f"/runs/{run}")).json()
                    if all(shown.get(name) == value for name, value in wanted.items()):
                        return shown
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{wanted} never came; the run is {shown}") from None


async def seen(look: Callable[[], bool]) -> None:
    """Wait until something is so that can only be looked at."""
    async with asyncio.timeout(SECONDS):
        while True:
            if await asyncio.to_thread(look):
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(folder: Path, settings: Mapping[str, str], *arguments: str) -> AsyncIterator[Running]:
    """A server on a free port, in a current folder and with an environment of its own; killed at the end.

    Args:
        folder: Its current folder and its user's home.
        settings: Its environment, besides PATH; `ANTON_HOME` among it.
        arguments: Of `anton serve`.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(SOURCE),
        "COLUMNS": "200",
        **settings,
    }
    words = (sys.executable, "-m", "anton", "serve", "--port", "0", "--unsafe-no-sandbox", *arguments)
    async with child(*words, env=environment, cwd=folder, stdout=PIPE, stderr=STDOUT) as process:
        said = await asyncio.wait_for(_opening(process), SECONDS)
        address = said.partition("listens on ")[2].split()[0]
        token = settings.get("ANTON_API_TOKEN") or (Path(settings["ANTON_HOME"]) / "api-token").read_text()
        headers = {"Authorization": f"Bearer {token.strip().rpartition(':')[2]}"}
        async with (
            httpx2.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=30) as client,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(_read(process))  # or the pipe is full one day
            yield Running(process, said, client)
            reading.cancel()


async def _opening(process: Process) -> str:
    """What a server says until it listens."""
    assert process.stdout
    said = b""
    while line := await process.stdout.readline():
        said += line
        if b"anton trigger" in line:
            return said.decode()
    raise AssertionError(f"the server ended: {said.decode()}")


async def _read(process: Process) -> None:
    assert process.stdout
    while await process.stdout.read(65_536):
        pass
