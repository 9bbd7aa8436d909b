"""PostgreSQL's errors as sentences that say what to do next.

Source of the codes: https://www.postgresql.org/docs/15/errcodes-appendix.html
"""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from anton.core.errors import JournalError
from anton.core.text import one_line

_ADVICE = {
    "57P": "the server is stopping or starting; nothing acknowledged is lost, try again",
    "42501": "this user may not do that; grant it CREATE on the database, or make the user its owner",
    "53100": "the server's disk is full; make room and resume the run, nothing acknowledged is lost",
    "53300": "the server takes no more connections; raise its max_connections, then try again",
    "25006": "the server takes no writes (a standby?); name the primary in DATABASE_URL",
    "55P03": "another program keeps its tables locked; end that program and try again",
    "40": "others wrote the same at the same time; try again",
    "22": "a text in it cannot be kept by PostgreSQL",
    "XX": "its data is damaged; restore a backup",
}
_UNREACHABLE = (
    "see that the server runs, and that DATABASE_URL names it, a database that is there, a user and its "
    "password; nothing acknowledged is lost, try again"
)


def explain(error: SQLAlchemyError | sqlite3.Error, name: str) -> JournalError:
    """What the operator is told about a failed statement or connection; the cause names no password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return JournalError(f"the journal {name!r} failed ({one_line(str(cause))[:300]}): {_advice(cause)}")


def _advice(cause: BaseException) -> str:
    """By the server's own code; what failed without one never reached it."""
    state = getattr(cause, "sqlstate", None) or ("22" if isinstance(cause, psycopg.DataError) else "")
    if not state or state.startswith("08"):
        return _UNREACHABLE
    return next(
        (advice for code, advice in _ADVICE.items() if state.startswith(code)), "see the server's log"
    )
