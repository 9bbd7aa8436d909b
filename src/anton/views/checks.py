"""What `anton doctor` found, one line a check."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from anton.views.encode import line
from anton.views.palette import BAD, DONE_SIGN, FAILED_SIGN, GOOD, MUTED, STRONG


def checks_table(checks: Iterable[tuple[str, bool, str]]) -> RenderableType:
    """Name, whether it is in order, and what was seen, for each check."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, good, detail in checks:
        sign = Text(DONE_SIGN, GOOD) if good else Text(FAILED_SIGN, BAD)
        grid.add_row(sign, Text(line(name, 80), STRONG), Text(line(detail, 1_000), MUTED if good else ""))
    return grid
