"""Makes the pictures of the README from a true `anton demo`: `.venv/bin/python docs/images/make.py`.

Needs tmux. Nothing is drawn by hand: the screen is captured while the demo runs, and once it asks.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
ANTON = Path(sys.executable).parent / "anton"
COLUMNS, LINES = 112, 110
SECONDS = 120

THEME = TerminalTheme(
    (22, 24, 29),
    (213, 216, 223),
    [
        (22, 24, 29),
        (240, 113, 120),
        (126, 198, 118),
        (229, 192, 123),
        (97, 175, 239),
        (198, 120, 221),
        (86, 182, 194),
        (213, 216, 223),
    ],
    [
        (122, 128, 143),
        (240, 113, 120),
        (126, 198, 118),
        (229, 192, 123),
        (97, 175, 239),
        (198, 120, 221),
        (86, 182, 194),
        (255, 255, 255),
    ],
)
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; \
font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 16px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own format without a font from elsewhere."""


class Terminal:
    """A tmux of our own with the demo in it."""

    def __init__(self, folder: Path) -> None:
        self._tmux = ("tmux", "-L", f"anton-picture-{folder.name}", "-f", "/dev/null")
        command = f"cd {folder} && ANTON_HOME={folder}/state COLORTERM=truecolor {ANTON} demo"
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        subprocess.run([*self._tmux, "new-session", "-d", *size, command], check=True)

    def screen(self) -> str:
        """What it shows now, with colours."""
        capture = [*self._tmux, "capture-pane", "-e", "-p", "-N"]
        return subprocess.run(capture, check=True, capture_output=True, text=True).stdout

    def wait_for(self, *words: str) -> str:
        """The first screen that shows all the words."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            screen = self.screen()
            if all(word in screen for word in words):
                return screen
            time.sleep(0.05)
        raise SystemExit(f"{words} did not show within {SECONDS} s; the screen was:\n{screen}")

    def close(self) -> None:
        """End the demo and the tmux."""
        subprocess.run([*self._tmux, "kill-server"], check=True)


def save(screen: str, name: str) -> None:
    """The screen as a picture beside this file, without empty lines at its end."""
    text = Text.from_ansi(screen.rstrip())
    console = Console(record=True, width=COLUMNS, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(text, end="")
    console.save_svg(str(HERE / name), title="anton demo", theme=THEME, code_format=SVG, unique_id="anton")


def without(screen: str, first: str, after: str) -> str:
    """The screen without the lines from the one with `first` to the one before `after`; dots say so."""
    lines = screen.splitlines()
    start = next(number for number, line in enumerate(lines) if first in line)
    end = next(number for number, line in enumerate(lines) if after in line)
    return "\n".join([*lines[:start], "  ⋮", "", *lines[end:]])


def main() -> None:
    """Both pictures; of the decision's diff the part with the new tests is left out."""
    if shutil.which("tmux") is None:
        raise SystemExit("tmux is missing: apt install tmux")
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))
        try:
            save(terminal.wait_for("run_tests", "25 passed"), "working.svg")
            screen = terminal.wait_for("Your answer")
            save(without(screen, "tests/test_api.py", "Look twice"), "deciding.svg")
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
