"""Looks at somebody else's repository without reading a single one of its settings as settings.

A lens is a git directory of ours whose objects and references are symbolic links into theirs: git finds their
commits, and our configuration. Hooks, filters, fsmonitor, textconv, sshCommand, insteadOf, includes and
whatever else a `.git/config` can name therefore do not exist, neither for us nor for the `upload-pack` and
`receive-pack` that git starts in it. Nothing is written through it but by a push.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anton.core.errors import RepositoryUnusable

MAX_FILE_BYTES = 1_000_000
"""Of a repository's `config`, `HEAD` and the like."""

_PASSIVE = ("autocrlf", "eol", "filemode", "ignorecase", "sharedrepository", "symlinks", "trustctime")
"""Settings of `[core]` that say how files are stored and can execute nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a repository keeps its things."""

    git_dir: Path
    """With `HEAD` and the index."""
    common_dir: Path
    """With objects, references and the configuration; another folder for a linked worktree."""
    worktree: Path | None
    """None for a bare repository."""


def locate(path: Path) -> Place:
    """The repository whose root is `path`.

    Raises:
        RepositoryUnusable: there is none, or it cannot be read.
    """
    try:
        return _locate(path)
    except OSError as error:
        raise RepositoryUnusable(
            f"{str(path)!r} cannot be read ({error.strerror}). Give this user read access, "
            "or run Anton as its owner."
        ) from error


def _locate(path: Path) -> Place:
    if not path.exists():
        raise RepositoryUnusable(f"{str(path)!r} does not exist. Name the folder of a git repository.")
    inner = path / ".git"
    if inner.is_dir():
        return _checked(path, Place(inner, _common(inner), path))
    if inner.is_file():
        target = read_small(inner).decode("utf-8", "surrogateescape").removeprefix("gitdir:").strip()
        git_dir = Path(os.path.normpath(path / target))
        return _checked(path, Place(git_dir, _common(git_dir), path))
    if _holds_repository(path):
        return Place(path, path, None)
    for parent in path.absolute().parents:
        if (parent / ".git").exists():
            raise RepositoryUnusable(
                f"{str(path)!r} is inside the git repository {str(parent)!r}. Name that folder instead."
            )
    raise RepositoryUnusable(
        f"{str(path)!r} is not a git repository. Name the folder that holds its `.git`, "
        "or run `git init` there."
    )


def _common(git_dir: Path) -> Path:
    pointer = git_dir / "commondir"
    if not pointer.exists():
        return git_dir
    return Path(os.path.normpath(git_dir / os.fsdecode(read_small(pointer).strip())))


def _checked(path: Path, place: Place) -> Place:
    if not _holds_repository(place.common_dir) or not (place.git_dir / "HEAD").is_file():
        raise RepositoryUnusable(
            f"{str(path)!r} is not a git repository: its `.git` leads to {str(place.git_dir)!r}, which lacks "
            "HEAD, objects or refs. Clone it afresh."
        )
    return place


def _holds_repository(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def read_small(path: Path) -> bytes:
    """A small regular file's content; waits for no FIFO.

    Raises:
        OSError: it cannot be read.
        RepositoryUnusable: it is no regular file, or too large to be what its name says.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_BYTES:
            raise RepositoryUnusable(
                f"{str(path)!r} is not a regular file of at most {MAX_FILE_BYTES:,} bytes. "
                "Clone the repository afresh."
            )
        return file.read(MAX_FILE_BYTES)


def object_format(path: Path, settings: Mapping[str, str]) -> str:
    """`sha1` or `sha256`.

    Raises:
        RepositoryUnusable: the repository stores its references or objects in a way that is not known here.
    """
    found = settings.get("extensions.objectformat", "sha1").lower()
    references = settings.get("extensions.refstorage", "files").lower()
    if found not in ("sha1", "sha256") or references != "files":
        raise RepositoryUnusable(
            f"{str(path)!r} stores objects as {found!r} and references as {references!r}; Anton reads sha1 "
            "and sha256, and files. Give it a plain clone."
        )
    return found


def build(folder: Path, place: Place, settings: Mapping[str, str], hash_name: str) -> None:
    """Make `folder`, which must not exist, a lens on a repository."""
    (folder / "info").mkdir(parents=True, mode=0o700)
    (folder / "HEAD").write_bytes(read_small(place.git_dir / "HEAD"))
    (folder / "config").write_text(_config(settings, hash_name))
    for name in ("objects", "refs", "packed-refs", "shallow", "info/exclude", "info/attributes"):
        (folder / name).symlink_to(place.common_dir.absolute() / name)


def copy_index(place: Place, lens: Path) -> None:
    """Copy the index, with its time, by which git tells which of its entries may be out of date."""
    shared = [path for path in place.git_dir.glob("sharedindex.*") if path.is_file()]
    for source in (place.git_dir / "index", *shared):
        if source.is_file():
            shutil.copy2(source, lens / source.name)


def _config(settings: Mapping[str, str], hash_name: str) -> str:
    passive = [
        f"{name} = {settings[f'core.{name}']}"
        for name in _PASSIVE
        if re.fullmatch(r"[A-Za-z0-9]{1,10}", settings.get(f"core.{name}", ""))
    ]
    lines = ["[core]", f"repositoryformatversion = {int(hash_name != 'sha1')}", "bare = true", *passive]
    lines += ["useReplaceRefs = false", "logAllRefUpdates = false", "safecrlf = false"]
    if hash_name != "sha1":
        lines += ["[extensions]", f"objectFormat = {hash_name}"]
    lines += ["[uploadpack]", "allowAnySHA1InWant = true", "[receive]", "autogc = false", "[gc]", "auto = 0"]
    return "\n".join(lines) + "\n"
