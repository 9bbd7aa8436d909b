"""The real `anton` command, as a person types it: in a shell, and at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

import anton
from anton.__main__ import Root
from anton.entrypoints.cli import anton as command_line

SECONDS = 90
"""After which a command that did not end fails its test; none takes a quarter of it."""
SOURCE = Path(anton.__file__).parents[1]
NO_PLUGINS = '[tests.env]\nPYTEST_DISABLE_PLUGIN_AUTOLOAD = "1"\n'
"""pytest as users have it; with the plugins of Anton's developers it takes three times as long."""


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str


@dataclass
class Shell:
    """One person's shell: a home of their own, no key, a current folder that is no repository.

    The person's settings keep pytest from loading plugins.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.folder / "anton-home"
        self.cwd = self.folder / "here"
        self.cwd.mkdir(parents=True, exist_ok=True)
        settings = self.folder / ".config" / "anton" / "anton.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(NO_PLUGINS)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests but their PATH."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "120",
            "PYTHONPATH": str(SOURCE),
            "ANTON_HOME": str(self.home),
            **self.settings,
        }

    def argv(self, *arguments: str | bytes) -> list[str | bytes]:
        """The command line."""
        return [sys.executable, "-m", "anton", *arguments]

    def __call__(self, *arguments: str | bytes, **more: str) -> Said:
        """Run a command to its end, away from any terminal, with more in its environment."""
        done = subprocess.run(
            self.argv(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.cwd,
            env={**self.environment, **more},
            timeout=SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def inside(self, *arguments: str, **more: str) -> Said:
        """The same within this process, which spares its start: for what ends before any work begins."""
        nothing_else = dict.fromkeys(os.environ)
        with chdir(self.cwd):
            done = CliRunner().invoke(
                command_line, arguments, obj=Root(), env={**nothing_else, **self.environment, **more}
            )
        if not isinstance(done.exception, SystemExit | None):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that is under way, its output in one pipe; whatever happens, it is gone afterwards."""
        with subprocess.Popen(
            self.argv(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.cwd,
            env=self.environment,
            start_new_session=True,
            preexec_fn=hear_interrupts,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def terminal(self, *arguments: str) -> Iterator[Terminal]:
        """A command at a terminal."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            self.argv(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=self.cwd,
            env={**self.environment, "TERM": "xterm"},
            start_new_session=True,
            preexec_fn=hear_interrupts,
        )
        os.close(slave)
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            process.wait()
            os.close(master)


def hear_interrupts() -> None:
    """A shell starts what goes on in its background deaf to Ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Terminal:
    """A pseudo-terminal with a command at its other end."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def until(self, text: str) -> str:
        """Read on until some text appears after what was read before; that stretch, without colours."""
        start = len(self.seen)
        deadline = time.monotonic() + SECONDS
        while text not in self.seen[start:]:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} never came; the terminal shows:\n{self.seen[-4000:]}")
        return self.seen[start:]

    def type(self, line: str) -> None:
        """Type a line and press enter."""
        os.write(self.master, f"{line}\n".encode())

    def press(self, keys: str) -> None:
        """Press keys, without enter."""
        os.write(self.master, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until it is noticed: one in the instant before a program reads is not."""
        for _ in range(10):
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                return

    def end(self) -> int:
        """Read to the end; the exit status."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        return self.process.wait(SECONDS)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        try:
            piece = os.read(self.master, 65_536) if ready else b""
        except OSError:  # Linux: the other end is closed
            piece = b""
        self.seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece.decode("utf-8", "replace"))
        return bool(piece)


def run_id_in(text: str) -> str:
    """The run that the commands in some output are about."""
    found = re.search(r"anton (?:approve|resume|decline) ([0-9a-f]{8})", text)
    assert found, text
    return found.group(1)
