"""A real server that is killed again and again while webhooks pour in, and what must be true at the end.

Several senders fire signed webhooks, each of them more than once and again until it is answered; a person
approves every other run; the server is killed with SIGKILL at moments of a seeded chance and started again at
once. Everything is on loopback and bounded.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
import time
from asyncio.subprocess import DEVNULL
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from anton.adapters import document
from anton.adapters.journal.sql import SqlJournal
from anton.core.event import RunOutcome
from anton.core.run import Phase, RunState, fold
from tests.counterparts import chat_completions
from tests.counterparts.chat_completions import scripted_endpoint
from tests.entrypoints.server.served import SECRETS, TOKEN, an_office, signed
from tests.entrypoints.shell import SOURCE
from tests.office import HONEST, git, quick_settings

SENDERS = 6
TIMES = 3
"""How often each webhook is sent, by different senders."""
STARTING = 0.2
"""Part of the kills that meet a server that does not listen yet."""
SETTINGS = """
[server]
runs = 4
per_repository = 4
"""


@dataclass(frozen=True, slots=True)
class Storm:
    """How much of it."""

    webhooks: int
    """Different ones."""
    kills: int
    seed: int = 1
    longest_life: float = 2.0
    """Seconds, from when the server listens to its death."""
    seconds: float = 3_600.0
    """After which it is given up."""


@dataclass
class Outcome:
    """What was seen."""

    named: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Webhook → the runs that answers of 200 named."""
    begun: Counter[str] = field(default_factory=Counter)
    """Webhook → answers that said that it began a run."""
    sent: int = 0
    unanswered: int = 0
    """Requests that were cut or found nobody."""
    kills: int = 0
    before_listening: int = 0
    """Of the kills, those of a server that did not listen yet."""
    retried: int = 0
    """Requests to go on with a run that was parked after three kills at the same point."""
    seconds: float = 0.0
    runs: dict[str, RunState] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    pull_requests: list[str] = field(default_factory=list)
    """Head branch of each."""
    reports: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """Processes of the servers that are still there."""


class Site:
    """One machine's Anton, which is killed and started."""

    def __init__(self, folder: Path, model: str, storm: Storm) -> None:
        self.home, self.folder = folder / "home", folder
        self.storm = storm
        self.checkout = an_office(folder / "office").checkout
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.config = folder / "anton.toml"
        self.config.write_text(SETTINGS + quick_settings(folder / "reports"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(SOURCE),
            "ANTON_HOME": str(self.home),
            "REPO_CWD": str(self.checkout),
            "GITHUB_WEBHOOK_SECRET": SECRETS["github"],
            "API_KEY": chat_completions.KEY,
            "BASE_URL": model,
            "MODEL": "some-model",
            "NO_PROXY": "127.0.0.1",
        }
        self.home.mkdir(mode=0o700)
        (self.home / "api-token").write_text(f"{TOKEN}\n")  # of whoever owns this machine, who may approve
        (self.home / "api-token").chmod(0o600)
        self.sessions: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A server, which is killed by SIGKILL when the block is left."""
        words = ("-m", "anton", "serve", "--port", str(self.port), "--unsafe-no-sandbox")
        with (self.folder / "server.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *words,
                "--config",
                str(self.config),
                cwd=self.folder,
                env=self.environment,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.sessions.add(process.pid)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()  # once: a second signal would take the end of the process from its watcher
            await process.wait()


def webhook(number: int) -> bytes:
    """An issue that gets the label."""
    repository = {"id": 1, "name": "checkout", "full_name": "ann/checkout", "default_branch": "main"}
    issue = {
        "number": number,
        "title": "To-dos come back",
        "body": "Tapping Done twice brings the to-do back.",
        "state": "open",
        "labels": [{"name": "anton"}],
        "user": {"login": "jo"},
    }
    told = {"action": "labeled", "label": {"name": "anton"}, "issue": issue, "repository": repository}
    return json.dumps({**told, "sender": {"login": "kim"}}).encode()


def is_to_be_approved(state: Mapping[str, Any]) -> bool:
    """Every other ticket's run."""
    return int(state["ticket"]["key"].rpartition("-")[2]) % 2 == 0


async def storm(folder: Path, what: Storm) -> Outcome:
    """Let it pour, wait until all is done, and look at what there is."""
    outcome, started = Outcome(), time.monotonic()
    async with scripted_endpoint(HONEST) as model, asyncio.timeout(what.seconds):
        site = Site(folder, model.base_url, what)
        async with httpx2.AsyncClient(
            base_url=site.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=10
        ) as client:
            await _pour(site, client, outcome)
        outcome.left = _left(site.sessions)
    outcome.seconds = time.monotonic() - started
    await _inspect(site, outcome)
    return outcome


async def _pour(site: Site, client: httpx2.AsyncClient, outcome: Outcome) -> None:
    async with asyncio.TaskGroup() as group:
        senders = [group.create_task(_send(site, client, outcome, each)) for each in range(SENDERS)]
        approver = group.create_task(_approve(site, client, outcome))
        await _kill_and_start(site, client, outcome)
        async with site.up():
            await asyncio.wait(senders)
            await approver


async def _kill_and_start(site: Site, client: httpx2.AsyncClient, outcome: Outcome) -> None:
    chance = random.Random(site.storm.seed)
    for _ in range(site.storm.kills):
        while_it_starts = chance.random() < STARTING
        life = chance.uniform(0.1, 1.0) if while_it_starts else chance.uniform(0.0, site.storm.longest_life)
        async with site.up() as process:
            if not while_it_starts:
                await listens(process, client)
            await asyncio.sleep(life)
            assert process.returncode is None, f"the server ended by itself with {process.returncode}"
        outcome.kills += 1
        outcome.before_listening += while_it_starts


async def listens(process: asyncio.subprocess.Process, client: httpx2.AsyncClient) -> None:
    """Wait until a server listens, or has ended."""
    while process.returncode is None:
        with suppress(httpx2.TransportError):
            if (await client.get("/health")).status_code == 200:
                return
        await asyncio.sleep(0.05)


async def _send(site: Site, client: httpx2.AsyncClient, outcome: Outcome, sender: int) -> None:
    """One sender's share: its webhooks in an order of its own, each until it is answered."""
    every = range(1, site.storm.webhooks + 1)
    mine = [number for number in every for turn in range(TIMES) if (number + turn) % SENDERS == sender]
    random.Random(site.storm.seed * 100 + sender).shuffle(mine)
    pause = site.storm.kills * site.storm.longest_life / len(mine)  # so that they come during most lives
    for number in mine:
        body = webhook(number)
        headers = signed("github", body, X_GitHub_Event="issues", X_GitHub_Delivery=f"d{number}")
        answer = await _until_answered(client, outcome, body, headers)
        key = f"checkout-{number}"
        outcome.named[key].add(str(answer["run"]))
        outcome.begun[key] += bool(answer["begun"])
        await asyncio.sleep(pause)


async def _until_answered(
    client: httpx2.AsyncClient, outcome: Outcome, body: bytes, headers: Mapping[str, str]
) -> Mapping[str, Any]:
    while True:
        outcome.sent += 1
        try:
            answer = await client.post("/webhook/github", content=body, headers=dict(headers))
        except httpx2.TransportError:
            outcome.unanswered += 1
        else:
            if answer.status_code == 200:
                return dict(answer.json())
            assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)


async def _approve(site: Site, client: httpx2.AsyncClient, outcome: Outcome) -> None:
    """A person, at work until every run is where it is to be."""
    settled: set[str] = set()
    while len(settled) < site.storm.webhooks:
        await asyncio.sleep(0.5)
        journal = SqlJournal(site.home / "journal.db")
        try:
            waiting = [run for run in await journal.run_ids() if run not in settled]
        finally:
            await journal.close()
        for run in waiting:
            with suppress(httpx2.TransportError):
                if await _is_settled(client, outcome, run):
                    settled.add(run)


async def _is_settled(client: httpx2.AsyncClient, outcome: Outcome, run: str) -> bool:
    """Whether a run is where it is to be; pressed on if a person has to."""
    answer = await client.get(f"/runs/{run}")
    if answer.status_code != 200:
        return False
    state = answer.json()
    if state["phase"] == "closed":
        return True
    if state["phase"] == "deciding":
        if not is_to_be_approved(state):
            return True
        pressed = await client.post(f"/runs/{run}/approve", json={})
        assert pressed.status_code in (200, 409, 503), pressed.text
    elif state["stopped"] and state["again_at"] is None and "killed" in state["stopped"]:
        outcome.retried += (await client.post(f"/runs/{run}/retry")).status_code < 300
    return False


async def _inspect(site: Site, outcome: Outcome) -> None:
    journal = SqlJournal(site.home / "journal.db")
    try:
        for run in await journal.run_ids():
            outcome.runs[run] = fold(await journal.read(run))
    finally:
        await journal.close()
    for remote in (site.home / "remotes").glob("*.git"):
        listed = git(remote, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        outcome.branches |= dict(line.split() for line in listed.splitlines())
    pulls = sorted((site.home / "pull_requests").glob("*.md"))
    outcome.pull_requests = [document.read(path).text("head") for path in pulls]
    outcome.reports = [path.parent.name for path in (site.folder / "reports").rglob("incident.md")]
    outcome.messages = [path.stem for path in (site.home / "messages").glob("*.md")]


def _left(sessions: set[int]) -> list[int]:
    """Processes of some sessions; a session is named by the process that began it."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            if entry.name.isdecimal():
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(after_name[3]) in sessions and after_name[0] != "Z":
                    found.append(int(entry.name))
    return found


def check(outcome: Outcome, what: Storm) -> None:
    """What must be true.

    Raises:
        AssertionError: it is not.
    """
    assert outcome.kills == what.kills
    assert len(outcome.named) == len(outcome.runs) == what.webhooks
    assert {len(runs) for runs in outcome.named.values()} == {1}, "a webhook was answered with several runs"
    assert max(outcome.begun.values()) <= 1
    by_ticket = {state.received.ticket.key: run for run, state in outcome.runs.items()}
    assert {key: {run} for key, run in by_ticket.items()} == dict(outcome.named)
    assert len({state.proof.patch.diff for state in outcome.runs.values() if state.proof}) == 1
    approved = {}
    for run, state in outcome.runs.items():
        assert state.proof is not None, run
        assert state.proof.green, run
        if int(state.received.ticket.key.rpartition("-")[2]) % 2:
            assert state.phase is Phase.DECIDING, run
        else:
            assert state.closed is not None, run
            assert state.closed.outcome is RunOutcome.DELIVERED, run
            approved[state.branch] = state.proof.patch.head
    assert {name: at for name, at in outcome.branches.items() if name != "main"} == approved
    assert sorted(outcome.pull_requests) == sorted(approved)
    assert len(outcome.reports) == len(set(outcome.reports)) == len(approved)
    assert sorted(outcome.messages) == sorted(outcome.runs)
    assert outcome.left == []


def told(outcome: Outcome) -> str:
    """The figures in a line."""
    delivered = sum(state.phase is Phase.CLOSED for state in outcome.runs.values())
    return (
        f"{outcome.kills} kills ({outcome.before_listening} before it listened), {outcome.sent} requests "
        f"({outcome.unanswered} cut), {len(outcome.runs)} runs, {delivered} delivered, "
        f"parked runs asked for again {outcome.retried} times, {outcome.seconds:.0f} s"
    )
