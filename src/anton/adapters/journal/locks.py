"""Which process works on which run: one locked file a run, which the kernel frees when the process ends."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
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
        descriptor = os.open(folder / f"{run_id}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(f"run {run_id!r} cannot be locked in {str(folder)!r}: {error}") from error
    try:
        _take(descriptor, run_id)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, run_id: str) -> None:
    if not try_lock(descriptor):
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
        raise RunBusy(
            f"run {run_id!r} is being worked on by process {holder}: wait for it, or end it and try again"
        )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
