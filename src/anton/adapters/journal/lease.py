"""Holding a run among machines: a lease that is renewed while the work goes on, and a token that fences.

A process that was stopped for longer than its lease, or cut off, cannot know that it lost the run to another.
So every write of a holder asks in its own transaction whether the run still carries the holder's token, and
locks that row: either the write comes first, or the new holder does and nothing is written.
Time is the database's, so that the clocks of the machines do not matter.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection, Interval, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import BindParameter

from anton.adapters.journal.machines import holds
from anton.adapters.journal.store import Execute, Guard
from anton.core.errors import JournalConflict, JournalError, RunBusy, unwrapped

LEASE_SECONDS = 12.0
"""How long a run stays with a process that is not heard of."""
RENEWALS = 4
"""In the time of one lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One process's claim to one run; its methods are carried out within a transaction."""

    run_id: str
    seconds: float
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def take(self, connection: Connection) -> str | None:
        """None once the run is held, else who holds it."""
        mine = {"token": self.token, "holder": _this_process(), "until": func.now() + self._length}
        taking = (
            insert(holds)
            .values(run_id=self.run_id, **mine)
            .on_conflict_do_update(
                index_elements=[holds.c.run_id], set_=mine, where=holds.c.until < func.now()
            )
            .returning(holds.c.token)
        )
        if connection.execute(taking).first():
            return None
        return connection.scalar(select(holds.c.holder).where(holds.c.run_id == self.run_id)) or "another"

    def renew(self, connection: Connection) -> None:
        """Hold the run for as long again.

        Raises:
            JournalConflict: another holds it.
        """
        mine = update(holds).where(holds.c.run_id == self.run_id, holds.c.token == self.token)
        if not connection.execute(mine.values(until=func.now() + self._length)).rowcount:
            raise self._lost()

    def check(self, connection: Connection) -> None:
        """Nothing, if the run is still held; nobody can take it before the transaction ends.

        Raises:
            JournalConflict: another holds it.
        """
        mine = select(holds.c.token).where(holds.c.run_id == self.run_id, holds.c.token == self.token)
        if connection.scalar(mine.with_for_update(read=True)) is None:
            raise self._lost()

    def end(self, connection: Connection) -> None:
        """Let go of the run, if it is still held."""
        mine = (holds.c.run_id == self.run_id, holds.c.token == self.token)
        connection.execute(delete(holds).where(*mine))

    @property
    def _length(self) -> BindParameter[timedelta]:
        return BindParameter(None, timedelta(seconds=self.seconds), type_=Interval, unique=True)

    def _lost(self) -> JournalConflict:
        return JournalConflict(
            f"run {self.run_id!r} was taken over by another process, because this one was not heard of for "
            f"{self.seconds:g} seconds: nothing more is written from here"
        )


@asynccontextmanager
async def leased(run_id: str, execute: Execute, seconds: float = LEASE_SECONDS) -> AsyncIterator[Guard]:
    """Hold a run while the block works; the block is cancelled once the run is lost.

    Raises:
        RunBusy: another process holds it.
        JournalConflict: another process took it, while this one was not heard of.
        JournalError: the database was out of reach for as long as the lease.
    """
    lease = Lease(run_id, seconds)
    if holder := await execute(run_id, lease.take):
        raise RunBusy(
            f"run {run_id!r} is being worked on by {holder}: wait for it, or end it and try again in "
            f"{seconds:g} seconds"
        )
    try:
        with unwrapped():
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(_renew(lease, execute), name=f"lease of {run_id}")
                try:
                    yield lease.check
                finally:
                    renewing.cancel()
    finally:
        with suppress(JournalError):  # then it runs out
            await execute(run_id, lease.end)


async def _renew(lease: Lease, execute: Execute) -> None:
    renewed = time.monotonic()
    while True:
        await asyncio.sleep(lease.seconds / RENEWALS)
        asked = time.monotonic()
        try:
            await execute(lease.run_id, lease.renew)
        except JournalError:
            if time.monotonic() - renewed > lease.seconds:
                raise
        else:
            renewed = asked


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
