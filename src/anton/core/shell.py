"""What a call of `shell` says at its end, and what an agent's journal remembers of it: the folder.

The folder is read from the last line of the journaled result. So it survives a compression of the
conversation, which leaves the journal alone, and a crash, after which the same events are folded again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from anton.core.tool import ToolResult

TOOL = "shell"
ROOT = "/repo"
"""The worktree, as commands see it."""
_ENDING = re.compile(r"\[[^\[\]\n]*; now in /repo(?:/(?P<folder>[^\n]+))?\]\Z")


def ending(outcome: str, folder: str) -> str:
    """The last line of a result.

    Args:
        outcome: How the command ended, without brackets and line ends.
        folder: Where it left the shell, relative to the worktree; empty for its root.
    """
    return f"[{outcome}; now in {shown(folder)}]"


def shown(folder: str) -> str:
    """A folder of the worktree as commands see it."""
    return f"{ROOT}/{folder}" if folder else ROOT


def folder_after(folder: str, results: Iterable[ToolResult]) -> str:
    """The folder that an agent's shell is in after some calls, where it was in `folder` before."""
    for result in results:
        if result.name == TOOL and (found := _ENDING.search(result.text)):
            folder = found["folder"] or ""
    return folder
