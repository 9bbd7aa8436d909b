"""How the command line ends: a clear sentence and an exit status, never a traceback for what was foreseen.

0  done, or a green briefing waits for a decision
1  something outside failed, the run came to no proof, or a briefing that is not green waits
2  what was asked for cannot be done as it was asked
130  interrupted; the run can be resumed
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import click

from anton.core.errors import AntonError, UsageError
from anton.core.secrets import Masker
from anton.core.shortage import shortages_told

P = ParamSpec("P")

FAILED = 1
MISUSED = 2
INTERRUPTED = 130


def speaking(command: Callable[P, int | None]) -> Callable[P, None]:
    """Turn Anton's errors into a sentence on standard error, and the command's result into an exit status."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with shortages_told():
                status = command(*args, **kwargs) or 0
        except UsageError as error:
            status = _say(error, MISUSED)
        except AntonError as error:
            status = _say(error, FAILED)
        except KeyboardInterrupt:
            click.echo("anton: interrupted", err=True)
            status = INTERRUPTED
        click.get_current_context().exit(status)

    return wrapped


def _say(error: AntonError, status: int) -> int:
    click.echo(f"anton: {Masker().mask(str(error))}", err=True)
    return status
