"""A seccomp filter as bytes: which system calls a confined command may make.

What is refused is what widens a sandbox from the inside: new namespaces and mounts, looking into other
processes, io_uring (it opens sockets without the system call), keyrings, kernel modules, clocks, and pushing
characters into the terminal. `clone3` passes its flags in memory, where no filter can read them; it answers
ENOSYS, on which the C libraries fall back to `clone`.

Sources: seccomp(2), linux/filter.h, linux/audit.h, arch/x86/entry/syscalls/syscall_64.tbl,
asm-generic/unistd.h.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum


class Sockets(Enum):
    """Which sockets a command may make; `socketpair` is always allowed."""

    OWN_NETWORK = "own network"
    """UNIX, IP and netlink, for a command in a network namespace of its own."""
    HOST_NETWORK = "host network"
    """IP and netlink, for a command that fetches packages. No UNIX sockets, which would lead to the user's
    other programs, and no shared memory."""
    NONE = "none"
    """None at all, and no memory shared through System V or POSIX queues either: there is no namespace."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the filter must know of a processor."""

    audit_arch: int
    numbers: Mapping[str, int]
    x32_bit: int | None = None
    """System calls from here up belong to the x32 variant, which would go round the filter."""


_X86_64 = {
    "ioctl": 16, "shmget": 29, "shmat": 30, "shmctl": 31, "socket": 41, "clone": 56, "semget": 64,
    "msgget": 68, "ptrace": 101, "syslog": 103, "ustat": 136, "personality": 135, "adjtimex": 159,
    "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165,
    "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170,
    "setdomainname": 171, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176,
    "quotactl": 179, "clock_settime": 227, "mq_open": 240, "kexec_load": 246, "add_key": 248,
    "request_key": 249, "keyctl": 250, "migrate_pages": 256, "unshare": 272, "move_pages": 279,
    "perf_event_open": 298, "fanotify_init": 300, "prlimit64": 302, "name_to_handle_at": 303,
    "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308, "process_vm_readv": 310,
    "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
    "userfaultfd": 323,
}  # fmt: skip
_AARCH64 = {
    "ioctl": 29, "umount2": 39, "mount": 40, "pivot_root": 41, "chroot": 51, "quotactl": 60, "acct": 89,
    "personality": 92, "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106,
    "clock_settime": 112, "syslog": 116, "ptrace": 117, "reboot": 142, "sethostname": 161,
    "setdomainname": 162, "settimeofday": 170, "adjtimex": 171, "mq_open": 180, "msgget": 186,
    "semget": 190, "shmget": 194, "shmctl": 195, "shmat": 196, "socket": 198, "add_key": 217,
    "request_key": 218, "keyctl": 219, "clone": 220, "swapon": 224, "swapoff": 225, "migrate_pages": 238,
    "move_pages": 239, "perf_event_open": 241, "prlimit64": 261, "fanotify_init": 262,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "clock_adjtime": 266, "setns": 268,
    "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "bpf": 280,
    "userfaultfd": 282, "kexec_file_load": 294,
}  # fmt: skip
_SINCE_5_1 = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "clone3": 435,
    "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442, "quotactl_fd": 443,
    "process_mrelease": 448, "open_tree_attr": 467,
}  # fmt: skip
"""Linux numbers new system calls alike on all processors."""

MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(0xC000003E, _X86_64 | _SINCE_5_1, x32_bit=0x40000000),
    "aarch64": Machine(0xC00000B7, _AARCH64 | _SINCE_5_1),
}
"""By the name that `platform.machine()` gives."""

_JUDGED = frozenset({"clone", "clone3", "ioctl", "socket", "prlimit64"})
"""Allowed or refused by their arguments."""
_SHARED_MEMORY = frozenset({"shmget", "shmat", "shmctl", "semget", "msgget", "mq_open"})
"""Refused only where there is no IPC namespace, as other programs of the user are at the other end."""
_NAMESPACE_FLAGS = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET together."""
_TERMINAL_INJECTION = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which type into the terminal that Anton was started from."""
_IP = (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
_FAMILIES = {Sockets.OWN_NETWORK: (socket.AF_UNIX, *_IP), Sockets.HOST_NETWORK: _IP}

_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`; the low half of an argument comes first on both machines."""
_LOAD, _JUMP, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000


def filter_program(machine: Machine, sockets: Sockets) -> bytes:
    """The filter as an array of `struct sock_filter`, as bubblewrap and `PR_SET_SECCOMP` take it."""
    number = machine.numbers
    code = [_load(_ARCH), _step(_EQUAL, machine.audit_arch, 1, 0), _step(_RETURN, _KILL), _load(_NUMBER)]
    if machine.x32_bit is not None:
        code += [_step(_AT_LEAST, machine.x32_bit, 0, 1), _refuse(errno.ENOSYS)]
    code += [_step(_EQUAL, number["clone3"], 0, 1), _refuse(errno.ENOSYS)]
    code += _refuse_any(_refused(machine, sockets))
    code += _when(number["clone"], 0, [_step(_ANY_BIT, _NAMESPACE_FLAGS, 0, 1), _refuse(errno.EPERM)])
    code += _when(number["ioctl"], 1, _refuse_any(_TERMINAL_INJECTION))
    if sockets in _FAMILIES:
        code += _when(number["socket"], 0, _allow_only(_FAMILIES[sockets], errno.EAFNOSUPPORT))
    if sockets is not Sockets.OWN_NETWORK:
        code += _when(number["prlimit64"], 0, _allow_only((0,), errno.EPERM))
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _refused(machine: Machine, sockets: Sockets) -> list[int]:
    refused = machine.numbers.keys() - _JUDGED
    refused = refused - _SHARED_MEMORY if sockets is Sockets.OWN_NETWORK else refused
    refused = refused | {"socket"} if sockets is Sockets.NONE else refused
    return sorted(machine.numbers[name] for name in refused)


def _when(number: int, argument: int, judgement: list[bytes]) -> list[bytes]:
    """For one system call load an argument and judge it; what the judgement lets through is allowed."""
    body = [_load(_ARGUMENTS + 8 * argument), *judgement, _step(_RETURN, _ALLOW)]
    return [_step(_EQUAL, number, 0, len(body)), *body]


def _refuse_any(values: Iterable[int]) -> list[bytes]:
    values = tuple(values)
    tests = [_step(_EQUAL, value, len(values) - index, 0) for index, value in enumerate(values)]
    return [*tests, _step(_JUMP, 1), _refuse(errno.EPERM)]


def _allow_only(values: Iterable[int], error: int) -> list[bytes]:
    values = tuple(values)
    return [
        *(_step(_EQUAL, value, len(values) - index, 0) for index, value in enumerate(values)),
        _refuse(error),
    ]


def _refuse(error: int) -> bytes:
    return _step(_RETURN, _ERRNO | error)


def _load(offset: int) -> bytes:
    return _step(_LOAD, offset)


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)
