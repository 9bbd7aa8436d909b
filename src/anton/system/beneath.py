"""Opening a file beneath a folder, and nowhere else.

A path that is first resolved and checked and then opened can be swapped in between: `resolve()` followed by
`is_relative_to()` loses that race. Here the check and the opening are one step. Where the kernel has openat2,
it does both (`RESOLVE_BENEATH`); elsewhere the path is walked one component at a time, each opened with
O_NOFOLLOW relative to its already opened parent, and links are followed by hand.

Source: https://man7.org/linux/man-pages/man2/openat2.2.html
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Callable
from enum import Enum
from functools import cache

_OPENAT2 = 437
"""The same number on x86_64 and aarch64."""
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_MAX_LINKS = 40
"""The kernel's own limit on links in one path."""
_MAX_ATTEMPTS = 100
"""openat2 answers EAGAIN when something was renamed while it resolved a `..`."""


class Links(Enum):
    """What becomes of symbolic links on the way, the last component included."""

    FOLLOW = "follow"
    """Followed while they stay beneath the root; an absolute target counts as outside."""
    REFUSE = "refuse"


OpenBeneath = Callable[[int, str, int, Links], int]
"""Open an existing relative path beneath a folder's descriptor: (root, path, flags, links) → descriptor.

Raises OSError: EXDEV where the path leads outside, ELOOP at a link that is refused, else as `open` does.
"""


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def open_with_openat2(root: int, path: str, flags: int, links: Links) -> int:
    """Let the kernel resolve and open in one step (Linux 5.6 and later)."""
    resolve = _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS
    if links is Links.REFUSE:
        resolve |= _RESOLVE_NO_SYMLINKS
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    raw = os.fsencode(path)
    for _ in range(_MAX_ATTEMPTS):
        found: int = _libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(root),
            ctypes.c_char_p(raw),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if found >= 0:
            return found
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.EINTR):
            raise OSError(code, os.strerror(code), path)
    raise OSError(errno.EAGAIN, "the folder keeps changing", path)


def open_by_walking(root: int, path: str, flags: int, links: Links) -> int:
    """Open one component after the other, never leaving what is already open."""
    above: list[int] = []
    todo = _components(path)
    hops = 0
    try:
        while todo:
            part = todo.pop()
            if part == "..":
                if not above:
                    raise OSError(errno.EXDEV, "leads outside", path)
                os.close(above.pop())
                continue
            here = above[-1] if above else root
            try:
                found = os.open(
                    part,
                    (os.O_PATH | os.O_DIRECTORY if todo else flags) | os.O_NOFOLLOW | os.O_CLOEXEC,
                    dir_fd=here,
                )
            except OSError as error:
                target = _link_target(part, here) if error.errno in (errno.ELOOP, errno.ENOTDIR) else None
                if target is None:
                    raise
                hops += 1
                _check_link(path, target, hops, links)
                todo += _components(target)
                continue
            if not todo:
                return found
            above.append(found)
        return os.open(".", flags | os.O_CLOEXEC, dir_fd=above[-1] if above else root)
    finally:
        for descriptor in above:
            os.close(descriptor)


def _components(path: str) -> list[str]:
    """Components, the first one last."""
    return [part for part in path.split("/") if part not in ("", ".")][::-1]


def _link_target(name: str, folder: int) -> str | None:
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None


def _check_link(path: str, target: str, hops: int, links: Links) -> None:
    if links is Links.REFUSE or hops > _MAX_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    if target.startswith("/"):
        raise OSError(errno.EXDEV, "leads outside", path)


@cache
def best_opener() -> OpenBeneath:
    """openat2 where the kernel has it and lets us use it, else the walk."""
    with contextlib.ExitStack() as stack:
        here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, here)
        try:
            os.close(open_with_openat2(here, ".", os.O_PATH | os.O_DIRECTORY, Links.REFUSE))
        except OSError:
            return open_by_walking
    return open_with_openat2
