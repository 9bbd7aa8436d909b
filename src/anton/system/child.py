"""Child processes that end, with all that they started, when their `async with` block does.

A child gets a session and process group of its own, so that Ctrl-C in the terminal does not reach it and its
whole group can be ended. The group is ended even where the child itself is gone: what it started may go on
without it and hold its output open. Start children from the event loop's own thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anton.system.cancellation import owned

_STREAM_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Started:
    process: Process
    transport: asyncio.SubprocessTransport


@asynccontextmanager
async def child(
    *argv: str,
    env: Mapping[str, str],
    cwd: str | Path = "/",
    stdin: int = DEVNULL,
    stdout: int = DEVNULL,
    stderr: int = DEVNULL,
    descriptors: Sequence[int] = (),
) -> AsyncIterator[Process]:
    """A running program; its process group is gone when the block is left, however it is left.

    Args:
        argv: The program, by absolute path, and its arguments.
        env: Its whole environment.
        cwd: The folder to run in.
        stdin: A descriptor, or one of the constants of `asyncio.subprocess`; so are the other two.
        stdout: Where its output goes.
        stderr: Where its errors go.
        descriptors: Open in the child too, under the same numbers.

    Raises:
        OSError: it could not be started.
        ValueError: a NUL is in a word.
    """
    start = partial(
        _start, argv, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, descriptors=descriptors
    )
    async with owned(start(), _end) as started:
        yield started.process


def end_group(process: Process) -> None:
    """Kill a child and what it started, as far as that has not left its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def read_head(
    stream: asyncio.StreamReader | None, max_bytes: int, when_full: Callable[[], None] | None = None
) -> bytes:
    """The beginning of a stream, which is read to its end so that its writer never waits.

    Args:
        stream: None counts as an empty one.
        max_bytes: Of what is kept.
        when_full: Called once, when that much has come.
    """
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(_STREAM_BYTES)):
        was_full = len(kept) >= max_bytes
        kept += chunk[: max_bytes - len(kept)]
        if when_full is not None and not was_full and len(kept) >= max_bytes:
            when_full()
    return bytes(kept)


async def _start(
    argv: tuple[str, ...],
    *,
    env: Mapping[str, str],
    cwd: str | Path,
    stdin: int,
    stdout: int,
    stderr: int,
    descriptors: Sequence[int],
) -> _Started:
    """What `asyncio.create_subprocess_exec` does, which keeps the transport to itself."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        partial(SubprocessStreamProtocol, limit=_STREAM_BYTES, loop=loop),
        *argv,
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        pass_fds=tuple(descriptors),
    )
    return _Started(Process(transport, protocol, loop), transport)


async def _end(started: _Started) -> None:
    """End the group and let go of its pipes.

    `Process.wait` waits for the pipes to close on some versions of Python, and a daemon that left the group
    may hold their other ends for ever.
    """
    end_group(started.process)
    for number in range(3):
        pipe = started.transport.get_pipe_transport(number)
        if not isinstance(pipe, asyncio.WriteTransport):
            if pipe is not None:
                pipe.close()
        elif pipe.get_write_buffer_size() or not pipe.is_closing():
            pipe.abort()  # `close` would wait until somebody reads what is left
    await started.process.wait()
    started.transport.close()
