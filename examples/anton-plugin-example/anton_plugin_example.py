"""A plugin for Anton: a tracker on a CSV file, and a tool that compares two files."""

from __future__ import annotations

import asyncio
import csv
import difflib
import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path

from anton.plugins import (
    OutsideError,
    Plugin,
    Reach,
    Sighting,
    Surroundings,
    Ticket,
    ToolContext,
    ToolError,
    UsageError,
    ticket_from_text,
    tool,
)

MAX_BYTES = 1_000_000
"""Of a file that is compared."""
SOURCE = "csv"
COLUMNS = ("key", "title", "body", "status", "link")
CLOSED = "closed"
Row = dict[str, str]


class CsvTracker:
    """Tickets as rows of a CSV file; other columns of it are kept as they are."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def from_surroundings(cls, surroundings: Surroundings) -> CsvTracker:
        """The tracker on the file that `[plugins.options.example] file` names, or on one of its own."""
        file = surroundings.options.get("file", str(surroundings.home / "tickets.csv"))
        if not isinstance(file, str) or not Path(file).expanduser().is_absolute():
            raise UsageError(f"plugins.options.example.file is {file!r}: it must be an absolute path")
        return cls(Path(file).expanduser())

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"csv (tickets as rows of {self._file})"

    async def get(self, key: str) -> Ticket:
        """The ticket with a key.

        Raises:
            UsageError: there is none, or it says nothing.
        """
        row = await asyncio.to_thread(self._row, key)
        if row is None:
            raise UsageError(f"there is no ticket {key!r} in {str(self._file)!r}")
        try:
            return ticket_from_text(
                f"{row.get('title', '')}\n\n{row.get('body', '')}", key=key, source=SOURCE
            )
        except ValueError as error:
            raise UsageError(f"the ticket {key!r} in {str(self._file)!r} is empty") from error

    async def reread(self, ticket: Ticket) -> Sighting:
        """The ticket as its row has it now; one that came from elsewhere stays as it is."""
        row = await asyncio.to_thread(self._row, ticket.key)
        status = row.get("status", "") if row else ""
        closed = status if status == CLOSED else ""
        return Sighting(await self.get(ticket.key) if ticket.source == SOURCE else ticket, closed=closed)

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress; one that has no row gets one."""
        await asyncio.to_thread(self._change, ticket, {"status": "in progress"})

    async def close(self, ticket: Ticket, link: str) -> str:
        """Mark the ticket as closed by a pull request; the same again changes nothing."""
        await asyncio.to_thread(self._change, ticket, {"status": CLOSED, "link": link})
        return str(self._file)

    async def merged(self, ticket: Ticket, link: str) -> str:
        """Nothing is left to do: the row was closed when the pull request was opened."""
        return await self.close(ticket, link)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> str:
        """Add a comment to the ticket's row, once for each marker."""
        await asyncio.to_thread(self._change, ticket, {}, f"[{marker}] {text}", f"[{marker}] ")
        return str(self._file)

    async def finish(self, ticket: Ticket) -> str:
        """Mark the ticket as closed; the same again changes nothing."""
        await asyncio.to_thread(self._change, ticket, {"status": CLOSED})
        return str(self._file)

    def _row(self, key: str) -> Row | None:
        return next((row for row in self._read() if row.get("key") == key), None)

    def _change(self, ticket: Ticket, changes: Row, comment: str = "", marker: str = "") -> None:
        def changed(rows: list[Row]) -> None:
            row = next((row for row in rows if row.get("key") == ticket.key), None)
            if row is None:
                row = {"key": ticket.key, "title": ticket.title, "body": ticket.body}
                rows.append(row)
            row.update(changes)
            said = row.get("comments", "")
            if comment and marker not in said:
                row["comments"] = f"{said}\n{comment}".lstrip()

        self._rewrite(changed)

    def _rewrite(self, change: Callable[[list[Row]], None]) -> None:
        """Change the rows while nobody else does; whoever reads sees the old file or the new one."""
        draft = self._file.with_name(f".{self._file.name}.new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.with_name(f".{self._file.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                rows = self._read()
                change(rows)
                names = list(dict.fromkeys((*COLUMNS, *(name for row in rows for name in row))))
                written = io.StringIO()
                table = csv.DictWriter(written, names)
                table.writeheader()
                table.writerows(rows)
                draft.write_text(written.getvalue(), encoding="utf-8", newline="")
                os.replace(draft, self._file)  # noqa: PTH105 - says what it is about
        except OSError as error:
            raise OutsideError(f"{str(self._file)!r} cannot be written: {error.strerror}") from error

    def _read(self) -> list[Row]:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise OutsideError(f"{str(self._file)!r} cannot be read: {error}") from error
        rows = csv.DictReader(io.StringIO(text), restkey="more", restval="")
        return [{name: str(value) for name, value in row.items() if name is not None} for row in rows]


@tool(reach=Reach.READ)
async def compare_files(context: ToolContext, old: str, new: str) -> str:
    """Show what two files of the tree differ in, as a unified diff.

    Args:
        context: The agent's surroundings.
        old: Path from the root of the tree.
        new: Path from the root of the tree.
    """
    before, after = await asyncio.to_thread(lambda: (_lines(context, old), _lines(context, new)))
    return "\n".join(difflib.unified_diff(before, after, old, new, lineterm="")) or "They are equal."


def _lines(context: ToolContext, path: str) -> list[str]:
    try:
        return context.worktree.read(path, MAX_BYTES).content.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path!r} is no text; compare files of text") from error


plugin = Plugin(tools=(compare_files,), trackers={"csv": CsvTracker.from_surroundings})
