"""Stands between Anton and one command: confines it, waits for it, and ends all that it left behind.

Started as `python -I -S -B supervisor.py …`, with an empty environment, by `supervised.py`, which says what
the arguments are. It is a program of its own because the alternative, `preexec_fn`, runs Python between fork
and exec in a process that has threads, where any lock may be held for ever
(docs.python.org/3/library/subprocess.html). It imports nothing of Anton's, so that it starts in some 15 ms.

It is the reaper of orphans for everything below it (prctl(2), PR_SET_CHILD_SUBREAPER): a daemon that leaves
its session, group and parent becomes its child and is found again. SIGTERM tells it to end the command; the
kernel sends that, too, should Anton die.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_SUBREAPER = 1, 24, 36
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LANDLOCK_RESTRICT_SELF = 446
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
_FILTER_STEP_BYTES = 8
_NICENESS = 5
"""Whoever ends a command must get at the processor before it."""

_libc = ctypes.CDLL(None, use_errno=True)


class _FilterProgram(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def main(arguments: list[str]) -> int:
    """Supervise one command to its end; returns its exit code, 128 + n for signal n."""
    parent, status, ruleset, seccomp, processes, file_bytes, open_files = map(int, arguments[:7])
    border = arguments.index("--")
    environment = dict(word.split("=", 1) for word in arguments[7:border])
    _prctl(_PR_SET_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    watched = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    if os.getppid() != parent:  # Anton died before the kernel was asked to say so
        return 1
    child = os.fork()
    if child == 0:
        os.close(status)
        limits = (processes, file_bytes, open_files)
        _become(arguments[border + 1 :], environment, ruleset, seccomp, limits)
    exit_code = _wait(child, watched)
    _end_descendants()
    os.write(status, b'{"exit-code": %d}\n' % exit_code)
    return exit_code


def _become(
    argv: list[str], environment: dict[str, str], ruleset: int, seccomp: int, limits: tuple[int, int, int]
) -> None:
    """Turn this process into the command; does not return."""
    try:
        os.setsid()
        os.nice(_NICENESS)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _limit(*limits)
        if ruleset >= 0:
            _confine(ruleset, seccomp)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        _execute(argv, environment)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def _execute(argv: list[str], environment: dict[str, str]) -> None:
    """Like `os.execvpe`, which imports a module on the way: the standard library may be out of reach."""
    folders = [""] if "/" in argv[0] else [f"{folder}/" for folder in environment["PATH"].split(":")]
    failure: OSError = FileNotFoundError(errno.ENOENT, "command not found")
    for folder in folders:
        try:
            os.execve(folder + argv[0], argv, environment)  # noqa: S606 (what this is for)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            failure = error
    raise failure


def _limit(processes: int, file_bytes: int, open_files: int) -> None:
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: open_files,
    }
    for which, limit in limits.items():
        _, ceiling = resource.getrlimit(which)
        lowest = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
        resource.setrlimit(which, (lowest, lowest))


def _confine(ruleset: int, seccomp: int) -> None:
    program = os.read(seccomp, 1 << 16)
    _drop_capabilities()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _check(_libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)
    os.close(seccomp)
    steps = _FilterProgram(len(program) // _FILTER_STEP_BYTES, program)
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(steps)))


def _drop_capabilities() -> None:
    """Give up what root can do; an ordinary user has nothing to give up, and the kernel may say so."""
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(none)))


def _wait(child: int, watched: set[signal.Signals]) -> int:
    """Reap orphans until the command itself has ended, or until told to stop."""
    while signal.sigwait(watched) == signal.SIGCHLD:
        while (ended := _reap(os.WNOHANG))[0] > 0:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code
    return 128 + signal.SIGTERM


def _end_descendants() -> None:
    """Kill until there is no child left; orphans come to this process as their parents end.

    Whole groups at once, which the kernel does in one go; and only ever this process's own children, found
    with one read: a chain of processes that each fork and exit would stay ahead of a slower hunt.
    """
    while _children_left():
        for pid in _children():
            try:
                os.killpg(os.getpgid(pid), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        _reap(0)


def _children_left() -> bool:
    while (pid := _reap(os.WNOHANG)[0]) > 0:
        pass
    return pid == 0


def _reap(options: int) -> tuple[int, int]:
    """Process id and wait status of a child that ended; id 0 where none has yet, -1 where there is none."""
    try:
        return os.waitpid(-1, options)
    except ChildProcessError:
        return (-1, 0)


def _children() -> list[int]:
    own = os.getpid()
    try:
        return [int(word) for word in _content(f"/proc/{own}/task/{own}/children").split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        names = filter(str.isdecimal, os.listdir("/proc"))  # noqa: PTH208 (pathlib is slow to import)
        return [int(name) for name in names if _parent(name) == own]


def _parent(name: str) -> int:
    try:
        return int(_content(f"/proc/{name}/stat").rpartition(b")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def _content(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 (pathlib is slow to import)
        return file.read()


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0))


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
