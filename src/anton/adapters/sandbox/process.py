"""One child process from start to the end of its last descendant, whatever happens in between.

The child is started by the event loop's own thread: the kernel's "die with your parent" follows the thread,
not the process (prctl(2), PR_SET_PDEATHSIG). It gets a session of its own, so that Ctrl-C in Anton's terminal
reaches Anton alone, which then ends the child in order. Its output is drained as it comes, whatever its
length, and a bounded part is kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from anton.adapters.sandbox.memory import LOOK_SECONDS, MAX_MEMORY_BYTES, memory_of
from anton.core.errors import SandboxError
from anton.ports import Command, Execution
from anton.system.cancellation import owned
from anton.system.descriptors import BoundedOutput, DrainedPipe

NICENESS = 10
"""Of what runs in a sandbox."""
GRACE_SECONDS = 1.0
"""How long an ended command's remains may take to vanish before they are given up on."""

_MAX_STATUS_BYTES = 1 << 12
_NICE = shutil.which("nice")
_BY_SHELL_CONVENTION = {128 + number: -number for number in signal.Signals if number is not signal.SIGHUP}
"""bubblewrap and shells report signal n as 128 + n. SIGHUP is left out: git ends with 129 on wrong usage."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a command inside a sandbox."""

    argv: Callable[[int], tuple[str, ...]]
    """The whole command line, given the descriptor to which the sandbox writes JSON lines: `{"exit-code": …}`
    at the command's end, and before it `{"child-pid": …}` where that process takes all others with it."""
    stop: signal.Signals
    """Sent to the process group to end the command and all its descendants."""
    cwd: str = "/"
    descriptors: tuple[int, ...] = ()
    """Open files that the sandbox needs."""
    host_paths: tuple[str, ...] = ()
    """Shown as `/repo` wherever they appear in the output."""
    memory_bytes: int = MAX_MEMORY_BYTES
    """Of the command with all its descendants; who takes more is ended as the kernel would end them."""


async def execute(launch: Launch, command: Command) -> Execution:
    """Run a command to its end or a limit; no descendant is left when this returns or raises.

    Raises:
        SandboxError: the sandbox could not be started, or came to grief before its command ended.
    """
    _check(command)
    started = time.monotonic()
    timed_out, taken = False, 0
    with DrainedPipe(command.max_output_bytes) as output, DrainedPipe(_MAX_STATUS_BYTES) as status:

        async def finish(process: Process) -> None:
            await _finish(process, launch.stop, output, status)

        async with owned(_spawn(launch, output, status), finish) as process:
            try:
                async with asyncio.timeout(command.timeout_seconds):
                    taken = await _too_much(process, launch.memory_bytes)
            except TimeoutError:
                timed_out = True
    text = _as_repo(output.kept(), launch.host_paths).decode(errors="replace")
    seconds = time.monotonic() - started
    if timed_out:
        return Execution(None, text, timed_out=True, seconds=seconds)
    if taken:
        text = f"{text.rstrip()}\n{_ended_for(taken, launch.memory_bytes)}\n".lstrip()
        return Execution(-signal.SIGKILL, text, timed_out=False, seconds=seconds)
    exit_code = _report(status).get("exit-code")
    if exit_code is None:
        reason = text.strip() or "no reason given"
        raise SandboxError(f"the sandbox failed before {command.argv[0]!r} had run: {reason}")
    exit_code = _BY_SHELL_CONVENTION.get(exit_code, exit_code)
    return Execution(exit_code, text, timed_out=False, seconds=seconds)


async def _too_much(process: Process, most: int) -> int:
    """Wait until a process ends, or takes too much memory; returns how many bytes in that case, else 0."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await process.wait()
                return 0
        if taken := await asyncio.to_thread(memory_of, process.pid, most):
            return taken


def _ended_for(taken: int, most: int) -> str:
    return (
        f"[ended: it took {taken / (1 << 20):,.0f} MiB of memory with all that it started, and may take "
        f"{most / (1 << 20):,.0f} (sandbox.memory_mib)]"
    )


def _check(command: Command) -> None:
    if not command.tree.is_dir():
        raise SandboxError(
            f"{command.argv[0]!r} cannot run in {str(command.tree)!r}: there is no such folder"
        )


async def _spawn(launch: Launch, output: DrainedPipe, status: DrainedPipe) -> Process:
    """Start the sandbox.

    Not as a `child`, whose end is that of its group: bubblewrap's second process is not always of it, and
    could go on to run the command.
    """
    argv = launch.argv(status.writing)
    try:
        process = await asyncio.create_subprocess_exec(
            *_behind_all_else(argv),
            stdin=DEVNULL,
            stdout=output.writing,
            stderr=output.writing,
            cwd=launch.cwd,
            env={},
            pass_fds=(status.writing, *launch.descriptors),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise SandboxError(f"{argv[0]!r} could not be started in {launch.cwd!r}: {error}") from error
    finally:
        output.hand_over()
        status.hand_over()
    _give_way(process.pid)
    return process


def _behind_all_else(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line whose processes run behind everything else, from the first one's beginning.

    A suite that takes all cores then delays no answer to a webhook. Set on the running program it would miss
    what that has started already.
    """
    return (_NICE, "-n", str(NICENESS), *argv) if _NICE and os.access(argv[0], os.X_OK) else argv


def _give_way(session: int) -> None:
    """Have a session get less where the kernel shares the processor out among sessions first.

    Niceness counts only within one there. Source: https://man7.org/linux/man-pages/man7/sched.7.html,
    autogroup.
    """
    with suppress(OSError):  # the kernel has no such thing, or was asked a moment ago
        Path(f"/proc/{session}/autogroup").write_text(str(NICENESS), "ascii")


async def _finish(process: Process, stop: signal.Signals, output: DrainedPipe, status: DrainedPipe) -> None:
    """End what still runs, and return when it is gone and all that it wrote is read."""
    await _end(process, stop, status)
    await asyncio.wait((output.ended, status.ended), timeout=GRACE_SECONDS)
    await _gone(_report(status).get("child-pid"))


async def _end(process: Process, stop: signal.Signals, status: DrainedPipe) -> None:
    """Ask in order first and by force if that takes too long."""
    for number in (stop, signal.SIGKILL):
        if process.returncode is not None:
            return
        status.drain()
        _kill(process, number, _report(status).get("child-pid"))
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await process.wait()


def _kill(process: Process, number: signal.Signals, first_inside: int | None) -> None:
    """Signal the process group, and a namespace's first process by name.

    bubblewrap lets that one leave the group some time before it asks the kernel to end it with its parent: in
    between, the end of the group would not be its end.
    """
    if first_inside is not None:
        with suppress(ProcessLookupError):
            os.kill(first_inside, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


async def _gone(pid: int | None) -> None:
    """Wait until a namespace's first process is gone: the kernel ends all others of it before."""
    if pid is None:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:  # it is gone already
        return
    try:
        if not select.select([descriptor], [], [], 0)[0]:
            await _readable(descriptor)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await event.wait()
    finally:
        loop.remove_reader(descriptor)


def _report(status: BoundedOutput) -> dict[str, int]:
    """The sandbox's own words about its command; only the sandbox can write them, not the command."""
    report: dict[str, int] = {}
    for line in status.kept().splitlines():
        with suppress(json.JSONDecodeError):
            report.update(json.loads(line))
    return report


def _as_repo(output: bytes, host_paths: tuple[str, ...]) -> bytes:
    """The output with the tree's place on the host called `/repo`, as bubblewrap has it."""
    for path in sorted(set(host_paths), key=len, reverse=True):
        output = re.sub(re.escape(os.fsencode(path)) + rb"(?![\w.-])", b"/repo", output)
    return output
