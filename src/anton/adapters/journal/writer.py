"""Group commit: one thread writes whatever is waiting, in one transaction.

A commit that survives a power cut costs one flush of the disk (milliseconds) however much it holds. Callers
queue their entries; while one commit is being flushed the next one fills up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread

from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from anton.adapters.journal.schema import events
from anton.core.errors import AntonError, JournalConflict, JournalError

BATCH = 256
"""Appends in one transaction at most."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Append:
    """One caller's entries; all of them are written or none."""

    run_id: str
    rows: Sequence[Row]
    done: Future[None] = field(default_factory=Future)


class Writer:
    """The one thread that writes; it starts with the first append.

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
        self._waiting: SimpleQueue[Append | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, run_id: str, rows: Sequence[Row]) -> Future[None]:
        """A future that is done once the rows are on disk; cancelled before its batch began, nothing is."""
        if self._closed:
            raise JournalError(f"nothing was written to run {run_id!r}: the journal is closed")
        if self._thread is None:
            self._thread = Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()
        append = Append(run_id, rows)
        self._waiting.put(append)
        return append.done

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
            if wanted := [append for append in batch if append.done.set_running_or_notify_cancel()]:
                self._write(wanted)

    def _more(self) -> Iterator[Append]:
        """What else is waiting at this moment."""
        while True:
            try:
                append = self._waiting.get_nowait()
            except Empty:
                return
            if append is None:
                self._waiting.put(None)  # the end, for `_run` to see; nothing comes after it
                return
            yield append

    def _write(self, batch: Sequence[Append]) -> None:
        """Write a batch in one transaction; where something in it conflicts, each append in its own."""
        outcome: AntonError | None = JournalError("the journal's writer broke off")
        try:
            outcome = self._commit(batch)
        finally:
            if isinstance(outcome, JournalConflict) and len(batch) > 1:
                for append in batch:
                    self._write([append])
            else:
                _tell(batch, outcome)

    def _commit(self, batch: Sequence[Append]) -> AntonError | None:
        rows = [row for append in batch for row in append.rows]
        try:
            with self._engine().begin() as connection:
                connection.execute(_INSERT, rows)
        except IntegrityError:
            return JournalConflict(
                f"another writer appended to run {batch[0].run_id!r} first: read the run again"
            )
        except JournalError as error:
            return error
        except (SQLAlchemyError, sqlite3.Error) as error:
            return self._explain(error)
        return None


_INSERT = insert(events)


def _tell(batch: Sequence[Append], outcome: AntonError | None) -> None:
    for append in batch:
        if outcome is None:
            append.done.set_result(None)
        else:
            append.done.set_exception(outcome)
