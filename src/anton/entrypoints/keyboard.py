"""Lines from the person at the keyboard: edited and remembered at a terminal, else as they come."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory


class Keyboard(Protocol):
    """Where lines come from."""

    async def line(self, prompt: str) -> str | None:
        """The next line, without its end; None where there are no more."""
        ...


class EditedLines:
    """A terminal, with line editing, a history that lasts, and completion of commands."""

    def __init__(self, history: Path, commands: Sequence[str]) -> None:
        completer = WordCompleter(list(commands), sentence=True)
        self._lines: PromptSession[str] = PromptSession(
            history=FileHistory(str(history)), completer=completer, complete_while_typing=False
        )

    async def line(self, prompt: str) -> str | None:
        """The next line; Ctrl-C and Ctrl-D end the conversation."""
        try:
            return await self._lines.prompt_async(prompt)
        except (EOFError, KeyboardInterrupt):
            return None


class PlainLines:
    """Standard input that is no terminal."""

    async def line(self, prompt: str) -> str | None:  # noqa: ARG002 - nobody would see it
        """The next line."""
        read = await asyncio.to_thread(sys.stdin.readline)
        return read.rstrip("\n") if read else None
