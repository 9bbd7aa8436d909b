"""The embedded chat: for each run one Markdown file that says where the run stands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from anton.core.errors import OutsideError
from anton.core.run import RunState
from anton.system.files import replace_file
from anton.views.notice import notice


class LocalChat:
    """The Chat port on a folder: `RUN.md` is the run's message, replaced whole at each change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"local (messages as Markdown files in {self._folder})"

    async def show(self, state: RunState, message: str) -> str:  # noqa: ARG002 - a file is found by its run
        """Write the run's file; returns its path.

        Raises:
            OutsideError: the folder cannot be written.
        """
        return await asyncio.to_thread(self._write, state)

    @property
    def place(self) -> str:
        """The folder."""
        return f"a Markdown file in {self._folder}"

    async def post(self, text: str, marker: str) -> str:
        """Write what is said to a file of its own, once; returns its path.

        Raises:
            OutsideError: the folder cannot be written.
        """
        return await asyncio.to_thread(self._post, text, marker)

    async def close(self) -> None:
        """Nothing is held."""

    def _write(self, state: RunState) -> str:
        path = self._folder / f"{state.run_id}.md"
        self._have(path, notice(state), f"the message of run {state.run_id!r}")
        return str(path)

    def _post(self, text: str, marker: str) -> str:
        path = self._folder / "posts" / f"{marker}.md"
        self._have(path, f"{text.rstrip()}\n", "the post")
        return str(path)

    def _have(self, path: Path, text: str, what: str) -> None:
        content = text.encode("utf-8", "replace")
        try:
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(path, content)
        except OSError as error:
            raise OutsideError(
                f"{what} cannot be written to {str(path)!r}: {error.strerror}. Make room or mend the folder"
            ) from error
