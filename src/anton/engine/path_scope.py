"""Where a path leads, read from its text alone.

Links inside the worktree are not followed here: the sandbox is the wall, this only decides whether to ask.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from anton.engine.shell_command import Kind, Word

_HARMLESS = frozenset({"/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
_HOME = re.compile(r"\$\{?(?:HOME|OLDPWD|TMPDIR|XDG_\w+|PATH)\b")
_OPTION = re.compile(r"-{1,2}[A-Za-z0-9_-]*?[=:]?(?=[/~]|\.\.)|file://|[A-Za-z0-9_]+(?:=|:(?!//))")
"""What stands in front of a path in `--output=/x`, `-I/x`, `of=/x`, `host:/x`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a command line runs."""

    worktree: str = "/repo"
    """The only absolute path that is inside."""
    folder: str = ""
    """Working directory, relative to the worktree."""

    def is_outside(self, word: Word) -> bool:
        """Whether a word, taken as a path, may lead out of the worktree."""
        if word.kind is Kind.OPEN and _HOME.match(word.text):
            return True
        return any(self._leads_out(text, word.kind) for text in candidates(word.text))

    def read_from(self, text: str) -> tuple[str, ...]:
        """A word's text, and what it means as a path where the line starts deeper in the worktree."""
        relative = self.folder and not text.startswith(("/", "~"))
        return (text, f"{self.folder}/{text}") if relative else (text,)

    def _leads_out(self, text: str, kind: Kind) -> bool:
        if text in _HARMLESS:
            return False
        if text.startswith("~") or "=~" in text or ":~" in text:
            return True
        if text.startswith("/"):
            if text != self.worktree and not text.startswith(self.worktree + "/"):
                return True
            text, depth = text[len(self.worktree) :], 0
        else:
            depth = len([part for part in self.folder.split("/") if part])
        for part in re.split(r"[/:]", text):
            if kind is Kind.GLOB and re.match(r"\.[*?\[]", part):
                return True
            depth += _step(part)
            if depth < 0:
                return True
        return False


WORKTREE = Scope()
"""At the top of the worktree, under the name that the sandbox shows it by."""


def _step(part: str) -> int:
    if part in ("", "."):
        return 0
    return -1 if part == ".." else 1


def candidates(text: str) -> tuple[str, ...]:
    """A word's text, and what of it may be a path behind an option's name."""
    option = _OPTION.match(text)
    return (text, text[option.end() :]) if option and option.end() < len(text) else (text,)
