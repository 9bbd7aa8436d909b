"""The embedded forge: pull requests as Markdown files, one a number, in a folder."""

from __future__ import annotations

import asyncio
from pathlib import Path

from anton.adapters import document
from anton.adapters.document import Document, Malformed, Value
from anton.core.errors import OutsideError, UsageError
from anton.core.text import one_line
from anton.ports import Discussion, PullRequestDraft
from anton.system.files import replace_file


class LocalForge:
    """The Forge port on a folder: `1.md`, `2.md`, … each with its fields as front matter.

    A person closes a pull request by writing `state: closed` (or `merged`) into its file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"local (pull requests as Markdown files in {self._folder})"

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        """Path of the open pull request for the draft's branch, written where there is none.

        Raises:
            OutsideError: the folder cannot be written, or a file in it cannot be read.
        """
        return await asyncio.to_thread(self._find_or_make, draft)

    async def discussion(self, number: int) -> Discussion:
        """The pull request in a file; nobody has said anything of it.

        Raises:
            UsageError: there is none, or its file cannot be read.
        """
        return await asyncio.to_thread(self._discussion, number)

    def _discussion(self, number: int) -> Discussion:
        path = self._path(number)
        try:
            known = document.read(path)
        except FileNotFoundError:
            there = ", ".join(map(str, self._numbers()[-20:])) or "none so far"
            raise UsageError(
                f"there is no pull request {number} in {self._folder}; there are: {there}"
            ) from None
        except (Malformed, OSError) as error:
            raise UsageError(f"the pull request {str(path)!r} cannot be read: {error}") from error
        return Discussion(
            number=number,
            title=known.text("title"),
            state=known.text("state"),
            url=str(path),
            author="",
            body=known.body,
            labels=known.items("labels"),
            branches=f"{known.text('head')} into {known.text('base')}",
        )

    def _find_or_make(self, draft: PullRequestDraft) -> str:
        try:
            with document.alone_in(self._folder):
                taken = self._numbers()
                path = self._open_for(draft.head, taken) or self._path(max(taken, default=0) + 1)
                if not path.exists():
                    for name, content in draft.attachments.items():
                        replace_file(path.with_name(f"{path.stem}.{name}"), content)
                    document.write(path, _rendered(draft))
                return str(path)
        except OSError as error:
            raise OutsideError(
                f"the pull request for {draft.head!r} cannot be written to {str(self._folder)!r}: {error}. "
                "Make room or mend the folder, then resume the run"
            ) from error

    def _numbers(self) -> list[int]:
        stems = (path.stem for path in self._folder.glob("*.md"))
        return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdecimal())

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.md"

    def _open_for(self, head: str, numbers: list[int]) -> Path | None:
        for path in map(self._path, numbers):
            try:
                known = document.read(path)
            except Malformed as error:
                raise OutsideError(
                    f"the pull request {str(path)!r} cannot be read: {error}. Mend it"
                ) from error
            if known.text("state") == "open" and known.text("head") == head:
                return path
        return None


def _rendered(draft: PullRequestDraft) -> Document:
    fields: dict[str, Value] = {
        "title": draft.title,
        "state": "open",
        **({"draft": "yes"} if draft.draft else {}),
        "head": draft.head,
        "base": draft.base,
        "commit": draft.commit,
        "labels": draft.labels,
        "remote": draft.remote,
    }
    return Document(fields, f"# {one_line(draft.title)}\n\n{draft.body.strip()}")
