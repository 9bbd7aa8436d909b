"""A stateful GitHub, and a stateful Slack, from npm (`emulate`), where it is installed.

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
SLACK_TOKEN, SLACK_CHANNEL = "test_token_admin", "general"
_SCRIPT = Path(__file__).parent / "node_modules" / "emulate" / "dist" / "index.js"


def program() -> Path | None:
    """The counterpart's own program; None where it or node is missing."""
    return _SCRIPT if _SCRIPT.is_file() and shutil.which("node") else None


@asynccontextmanager
async def emulated(folder: Path) -> AsyncIterator[str]:
    """GitHub's address, with one repository and one token."""
    repos = [{"owner": "octocat", "name": "shop", "auto_init": True}]
    tokens = {TOKEN: {"login": "octocat", "scopes": ["repo"]}}
    users = [{"login": "octocat", "name": "Octocat"}]
    seed = {"tokens": tokens, "github": {"users": users, "repos": repos}}
    async with _started(folder, "github", "/zen", seed) as url:
        yield url


@asynccontextmanager
async def emulated_slack(folder: Path) -> AsyncIterator[str]:
    """Slack's address, with SLACK_TOKEN and the channel `general`."""
    async with _started(folder, "slack", "/api/auth.test") as url:
        yield url


@asynccontextmanager
async def _started(
    folder: Path, service: str, path: str, seed: dict[str, object] | None = None
) -> AsyncIterator[str]:
    """The address of a service, once it answers at a path."""
    node, script = shutil.which("node"), program()
    assert node
    assert script
    port = _free_port()
    words = ["start", "--service", service, "--port", str(port)]
    if seed is not None:
        seeded = folder / "seed.json"
        seeded.write_text(json.dumps(seed))
        words += ["--seed", str(seeded)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    async with child(
        node, str(script), *words, env=environment, cwd=folder, stdout=PIPE, stderr=DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        assert process.stdout
        async with asyncio.timeout(60):
            while line := await process.stdout.readline():
                if str(port).encode() in line and await _answers(f"{url}{path}"):
                    break
        yield url


async def _answers(address: str) -> bool:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(50):
            try:
                return (await client.get(address)).status_code < 500
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
