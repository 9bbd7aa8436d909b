"""Throw-away trees: untrusted code has run in them, so nothing in them is opened by following a link.

Every path is opened beneath its tree; a link on the way, a FIFO or a device in the place of a report is no
report.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from anton.ports import Repository
from anton.system.beneath import Links, best_opener
from anton.system.cancellation import to_its_end
from anton.system.child import child

MAX_REPORT_FILES = 2_000
"""Of a folder of reports, such as surefire's."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


@asynccontextmanager
async def scratch_tree(repository: Repository, tree_sha: str, workspace: Path) -> AsyncIterator[Path]:
    """A fresh folder with the files of a git tree, removed at the end whatever was done to it.

    Neither making nor removing it is cut short by a cancellation: files would be left behind.
    """
    folder = workspace / f"tree-{secrets.token_hex(8)}"
    try:
        await to_its_end(_make(repository, tree_sha, folder))
        yield folder
    finally:
        await to_its_end(remove_folder(folder))


async def _make(repository: Repository, tree_sha: str, folder: Path) -> None:
    await asyncio.to_thread(folder.mkdir, parents=True)
    await repository.export(tree_sha, folder)


async def remove_folder(folder: Path) -> None:
    """Remove a folder that may be nested thousands deep or hold folders without permissions.

    `rm` keeps neither a stack nor a descriptor for each level, which `shutil.rmtree` does.
    """
    for command in (("/bin/rm", "-rf"), ("/bin/chmod", "-R", "u+rwX"), ("/bin/rm", "-rf")):
        async with child(*command, "--", _absolute(folder), env={}) as process:
            if await process.wait() == 0 and command[0] == "/bin/rm":
                return


def _absolute(folder: Path) -> str:
    return str(folder.absolute())


def read_reports(folder: Path, path: str, max_bytes: int) -> tuple[bytes, ...]:
    """The content of a report file, or of all `*.xml` of a report folder, by name.

    Args:
        folder: The throw-away tree.
        path: Relative to it.
        max_bytes: Of all files together; what is longer comes one byte too long, for the reader to refuse.

    Returns:
        Nothing where there is no such file, or something that is not a plain file or folder.
    """
    try:
        with _opened_parent(folder, path) as (parent, name), _opened(name, parent) as file:
            if stat.S_ISDIR(os.fstat(file).st_mode):
                return _read_folder(file, max_bytes)
            return _read_file(file, max_bytes)
    except OSError:
        return ()


def delete_report(folder: Path, path: str) -> None:
    """Remove what the repository itself holds in the report's place."""
    try:
        with _opened_parent(folder, path) as (parent, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)
    except OSError:
        return


def _read_folder(folder: int, max_bytes: int) -> tuple[bytes, ...]:
    found: list[bytes] = []
    left = max_bytes
    names = sorted(name for name in os.listdir(folder) if name.endswith(".xml"))
    for name in names[:MAX_REPORT_FILES]:
        with _opened(name, folder) as file:
            found += _read_file(file, left)
        left -= len(found[-1]) if found else 0
        if left < 0:
            break
    return tuple(found)


def _read_file(file: int, max_bytes: int) -> tuple[bytes, ...]:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        return ()
    with os.fdopen(os.dup(file), "rb") as stream:
        return (stream.read(max(max_bytes, 0) + 1),)


@contextmanager
def _opened(path: str, root: int, flags: int = os.O_RDONLY | os.O_NONBLOCK) -> Iterator[int]:
    descriptor = best_opener()(root, path, flags, Links.REFUSE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened_parent(folder: Path, path: str) -> Iterator[tuple[int, str]]:
    """The descriptor of the folder that a path's last part lies in, and that part."""
    above, _, name = path.strip("/").rpartition("/")
    root = os.open(folder, _FOLDER | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with _opened(above or ".", root, _FOLDER) as parent:
            yield parent, name
    finally:
        os.close(root)
