"""A stateful GitHub from npm (`emulate`), where it is installed.

`.ci/run` installs it, as `npm ci --prefix tests/counterparts` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from anton.system.child import child

REPOSITORY = "octocat/shop"
TOKEN = "a-token-of-the-counterpart"
_SCRIPT = Path(__file__).parent / "node_modules" / "emulate" / "dist" / "index.js"


def program() -> Path | None:
    """The counterpart's own program; None where it or node is missing."""
    return _SCRIPT if _SCRIPT.is_file() and shutil.which("node") else None


@asynccontextmanager
async def emulated(folder: Path) -> AsyncIterator[str]:
    """Its address, with one repository and one token."""
    node, script = shutil.which("node"), program()
    assert node
    assert script
    seed = folder / "seed.json"
    repos = [{"owner": "octocat", "name": "shop", "auto_init": True}]
    tokens = {TOKEN: {"login": "octocat", "scopes": ["repo"]}}
    users = [{"login": "octocat", "name": "Octocat"}]
    seed.write_text(json.dumps({"tokens": tokens, "github": {"users": users, "repos": repos}}))
    port = _free_port()
    words = ("start", "--service", "github", "--port", str(port), "--seed", str(seed))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    async with child(
        node, str(script), *words, env=environment, cwd=folder, stdout=PIPE, stderr=DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        assert process.stdout
        async with asyncio.timeout(60):
            while line := await process.stdout.readline():
                if str(port).encode() in line and await _answers(url):
                    break
        yield url


async def _answers(url: str) -> bool:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(50):
            try:
                return (await client.get(f"{url}/zen")).status_code == 200
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
