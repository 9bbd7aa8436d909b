"""SQLite's errors as sentences that say what to do next.

Source of the codes: https://www.sqlite.org/rescode.html
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from anton.core.errors import JournalError

_ADVICE = {
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program and try again",
    sqlite3.SQLITE_READONLY: "it cannot be written; give yourself write access to the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and is yours",
    sqlite3.SQLITE_FULL: "the disk is full; make room and resume the run, nothing acknowledged is lost",
    sqlite3.SQLITE_IOERR: "the disk refused; check that it has room and is healthy, then resume the run",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy, or try `sqlite3 FILE .recover`",
    sqlite3.SQLITE_NOTADB: "the file is not a database; restore a copy, or move it away to begin anew",
}


def explain(error: SQLAlchemyError | sqlite3.Error, path: Path) -> JournalError:
    """What the operator is told about a failed statement or connection."""
    cause = _first_cause(error)
    code = getattr(cause, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if code is not None else None
    return JournalError(
        f"the journal {str(path)!r} failed ({cause}): {advice or 'check the file and its disk'}"
    )


def _first_cause(error: BaseException) -> BaseException:
    """The database's own error; one that came up while rolling another back hides the other."""
    cause = error
    while isinstance(cause.__context__, (SQLAlchemyError, sqlite3.Error)):
        cause = cause.__context__
    return cause.orig if isinstance(cause, DBAPIError) and cause.orig is not None else cause
