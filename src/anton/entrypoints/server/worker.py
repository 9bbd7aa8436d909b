"""`anton worker`: works off runs that others take in, on this machine or any other."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from anton import __version__
from anton.core.errors import UsageError
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.logs import set_up
from anton.entrypoints.server.scrape import shown
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option, sandbox_option
from anton.views.checks import checks_table


@click.command("worker")
@click.option("--unsafe-no-sandbox", is_flag=True, help="As for anton fix.")
@config_option
@sandbox_option
@click.pass_obj
@speaking
def worker_command(compose: Compose, unsafe_no_sandbox: bool, config: Path | None, sandbox: str) -> int:
    """Work off runs that servers with the same database take in; until SIGTERM or Ctrl-C."""
    console = Console()
    wish = Wish(config=config, sandbox=sandbox, unconfined=unsafe_no_sandbox, attended=True)

    async def work(anton: Anton) -> None:
        set_up(anton.serving.log, sys.stderr)
        if not anton.serving.shared:
            raise UsageError(
                "a worker takes its runs from a database that it shares with a server: set "
                "DATABASE_URL=postgresql://user:password@host/database. Without one, anton serve does all"
            )
        sides = await anton.serving.prove()
        desk = Desk(anton)
        console.print(f"Anton {__version__} works off runs: {desk.queue.description}", highlight=False)
        console.print(checks_table([(side.name, side.good, side.detail) for side in sides]))
        with shown(desk.metrics, anton.serving.metrics_port):
            async with desk.open():
                await asyncio.Event().wait()

    try:
        Seat(compose, wish, console).run(work)
    except KeyboardInterrupt:
        click.echo("anton: stopped; runs that were under way go on at another worker", err=True)
    return 0
