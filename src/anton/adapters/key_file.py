"""Anton's own key, in a file of the state folder that nobody else can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from anton.core.errors import UsageError
from anton.core.seal import KEY_BYTES
from anton.system.files import sync_folder

FILE_NAME = "seal.key"


def load_key(home: Path) -> bytes:
    """The key, made at first use; of several processes that make one at once, all get the same.

    Args:
        home: The state folder, which exists.

    Raises:
        UsageError: the file is readable for others, damaged, no file, or cannot be made.
    """
    path = home / FILE_NAME
    try:
        _make(path)
        return _read(path)
    except OSError as error:
        raise UsageError(
            f"the key {str(path)!r} cannot be read or made: {error.strerror}. Buttons and links are sealed "
            "with it; mend the folder, or set ANTON_HOME to another"
        ) from error


def _make(path: Path) -> None:
    """Put a whole new key in place, unless there is one."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass  # another process was first; its key is the one that counts
    finally:
        os.close(descriptor)
        draft.unlink()


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"the key {str(path)!r} is no file: remove it, and a new one is made")
        if found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise UsageError(
                f"the key {str(path)!r} can be read by others, so it may be known: remove it, and a new one "
                "is made. Buttons and links that were handed out before are void then"
            )
        key = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(key) != KEY_BYTES:
        raise UsageError(f"the key {str(path)!r} is damaged: remove it, and a new one is made")
    return key
