"""A whole server on a free port of this machine, its runs played by a script, and a client for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from anton.adapters.mcp.pins import Pins
from anton.adapters.mcp.server import Link, Server
from anton.adapters.mcp.servers import McpServers
from anton.adapters.model.scripted import Step
from anton.adapters.queue.local import LocalQueue
from anton.core.run import MILESTONES
from anton.core.ticket import Ticket
from anton.entrypoints.composition import Anton, Check, Serving
from anton.entrypoints.server.application import application
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.listen import bound, serve
from anton.entrypoints.server.patience import HurriedProtocol
from anton.ports import Model
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, Office, make_repository

KEY = b"k" * 32
TOKEN = "a-long-token-for-tests"
OWNER = "terminal:tester"
"""Who holds the token: somebody at this machine, who may decide without any rules."""
SECRETS = {
    name: f"{name}-secret" for name in ("jira", "github", "sentry", "pagerduty", "alertmanager", "generic")
}
DEMO = Ticket("BUG-42", "To-dos come back", "Tapping Done twice brings them back.", "Jo", "local")
PATIENCE_SECONDS = 60.0
"""After which a state that never comes fails a test."""


@dataclass
class Served:
    """A server that is up."""

    office: Office
    desk: Desk
    client: httpx2.AsyncClient

    async def begun(self, **ticket: str) -> str:
        """The id of a run that was begun by the API."""
        answer = await self.client.post("/runs", json={"text": "To-dos come back", **ticket})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run"])

    async def until(self, run: str, **wanted: object) -> dict[str, object]:
        """The run, once it is as wanted."""
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(self._moments(run)) as moments:
            async for _ in moments:
                shown: dict[str, object] = (await self.client.get(f"/runs/{run}")).json()
                if all(shown.get(name) == value for name, value in wanted.items()):
                    return shown
        raise AssertionError("the server ended first")

    async def _moments(self, run: str) -> AsyncGenerator[None]:
        """One for each time that the run may have come to stand elsewhere."""
        known = (await self.desk.entries(run))[-1].number
        yield
        async with aclosing(self.desk.bus.follow(self.desk.world.journal, run, known)) as entries:
            async for entry in entries:
                if entry is None or entry.event.kind in MILESTONES:
                    yield

    async def signed(self, sender: str, payload: object, **headers: str) -> httpx2.Response:
        """A webhook as its sender would send it."""
        return await self.post(sender, json.dumps(payload).encode(), **headers)

    async def post(self, sender: str, body: bytes, **headers: str) -> httpx2.Response:
        """The same with a body that need be no JSON."""
        return await self.client.post(
            f"/webhook/{sender}", content=body, headers=signed(sender, body, **headers)
        )


def signed(sender: str, body: bytes, **headers: str) -> dict[str, str]:
    """Headers that make a request the sender's."""
    digest = hmac.new(SECRETS[sender].encode(), body, hashlib.sha256).hexdigest()
    by_sender = {
        "jira": {"X-Hub-Signature": f"sha256={digest}"},
        "github": {"X-Hub-Signature-256": f"sha256={digest}"},
        "sentry": {"Sentry-Hook-Signature": digest},
        "pagerduty": {"X-PagerDuty-Signature": f"v1={digest}"},
        "alertmanager": {"Authorization": f"Bearer {SECRETS['alertmanager']}"},
        "generic": {"X-Anton-Signature": f"sha256={digest}"},
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Content-Type": "application/json", **by_sender[sender], **named}


def an_office(folder: Path) -> Office:
    """A machine whose repository's tests run in a tenth of a second."""
    return Office(folder, files=QUICK_FILES, command=QUICK_COMMAND)


def an_anton(
    office: Office,
    script: Mapping[str, Sequence[Step]] | Model = HONEST,
    *,
    runs_per_hour: int = 1_000,
    repositories: Mapping[str, Path] | None = None,
    secrets: Mapping[str, str] | None = None,
    runs: int = 4,
) -> Anton:
    """What the composition root would put together."""
    world = office.world(script)

    async def lay_out_demo(run_id: str) -> Path:
        checkout = office.folder / "demo" / run_id
        return checkout if checkout.exists() else make_repository(checkout, QUICK_FILES)

    async def nothing() -> tuple[Check, ...]:
        return ()

    serving = Serving(
        host="127.0.0.1",
        port=0,
        public_url="",
        runs_per_hour=runs_per_hour,
        repositories={"shop": office.checkout} if repositories is None else repositories,
        secrets=SECRETS if secrets is None else secrets,
        queue=lambda: LocalQueue(runs, runs),
        shared=False,
        demo=DEMO,
        demo_checkout=lambda run_id: office.folder / "demo" / run_id,
        tokens={OWNER: TOKEN},
        own_token=lambda: TOKEN,
        alone=nullcontext,
        key=lambda: KEY,
        slack=None,
        prove=nothing,
    )
    return Anton(
        world=world,
        repository=office.checkout,
        reports_of=lambda path: office.folder / "reports",
        rounds=2,
        notices=(),
        suggestion="",
        user=OWNER,
        lay_out_demo=lay_out_demo,
        examine=nothing,
        serving=serving,
        tool_servers=McpServers((), Pins(office.home / "mcp"), _nobody),
        plugins=(),
        plugins_installed=lambda: (),
    )


async def _nobody(server: Server) -> Link:
    raise AssertionError(f"there is no server {server.name!r}")


@asynccontextmanager
async def served(
    anton: Anton,
    office: Office,
    sides: Sequence[Check] = (),
    protocol: type[HurriedProtocol] = HurriedProtocol,
) -> AsyncIterator[Served]:
    """The server, until the context ends; then it is told to end as SIGTERM would."""
    desk = Desk(anton)
    app = application(desk, anton.serving.tokens, sides)
    with bound("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(serve(app, listener, protocol))
            async with httpx2.AsyncClient(
                base_url=address,
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            ) as client:
                try:
                    yield Served(office, desk, client)
                finally:
                    serving.cancel()
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([serving])
