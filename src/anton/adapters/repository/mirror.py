"""The bare repository that is ours alone, and the room for passing files inside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anton.adapters.repository.command import Git, require
from anton.core.errors import OutsideError
from anton.system.files import put_folder
from anton.system.locks import try_lock

ATTRIBUTES = "* !diff !merge -text !eol -ident -filter -working-tree-encoding !export-subst !whitespace\n"
"""`info/attributes` beats every `.gitattributes`: content is bytes, and no file hides from a diff."""
LEFTOVER_SECONDS = 86_400.0
"""Age at which a passing file of a process that was killed is swept away."""
LOCK_SECONDS = 600.0
"""Age at which a lock of git's is one of a process that was killed: git holds them for moments."""
POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare repository in a folder that only this user can enter."""

    folder: Path

    @property
    def git(self) -> Git:
        """The git command on the mirror."""
        return Git(self.folder)

    @property
    def exists(self) -> bool:
        """Whether it was created."""
        return (self.folder / "anton").is_dir()

    async def create(self, hash_name: str) -> None:
        """Create the mirror where there is none; several processes may do so at once.

        Raises:
            OutsideError: the folder cannot be made, or something else is there.
        """
        if self.exists:
            return
        draft = await asyncio.to_thread(self._draft)
        try:
            await init(draft, hash_name)
            await asyncio.to_thread(self._move_in, draft)
        finally:
            await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)

    def _draft(self) -> Path:
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
        except OSError as error:
            raise OutsideError(
                f"The folder {str(self.folder)!r} cannot be made: {error.strerror}."
            ) from error

    def _move_in(self, draft: Path) -> None:
        (draft / "info").mkdir(exist_ok=True)
        (draft / "info" / "attributes").write_text(ATTRIBUTES)
        for name in ("passing", "ignore"):
            (draft / "anton" / name).mkdir(parents=True)
        try:
            put_folder(draft, self.folder)
        except OSError as error:
            if not self.exists:
                raise OutsideError(
                    f"{str(self.folder)!r} holds something else ({error.strerror}). Move it away."
                ) from error

    @contextmanager
    def passing(self) -> Iterator[Path]:
        """An empty folder inside the mirror, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.folder / "anton" / "passing") as name:
            yield Path(name)

    def sweep(self) -> None:
        """Remove what processes that were killed left: files in passing, and locks of git's."""
        self._sweep_locks()
        limit = time.time() - LEFTOVER_SECONDS
        for path in (self.folder / "anton" / "passing").iterdir():
            try:
                if path.stat().st_mtime < limit:
                    shutil.rmtree(path, ignore_errors=True)
            except FileNotFoundError:
                continue

    def _sweep_locks(self) -> None:
        limit = time.time() - LOCK_SECONDS
        for name in ("packed-refs.lock", "shallow.lock"):
            with suppress(FileNotFoundError):
                if (self.folder / name).stat().st_mtime < limit:
                    (self.folder / name).unlink()

    def _free_bases(self) -> None:
        """Remove locks on bases, which only who is alone makes; a base is the same whoever writes it."""
        self._sweep_locks()
        for path in (self.folder / "refs" / "anton" / "base").glob("*.lock"):
            path.unlink(missing_ok=True)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one, among all processes, that fetches into the mirror.

        What a git that was killed while it fetched left locked is free again.
        """
        descriptor = os.open(self.folder / "anton" / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not try_lock(descriptor):  # noqa: ASYNC110 - no event tells that another process let go
                await asyncio.sleep(POLL_SECONDS)
            await asyncio.to_thread(self._free_bases)
            yield
        finally:
            os.close(descriptor)


async def init(folder: Path, hash_name: str, branch: str = "main") -> None:
    """Make an existing, empty folder a bare repository without hooks or any other template."""
    options = (
        "--bare",
        "--quiet",
        "--template=",
        f"--object-format={hash_name}",
        f"--initial-branch={branch}",
    )
    done = await Git(folder).run("init", *options, "--", str(folder))
    require(done, f"git init in {str(folder)!r}")


async def create_bare(folder: Path, branch: str = "main", hash_name: str = "sha1") -> None:
    """Make an empty bare repository that can be pushed to; `folder` may exist if it is empty.

    Raises:
        OutsideError: there is something in the folder, or it cannot be made.
    """
    await asyncio.to_thread(_make_empty, folder)
    await init(folder, hash_name, branch)


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise OutsideError(f"The folder {str(folder)!r} cannot be made: {error.strerror}.") from error
    if occupied:
        raise OutsideError(f"{str(folder)!r} is not empty. Name another folder for the bare repository.")
