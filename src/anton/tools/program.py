"""Running a trusted program of the host over a tree's files: bounded in time and output, and always ended."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from anton.system.child import child, end_group, read_head

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
    stdin: int = DEVNULL,
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
    async with child(
        *argv,
        cwd=f"/proc/self/fd/{folder}",
        stdin=stdin,
        stdout=PIPE,
        stderr=PIPE,
        env=env,
    ) as process:
        try:
            async with asyncio.timeout(seconds):
                output, errors = await asyncio.gather(
                    read_head(process.stdout, max_bytes, partial(end_group, process)),
                    read_head(process.stderr, _MAX_ERROR_BYTES),
                )
                exit_code = await process.wait()
        except TimeoutError:
            return Captured(None, b"", b"", cut=False)
    return Captured(exit_code, output, errors, cut=len(output) >= max_bytes)
