"""How long a command takes to start: `python bench/startup.py [REPEATS]`.

Medians of wall and CPU time (user and system) of whole processes, with an empty state folder and warm caches.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = (
    ("--help", 0.15),
    ("--version", None),
    ("demo --help", None),
    ("fix --help", None),
    ("approve --help", None),
    ("runs", None),
    ("show", None),  # an error of usage: a run is missing
    ("show nothing", None),  # no such run
    ("approve nothing", None),
    ("resume nothing", None),
    ("doctor", None),
)
"""Arguments, and the budget in seconds."""


def once(program: str, arguments: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    quiet = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    before = time.perf_counter()
    pid = os.posix_spawn(program, [program, *arguments.split()], environment, file_actions=quiet)
    _, _, used = os.wait4(pid, 0)
    return time.perf_counter() - before, used.ru_utime + used.ru_stime


def main(repeats: int) -> None:
    program = str(Path(sys.executable).with_name("anton"))
    print(f"{'anton …':18} {'wall':>9} {'CPU':>9} {'budget':>9}")
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        environment = {**os.environ, "ANTON_HOME": home}
        for arguments, budget in COMMANDS:
            once(program, arguments, environment)
            found = [once(program, arguments, environment) for _ in range(repeats)]
            wall, cpu = (statistics.median(times) for times in zip(*found, strict=True))
            shown = f"{budget:.2f} s" if budget else "none"
            print(f"{arguments:18} {wall:7.3f} s {cpu:7.3f} s {shown:>9}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
