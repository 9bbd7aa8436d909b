"""Locks among processes: held by an open file, freed by the kernel when it is closed or its holder ends.

Source: https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import fcntl


def try_lock(descriptor: int) -> bool:
    """Take the lock on an open file, unless it is held through another opening of it, here or elsewhere."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int) -> None:
    """Take the lock on an open file, and block until it can be had."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
