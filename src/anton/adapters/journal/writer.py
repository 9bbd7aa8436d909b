"""Group commit: one thread writes whatever is waiting, in one transaction.

A commit that survives a power cut costs one flush of the disk (milliseconds) however much it holds. Callers
queue what they have to write; while one commit is being flushed the next one fills up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from anton.adapters.journal.store import Result
from anton.core.errors import JournalConflict, JournalError

BATCH = 256
"""Writes in one transaction at most."""


@dataclass(frozen=True, slots=True)
class Write:
    """One caller's statements: all of them are carried out or none."""

    run_id: str
    execute: Callable[[Connection], Any]
    """Given a connection within a transaction; carried out once more where the batch had to be broken up."""
    done: Future[Any] = field(default_factory=Future)
    """Done with what `execute` returned, once that is on disk."""


class Writer:
    """The one thread that writes; it starts with the first write.

    Args:
        engine: Where to write; asked in the thread, before each batch.
        explain: What callers are told of a failed commit.
    """

    def __init__(
        self,
        engine: Callable[[], Engine],
        explain: Callable[[SQLAlchemyError | sqlite3.Error], JournalError],
    ) -> None:
        self._engine = engine
        self._explain = explain
        self._waiting: SimpleQueue[Write | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, run_id: str, execute: Callable[[Connection], Result]) -> Future[Result]:
        """A future that is done once it is on disk; cancelled before its batch began, nothing is written."""
        if self._closed:
            raise JournalError(f"nothing was written to run {run_id!r}: the journal is closed")
        if self._thread is None:
            self._thread = Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()
        write = Write(run_id, execute)
        self._waiting.put(write)
        return write.done

    def close(self) -> None:
        """Write what is waiting and end the thread; blocks until then."""
        self._closed = True
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first, *islice(self._more(), BATCH - 1)]
            if wanted := [write for write in batch if write.done.set_running_or_notify_cancel()]:
                self._write(wanted)

    def _more(self) -> Iterator[Write]:
        """What else is waiting at this moment."""
        while True:
            try:
                write = self._waiting.get_nowait()
            except Empty:
                return
            if write is None:
                self._waiting.put(None)  # the end, for `_run` to see; nothing comes after it
                return
            yield write

    def _write(self, batch: Sequence[Write]) -> None:
        """Write a batch in one transaction; where one write is to blame for its failure, each in its own."""
        outcome: Sequence[object] | Exception = JournalError("the journal's writer broke off")
        try:
            outcome = self._commit(batch)
        finally:
            if len(batch) > 1 and isinstance(outcome, Exception) and _blames_one(outcome):
                for write in batch:
                    self._write([write])
            else:
                self._tell(batch, outcome)

    def _commit(self, batch: Sequence[Write]) -> Sequence[object] | Exception:
        try:
            with self._engine().begin() as connection:
                return [write.execute(connection) for write in batch]
        except (JournalConflict, JournalError, SQLAlchemyError, sqlite3.Error) as error:
            return error

    def _tell(self, batch: Sequence[Write], outcome: Sequence[object] | Exception) -> None:
        if isinstance(outcome, Exception):
            for write in batch:
                write.done.set_exception(self._told(outcome, write.run_id))
        else:
            for write, result in zip(batch, outcome, strict=True):
                write.done.set_result(result)

    def _told(self, error: Exception, run_id: str) -> Exception:
        """A caller's own copy of an error: raised in several tasks, one would gather all their frames."""
        match error:
            case IntegrityError():
                return JournalConflict(f"another writer appended to run {run_id!r} first: read the run again")
            case SQLAlchemyError() | sqlite3.Error():
                told: Exception = self._explain(error)
                told.__cause__ = error
                return told
            case _:
                return type(error)(*error.args)


def _blames_one(error: Exception) -> bool:
    """Whether others in the same transaction failed for nothing, and may do better alone.

    Source of the codes (serialization failure, deadlock): https://www.postgresql.org/docs/15/mvcc-serialization-failure-handling.html
    """
    if isinstance(error, IntegrityError | DataError | JournalConflict):
        return True
    return getattr(getattr(error, "orig", None), "sqlstate", None) in {"40001", "40P01"}
