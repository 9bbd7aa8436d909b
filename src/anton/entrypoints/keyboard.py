"""Lines from the person at the keyboard: edited and remembered at a terminal, else as they come."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

PIECE_BYTES = 65_536


class Stop(Enum):
    """What comes in place of a line."""

    END = "end of input"
    INTERRUPT = "Ctrl-C"


class Keyboard(Protocol):
    """Where lines come from."""

    async def line(self, prompt: str) -> str | Stop:
        """The next line, without its end."""
        ...

    def forget(self) -> None:
        """Take nothing that was typed so far for a line to come."""
        ...

    def offer(self, words: Mapping[str, Sequence[str]]) -> None:
        """Complete these commands from now on, each with what may stand behind it."""
        ...

    def interrupting(self, act: Callable[[], object]) -> AbstractContextManager[None]:
        """A context in which Ctrl-C does something else than to end the process."""
        ...


class Commands(Completer):
    """Completes a command at the beginning of a line, and the one word behind it."""

    def __init__(self) -> None:
        self.words: Mapping[str, Sequence[str]] = {}

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit's signature
    ) -> Iterable[Completion]:
        """What the word before the cursor may become."""
        command, behind, word = document.text_before_cursor.partition(" ")
        if behind:
            known = self.words.get(command, ())
        else:
            known, word = tuple(self.words), command
        return [Completion(each, -len(word)) for each in known if word and each.startswith(word)] or [
            Completion(each) for each in known if behind and not word
        ]


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def begin_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class EditedLines:
    """A terminal, with line editing, a history that lasts, and completion of commands."""

    def __init__(self, history: Path) -> None:
        self._commands = Commands()
        self._lines: PromptSession[str] = PromptSession(
            history=FileHistory(str(history)),
            completer=self._commands,
            complete_while_typing=False,
            key_bindings=_keys(),
        )

    def forget(self) -> None:
        """Drop what was typed ahead, here and in the terminal."""
        source = self._lines.app.input
        clear_typeahead(source)
        with suppress(termios.error):  # it has been closed; the next line says so
            termios.tcflush(source.fileno(), termios.TCIFLUSH)

    def offer(self, words: Mapping[str, Sequence[str]]) -> None:
        """Complete these commands from now on."""
        self._commands.words = words

    async def line(self, prompt: str) -> str | Stop:
        """The next line; Ctrl-C empties one that something was typed in.

        What is printed meanwhile stands above the prompt.
        """
        while True:
            try:
                with patch_stdout(raw=True):
                    return await self._lines.prompt_async(prompt, handle_sigint=False)
            except EOFError:
                return Stop.END
            except KeyboardInterrupt:
                if not self._lines.default_buffer.text:
                    return Stop.INTERRUPT

    @contextmanager
    def interrupting(self, act: Callable[[], object]) -> Iterator[None]:
        """Have Ctrl-C do something; at a prompt it is a key, and comes as `Stop.INTERRUPT`."""
        loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
        loop.add_signal_handler(signal.SIGINT, act)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)


class PlainLines:
    """Standard input that is no terminal."""

    def __init__(self) -> None:
        self._source = sys.stdin.fileno()
        self._read = b""
        self._ended = False

    def forget(self) -> None:
        """Where there is no terminal nobody is asked, and each line is something that is said."""

    def offer(self, words: Mapping[str, Sequence[str]]) -> None:
        """Nobody presses Tab."""

    async def line(self, prompt: str) -> str | Stop:  # noqa: ARG002 - nobody would see it
        """The next line."""
        while b"\n" not in self._read and not self._ended:
            piece = await self._piece()
            self._ended = not piece
            self._read += piece
        if not self._read:
            return Stop.END
        line, _, self._read = self._read.partition(b"\n")
        return line.decode("utf-8", "replace")

    async def _piece(self) -> bytes:
        """What is there, once something is: no thread waits, so that the process can be ended meanwhile."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        try:
            loop.add_reader(self._source, ready.set)
        except PermissionError:  # a file is always ready, and cannot be waited for
            return await asyncio.to_thread(os.read, self._source, PIECE_BYTES)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._source)
        return os.read(self._source, PIECE_BYTES)

    @contextmanager
    def interrupting(self, act: Callable[[], object]) -> Iterator[None]:  # noqa: ARG002 - see the protocol
        """Ctrl-C ends the process as always."""
        yield
