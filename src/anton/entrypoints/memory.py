"""What is remembered of a repository: shown, and forgotten."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from anton.core.errors import UsageError
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option
from anton.runs.memory import forget, kept
from anton.views.encode import line


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), help="The git repository.  [default: as for fix]")
@click.option("--forget", "run_id", default="", metavar="RUN", help="Remove what this run left.")
@config_option
@click.pass_obj
@speaking
def memory(compose: Compose, repo: Path | None, run_id: str, config: Path | None) -> None:
    """Show the notes that agents are told of a repository, with the files that they stand in."""

    async def look(anton: Anton) -> None:
        repository = str(anton.repository.resolve())
        if run_id:
            try:
                forget(anton.world.home, repository, run_id)
            except OSError as error:
                raise UsageError(f"the notes of run {run_id!r} cannot be removed: {error}") from error
            click.echo(f"What run {run_id} left is forgotten.")
            return
        found = kept(anton.world.home, repository)
        for one in found:
            click.echo(f"{one.path}")
            for row in one.text.splitlines():
                click.echo(f"  {line(row, 400)}")
        if not found:
            click.echo(f"Nothing is remembered of {line(repository, 400)}.")

    Seat(compose, Wish(repository=repo, config=config, looking=True), Console()).run(look)
