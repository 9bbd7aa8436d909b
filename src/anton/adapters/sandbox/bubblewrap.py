"""The strong sandbox: bubblewrap gives a command files, processes and a network of its own.

What surprises in the order and choice of the options:

- bubblewrap itself starts with an empty environment. `--clearenv` would not do: the sandbox's first process
  keeps what bubblewrap was given, to be read in /proc/1/environ
  (github.com/containers/bubblewrap/issues/725).
- Readable paths are bound after the private folders, which would hide an interpreter under /tmp or /home.
- The limits are set inside. The number of processes would otherwise count the user's others, too.
- The kernel's settings in /proc are bound read-only. A command of root's has no rights of root's inside but
  still owns those files, and /proc/sys/kernel/core_pattern names a program that the host would run.
- The root folder and /dev end up read-only, as their file systems have no size limit.
- Where Anton runs as root, the command is user 1000 inside, so that suites that refuse root run.
"""

from __future__ import annotations

import os
import platform
import shlex
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from anton.adapters.sandbox.environment import (
    ETC,
    MAX_FILE_BYTES,
    MAX_OPEN_FILES,
    MAX_PROCESSES,
    RESOLVER,
    SYSTEM_FOLDERS,
    environment,
)
from anton.adapters.sandbox.memory import MAX_MEMORY_BYTES
from anton.adapters.sandbox.process import Launch, execute
from anton.adapters.sandbox.seccomp import MACHINES, Sockets, filter_program
from anton.ports import Command, Execution, SandboxLevel
from anton.system.descriptors import memory_file

REPO = "/repo"
HOME = "/home/anton"

_PRIVATE_BYTES = {"/tmp": 1 << 28, HOME: 1 << 26, "/dev/shm": 1 << 26}  # noqa: S108 (inside the sandbox)
_PROC_SETTINGS = "acpi bus driver fs irq mtrr pressure scsi sys sysrq-trigger sysvipc tty"
_USER_ID = 1000
_PRLIMIT = Path("/usr/bin/prlimit")


@dataclass(frozen=True, slots=True)
class BubblewrapSandbox:
    """Runs each command in namespaces of its own; they and all that runs in them end with the command."""

    executable: str = "/usr/bin/bwrap"
    prlimit: Path | None = _PRLIMIT if _PRLIMIT.exists() else None
    """Sets the limits; without it the shell inside does."""
    memory_bytes: int = MAX_MEMORY_BYTES
    """Of a command with all that it started."""

    @property
    def level(self) -> SandboxLevel:
        """The strongest there is."""
        return SandboxLevel.FULL

    @property
    def usable(self) -> bool:
        """Commands are run."""
        return True

    @property
    def description(self) -> str:
        """Names bubblewrap, and what is missing where something is."""
        missing = [] if platform.machine() in MACHINES else [f"no seccomp filter for {platform.machine()}"]
        missing += [] if os.getuid() else ["as root the number of processes is not limited"]
        return f"full (bubblewrap{''.join(f'; {one}' for one in missing)})"

    async def run(self, command: Command) -> Execution:
        """Run a command with its tree as `/repo`; see the port."""
        with ExitStack() as stack:
            files = {path: stack.enter_context(memory_file(text)) for path, text in _own_etc(command).items()}
            filters = tuple(stack.enter_context(memory_file(program)) for program in _filter(command))
            arguments = self._arguments(command, files, filters)
            launch = Launch(
                argv=lambda status: (self.executable, "--json-status-fd", str(status), *arguments),
                stop=signal.SIGKILL,
                descriptors=(*files.values(), *filters),
                host_paths=(str(command.tree), str(command.tree.resolve())),
                memory_bytes=self.memory_bytes,
            )
            return await execute(launch, command)

    def _arguments(
        self, command: Command, files: dict[str, int], filters: tuple[int, ...]
    ) -> tuple[str, ...]:
        words = chain(
            _namespaces(command),
            _system(),
            *(("--ro-bind-data", str(descriptor), path) for path, descriptor in files.items()),
            *(("--size", str(size), "--tmpfs", path) for path, size in _PRIVATE_BYTES.items()),
            *(("--ro-bind-try", str(path), str(path)) for path in _readable(command)),
            ("--bind", str(command.tree), REPO, "--chdir", REPO, "--remount-ro", "/dev", "--remount-ro", "/"),
            *(("--seccomp", str(descriptor)) for descriptor in filters),
            *(("--setenv", *item) for item in environment(command, HOME, "/tmp").items()),  # noqa: S108 (inside)
            ("--", *self._limits(), *command.argv),
        )
        return tuple(words)

    def _limits(self) -> tuple[str, ...]:
        if self.prlimit is not None:
            limits = f"--nproc={MAX_PROCESSES} --core=0 --fsize={MAX_FILE_BYTES} --nofile={MAX_OPEN_FILES}"
            return (str(self.prlimit), *shlex.split(limits), "--")
        limits = f"ulimit -c 0; ulimit -f {MAX_FILE_BYTES // 512}; ulimit -n {MAX_OPEN_FILES}"
        processes = (
            f"ulimit -u {MAX_PROCESSES} 2>&- || ulimit -p {MAX_PROCESSES} 2>&-"  # bash, or dash and ash
        )
        return ("/bin/sh", "-c", f'{limits}; {processes}; exec "$@"', "sh")


def _namespaces(command: Command) -> Iterator[str]:
    yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts")
    yield from () if command.network else ("--unshare-net",)
    yield from (
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--clearenv",
    )
    yield from ("--hostname", "sandbox", "--uid", str(_inner_user_id()), "--gid", str(_inner_user_id()))


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr", "--dev", "/dev", "--proc", "/proc")
    for name in _PROC_SETTINGS.split():
        yield from ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
    for folder in SYSTEM_FOLDERS:
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        else:
            yield from ("--ro-bind-try", str(folder), str(folder))
    for path in (*ETC, *Path("/etc").glob("java-*")):
        yield from ("--ro-bind-try", str(path), str(path))
    yield from ("--dir", "/var", "--symlink", "../tmp", "/var/tmp")  # noqa: S108 (inside the sandbox)


def _readable(command: Command) -> tuple[Path, ...]:
    return (*command.readable, RESOLVER) if command.network else command.readable


def _own_etc(command: Command) -> dict[str, bytes]:
    user = _inner_user_id()
    hosts = "files dns" if command.network else "files"
    files = {
        "/etc/passwd": f"anton:x:{user}:{user}:Anton:{HOME}:/bin/sh\n",
        "/etc/group": f"anton:x:{user}:\n",
        "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "/etc/nsswitch.conf": f"passwd: files\ngroup: files\nhosts: {hosts}\n",
    }
    return {path: text.encode() for path, text in files.items()}


def _filter(command: Command) -> Iterator[bytes]:
    machine = MACHINES.get(platform.machine())
    if machine is not None:
        yield filter_program(machine, Sockets.HOST_NETWORK if command.network else Sockets.OWN_NETWORK)


def _inner_user_id() -> int:
    return os.getuid() or _USER_ID
