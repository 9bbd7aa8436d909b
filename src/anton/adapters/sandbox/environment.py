"""What a command finds in its environment, and the limits that it runs under, in every sandbox."""

from __future__ import annotations

from pathlib import Path

from anton.ports import Command

SYSTEM_FOLDERS = tuple(map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64")))
"""Beside /usr, into which most distributions link them."""
ETC = tuple(
    Path("/etc", name)
    for name in (
        "alternatives",
        "ca-certificates",
        "fonts",
        "ld.so.cache",
        "localtime",
        "mime.types",
        "pki/tls",
        "ssl",
    )
)
"""What programs read and what says nothing about the machine or its users; not all are on every machine."""
RESOLVER = Path("/etc/resolv.conf")
"""Where names are looked up; only for a command that may use the network."""
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
MAX_PROCESSES = 256
"""Of one command. The kernel does not count root's processes against it (setrlimit(2), RLIMIT_NPROC)."""
MAX_FILE_BYTES = 1 << 30
MAX_OPEN_FILES = 1024


def environment(command: Command, home: str, temporary: str) -> dict[str, str]:
    """All variables that a command gets: a small set of ours, and the command's own on top.

    Nothing of Anton's own environment is in it: this is a list of what goes in, not of what stays out.
    """
    folders = [str(path / "bin") for path in command.readable if (path / "bin").is_dir()]
    ours = {
        "PATH": ":".join([*folders, *SYSTEM_PATH]),
        "HOME": home,
        "TMPDIR": temporary,
        "USER": "anton",
        "LOGNAME": "anton",
        "LANG": "C.UTF-8",
        "CI": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",  # git gives up on a file that is forbidden, as by Landlock
    }
    return ours | dict(command.env)
