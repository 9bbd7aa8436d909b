"""Changing several files in one step, or none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from anton.core.errors import ToolError
from anton.core.tool import Reach
from anton.tools.context import ToolContext
from anton.tools.define import tool
from anton.tools.edit import MAX_CONTENT_CHARACTERS, content_to_replace, owned, parse_warning
from anton.tools.excerpt import around, bytes_of, lines_of, plural, text_of
from anton.tools.files import read_text_file
from anton.tools.hunks import Applied, apply_hunks
from anton.tools.patch_text import FilePatch, parse_patch

_MAX_PROBLEMS = 4
_SHOWN_PLACES = 3
"""Places of one file that are shown after the change."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One change to the tree, and how it is taken back."""

    do: Callable[[], None]
    undo: Callable[[], None]


@dataclass(slots=True)
class _Plan:
    """What a patch amounts to; nothing is written before all of it is known to fit."""

    context: ToolContext
    contents: dict[str, bytes | None] = field(default_factory=dict)
    """By path, as they will be; None where the file will be gone."""
    steps: list[_Step] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """What the model is told, file by file."""

    def add(self, patch: FilePatch) -> None:
        """Work out what happens to one file.

        Raises:
            ToolError: it does not fit.
        """
        if patch.path is None and patch.new_path is None:
            raise ToolError("a file of the patch has no name")
        path, new_path = (owned(self.context, p) if p is not None else None for p in _ends(patch))
        if path is None and new_path is not None:
            self._create(new_path, patch)
        elif path is not None and new_path is None:
            self._remove(path, patch)
        elif path is not None and new_path is not None:
            self._change(path, new_path, patch)

    def _create(self, path: str, patch: FilePatch) -> None:
        if self._content(path) is not None:
            raise ToolError(f"there is a {path!r} already; update it, or replace it by write_file")
        if any(hunk.old for hunk in patch.hunks):
            raise ToolError(f"{path!r} is to be created, but the patch holds old lines of it")
        text = "\n".join(line for hunk in patch.hunks for _, line in hunk.lines)
        open_end = any(hunk.open_end for hunk in patch.hunks)
        self._put(path, text + "\n" if text and not open_end else text)
        self.lines.append(f"created {path}: {plural(len(lines_of(text)), 'line')}")

    def _remove(self, path: str, patch: FilePatch) -> None:
        before = self._text(path)
        if patch.hunks:
            apply_hunks(before, patch.hunks)
        worktree, content = self.context.worktree, bytes_of(before)
        self.contents[path] = None
        self.steps.append(_Step(lambda: worktree.remove(path), lambda: worktree.write(path, content)))
        self.lines.append(f"removed {path}: {plural(len(lines_of(before)), 'line')}")

    def _change(self, path: str, new_path: str, patch: FilePatch) -> None:
        before = self._text(path)
        applied = apply_hunks(before, patch.hunks)
        if applied.text == before and path == new_path:
            raise ToolError("the patch changes nothing in it")
        if path != new_path:
            self._move(path, new_path, bytes_of(before))
        if applied.text != before:
            self._put(new_path, applied.text)
        moved = f"{path} → {new_path}" if path != new_path else path
        self.lines.append(f"edited {moved}: +{applied.added:,} -{applied.removed:,} lines")
        self.lines += _shown(applied)

    def _move(self, path: str, new_path: str, content: bytes) -> None:
        if self._content(new_path) is not None:
            raise ToolError(f"{path!r} cannot become {new_path!r}: there is such a file already")
        worktree = self.context.worktree
        self.contents |= {path: None, new_path: content}
        self.steps.append(_Step(lambda: worktree.move(path, new_path), lambda: worktree.move(new_path, path)))

    def _put(self, path: str, text: str) -> None:
        if "\0" in text or len(text) > MAX_CONTENT_CHARACTERS:
            raise ToolError(f"it would hold NUL, or more than {MAX_CONTENT_CHARACTERS:,} characters")
        worktree, before, after = self.context.worktree, self._content(path), bytes_of(text)
        self.contents[path] = after

        def undo() -> None:
            if before is None:
                worktree.remove(path)
            else:
                worktree.write(path, before)

        self.steps.append(_Step(lambda: worktree.write(path, after), undo))

    def _content(self, path: str) -> bytes | None:
        if path in self.contents:
            return self.contents[path]
        return content_to_replace(self.context.worktree, path)

    def _text(self, path: str) -> str:
        content = self._content(path)
        if content is None:
            if path in self.contents:
                raise ToolError(f"{path!r} is gone by an earlier part of the patch")
            content = read_text_file(self.context.worktree, path).content  # says what comes close
        return text_of(content)


@tool(reach=Reach.WRITE)
async def apply_patch(context: ToolContext, patch: str) -> str:
    """Change, create, rename or remove several files by one patch. It is applied whole or not at all.

    Takes a unified diff (`--- a/x.py`, `+++ b/x.py`, `@@ … @@`; `/dev/null` for a file that is created or
    removed), or `*** Begin Patch`, `*** Update File: x.py`, `*** Add File: …`, `*** Delete File: …`,
    `*** Move to: …`, `*** End Patch`. Line numbers need not be right: a place is found by its lines, quoted
    exactly. They occur once in the file, or follow a line of it that stands behind `@@`.

    Args:
        context: The agent's surroundings.
        patch: The patch, at most 1,000,000 characters and 100 files.
    """
    plan = await asyncio.to_thread(_apply, context, parse_patch(patch))
    warnings = [
        warning
        for path, content in plan.contents.items()
        if content is not None and (warning := await parse_warning(path, content))
    ]
    return "\n".join([*plan.lines, *warnings])


def _apply(context: ToolContext, patches: Sequence[FilePatch]) -> _Plan:
    plan = _Plan(context)
    problems: list[str] = []
    for patch in patches:
        try:
            plan.add(patch)
        except ToolError as error:
            problems.append(f"{patch.path or patch.new_path}: {error}")
    if problems:
        more = f"\nand {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
        told = "\n".join(problems[:_MAX_PROBLEMS])
        raise ToolError(f"Nothing was changed, because not all of the patch fits.\n{told}{more}")
    _carry_out(plan.steps)
    return plan


def _carry_out(steps: Sequence[_Step]) -> None:
    done: list[_Step] = []
    try:
        for step in steps:
            step.do()
            done.append(step)
    except ToolError as error:
        for step in reversed(done):
            with suppress(ToolError):
                step.undo()
        raise ToolError(f"Nothing was changed: {error}") from error


def _ends(patch: FilePatch) -> tuple[str | None, str | None]:
    return patch.path, patch.new_path


def _shown(applied: Applied) -> list[str]:
    lines = lines_of(applied.text)
    shown = [around(lines, first, last, 2, 20) for first, last in applied.spans[:_SHOWN_PLACES]]
    left = len(applied.spans) - _SHOWN_PLACES
    return shown + ([f"[{plural(left, 'more place')} not shown]"] if left > 0 else [])
