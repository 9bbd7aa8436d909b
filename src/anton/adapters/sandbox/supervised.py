"""Runs a command under the supervisor program, for sandboxes without a process namespace to end with it."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from anton.adapters.sandbox import supervisor
from anton.adapters.sandbox.environment import MAX_FILE_BYTES, MAX_OPEN_FILES, MAX_PROCESSES, environment
from anton.adapters.sandbox.memory import MAX_MEMORY_BYTES
from anton.adapters.sandbox.process import Launch, execute
from anton.ports import Command, Execution

_INTERPRETER = (sys.executable, "-I", "-S", "-B", supervisor.__file__)


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the supervisor puts on a command before it starts."""

    ruleset: int = -1
    """Descriptor of a Landlock ruleset."""
    seccomp: int = -1
    """Descriptor of a filter program, to be read from its beginning."""
    memory_bytes: int = MAX_MEMORY_BYTES
    """Of the command with all that it started."""


async def supervise(command: Command, scratch: Path, confinement: Confinement) -> Execution:
    """Run a command to its end or a limit, with `scratch` as its HOME and temporary folder.

    Raises:
        SandboxError: the supervisor could not be started, or was killed.
    """
    inner = environment(command, str(scratch / "home"), str(scratch / "tmp"))
    limits = (MAX_PROCESSES + _tasks_of_the_machine(), MAX_FILE_BYTES, MAX_OPEN_FILES)
    launch = Launch(
        argv=lambda status: (
            *_INTERPRETER,
            *map(str, (os.getpid(), status, confinement.ruleset, confinement.seccomp, *limits)),
            *(f"{name}={value}" for name, value in inner.items()),
            "--",
            *command.argv,
        ),
        stop=signal.SIGTERM,
        cwd=str(command.tree),
        descriptors=tuple(one for one in (confinement.ruleset, confinement.seccomp) if one >= 0),
        host_paths=(str(command.tree), str(command.tree.resolve())),
        memory_bytes=confinement.memory_bytes,
    )
    return await execute(launch, command)


def _tasks_of_the_machine() -> int:
    """How many there are now, as the kernel counts all of the user's against the limit (proc(5), loadavg)."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
