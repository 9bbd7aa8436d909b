"""What the server logs: one line a record, as text or as JSON, each with the run that it is about."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

from anton.core.event import Entry, RunReceived
from anton.core.run import RunState
from anton.core.text import one_line, visible
from anton.entrypoints.composition import LogOptions
from anton.runs.log import CURRENT_RUN, Watcher
from anton.views.notable import notable

OWN = ("anton", "uvicorn")
"""Loggers that keep to the level that is set; libraries are heard from warnings on, except at `debug`."""

OUT_OF_FILES = "socket.accept() out of system resource"
TAKES_NONE = "no connection is taken: more files are open than this process may have (ulimit -n)"
SECONDS_IN_VAIN = 1.0

logger = logging.getLogger("anton.runs")


def set_up(options: LogOptions, stream: TextIO) -> None:
    """Have all loggers of this process write there; what an earlier call set up is gone."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(add_run)
    handler.addFilter(AcceptsInVain())
    handler.setFormatter((JsonLines if options.format == "json" else TextLines)(options.mask))
    level = options.level.upper()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level if level in ("DEBUG", "ERROR") else "WARNING")
    for name in OWN:
        logging.getLogger(name).setLevel(level)


def add_run(record: logging.LogRecord) -> bool:
    """A filter: every record bears the run that is worked on where it is made."""
    record.run = CURRENT_RUN.get()
    return True


class AcceptsInVain:
    """A filter: where no file is left for a connection, a line a second says so.

    Python 3.11's asyncio accepts as many connections at once as may wait (uvicorn: 2,048), and tells of each
    that it could not take, with a traceback.
    """

    def __init__(self) -> None:
        self._said_at = -SECONDS_IN_VAIN

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown."""
        if record.name != "asyncio" or not record.getMessage().startswith(OUT_OF_FILES):
            return True
        now = time.monotonic()
        if now - self._said_at < SECONDS_IN_VAIN:
            return False
        self._said_at = now
        record.msg, record.args, record.exc_info = TAKES_NONE, (), None
        return True


def told_of(written: Sequence[Entry]) -> Watcher:  # noqa: ARG001 - an observer's signature
    """An observer of runs: what is notable is logged."""
    return log_notable


def log_taken_in(received: RunReceived) -> None:
    """Say that a ticket was taken in."""
    ticket = received.ticket
    fields = {"event": received.kind, "ticket": ticket.key, "source": ticket.source}
    logger.info("taken in: %s from %s", ticket.key, ticket.source, extra={"fields": fields})


def log_notable(entry: Entry, state: RunState) -> None:
    """A watcher of runs."""
    if (found := notable(entry, state)) is not None:
        level = logging.WARNING if found.bad else logging.INFO
        logger.log(level, "%s", found.text, extra={"fields": found.fields})


class JsonLines(logging.Formatter):
    """An object a line: `at`, `level`, `logger`, `message`, `run`, and whatever else is known.

    Args:
        mask: Takes secrets out of a text; all that was not made here goes through it.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        run = str(getattr(record, "run", ""))
        said: dict[str, object] = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._mask(record.getMessage()),
        }
        if run:
            said["run"] = run
        said |= {name: self._plain(value) for name, value in _fields(record).items() if name not in said}
        if record.exc_info:
            said["exception"] = self._mask(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=True)

    def _plain(self, value: object) -> object:
        return value if isinstance(value, bool | int | float) else self._mask(str(value))


class TextLines(logging.Formatter):
    """`2026-11-25T02:13:07.250Z info    8c1f02aa anton.runs.supervise: text`, then a traceback, if any.

    A terminal may be what shows it, so nothing in it commands one.

    Args:
        mask: Takes secrets out of a text.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback's."""
        run = str(getattr(record, "run", "")) or "-"
        message = one_line(record.getMessage())
        text = f"{_at(record)} {record.levelname.lower():<7} {run:<8} {record.name}: {message}"
        if record.exc_info:
            text += f"\n{visible(self.formatException(record.exc_info))[0]}"
        return self._mask(text)


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1_000:03}Z"


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    found = getattr(record, "fields", None)
    return found if isinstance(found, Mapping) else {}
