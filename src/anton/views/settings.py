"""Settings in a table: key, value, and where it was said."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from anton.views.encode import line
from anton.views.palette import ACCENT, MUTED


def settings_table(settings: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Key, value as a settings file would have it, and origin, for each setting."""
    rows = tuple(settings)
    if not rows:
        return Text("Nothing is set, so every setting has its default: anton config --all shows them", MUTED)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    grid.add_column(overflow="fold")
    for key, value, origin in rows:
        grid.add_row(
            Text(line(key, 100), ACCENT), Text(line(value, 2_000) or "–"), Text(line(origin, 300), MUTED)
        )
    return grid
