"""How long the server takes to answer webhooks while ten runs work, and what a burst of a thousand comes to.

    python -m bench.webhooks [SECONDS]

The server is a process of its own with the SQLite journal, real git, real test runs and a scripted model;
this process is the client. Everything is on loopback and stops by itself.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from tests.entrypoints.server.served import OWNER, TOKEN, an_anton, an_office, signed

from anton.adapters.journal.sql import SqlJournal
from anton.entrypoints.server.application import application
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.listen import bound, serve

RUNS = 10
PER_SECOND = 20
BURST = 1_000
BURSTS = 3
REST_SECONDS = 5.0
"""After a burst, before memory is looked at."""
CONNECTIONS = 100


async def serve_here(folder: Path) -> None:
    """A server whose address is its first line of output, until SIGTERM."""
    office = an_office(folder)
    office.journal = SqlJournal(folder / "journal.db")
    app = application(Desk(an_anton(office, runs=RUNS)), {OWNER: TOKEN})
    with bound("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        serving = asyncio.ensure_future(serve(app, listener))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        await asyncio.wait([serving])
    await office.journal.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)


class Sender:
    """Fires webhooks, each with a ticket of its own, over connections that stay open.

    Plain streams: a client library takes several times the server's own time.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.fired = 0
        self.refused: list[bytes] = []
        self.places = asyncio.Semaphore(CONNECTIONS)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def fire(self) -> float:
        """Milliseconds until a webhook was answered."""
        self.fired += 1
        body = f'{{"title": "To-dos come back", "id": "{self.fired}"}}'.encode()
        named = "".join(f"{name}: {value}\r\n" for name, value in signed("generic", body).items())
        head = (
            f"POST /webhook/generic HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{named}\r\n"
        )
        start = time.perf_counter()
        async with self.places:
            told = await self._answer(head.encode() + body)
        if b'"begun":true' not in told:
            self.refused.append(told)
        return (time.perf_counter() - start) * 1000

    async def _answer(self, request: bytes) -> bytes:
        """The body of the answer; a connection that the server let go of meanwhile is replaced."""
        while True:
            kept = bool(self.idle)
            reader, writer = (
                self.idle.pop() if kept else await asyncio.open_connection("127.0.0.1", self.port)
            )
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                if kept:
                    continue
                raise
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            told = await reader.readexactly(length)
            self.idle.append((reader, writer))
            return told

    async def steadily(self, seconds: float) -> list[float]:
        """Fire at a constant rate, whether the last one was answered or not."""
        async with asyncio.TaskGroup() as group:
            shots = []
            for _ in range(round(seconds * PER_SECOND)):
                shots.append(group.create_task(self.fire()))
                await asyncio.sleep(1 / PER_SECOND)
        return [shot.result() for shot in shots]

    async def at_once(self, count: int) -> list[float]:
        """Fire so many, as fast as CONNECTIONS take them."""
        return list(await asyncio.gather(*(self.fire() for _ in range(count))))


def told(name: str, times: list[float]) -> None:
    """One row of figures."""
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:34} {len(times):5} {cuts[49]:7.1f} {cuts[98]:7.1f} {max(times):7.1f} ms")


async def measure(seconds: float) -> None:
    """Start a server, and fire at it."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.webhooks", "--serve", folder, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        try:
            await fire((await process.stdout.readline()).decode().strip(), seconds, process.pid)
        finally:
            start = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            said = (await process.stdout.read()).decode().strip()
            await process.wait()
        print(f"  ended in {time.perf_counter() - start:.1f} s; most memory of the server {said} MiB")


def resident_mib(pid: int) -> float:
    """Memory that a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def fire(address: str, seconds: float, server: int) -> None:
    """One after another, then steadily while runs work, then all at once, three times."""
    sender = Sender(int(address.rpartition(":")[2]))
    async with httpx2.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
        print(f"{'':34} {'count':>5} {'p50':>7} {'p99':>7} {'most':>7}")
        told("one after another, at first", [await sender.fire() for _ in range(20)])
        await asyncio.sleep(3)
        health = (await client.get("/health")).json()
        told(f"{health['active_runs']} runs at work, {PER_SECOND} a second", await sender.steadily(seconds))
        in_use = [resident_mib(server)]
        for _ in range(BURSTS):
            start = time.perf_counter()
            told(f"burst of {BURST}, {CONNECTIONS} at a time", await sender.at_once(BURST))
            print(f"  burst answered in {time.perf_counter() - start:.1f} s; refused: {len(sender.refused)}")
            await asyncio.sleep(REST_SECONDS)
            in_use.append(resident_mib(server))
        health = (await client.get("/health")).json()
        print(f"  memory before and after each: {', '.join(f'{mib:.1f}' for mib in in_use)} MiB")
        print(f"  at work {health['active_runs']}, queued {health['queued_runs']}, fired {sender.fired}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve_here(Path(sys.argv[2])))
    else:
        asyncio.run(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
