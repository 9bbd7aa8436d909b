"""The embedded tracker: tickets as Markdown files, one a key, in a folder.

A person adds a ticket by writing `KEY.md`, with or without front matter:

    ---
    key: BUG-42
    title: To-dos come back
    status: open
    reporter: Jo
    labels: [bug]
    ---

    What happened, what should have happened.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from anton.adapters import document
from anton.adapters.document import Document, Malformed, Value
from anton.core.errors import OutsideError, UsageError
from anton.core.text import one_line
from anton.core.ticket import Ticket, ticket_from_text
from anton.ports import Sighting

COMMENTS = "<!-- comments -->"
"""What stands between a ticket's text and what was said about it since."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Status(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"
    IN_PROGRESS = "in progress"
    CLOSED = "closed"


class LocalTracker:
    """The Tracker port on a folder of Markdown files.

    Args:
        folder: Where the files are; made when there is something to write.
        samples: Tickets that are there although nobody wrote them, such as the demo's. A file comes first.
    """

    def __init__(self, folder: Path, samples: Sequence[Ticket] = ()) -> None:
        self._folder = folder.absolute()
        self._samples: Mapping[str, Ticket] = MappingProxyType({ticket.key: ticket for ticket in samples})

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"local (tickets as Markdown files in {self._folder})"

    async def get(self, key: str) -> Ticket:
        """The ticket.

        Raises:
            UsageError: there is none, or its file cannot be read.
        """
        return await asyncio.to_thread(self._get, key)

    async def reread(self, ticket: Ticket) -> Sighting:
        """The ticket as it was taken in, and whether its file says that it is closed.

        A file is written for a ticket from anywhere, and not for the ticket to be changed by.
        """
        return await asyncio.to_thread(self._seen, ticket)

    async def start(self, ticket: Ticket) -> None:
        """Mark the ticket as in progress; one that has no file gets one.

        Raises:
            UsageError: its file cannot be read, or its key cannot name a file.
            OutsideError: the folder cannot be written.
        """
        await asyncio.to_thread(self._change, ticket, Status.IN_PROGRESS)

    async def close(self, ticket: Ticket, link: str) -> str:
        """Close the ticket with one comment that links the pull request; returns the file's path.

        Raises:
            UsageError: its file cannot be read, or its key cannot name a file.
            OutsideError: the folder cannot be written.
        """
        return await asyncio.to_thread(
            self._change, ticket, Status.CLOSED, lambda known: _closed(known, link)
        )

    async def merged(self, ticket: Ticket, link: str) -> str:
        """The file's path; it was closed when the pull request was opened."""
        return await self.close(ticket, link)

    async def comment(self, ticket: Ticket, text: str, marker: str) -> str:
        """Add a comment to the ticket's file, once for each marker; returns its path.

        Raises:
            UsageError: its file cannot be read, or its key cannot name a file.
            OutsideError: the folder cannot be written.
        """
        said = text.replace("<!--", "‹!--")
        return await asyncio.to_thread(
            self._change, ticket, None, lambda known: _commented(known, f"<!-- {marker} -->", said)
        )

    async def finish(self, ticket: Ticket) -> str:
        """Close the ticket without a word; returns the file's path.

        Raises:
            UsageError: its file cannot be read, or its key cannot name a file.
            OutsideError: the folder cannot be written.
        """
        return await asyncio.to_thread(self._change, ticket, Status.CLOSED)

    def _get(self, key: str) -> Ticket:
        path = self._path(key)
        known = _read(path, key)
        if known is None:
            if key in self._samples:
                return self._samples[key]
            raise UsageError(
                f"there is no ticket {key!r}: write it to {str(path)!r}, or name one of {self._known()}"
            )
        text = known.body.partition(COMMENTS)[0]
        title = known.text("title")
        try:
            read = ticket_from_text(f"# {title}\n\n{text}" if title else text, key=key)
        except ValueError as error:
            raise UsageError(f"the ticket {str(path)!r} is empty: write down what happened") from error
        reporter, labels = known.text("reporter"), known.items("labels")
        return replace(read, reporter=reporter, source="local", url=str(path), labels=labels)

    def _seen(self, ticket: Ticket) -> Sighting:
        try:
            path = self._path(ticket.key)
            known = _read(path, ticket.key)
            closed = known is not None and known.text("status") == Status.CLOSED
            changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC) if known else None
        except (UsageError, OSError):  # what nobody can read closes no ticket; `start` and `close` say so
            return Sighting(ticket)
        return Sighting(ticket, closed=Status.CLOSED.value if closed else "", changed_at=changed_at)

    def _change(
        self, ticket: Ticket, status: Status | None, rewrite: Callable[[Document], str] | None = None
    ) -> str:
        path = self._path(ticket.key)
        try:
            with document.alone_in(self._folder):
                known = _read(path, ticket.key) or _new(ticket)
                changed = rewrite(known) if rewrite else known.body
                fields = {**known.fields, "status": status.value} if status else known.fields
                document.write(path, Document(fields, changed))
        except OSError as error:
            raise OutsideError(
                f"the ticket {ticket.key!r} cannot be written to {str(self._folder)!r}: {error}. "
                "Make room or mend the folder, then resume the run"
            ) from error
        return str(path)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise UsageError(
                f"{key!r} cannot be a ticket's key: letters, digits, '.', '_' and '-' can, as in BUG-42"
            )
        return self._folder / f"{key}.md"

    def _known(self) -> str:
        keys = {path.stem for path in self._folder.glob("*.md") if _KEY.fullmatch(path.stem)}
        return ", ".join(sorted(keys | self._samples.keys())[:20]) or "none so far"


def _read(path: Path, key: str) -> Document | None:
    try:
        known = document.read(path)
    except FileNotFoundError:
        return None
    except Malformed as error:
        raise UsageError(f"the ticket {str(path)!r} cannot be read: {error}") from error
    if known.text("key", key) != key:
        raise UsageError(
            f"the ticket {str(path)!r} says that its key is {known.text('key')!r}: name the file after it"
        )
    if known.text("status", Status.OPEN) not in list(Status):
        allowed = ", ".join(repr(status.value) for status in Status)
        raise UsageError(
            f"the ticket {str(path)!r} has the status {known.text('status')!r}: write one of {allowed}"
        )
    return known


def _new(ticket: Ticket) -> Document:
    fields: dict[str, Value] = {
        "key": ticket.key,
        "title": ticket.title,
        "status": Status.OPEN.value,
        "reporter": ticket.reporter,
        "labels": ticket.labels,
    }
    return Document(fields, ticket.body.replace(COMMENTS, ""))


def _closed(known: Document, link: str) -> str:
    marker = f"<!-- anton {hashlib.sha256(link.encode()).hexdigest()[:16]} -->"
    return _commented(known, marker, f"closed by the pull request <{one_line(link)}>")


def _commented(known: Document, marker: str, said: str) -> str:
    if marker in known.body:
        return known.body
    begun = known.body if COMMENTS in known.body else f"{known.body.rstrip()}\n\n{COMMENTS}\n\n## Comments"
    return f"{begun.rstrip()}\n\n{marker}\n**Anton**: {said}"
