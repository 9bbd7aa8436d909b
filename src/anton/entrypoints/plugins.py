"""The command about plugins."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from anton.entrypoints.composition import Anton, Check, Compose, Wish
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import FAILED, speaking
from anton.entrypoints.start import config_option
from anton.views.checks import checks_table


@click.command()
@config_option
@click.pass_obj
@speaking
def plugins(compose: Compose, config: Path | None) -> int:
    """List the plugins that the settings enable, what each adds, and which others are installed."""

    async def read(anton: Anton) -> tuple[tuple[Check, ...], tuple[tuple[str, str], ...]]:
        return anton.plugins, anton.plugins_installed()

    console = Console()
    enabled, installed = Seat(compose, Wish(config=config, looking=True), console).run(read)
    console.print(checks_table([(check.name, check.good, check.detail) for check in enabled]))
    names = {check.name.removeprefix("plugin ") for check in enabled}
    for name, package in installed:
        if name not in names:
            click.echo(f'not enabled: {name} ({package}); to use it: [plugins] enable = ["{name}"]')
    if not enabled and not installed:
        click.echo("No plugin is installed: see docs/plugins.md")
    return 0 if all(check.good for check in enabled) else FAILED
