"""Open files that a child process is given.

The pipes are ours rather than asyncio's, as `Process.wait` waits for asyncio's own pipes to close on some
versions of Python, which a daemon that keeps its stdout open would put off for ever.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_READ_BYTES = 1 << 16


class BoundedOutput:
    """Keeps the beginning and the end of a stream of bytes, and counts what it left out between them."""

    def __init__(self, max_bytes: int) -> None:
        self._head_bytes = max_bytes // 2
        self._tail_bytes = max_bytes - self._head_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes in."""
        room = self._head_bytes - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        excess = len(self._tail) - self._tail_bytes
        if excess > 0:
            del self._tail[:excess]
            self._left_out += excess

    def kept(self) -> bytes:
        """What was kept, with the cut named where there was one."""
        if not self._left_out:
            return bytes(self._head + self._tail)
        cut = f"\n[… {self._left_out} bytes left out …]\n"
        return bytes(self._head) + cut.encode() + bytes(self._tail)


class DrainedPipe(BoundedOutput):
    """A pipe that the event loop empties as it fills; what came of it is kept, bounded."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when no process holds the writing end any more."""

    def __enter__(self) -> Self:
        self._reading, self.writing = os.pipe()
        self._open = {self._reading, self.writing}
        os.set_blocking(self._reading, False)
        self._loop.add_reader(self._reading, self.drain)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.remove_reader(self._reading)
        for descriptor in self._open:
            os.close(descriptor)

    def drain(self) -> None:
        """Take in what is there now."""
        try:
            chunk = os.read(self._reading, _READ_BYTES)
        except BlockingIOError:
            return
        if chunk:
            self.add(chunk)
        elif not self.ended.done():
            self._loop.remove_reader(self._reading)
            self.ended.set_result(None)

    def hand_over(self) -> None:
        """Close the writing end on this side: the child has its own."""
        self._open.remove(self.writing)
        os.close(self.writing)


@contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    """Descriptor of a file that exists only in memory, to be read from its beginning."""
    descriptor = os.memfd_create("anton")
    try:
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
