"""Reads and writes the files of a worktree: plain bytes, beneath one folder, following no symbolic link.

A sandbox has written there, so names, types and sizes are whatever it pleased. Files are opened folder by
folder with `O_NOFOLLOW`: what is checked is what is opened. Git itself never sees the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from anton.adapters.repository.listing import GITLINK, SYMLINK, Entry, Listing
from anton.core.errors import OutsideError

MAX_FILE_BYTES = 50_000_000
"""Of a file that a worktree may bring into the repository."""
JUNK = frozenset({"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"})
"""Folders that running a suite leaves behind; taken only where the base tracks something in them."""
TICK_NANOSECONDS = 20_000_000
"""Two changes closer than this may carry the same time, so a younger file is read again next time."""
CHUNK_BYTES = 1 << 20

Signature = tuple[int, int, int, int, int]


def signature(status: os.stat_result) -> Signature:
    """What changes whenever a file does: the change time cannot be set back."""
    return (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass(slots=True)
class Memory:
    """What is known of a folder's files, so that unchanged ones are not read again."""

    files: dict[str, tuple[Signature, str]] = field(default_factory=dict)
    """Signature and object id by path; the mirror has every one of these objects."""
    taken: tuple[str, Mapping[str, Entry], str] | None = None
    """The last snapshot: the base's tree, the files, and the tree that they amount to."""

    def recall(self, path: str, status: os.stat_result) -> str | None:
        """The id of a file that has not changed since it was read or written."""
        known = self.files.get(path)
        return known[1] if known and known[0] == signature(status) else None

    def note(self, path: str, status: os.stat_result, object_id: str, as_of: int) -> None:
        """Remember a file as it was at `as_of`, unless it was so young that a change could go unseen."""
        if status.st_ctime_ns < as_of - TICK_NANOSECONDS:
            self.files[path] = (signature(status), object_id)


class FolderCursor:
    """Opens what is beneath a folder, following no symbolic link; stays in the folder it was in last."""

    def __init__(self, folder: Path) -> None:
        self._root = os.open(folder, _FOLDER)
        self._last = ""
        self._descriptor = self._root

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()
        os.close(self._root)

    def parent(self, path: str, *, create: bool = False) -> int:
        """Descriptor of the folder that holds `path`; good until the next call."""
        name = os.path.dirname(path)  # noqa: PTH120 - a path inside the repository, never resolved by itself
        if name != self._last:
            self._let_go()
            if name:
                self._descriptor = self._walk(name.split("/"), create=create)
                self._last = name
        return self._descriptor

    def read(self, path: str) -> tuple[os.stat_result, BinaryIO | bytes]:
        """A file opened for reading, or a symbolic link's target."""
        parent, name = self.parent(path), path.rpartition("/")[2]
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return status, os.fsencode(os.readlink(name, dir_fd=parent))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.fdopen(os.open(name, flags, dir_fd=parent), "rb", buffering=0)
        return os.fstat(file.fileno()), file

    def write(self, path: str, entry: Entry, content: Iterable[bytes]) -> os.stat_result:
        """Put a file, or a symbolic link, where there is none."""
        parent, name = self.parent(path, create=True), path.rpartition("/")[2]
        if entry.mode == SYMLINK:
            os.symlink(b"".join(content), os.fsencode(name), dir_fd=parent)
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        permissions = 0o777 if entry.mode == "100755" else 0o666
        with os.fdopen(os.open(name, flags, permissions, dir_fd=parent), "wb", buffering=0) as file:
            for chunk in content:
                file.write(chunk)
            return os.fstat(file.fileno())

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        parent, name = self.parent(path), path.rpartition("/")[2]
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            shutil.rmtree(name, dir_fd=parent)
        else:
            os.unlink(name, dir_fd=parent)

    def make(self, path: str) -> None:
        """Make a folder and those above it."""
        self.parent(f"{path}/.", create=True)

    def _walk(self, parts: list[str], *, create: bool) -> int:
        current = os.dup(self._root)
        for part in parts:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=current)
            try:
                following = os.open(part, _FOLDER, dir_fd=current)
            finally:
                os.close(current)
            current = following
        return current

    def _let_go(self) -> None:
        if self._descriptor != self._root:
            os.close(self._descriptor)
        self._descriptor, self._last = self._root, ""


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def scan(folder: Path, base: Listing) -> dict[str, os.stat_result]:
    """Files, symbolic links and submodules' folders in a worktree; without `.git`, junk and devices."""
    found: dict[str, os.stat_result] = {}
    for path, status in _walk(folder, base):
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            if not path.endswith(".pyc") or path in base.entries:
                found[path] = status
        elif stat.S_ISDIR(status.st_mode):
            found[path] = status
    return found


def _walk(folder: Path, base: Listing) -> Iterator[tuple[str, os.stat_result]]:
    """All but folders; of folders only those of submodules."""
    left = [""]
    while left:
        above = left.pop()
        with os.scandir(folder / above) as items:
            for item in items:
                path = f"{above}/{item.name}" if above else item.name
                if item.name.lower() == ".git":
                    continue
                if not item.is_dir(follow_symlinks=False) or base.mode(path) == GITLINK:
                    yield path, item.stat(follow_symlinks=False)
                elif item.name not in JUNK or path in base.folders:
                    left.append(path)


def collect(
    folder: Path, found: Mapping[str, os.stat_result], base: Listing, memory: Memory, passing: Path
) -> tuple[dict[str, Entry], dict[str, str]]:
    """The entries that files amount to; what the repository may not have yet is copied to `passing`.

    Returns:
        Entries by path, and the name in `passing` by object id.

    Raises:
        OutsideError: a file is too large, or changed while it was read.
    """
    as_of = time.time_ns()
    known = {entry.id for entry in base.entries.values()} | {
        known_id for _, known_id in memory.files.values()
    }
    entries: dict[str, Entry] = {}
    copies: dict[str, str] = {}
    with FolderCursor(folder) as cursor:
        for path, seen in found.items():
            if stat.S_ISDIR(seen.st_mode):
                entries[path] = base.entries[path]
                continue
            object_id = memory.recall(path, seen)
            if object_id is None:
                seen, object_id, content = _load(cursor, path, base)
                if object_id not in known and object_id not in copies:
                    if content is None:
                        raise _too_large(path, seen.st_size)
                    copies[object_id] = str(len(copies))
                    (passing / copies[object_id]).write_bytes(content)
                memory.note(path, seen, object_id, as_of)
            entries[path] = Entry(_mode(seen), object_id)
    return entries, copies


def _load(cursor: FolderCursor, path: str, base: Listing) -> tuple[os.stat_result, str, bytes | None]:
    """A file's status, object id and content; the content of a tracked file may be too large to have."""
    status, file = cursor.read(path)
    if isinstance(file, bytes):
        return status, blob_id(base.hash_name, len(file), [file]), file
    with file:
        if not stat.S_ISREG(status.st_mode):
            raise OutsideError(f"{path!r} became something else while it was read. Take the snapshot again.")
        if status.st_size > MAX_FILE_BYTES:
            if path not in base.entries:
                raise _too_large(path, status.st_size)
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            return status, blob_id(base.hash_name, status.st_size, chunks), None
        content = file.read(status.st_size + 1)
        while len(content) < status.st_size and (more := file.read(status.st_size + 1 - len(content))):
            content += more
        if len(content) != status.st_size:
            raise OutsideError(f"{path!r} changed while it was read. Take the snapshot again.")
        return status, blob_id(base.hash_name, len(content), [content]), content


def settle(folder: Path, wanted: Listing, memory: Memory) -> list[str]:
    """Remove from a folder what is not wanted there, and make the folders of submodules.

    Returns:
        Paths of the files that are missing now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    as_of = time.time_ns()
    good: set[str] = set()
    with FolderCursor(folder) as cursor:
        left = [""]
        while left:
            above = left.pop()
            with os.scandir(folder / above) as items:
                for item in items:
                    path = f"{above}/{item.name}" if above else item.name
                    if path in wanted.folders and item.is_dir(follow_symlinks=False):
                        left.append(path)
                    elif _is_as_wanted(cursor, path, item, wanted, memory, as_of):
                        good.add(path)
                    else:
                        cursor.remove(path)
        for path, entry in wanted.entries.items():
            if entry.mode == GITLINK:
                cursor.make(path)
    return [p for p, entry in wanted.entries.items() if p not in good and entry.mode != GITLINK]


def _is_as_wanted(
    cursor: FolderCursor, path: str, item: os.DirEntry[str], wanted: Listing, memory: Memory, as_of: int
) -> bool:
    entry = wanted.entries.get(path)
    status = item.stat(follow_symlinks=False)
    if not entry or not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return False
    if _mode(status) != entry.mode:
        return False
    object_id = memory.recall(path, status)
    if object_id is None:
        status, object_id, _ = _load(cursor, path, wanted)
        if object_id == entry.id:
            memory.note(path, status, object_id, as_of)
    return object_id == entry.id


def write(folder: Path, paths: Iterable[str], wanted: Listing, batch: BinaryIO, memory: Memory) -> None:
    """Write files from the output of `git cat-file --batch` for the ids of `paths`, in that order."""
    written = []
    with FolderCursor(folder) as cursor:
        for path in paths:
            entry = wanted.entries[path]
            written.append((path, cursor.write(path, entry, blob(batch, entry.id)), entry.id))
    as_of = time.time_ns()
    for path, status, object_id in written:
        memory.note(path, status, object_id, as_of)


def blob(batch: BinaryIO, object_id: str) -> Iterator[bytes]:
    """The next object in the output of `git cat-file --batch`, in chunks."""
    header = batch.readline().split()
    if len(header) != 3 or header[0].decode() != object_id:
        raise OutsideError(f"The mirror lacks the object {object_id}. Remove the mirror and start again.")
    left = int(header[2])
    while left:
        chunk = batch.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise OutsideError(f"git ended in the middle of the object {object_id}. Try again.")
        left -= len(chunk)
        yield chunk
    batch.read(1)


def blob_id(hash_name: str, size: int, content: Iterable[bytes]) -> str:
    """The object id of a file's content, as git computes it."""
    digest = hashlib.new(hash_name, b"blob %d\0" % size, usedforsecurity=False)
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()


def _mode(status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return SYMLINK
    return "100755" if status.st_mode & 0o100 else "100644"


def _too_large(path: str, size: int) -> OutsideError:
    return OutsideError(
        f"{path!r} has {size:,} bytes; a file of more than {MAX_FILE_BYTES:,} bytes is not taken into the "
        "repository. Remove it, or name it in .gitignore."
    )
