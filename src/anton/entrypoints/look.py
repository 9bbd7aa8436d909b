"""Commands that only look."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from anton.core.errors import AntonError, UsageError
from anton.core.run import MILESTONES, RunState, fold
from anton.entrypoints.composition import Anton, Check, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import FAILED, speaking
from anton.entrypoints.start import config_option, sandbox_option
from anton.entrypoints.stats import show_statistics
from anton.views.checks import checks_table
from anton.views.runs import run_page, runs_table

NEWEST = 50
"""Runs that are listed unless all are asked for."""


@click.command()
@click.option("--all", "whole", is_flag=True, help=f"Not only the newest {NEWEST}.")
@click.option(
    "--stats", is_flag=True, help="How they went, by repository: outcomes, times, cost, red proofs."
)
@click.option("--days", type=click.IntRange(1, 36_500), help="With --stats: only runs of the last N days.")
@click.option("--repository", default="", help="With --stats: only runs of the repository of this name.")
@click.option("--json", "as_json", is_flag=True, help="With --stats: as JSON.")
@config_option
@click.pass_obj
@speaking
def runs(
    compose: Compose,
    whole: bool,
    stats: bool,
    days: int | None,
    repository: str,
    as_json: bool,
    config: Path | None,
) -> int:
    """List the runs, newest first; what waits for you stands out."""
    console = Console()
    seat = Seat(compose, Wish(config=config, looking=True), console)
    if stats:
        return show_statistics(seat, days, repository, as_json=as_json)
    if days or repository or as_json:
        raise UsageError("--days, --repository and --json say what --stats counts: anton runs --stats")

    async def read(anton: Anton) -> tuple[list[RunState], list[str], int]:
        states, unreadable = [], []
        run_ids = (await anton.world.journal.run_ids())[::-1]
        shown = run_ids if whole else run_ids[:NEWEST]
        for run_id in shown:
            try:
                states.append(fold(await anton.world.journal.read_kinds(run_id, MILESTONES)))
            except AntonError as error:
                unreadable.append(f"run {run_id} cannot be read: {error}")
        return states, unreadable, len(run_ids) - len(shown)

    states, unreadable, older = seat.run(read)
    console.print(runs_table(states))
    if older:
        click.echo(f"{older:,} more, which are older: anton runs --all")
    for sentence in unreadable:
        click.echo(f"anton: {sentence}", err=True)
    return FAILED if unreadable else 0


@click.command()
@click.argument("run")
@config_option
@click.pass_obj
@speaking
def show(compose: Compose, run: str, config: Path | None) -> None:
    """Show RUN: briefing, proof, diff, agents, delivery, and what happened when."""
    console = Console()

    async def read(anton: Anton) -> None:
        entries = await anton.world.journal.read(run)
        if not entries:
            raise UsageError(f"there is no run {run!r}; see which there are: anton runs")
        console.print(run_page(fold(entries), entries))

    Seat(compose, Wish(config=config, looking=True), console).run(read)


@click.command()
@config_option
@sandbox_option
@click.pass_obj
@speaking
def doctor(compose: Compose, config: Path | None, sandbox: str) -> int:
    """Say which side each port is on, and prove the sandbox by trying to get out of it."""
    console = Console()

    async def examine(anton: Anton) -> tuple[Check, ...]:
        return await anton.examine()

    found = Seat(compose, Wish(config=config, sandbox=sandbox), console).run(examine)
    console.print(checks_table([(check.name, check.good, check.detail) for check in found]))
    return 0 if all(check.good for check in found) else FAILED
