"""The line of runs that wait for a free hand, as workflows of DBOS in PostgreSQL; calls block.

A worker that is not heard of is dead: its workflows go back into the line, which the open edition of DBOS
leaves to its users.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
from sqlalchemy import Engine, delete, func, make_url, select
from sqlalchemy.dialects.postgresql import insert

from anton.adapters.journal.lease import LEASE_SECONDS
from anton.adapters.journal.machines import workers
from anton.adapters.journal.postgres import PostgresStore

QUEUE = "runs"
WORKFLOW = "take_run_on"
VERSION = "1"
"""Of the one workflow; every Anton takes on what any other put in. It changes only with what it is given."""
DEAD_SECONDS = LEASE_SECONDS + 4.0
"""After which a worker is dead; its leases on runs have run out by then."""
BUSY_SECONDS = 1.0
"""After which a run is taken on that is worked on right now."""
POLL_SECONDS = 0.3
"""Between two looks of a worker for runs to take on."""
NEWEST = 50
"""Of a run's workflows: enough to find those ahead among, and the last number."""
AHEAD = frozenset({"ENQUEUED", "DELAYED", "PENDING"})
"""How a workflow stands that has not ended."""
ENDED = ["SUCCESS", "ERROR", "CANCELLED"]
"""How one stands that has."""
KEPT = timedelta(days=1)
"""How long one is kept that has ended: its worker may not have heard of that yet."""
BATCH = 500
"""Of workflows that are asked for, or removed, at once."""


class Limits(NamedTuple):
    """How many runs are worked on at once."""

    runs: int
    """By one process."""
    per_repository: int
    """Of one repository, by all processes together."""
    in_total: int
    """By all processes together; 0 for as many as there are hands."""


class Line:
    """The line in one database, as one worker sees it; opened at the first use."""

    def __init__(self, url: str, limits: Limits) -> None:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
        self.url = parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        self.store = PostgresStore(parsed, 5.0)
        self.limits = limits
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        """Name of this process among all."""
        self.waiting = 0
        """Runs in the line, at the last beat."""
        self.under_way: set[str] = set()
        """Names of the workflows that are worked on here."""
        self._ended_unseen: set[str] = set()
        """Workflows of this worker that nobody worked on at the last beat: their end was not recorded."""
        self._opening = Lock()
        self._opened: tuple[Engine, DBOSClient] | None = None
        self._buries_from = 0.0

    def close(self) -> None:
        """Let go of the database."""
        with self._opening:
            opened, self._opened = self._opened, None
        if opened:
            engine, client = opened
            client.destroy()
            engine.dispose()

    def put(self, run_id: str, repository: str, delay_seconds: float = 0.0) -> None:
        """Add a run, unless it waits already: whoever takes it on reads the journal then, not now.

        Of several who do so at once all choose the same number, and the workflow is added once.
        """
        newest = self._newest(run_id)
        ahead = {name: status for name, status in newest.items() if status in AHEAD}
        if "ENQUEUED" in ahead.values():
            return
        if delayed := [name for name, status in ahead.items() if status == "DELAYED"]:
            if not delay_seconds:
                self._client.set_workflow_delay(delayed[0], delay_seconds=0.0)
            return
        busy = bool(ahead)  # it is worked on, perhaps past what this is for
        name = f"run-{run_id}-{1 + max(map(_number, newest), default=0)}"
        options: EnqueueOptions = {
            "queue_name": QUEUE,
            "workflow_name": WORKFLOW,
            "workflow_id": name,
            "app_version": VERSION,
            "queue_partition_key": repository,
        }
        if delay_seconds or busy:
            options["delay_seconds"] = delay_seconds or BUSY_SECONDS
        self._client.enqueue(options, run_id, repository)
        if busy and not delay_seconds:  # its worker may have added the same a moment ago, for much later
            self._client.set_workflow_delay(name, delay_seconds=BUSY_SECONDS)

    def ahead(self, run_id: str) -> dict[str, str]:
        """A run's workflows that have not ended, and how each stands."""
        return {name: status for name, status in self._newest(run_id).items() if status in AHEAD}

    def beat(self) -> None:
        """Give a sign of life, and put back what those have under way who give none."""
        with self._engine.begin() as connection:
            sign = insert(workers).values(id=self.worker, seen=func.now())
            again = sign.on_conflict_do_update(index_elements=[workers.c.id], set_={"seen": func.now()})
            connection.execute(again)
            too_old = func.now() - timedelta(seconds=DEAD_SECONDS)
            connection.execute(delete(workers).where(workers.c.seen < too_old))
            alive = set(connection.scalars(select(workers.c.id)))
        pending = self._found("PENDING")
        if time.monotonic() >= self._buries_from:
            self._put_back([each for each in pending if each.executor_id not in alive])
        mine = {each.workflow_id for each in pending if each.executor_id == self.worker} - self.under_way
        self._put_back([each for each in pending if each.workflow_id in mine & self._ended_unseen])
        self._ended_unseen = mine
        self.waiting = len(self._found("ENQUEUED"))

    def missed(self) -> None:
        """A beat failed: others could not be heard of either, so for a while nobody is dead."""
        self._buries_from = time.monotonic() + DEAD_SECONDS

    def leave(self) -> None:
        """Put back what this worker has under way, and be gone."""
        self._put_back([each for each in self._found("PENDING") if each.executor_id == self.worker])
        with self._engine.begin() as connection:
            connection.execute(delete(workers).where(workers.c.id == self.worker))

    def sweep(self, open_runs: Collection[str], *, delete: bool) -> int:
        """How many workflows ended long ago, which are removed if so wished.

        Of a run that is not over the newest stays, so that its numbers go on.
        """
        ended = self._ended(datetime.now(UTC) - KEPT)
        newest: dict[str, str] = {}
        for name in sorted(ended, key=_number):
            newest[_run(name)] = name
        kept = {newest[run_id] for run_id in newest.keys() & set(open_runs)}
        gone = [name for name in ended if name not in kept]
        if delete:
            for start in range(0, len(gone), BATCH):
                self._client.delete_workflows(gone[start : start + BATCH])
        return len(gone)

    def _ended(self, before: datetime) -> list[str]:
        """Names of the workflows that ended before some time."""
        names: list[str] = []
        while True:
            page = self._client.list_workflows(
                queue_name=QUEUE,
                status=ENDED,
                completed_before=before.isoformat(),
                limit=BATCH,
                offset=len(names),
                load_input=False,
                load_output=False,
            )
            names += [each.workflow_id for each in page]
            if len(page) < BATCH:
                return names

    def _found(self, status: str) -> Sequence[WorkflowStatus]:
        return self._client.list_workflows(
            queue_name=QUEUE, status=status, load_input=False, load_output=False
        )

    def _put_back(self, left: Sequence[WorkflowStatus]) -> None:
        if left:
            names = [each.workflow_id for each in left]
            logging.getLogger(__name__).warning("put back into the queue: %s", ", ".join(names))
            self._client.resume_workflows(names, queue_name=QUEUE)

    def _newest(self, run_id: str) -> dict[str, str]:
        """A run's newest workflows, and how each stands or ended."""
        found = self._client.list_workflows(
            workflow_id_prefix=f"run-{run_id}-",
            sort_desc=True,
            limit=NEWEST,
            load_input=False,
            load_output=False,
        )
        return {workflow.workflow_id: workflow.status for workflow in found}

    @property
    def _engine(self) -> Engine:
        return self.open()[0]

    @property
    def _client(self) -> DBOSClient:
        return self.open()[1]

    def open(self) -> tuple[Engine, DBOSClient]:
        """The database's engine, and DBOS's client; all tables are there."""
        with self._opening:
            if self._opened is None:
                with ExitStack() as stack:
                    engine, _ = self.store.open()
                    stack.callback(engine.dispose)
                    self._opened = (engine, self._prepared())
                    stack.pop_all()
            return self._opened

    def _prepared(self) -> DBOSClient:
        """A client of DBOS, whose tables are there; it sees to it that one process at a time makes them."""
        DBOS.migrate(self.url)
        client = DBOSClient(
            system_database_url=self.url,
            serializer=DBOSPortableJSONSerializer(),
            application_name="anton",
            retry_connection_errors=False,
        )
        client.register_queue(
            QUEUE,
            polling_interval_sec=POLL_SECONDS,
            worker_concurrency=self.limits.runs,
            partition_concurrency=self.limits.per_repository,
            global_concurrency=self.limits.in_total or None,
        )
        return client


def _number(workflow_id: str) -> int:
    number = workflow_id.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _run(workflow_id: str) -> str:
    return workflow_id.removeprefix("run-").rpartition("-")[0]
