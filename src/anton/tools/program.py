"""Running a trusted program of the host over a tree's files: bounded in time and output, and always ended."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

_MAX_ERROR_BYTES = 4_000


@dataclass(frozen=True, slots=True)
class Captured:
    """What a program said."""

    exit_code: int | None
    """None where it was ended by the time limit; negative where by a signal."""
    output: bytes
    """Standard output, cut at the limit."""
    errors: bytes
    """Standard error, its beginning."""
    cut: bool
    """It had more to say than the limit, and was ended there."""


async def capture(
    argv: Sequence[str],
    *,
    folder: int,
    stdin: int = asyncio.subprocess.DEVNULL,
    env: Mapping[str, str],
    seconds: float,
    max_bytes: int,
) -> Captured:
    """Run a program in its own process group; the whole group is gone on return, also when cancelled.

    Args:
        argv: The program's absolute path and its arguments.
        folder: Descriptor of the folder to run in; no path is resolved a second time.
        stdin: Descriptor to read from.
        env: The whole environment.
        seconds: Time limit.
        max_bytes: Of standard output.
    """
    process = await _started(
        asyncio.create_subprocess_exec(
            *argv,
            cwd=f"/proc/self/fd/{folder}",
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            start_new_session=True,
        )
    )

    def end() -> None:
        _end_group(process)

    try:
        async with asyncio.timeout(seconds):
            output, errors = await asyncio.gather(
                _drained(process.stdout, max_bytes, end), _drained(process.stderr, _MAX_ERROR_BYTES, None)
            )
            exit_code = await process.wait()
    except TimeoutError:
        return Captured(None, b"", b"", cut=False)
    finally:
        end()
        await process.communicate()
    return Captured(exit_code, output, errors, cut=len(output) >= max_bytes)


async def _started(start: Coroutine[None, None, Process]) -> Process:
    """The process; where this is cancelled none of it, while asyncio itself would leave its children."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        _end_group(process)
        await process.communicate()
        raise


def _end_group(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _drained(
    stream: asyncio.StreamReader | None, max_bytes: int, when_full: Callable[[], None] | None
) -> bytes:
    """The beginning of a stream, read to its end so that its writer never waits."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(65_536)):
        room = max_bytes - len(kept)
        kept += chunk[:room]
        if room <= len(chunk) and when_full is not None:
            when_full()
    return bytes(kept)
