"""Folders that commands have as HOME and for temporary files, where the sandbox itself has none.

Anton holds a lock on each for as long as it is in use. The kernel frees the locks of a process that was
killed, so whatever lies there unlocked belongs to nobody.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from anton.system.locks import try_lock

PREFIX = "anton-sandbox-"
_UNFINISHED = "anton-new-"


@asynccontextmanager
async def scratch_folder() -> AsyncIterator[Path]:
    """A new private folder with `home` and `tmp` in it, gone with all its content afterwards."""
    folder, lock = _make()  # in a thread, cancellation would leave it behind
    try:
        yield folder
    finally:
        await asyncio.to_thread(_remove, folder, lock)


def sweep() -> None:
    """Remove what processes of this user that were killed left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, or just gone
            if folder.lstat().st_uid == os.getuid():
                lock = _open(folder)
                if try_lock(lock):
                    _remove(folder, lock)
                else:
                    os.close(lock)


def _make() -> tuple[Path, int]:
    """A folder, and the descriptor that its lock is held by; it gets its name when it is locked."""
    draft = Path(tempfile.mkdtemp(prefix=_UNFINISHED))
    lock = _open(draft)
    try_lock(lock)
    (draft / "home").mkdir()
    (draft / "tmp").mkdir()
    return draft.rename(draft.with_name(PREFIX + draft.name.removeprefix(_UNFINISHED))), lock


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
