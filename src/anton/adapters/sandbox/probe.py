"""Tries to get out of the sandbox that it runs in, and prints how each attempt ended, as one JSON object.

Run by `selftest.py` inside the sandbox under test, as text for `python -c`: the file itself is not to be seen
there. Every attempt brings None where it was held, else what it got hold of.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable

_CONNECT_SECONDS = 0.2


def main(canary: str, victim: str, outside: str, port: str, anton: str) -> None:
    """Make all attempts.

    Args:
        canary: File outside whose content must not be had.
        victim: File outside that must not be emptied.
        outside: Folder outside where nothing must be made.
        port: Of a listener on the host's loopback.
        anton: Process id of the control plane.
    """
    attempts: dict[str, Callable[[], str | None]] = {
        "read": lambda: _read(canary),
        "write": lambda: _make(f"{outside}/planted") or _empty(victim),
        "connect": lambda: _connect(int(port)),
        "environment": lambda: _environment("1") or _environment(anton),
        "settings": lambda: _open_setting("/proc/sys/kernel/core_pattern"),
        "tree": lambda: _make("written-by-the-self-test"),
    }
    print(json.dumps({name: _outcome(attempt) for name, attempt in attempts.items()}))  # noqa: T201 (its result)


def _outcome(attempt: Callable[[], str | None]) -> str | None:
    try:
        return attempt()
    except OSError:
        return None


def _read(path: str) -> str | None:
    with open(path, "rb") as file:  # noqa: PTH123 (pathlib costs 10 ms to import)
        file.read(1)
    return f"{path} could be read"


def _make(path: str) -> str | None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        return None
    return f"{path} could be made"


def _empty(path: str) -> str | None:
    """By its path, without opening it, which a Landlock before Linux 6.2 lets pass."""
    os.truncate(path, 0)
    return f"{path} could be emptied"


def _open_setting(path: str) -> str | None:
    os.close(os.open(path, os.O_WRONLY))
    return f"{path} could be opened to be written"


def _connect(port: int) -> str | None:
    with socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_SECONDS):
        return "a listener on the host's loopback could be reached"


def _environment(process: str) -> str | None:
    """What another process was started with, apart from what this one has itself."""
    try:
        with open(f"/proc/{process}/environ", "rb") as file:  # noqa: PTH123 (the same)
            theirs = set(file.read().split(b"\0"))
    except OSError:
        return None
    more = theirs - {b"", *(b"%b=%b" % item for item in os.environb.items())}
    return f"{len(more)} variables of process {process} could be read" if more else None


if __name__ == "__main__":
    main(*sys.argv[1:])
