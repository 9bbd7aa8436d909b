"""An agent's tree of files. Every file tool reaches files through here and in no other way.

Paths come from a model and are hostile: they are checked as text first (`relative_path`), and then opened
beneath the root in one step (`system/beneath.py`), so that no `..`, link or swap of one for the other leads
outside. All functions block; call them in a thread.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from pathlib import Path

from anton.core.errors import ToolError
from anton.system.beneath import Links, OpenBeneath, best_opener

SHOWN_ROOT = "/repo"
"""How commands name the root of the tree in their output."""
MAX_PATH_CHARACTERS = 1_024
MAX_FOLDER_ENTRIES = 50_000
"""Entries of one folder that are looked at."""

_REGULAR = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
"""A FIFO without a writer must not hold the reader up."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY


class Absent(ToolError):
    """Nothing is at that path."""


class Kind(Enum):
    """What an entry of a folder is."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "symbolic link"
    OTHER = "special file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder."""

    name: str
    kind: Kind
    size: int
    """Bytes; 0 for anything that is not a file."""
    target: str = ""
    """Of a link, as written in it."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """A regular file, read once."""

    path: str
    size: int
    """Bytes on disk when it was opened."""
    content: bytes
    """All of it, or its beginning where it is longer than was asked for."""

    @property
    def whole(self) -> bool:
        """Whether `content` is all there is."""
        return len(self.content) >= self.size


def relative_path(path: str) -> str:
    """The path from the root of the tree, without `.` and `..`; the root itself is `.`.

    `/repo/src/a.py`, as test output has it, and `./src/a.py` are both `src/a.py`.

    Raises:
        ToolError: the text cannot name anything inside the tree.
    """
    if not path.strip():
        raise ToolError(
            "the path is empty; give one relative to the root of the repository, such as 'src/a.py'"
        )
    if len(path) > MAX_PATH_CHARACTERS or not path.isprintable():
        raise ToolError(
            f"the path {path[:80]!r} is longer than {MAX_PATH_CHARACTERS:,} characters or holds characters "
            "that cannot be printed, such as a line end or NUL"
        )
    inner = path.removeprefix(SHOWN_ROOT) if path == SHOWN_ROOT or path.startswith(SHOWN_ROOT + "/") else path
    if (inner is path and path.startswith("/")) or path.startswith("~") or "://" in path:
        raise ToolError(
            f"{path!r} is not a path inside the repository; give one relative to its root, such as 'src/a.py'"
        )
    parts: list[str] = []
    for part in inner.split("/"):
        if part == "..":
            if not parts:
                raise ToolError(f"{path!r} leads outside the repository, which cannot be read or written")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or "."


def writable_path(path: str) -> str:
    """`relative_path` of a file that may be written: not the root, nothing of git's own.

    Raises:
        ToolError: it may not.
    """
    inside = relative_path(path)
    if inside == "." or path.endswith(("/", "/.")):
        raise ToolError(f"{path!r} names a folder; give the path of a file")
    if any(_is_git(part) for part in inside.split("/")):
        raise ToolError(f"{path!r} belongs to git itself and cannot be written")
    return inside


def _is_git(part: str) -> bool:
    """Whether some file system takes the name for `.git`."""
    return part.lower().rstrip(" .") in (".git", "git~1")


@dataclass(frozen=True, slots=True)
class Worktree:
    """The files beneath `root`."""

    root: Path
    opener: OpenBeneath = field(default_factory=best_opener)

    @contextmanager
    def opened(self, path: str, *, folder: bool = False, links: Links = Links.FOLLOW) -> Iterator[int]:
        """A descriptor of an existing file or folder, for the duration of the `with`.

        Args:
            path: As the model gave it.
            folder: Open only a folder; otherwise whatever is there, for reading.
            links: Whether links on the way may be followed; none leads outside either way.

        Raises:
            ToolError: there is nothing of that kind, or the path leads outside.
        """
        inside = relative_path(path)
        root = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            descriptor = self._open(root, inside, _FOLDER if folder else _REGULAR, links)
        finally:
            os.close(root)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, root: int, inside: str, flags: int, links: Links) -> int:
        try:
            return self.opener(root, inside, flags, links)
        except OSError as error:
            if error.errno == errno.ELOOP and links is Links.REFUSE:
                raise ToolError(self._names_link(root, inside)) from error
            raise _failure(error, inside) from error

    def _names_link(self, root: int, inside: str) -> str:
        """Which component is the link, so that the model can name the real path."""
        parts = inside.split("/")
        for end in range(1, len(parts) + 1):
            above = "/".join(parts[: end - 1]) or "."
            with suppress(OSError):
                folder = self.opener(root, above, os.O_PATH | os.O_DIRECTORY, Links.REFUSE)
                try:
                    target = os.readlink(parts[end - 1], dir_fd=folder)
                finally:
                    os.close(folder)
                link = "/".join(parts[:end])
                return (
                    f"{link!r} is a symbolic link to {printable(target)!r}; use the path of the file itself"
                )
        return f"{inside!r} goes through a symbolic link; use the path of the file itself"

    def read(self, path: str, max_bytes: int) -> FileContent:
        """A regular file's content, cut at `max_bytes`.

        Raises:
            ToolError: there is no such regular file inside the tree.
        """
        with self.opened(path) as descriptor:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ToolError(_not_a_file(relative_path(path), found.st_mode))
            with open(descriptor, "rb", closefd=False) as stream:
                return FileContent(relative_path(path), found.st_size, stream.read(max_bytes))

    def kind(self, path: str) -> Kind:
        """What the path names, links followed.

        Raises:
            ToolError: nothing inside the tree.
        """
        with self.opened(path) as descriptor:
            return _kind(os.fstat(descriptor).st_mode)

    def entries(self, path: str) -> tuple[Entry, ...]:
        """What a folder holds, folders first, then by name; at most MAX_FOLDER_ENTRIES.

        Raises:
            ToolError: there is no such folder inside the tree.
        """
        with self.opened(path, folder=True) as descriptor, os.scandir(descriptor) as scan:
            found = [
                entry for item in islice(scan, MAX_FOLDER_ENTRIES) if (entry := _entry(item, descriptor))
            ]
        return tuple(sorted(found, key=lambda entry: (entry.kind is not Kind.FOLDER, entry.name)))

    def write(self, path: str, content: bytes) -> None:
        """Create a file or replace it in one step; missing folders are made, its mode is kept.

        Nothing is written through a link: neither through a linked folder nor over a linked file.

        Raises:
            ToolError: the path cannot be written.
        """
        inside = writable_path(path)
        folder, _, name = inside.rpartition("/")
        if folder:
            self._make_folders(folder)
        with self.opened(folder or ".", folder=True, links=Links.REFUSE) as parent:
            try:
                _replace(parent, name, content, _mode_to_keep(parent, name, inside))
            except OSError as error:
                raise ToolError(_explain(error, inside)) from error

    def remove(self, path: str) -> None:
        """Remove a regular file; its folder stays.

        Raises:
            ToolError: there is no such file, or it is a link or reached through one.
        """
        inside = writable_path(path)
        folder, _, name = inside.rpartition("/")
        with self.opened(folder or ".", folder=True, links=Links.REFUSE) as parent:
            try:
                _require_file(parent, name, inside)
                os.unlink(name, dir_fd=parent)
            except OSError as error:
                raise _failure(error, inside) from error

    def move(self, path: str, to: str) -> None:
        """Give a regular file another path; missing folders are made, content and mode stay.

        Raises:
            ToolError: there is no such file, something is at the new path, or a link is on the way.
        """
        inside, target = writable_path(path), writable_path(to)
        folder, _, name = inside.rpartition("/")
        new_folder, _, new_name = target.rpartition("/")
        with self.opened(folder or ".", folder=True, links=Links.REFUSE) as parent:
            try:
                _require_file(parent, name, inside)
                if new_folder:
                    self._make_folders(new_folder)
                with self.opened(new_folder or ".", folder=True, links=Links.REFUSE) as new_parent:
                    # A link is never made over something, as a renaming is.
                    os.link(name, new_name, src_dir_fd=parent, dst_dir_fd=new_parent, follow_symlinks=False)
                    os.unlink(name, dir_fd=parent)
            except FileExistsError as error:
                raise ToolError(f"there is a {target!r} already; remove it first") from error
            except OSError as error:
                raise _failure(error, inside) from error

    def _make_folders(self, folder: str) -> None:
        made = "."
        for part in folder.split("/"):
            with self.opened(made, folder=True, links=Links.REFUSE) as parent:
                try:
                    os.mkdir(part, 0o755, dir_fd=parent)
                except FileExistsError:
                    pass  # what it is, if it is no folder, is told when it is opened next
                except OSError as error:
                    raise ToolError(_explain(error, folder)) from error
            made = f"{made}/{part}"


def printable(text: str) -> str:
    """A file's name or a link's target as a model can be shown it: one line of valid UTF-8."""
    return "".join(
        c if c.isprintable() else "".join(f"\\x{byte:02x}" for byte in c.encode("utf-8", "surrogateescape"))
        for c in text
    )


def _kind(mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    if stat.S_ISREG(mode):
        return Kind.FILE
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER


def _entry(item: os.DirEntry[str], folder: int) -> Entry | None:
    try:
        found = item.stat(follow_symlinks=False)
        kind = _kind(found.st_mode)
        target = os.readlink(item.name, dir_fd=folder) if kind is Kind.LINK else ""
    except OSError:
        return None  # gone, or replaced, since the folder was read
    return Entry(item.name, kind, found.st_size if kind is Kind.FILE else 0, target)


def _mode_to_keep(parent: int, name: str, inside: str) -> int:
    try:
        return _require_file(parent, name, inside) & 0o777
    except FileNotFoundError:
        return 0o644


def _require_file(parent: int, name: str, inside: str) -> int:
    """The mode of what must be a regular file and no link."""
    mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        target = printable(os.readlink(name, dir_fd=parent))
        raise ToolError(f"{inside!r} is a symbolic link to {target!r}; write to the file itself")
    if not stat.S_ISREG(mode):
        raise ToolError(_not_a_file(inside, mode))
    return stat.S_IMODE(mode)


def _replace(parent: int, name: str, content: bytes, mode: int) -> None:
    """Write beside, then rename over: readers see the old file or the new one, hard links are parted."""
    beside = f".anton-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(beside, flags, 0o600, dir_fd=parent)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor has no path
            stream.write(content)
            os.fchmod(descriptor, mode)
        os.rename(beside, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside, dir_fd=parent)
        raise


def _not_a_file(inside: str, mode: int) -> str:
    kind = _kind(mode)
    advice = "; use list_dir to see what is in it" if kind is Kind.FOLDER else ""
    return f"{inside!r} is a {kind.value}, not a regular file{advice}"


_EXPLANATIONS = {
    errno.EXDEV: "{path} leads outside the repository through a symbolic link, which is refused",
    errno.ELOOP: "{path} goes through too many symbolic links, or through one that is refused",
    errno.ENOENT: "there is no {path}",
    errno.ENOTDIR: "{path} is not a folder, or a part of it is not",
    errno.EISDIR: "{path} is a folder",
    errno.ENXIO: "{path} is a special file, not a regular file",
}


def _failure(error: OSError, inside: str) -> ToolError:
    return (Absent if error.errno == errno.ENOENT else ToolError)(_explain(error, inside))


def _explain(error: OSError, inside: str) -> str:
    known = _EXPLANATIONS.get(error.errno or 0)
    if known:
        return known.format(path=repr(inside))
    return f"{inside!r} cannot be opened: {os.strerror(error.errno or 0)}"


def is_folder(worktree: Worktree, path: str) -> bool:
    """Whether there is a folder at a path that no link is part of, so that `..` is what the path says."""
    with suppress(ToolError), worktree.opened(path, folder=True, links=Links.REFUSE):
        return True
    return False


def standing(worktree: Worktree, folder: str) -> str:
    """Where a shell stands that was left in a folder: its root, where that folder is gone."""
    return folder if folder and is_folder(worktree, folder) else ""
