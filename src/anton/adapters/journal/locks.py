"""Which process works on which run: one locked file a run, which the kernel frees when the process ends.

The file is there for as long as it is held; that of a process that was killed, until the run is held again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from anton.core.errors import JournalError, RunBusy, UsageError
from anton.system.locks import try_lock

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@contextmanager
def locked(folder: Path, run_id: str) -> Iterator[None]:
    """Hold `<folder>/<run_id>.lock`, which names the process; never waits.

    Raises:
        RunBusy: it is held already, by another process or by this one.
        UsageError: the id cannot be a run's.
        JournalError: the file cannot be made.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"{run_id!r} is not the id of a run: `anton runs` lists them")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _taken(folder / f"{run_id}.lock", run_id)
    except OSError as error:
        raise JournalError(f"run {run_id!r} cannot be locked in {str(folder)!r}: {error}") from error
    try:
        yield
    finally:
        with suppress(OSError):  # then the file stays, and locks as well as a new one
            (folder / f"{run_id}.lock").unlink()
        os.close(descriptor)


def _taken(path: Path, run_id: str) -> int:
    """The file's descriptor, with the lock on it.

    Whoever lets go removes the file while still holding it: a lock on a removed file holds nothing.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        with ExitStack() as stack:
            stack.callback(os.close, descriptor)
            _take(descriptor, run_id)
            if os.fstat(descriptor).st_nlink:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
                stack.pop_all()
                return descriptor


def _take(descriptor: int, run_id: str) -> None:
    if not try_lock(descriptor):
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise RunBusy(
            f"run {run_id!r} is being worked on by process {holder}: wait for it, or end it and try again"
        )
