"""When the machine, or what a process may have of it, is used up: not a mistake of ours, and it passes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from anton.core.errors import OutsideError

_SHORT_OF = {
    errno.EMFILE: "more files than this process may have open at once (ulimit -n)",
    errno.ENFILE: "more files than this machine may have open at once",
    errno.ENOMEM: "more memory than there is",
    errno.EAGAIN: "more processes or threads than this user may have (ulimit -u)",
    errno.ENOSPC: "more disk than there is",
    errno.EDQUOT: "more disk than this user may have (quota)",
    errno.EFBIG: "a larger file than this process may write (ulimit -f)",
}
"""By the system's number for it. Source: getrlimit(2), fork(2), write(2)."""
_NO_THREAD = "can't start new thread"
"""All that CPython says where the system gives it no thread, for want of processes or of memory."""


class Shortage(OutsideError):
    """There is not enough of something on this machine; the text says of what, and what to do."""


def shortage_of(error: BaseException) -> Shortage | None:
    """What an error means where the machine is used up; None where it means something else."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MemoryError):
        return _short(_SHORT_OF[errno.ENOMEM])
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return _short("one more thread than it may have (ulimit -u), or than there is memory for (ulimit -v)")
    if isinstance(error, OSError) and error.errno in _SHORT_OF:
        return _short(_SHORT_OF[error.errno])
    return None


@contextmanager
def shortages_told() -> Iterator[None]:
    """Say what an error within the block means, where the machine is used up.

    Raises:
        Shortage: it is.
    """
    try:
        yield
    except (OSError, MemoryError, RuntimeError, ImportError, ExceptionGroup) as error:
        if short := shortage_of(error):
            raise short from error
        raise


def _short(of: str) -> Shortage:
    return Shortage(f"Anton needs {of}: free some or raise the limit, and try again")
