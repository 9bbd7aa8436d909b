"""What is written to a journal, as statements within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from sqlalchemy import Connection, Insert, Table, bindparam, delete, insert, select, update

from anton.adapters.journal.schema import deliveries, events, letters
from anton.adapters.journal.store import Guard
from anton.core.codec import encode_event, encode_letter
from anton.core.event import Entry
from anton.core.letter import Letter

Row = Mapping[str, object]
InsertNew = Callable[[Table], Insert]
"""Insert what is not there yet; each database has its own words for that."""


@dataclass(frozen=True, slots=True)
class Append:
    """Entries of a run, and the letters that they come from."""

    run_id: str
    rows: Sequence[Row]
    taken: Sequence[str] = ()
    guard: Guard | None = None
    """Asked first, where the run is held."""

    def __call__(self, connection: Connection) -> None:
        """Insert them all; a number that is taken is an IntegrityError."""
        if self.guard:
            self.guard(connection)
        if self.rows:
            connection.execute(_INSERT, self.rows)
        if self.taken:
            connection.execute(_TAKE, [{"letter": each, "to": self.run_id} for each in self.taken])


@dataclass(frozen=True, slots=True)
class Receive:
    """A run's first entry, and the delivery that it comes from."""

    delivery: str
    row: Row
    insert_new: InsertNew

    def __call__(self, connection: Connection) -> str:
        """The id of the run that the delivery began, now or before."""
        run_id = str(self.row["run_id"])
        values = {"delivery": self.delivery, "run_id": run_id}
        beginning = self.insert_new(deliveries).returning(deliveries.c.run_id)
        if connection.execute(beginning, values).first():
            connection.execute(_INSERT, self.row)
            return run_id
        return str(connection.scalar(_BEGUN, {"sought": self.delivery}))


@dataclass(frozen=True, slots=True)
class Post:
    """A letter."""

    row: Row
    insert_new: InsertNew

    def __call__(self, connection: Connection) -> None:
        """Insert it, unless a letter with its id was ever there."""
        connection.execute(self.insert_new(letters), self.row)


@dataclass(frozen=True, slots=True)
class Forget:
    """A whole run; its delivery is remembered, so that it does not begin another."""

    run_id: str
    guard: Guard | None = None

    def __call__(self, connection: Connection) -> None:
        """Delete its rows."""
        if self.guard:
            self.guard(connection)
        for table in (letters, events):
            connection.execute(delete(table).where(table.c.run_id == self.run_id))


_INSERT = insert(events)
_TAKE = (
    update(letters)
    .where(letters.c.id == bindparam("letter"), letters.c.run_id == bindparam("to"))
    .values(body=None)
)
_BEGUN = select(deliveries.c.run_id).where(deliveries.c.delivery == bindparam("sought"))


def row_of_entry(run_id: str, entry: Entry) -> Row:
    """The entry as a row of `events`."""
    if entry.run_id != run_id:
        raise ValueError(f"an entry of run {entry.run_id!r} was offered to run {run_id!r}")
    return {
        "run_id": run_id,
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": entry.event.kind,
        "body": encode_event(entry.event).decode(),
    }


def row_of_letter(letter: Letter) -> Row:
    """The letter as a row of `letters`."""
    return {"id": letter.id, "run_id": letter.run_id, "body": encode_letter(letter).decode()}
