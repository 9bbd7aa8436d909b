"""`anton gc`, `anton export` and `anton import`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import click
from rich.console import Console
from rich.filesize import decimal

from anton.core.run import RunState
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option
from anton.ports.leftovers import Waste
from anton.runs.housekeeping import tidy, tidy_conversations
from anton.runs.transfer import export_run, import_run

IMPORTED = "imported"
"""In the state folder: reports of runs that were taken in."""


@click.command()
@click.option("--delete", is_flag=True, help="Do it; without, it is only said what would go.")
@config_option
@click.pass_obj
@speaking
def gc(compose: Compose, delete: bool, config: Path | None) -> None:
    """Throw away what nobody needs any more: worktrees, git trees, environments, old runs and conversations.

    Nothing of a run that is not over is touched. A server may go on meanwhile.
    """

    async def sweep(anton: Anton) -> tuple[int, int]:
        count = size = 0
        async for waste in _all_waste(anton, delete=delete):
            count, size = count + 1, size + waste.size
            how_much = f"  {decimal(waste.size)}" if waste.size else ""
            click.echo(f"{waste.kind:<12} {waste.name}{how_much}")
        return count, size

    count, size = Seat(compose, Wish(config=config, looking=True), Console()).run(sweep)
    if not count:
        click.echo("Nothing to throw away.")
        return
    freed = f", {decimal(size)}" if size else ""  # what a journal's file holds is room in it, see the guide
    if delete:
        click.echo(f"{count} thrown away{freed}.")
    else:
        click.echo(f"{count} can go{freed}; nothing was touched. Do it with: anton gc --delete")


async def _all_waste(anton: Anton, *, delete: bool) -> AsyncIterator[Waste]:
    async for waste in tidy(anton.world, anton.retention, delete=delete):
        yield waste
    if anton.sessions is not None:
        async for waste in tidy_conversations(anton.world, anton.sessions, anton.retention, delete=delete):
            yield waste


@click.command("export")
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@click.pass_obj
@speaking
def export_command(compose: Compose, run: str, file: Path, config: Path | None) -> None:
    """Write RUN, which is over, to FILE: journal, reports and proof bundle."""

    async def export(anton: Anton) -> int:
        return await export_run(anton.world.journal, run, file, anton.world.home / IMPORTED)

    size = Seat(compose, Wish(config=config, looking=True), Console()).run(export)
    click.echo(f"Run {run} is in {file} ({decimal(size)}). Take it in with: anton import {file.name}")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.pass_obj
@speaking
def import_command(compose: Compose, file: Path, config: Path | None) -> None:
    """Take in the run in FILE, which `anton export` wrote."""

    async def take_in(anton: Anton) -> RunState:
        return await import_run(anton.world.journal, file, anton.world.home / IMPORTED)

    state = Seat(compose, Wish(config=config, looking=True), Console()).run(take_in)
    click.echo(f"Run {state.run_id} was taken in. Look at it with: anton show {state.run_id}")
