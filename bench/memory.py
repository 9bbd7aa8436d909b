"""How much memory the real `anton serve` uses: at rest, as runs are worked off, after bursts of webhooks.

    python -m bench.memory [BURSTS] [RUNS]

The server has its own process, the SQLite journal, real git and real test runs; the model is a script at an
address of this process. Everything is on loopback and stops by itself.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
from bench.webhooks import BURST, REST_SECONDS, resident_mib
from tests.counterparts.chat_completions import scripted_endpoint
from tests.crash.killing import Site, Storm, listens, webhook
from tests.entrypoints.server.served import signed
from tests.office import HONEST

AT_ONCE = 50
SECONDS = 600
"""After which it is not waited for more runs."""


async def send(client: httpx2.AsyncClient, numbers: range) -> None:
    """Webhooks about these issues, AT_ONCE at a time; each begins a run."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        body = webhook(number)
        headers = signed("github", body, X_GitHub_Event="issues", X_GitHub_Delivery=f"d{number}")
        async with places:
            answer = await client.post("/webhook/github", content=body, headers=headers)
        assert answer.json()["begun"], answer.text

    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))


async def health(client: httpx2.AsyncClient) -> dict[str, Any]:
    """Where the server stands."""
    return dict((await client.get("/health")).json())


async def measure(bursts: int, runs: int) -> None:
    """Start a server; runs first, on an empty queue, then bursts."""
    with tempfile.TemporaryDirectory() as folder:
        async with scripted_endpoint(HONEST) as model:
            site = Site(Path(folder), model.base_url, Storm(webhooks=0, kills=0))
            async with (
                site.up() as server,
                httpx2.AsyncClient(base_url=site.url, trust_env=False, timeout=60) as client,
            ):
                await listens(server, client)
                print(f"at rest                    {resident_mib(server.pid):6.1f} MiB")
                await send(client, range(1, runs + 1))
                await _as_runs_are_worked_off(client, server.pid, runs)
                for burst in range(bursts):
                    first = runs + burst * BURST + 1
                    await send(client, range(first, first + BURST))
                    await asyncio.sleep(REST_SECONDS)
                    queued = (await health(client))["queued_runs"]
                    print(f"{queued:5} runs in the queue    {resident_mib(server.pid):6.1f} MiB")


async def _as_runs_are_worked_off(client: httpx2.AsyncClient, server: int, runs: int) -> None:
    told, deadline = 0, time.monotonic() + SECONDS
    while told < runs and time.monotonic() < deadline:
        await asyncio.sleep(1)
        waiting = (await health(client))["waiting_runs"]
        if waiting >= min(runs, told + max(1, runs // 5)):
            told = waiting
            print(f"{told:5} runs worked off      {resident_mib(server):6.1f} MiB")


if __name__ == "__main__":
    given = [*map(int, sys.argv[1:3])]
    asyncio.run(measure(*given, *(3, 100)[len(given) :]))
