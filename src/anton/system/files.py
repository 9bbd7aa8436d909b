"""Files and folders that are put in place whole: one sees the old or the new, also after a power cut."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o666


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Put a file in place whole.

    Args:
        path: In a folder that exists.
        content: All of it.
        mode: Of the file, less the umask.

    Raises:
        OSError: it cannot be written; what was there is still there, and no draft is left.
    """
    with replacement(path, mode=mode) as draft:
        draft.write_bytes(content)


@contextmanager
def replacement(path: Path, *, mode: int = PRIVATE) -> Iterator[Path]:
    """An empty file beside `path` to be filled; it takes the place of `path` unless the block raises.

    Raises:
        OSError: as `replace_file`.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        yield draft
        os.fsync(descriptor)
        draft.replace(path)
    finally:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def put_folder(draft: Path, folder: Path) -> None:
    """Put a folder of few small files in place whole, by its new name.

    Args:
        draft: The folder with all that is in it.
        folder: In the same file system; not there yet, or empty.

    Raises:
        OSError: it cannot be moved, or there is something; the draft is still there.
    """
    for above, _, names in os.walk(draft):
        for name in names:
            _sync_file(Path(above, name))
        sync_folder(Path(above))
    draft.rename(folder)
    sync_folder(folder.parent)


def _sync_file(path: Path) -> None:
    if path.is_symlink():
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
