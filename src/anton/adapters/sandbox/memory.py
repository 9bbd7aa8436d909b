"""How much memory a command takes with all that it started, read from outside while it runs.

None of the kernel's limits will do: RLIMIT_AS counts what is reserved, of which a JVM or Node reserves far
more than it uses, and a cgroup of one's own takes rights that Anton does not have. What is taken is looked at
so often that little is lost between two looks. Source: https://man7.org/linux/man-pages/man5/proc.5.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MAX_MEMORY_BYTES = 4 << 30
"""Of one command, unless the settings say otherwise."""
LOOK_SECONDS = 0.25
"""Between two looks."""


def memory_of(first: int, most: int) -> int:
    """Bytes that a process and its descendants take; 0 where that is certainly no more than `most`.

    That is memory of their own, shared or not, and what of it is swapped out; pages of files count only where
    the files are in memory. What each has is summed first, which is quick and counts pages twice that a fork
    shares. Only where that is too much, each page is divided among those that share it, which takes longer.

    Args:
        first: The process's id.
        most: Bytes.
    """
    family = tuple(_family(first))
    if sum(map(_own_bytes, family)) <= most:
        return 0
    shared_out = sum(map(_shared_out_bytes, family))
    return shared_out if shared_out > most else 0


def _family(first: int) -> Iterator[int]:
    """A process and its descendants, those that have ended meanwhile included."""
    waiting = [first]
    while waiting:
        process = waiting.pop()
        yield process
        try:
            threads = [*Path(f"/proc/{process}/task").iterdir()]
        except OSError:  # it ended meanwhile
            continue
        for thread in threads:
            waiting += map(int, _read(thread / "children").split())


def _own_bytes(process: int) -> int:
    """Without the pages of files on a disk; pages that it shares with others count whole."""
    return _sum(Path(f"/proc/{process}/status"), "RssAnon:", "RssShmem:", "VmSwap:")


def _shared_out_bytes(process: int) -> int:
    """The same with shared pages divided; where that cannot be read, all that is the process's own."""
    shared_out = _sum(Path(f"/proc/{process}/smaps_rollup"), "Pss_Anon:", "Pss_Shmem:", "SwapPss:")
    return shared_out or _own_bytes(process)


def _sum(path: Path, *names: str) -> int:
    """Bytes of what a file of the kernel's gives in kB under these names."""
    lines = (line.split() for line in _read(path).splitlines())
    return sum(int(words[1]) << 10 for words in lines if words and words[0] in names)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")  # a process's name is its own choice
    except OSError:  # it ended meanwhile, or is not to be looked into
        return ""
