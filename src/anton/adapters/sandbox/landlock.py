"""The limited sandbox, for where no namespaces are to be had, such as inside most containers.

Landlock decides which files a command can open, by where they are; seccomp takes sockets from it. Neither
needs rights, and neither can be undone by what runs under it. What they leave open is said in the
description.

Sources: landlock(7), linux/landlock.h, docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Flag
from pathlib import Path

from anton.adapters.sandbox.environment import ETC, RESOLVER, SYSTEM_FOLDERS
from anton.adapters.sandbox.memory import MAX_MEMORY_BYTES
from anton.adapters.sandbox.scratch import scratch_folder
from anton.adapters.sandbox.seccomp import MACHINES, Sockets, filter_program
from anton.adapters.sandbox.supervised import Confinement, supervise
from anton.core.errors import SandboxError
from anton.ports import Command, Execution, SandboxLevel
from anton.system.descriptors import memory_file

_CREATE_RULESET, _ADD_RULE = 444, 445
_VERSION_FLAG, _PATH_BENEATH = 1, 1


class Access(Flag):
    """Rights to files, LANDLOCK_ACCESS_FS_* of linux/landlock.h."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_READ = Access.EXECUTE | Access.READ_FILE | Access.READ_DIR
_CHANGE = ~(Access.MAKE_CHAR | Access.MAKE_BLOCK | Access.IOCTL_DEV)
_DEVICE = Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_SINCE_ABI = {2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}
_ABI_WITH_NETWORK, _ABI_WITH_SCOPES = 4, 6
_BIND_TCP, _CONNECT_TCP = 0b01, 0b10
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_SYSTEM = (Path("/usr"), *SYSTEM_FOLDERS, *ETC)
_OTHER = (
    *(Path("/etc", name) for name in ("passwd", "group", "hosts", "nsswitch.conf")),
    *(Path("/etc", name) for name in ("debian_version", "lsb-release", "os-release")),
    *(Path("/proc", name) for name in ("cpuinfo", "meminfo", "stat")),
    Path("/sys/devices/system/cpu"),
)
_OUT_OF_REACH = (FileNotFoundError, NotADirectoryError, PermissionError)
"""A path that cannot be opened needs no rule."""
_DEVICES = tuple(Path("/dev", name) for name in ("null", "zero", "full", "random", "urandom"))


class LandlockSandbox:
    """Runs each command in a Landlock domain of its own, without sockets.

    Args:
        abi: Version of the kernel's interface to make use of; found out where it is not given.
        instead: Why there is nothing stronger, for the description.
        memory_bytes: Of a command with all that it started.

    Raises:
        SandboxError: the kernel has no Landlock, or there is no filter for this processor.
    """

    def __init__(
        self, abi: int | None = None, instead: str = "", memory_bytes: int = MAX_MEMORY_BYTES
    ) -> None:
        self._memory_bytes = memory_bytes
        self._abi = kernel_abi() if abi is None else abi
        self._handled = handled(self._abi)
        self._gaps = (*gaps(self._abi), *([instead] if instead else []))
        machine = MACHINES.get(platform.machine())
        if machine is None:
            raise SandboxError(f"there is no seccomp filter for the processor {platform.machine()!r}")
        self._filters = {
            False: filter_program(machine, Sockets.NONE),
            True: filter_program(machine, Sockets.HOST_NETWORK),
        }

    @property
    def level(self) -> SandboxLevel:
        """Files and network are confined; metadata and processes are not wholly."""
        return SandboxLevel.LIMITED

    @property
    def usable(self) -> bool:
        """Commands are run."""
        return True

    @property
    def description(self) -> str:
        """Names the kernel's version of Landlock and what it does not hold back."""
        return f"limited (Landlock ABI {self._abi} and seccomp; {'; '.join(self._gaps)})"

    async def run(self, command: Command) -> Execution:
        """Run a command in its tree; see the port."""
        async with scratch_folder() as scratch:
            seccomp_program = self._filters[command.network]
            with self._ruleset(command) as ruleset, memory_file(seccomp_program) as seccomp:
                await asyncio.to_thread(self._fill, ruleset, command, scratch)
                return await supervise(command, scratch, Confinement(ruleset, seccomp, self._memory_bytes))

    @contextmanager
    def _ruleset(self, command: Command) -> Iterator[int]:
        attributes = struct.pack("=Q", self._handled.value)
        if self._abi >= _ABI_WITH_NETWORK:
            attributes += struct.pack("=Q", _BIND_TCP if command.network else _BIND_TCP | _CONNECT_TCP)
        if self._abi >= _ABI_WITH_SCOPES:
            attributes += struct.pack("=Q", _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
        ruleset = _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
        try:
            yield ruleset
        finally:
            os.close(ruleset)

    def _fill(self, ruleset: int, command: Command, scratch: Path) -> None:
        for path in (*_SYSTEM, *_OTHER, *Path("/etc").glob("java-*"), *command.readable):
            self._allow(ruleset, path, _READ)
        if command.network:
            self._allow(ruleset, RESOLVER, _READ)
        for path in _DEVICES:
            self._allow(ruleset, path, _DEVICE)
        for path in (command.tree, scratch):
            self._allow(ruleset, path, _CHANGE)

    def _allow(self, ruleset: int, path: Path, access: Access) -> None:
        with suppress(*_OUT_OF_REACH), _opened(path) as descriptor:
            of_kind = access if stat.S_ISDIR(os.fstat(descriptor).st_mode) else access & _OF_FILES
            rule = struct.pack("=Qi", (of_kind & self._handled).value, descriptor)
            _syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))


def kernel_abi() -> int:
    """The version of Landlock that the kernel speaks, from 1.

    Raises:
        SandboxError: it was built or started without Landlock.
    """
    try:
        return _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))
    except SandboxError as error:
        raise SandboxError(f"the kernel has no Landlock, or it is switched off ({error})") from error


def handled(abi: int) -> Access:
    """All rights that a version knows: what is handled and not granted is refused."""
    rights = ~Access(0)
    for since, right in _SINCE_ABI.items():
        rights &= ~right if abi < since else rights
    return rights


def gaps(abi: int) -> tuple[str, ...]:
    """What the sandbox leaves open or takes away too much of, for a person."""
    by_version = {
        2: "files cannot be moved between folders (before Linux 5.19)",
        3: "your own files elsewhere can be emptied (before Linux 6.2)",
        6: "your other processes can be signalled (before Linux 6.12)",
    }
    always = ("no ports and no shared memory", "metadata of your own files is not protected")
    return always + tuple(text for since, text in by_version.items() if abi < since)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise SandboxError(f"system call {number}: {os.strerror(error)}")
    return result
