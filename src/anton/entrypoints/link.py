"""`anton link`: a signed link to the page, for somebody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import click
from rich.console import Console

from anton.core.errors import UsageError
from anton.core.seal import make_link
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option

LONGEST_HOURS = 24 * 7


@click.command("link")
@click.argument("run", default="")
@click.option("--person", required=True, help="Whom it logs in: a name from approval.people.")
@click.option(
    "--hours",
    type=click.FloatRange(0, LONGEST_HOURS, min_open=True),
    default=24.0,
    show_default=True,
    help="How long it is good.",
)
@config_option
@click.pass_obj
@speaking
def link(compose: Compose, run: str, person: str, hours: float, config: Path | None) -> None:
    """Print a link that opens the page of RUN, or the list of runs, as PERSON.

    Whoever has the link is taken for that person until it ends: hand it over as you would a key.
    """

    async def make(anton: Anton) -> str:
        world, serving = anton.world, anton.serving
        if run and not await world.journal.read_kinds(run, {"run_received"}):
            raise UsageError(f"there is no run {run!r}; see which there are: anton runs")
        known = {known.name for known in world.approval.people}
        if person not in known:
            names = ", ".join(sorted(known)) or "nobody yet"
            raise UsageError(
                f"{person!r} is nobody whom approval.people names; there: {names}. Add a table "
                f"[approval.people.{person}] to anton.toml: see docs/approval.md"
            )
        word = make_link(serving.key(), person, run, world.clock() + timedelta(hours=hours))
        base = serving.public_url or f"http://{serving.host}:{serving.port}"
        return f"{base}/enter/{word}" + (f"?run={quote(run)}" if run else "")

    click.echo(Seat(compose, Wish(config=config, looking=True), Console()).run(make))
