"""How long a command takes to start: `python bench/startup.py [REPEATS]`.

Medians of wall and CPU time (user and system) of whole processes, with an empty state folder and warm caches:
each command's help, then those that end soon, doing what they are for.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from anton.entrypoints.cli import LazyGroup

BUDGETS = {"--help": 0.15}
"""In seconds of wall time."""
WORKING = (
    "runs",
    "show nothing",  # no such run
    "approve nothing",
    "resume nothing",
    "chat --list",
    "memory",
    "config",
    "plugins",
    "mcp",
    "gc",
    "link nothing",
    "verify nothing",
    "doctor",
)
"""What does its work at once, or says at once why it cannot."""


def once(program: str, arguments: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    quiet = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    before = time.perf_counter()
    pid = os.posix_spawn(program, [program, *arguments.split()], environment, file_actions=quiet)
    _, _, used = os.wait4(pid, 0)
    return time.perf_counter() - before, used.ru_utime + used.ru_stime


def main(repeats: int) -> None:
    program = str(Path(sys.executable).with_name("anton"))
    print(f"{'anton …':22} {'wall':>9} {'CPU':>9} {'budget':>9}")
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        environment = {**os.environ, "ANTON_HOME": home}
        helps = ("--help", "--version", *(f"{name} --help" for name in LazyGroup.commands_by_name))
        for arguments in (*helps, *WORKING):
            once(program, arguments, environment)
            found = [once(program, arguments, environment) for _ in range(repeats)]
            wall, cpu = (statistics.median(times) for times in zip(*found, strict=True))
            shown = f"{BUDGETS[arguments]:.2f} s" if arguments in BUDGETS else "none"
            print(f"{arguments:22} {wall:7.3f} s {cpu:7.3f} s {shown:>9}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
