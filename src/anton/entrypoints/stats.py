"""`anton runs --stats`: how runs went."""

from __future__ import annotations

import json
from datetime import timedelta

import click

from anton.core.errors import AntonError
from anton.entrypoints.composition import Anton
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import FAILED
from anton.ports import Journal
from anton.runs.log import utc_now
from anton.views.statistics import KINDS, RunFigures, figures_of, statistics_as_json, statistics_page


def show_statistics(seat: Seat, days: int | None, repository: str, *, as_json: bool) -> int:
    """Print them; the exit status.

    Args:
        seat: Where they are printed.
        days: Only runs that were received so many days ago at most; None for all.
        repository: Only runs of the repository whose path ends so; empty for all.
        as_json: For a program.
    """

    async def read(anton: Anton) -> tuple[list[RunFigures], list[str]]:
        return await figures(anton.world.journal)

    found, unreadable = seat.run(read)
    since = None if days is None else utc_now() - timedelta(days=days)
    counted = [
        run
        for run in found
        if (since is None or run.received_at >= since) and repository in ("", run.repository)
    ]
    if as_json:
        click.echo(json.dumps(statistics_as_json(counted, days), indent=2))
    else:
        seat.console.print(statistics_page(counted, days))
    for sentence in unreadable:
        click.echo(f"anton: {sentence}", err=True)
    return FAILED if unreadable else 0


async def figures(journal: Journal) -> tuple[list[RunFigures], list[str]]:
    """Of all runs, oldest first; and a sentence for each that cannot be read."""
    found, unreadable = [], []
    for run_id in await journal.run_ids():
        try:
            run = figures_of(await journal.read_kinds(run_id, KINDS))
        except AntonError as error:
            unreadable.append(f"run {run_id} cannot be read: {error}")
            continue
        if run is not None:
            found.append(run)
    return found, unreadable
