"""`anton config`: what is set, to what, and where that was said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console

from anton.core.errors import UsageError
from anton.entrypoints.composition import Compose, Setting, Wish
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option
from anton.views.settings import settings_table


@click.command("config")
@click.argument("key", default="")
@click.option("--all", "whole", is_flag=True, help="Also what nobody set.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object, for programs.")
@config_option
@click.pass_obj
@speaking
def config_command(compose: Compose, key: str, whole: bool, as_json: bool, config: Path | None) -> None:
    """Show the settings in force and where each comes from; of KEY or a table, such as `model`, only that.

    Secrets are never shown, only that they are set.
    """
    settings = compose.settings(Wish(config=config, looking=True))
    found = _chosen(settings, key) if key else settings
    if as_json:
        shown = {each.key: {"value": _value(each.value), "origin": each.origin} for each in found}
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    given = [each for each in found if each.is_set or each.lacking or whole or key]
    rows = [(each.key, each.value, each.lacking or each.origin) for each in given]
    Console().print(settings_table(rows))
    if given and (left := len(found) - len(given)):
        click.echo(f"{left} more are as they are by default: anton config --all")


def _value(text: str) -> object:
    """The value itself; a text where it is none that JSON has."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _chosen(settings: Sequence[Setting], key: str) -> tuple[Setting, ...]:
    """A setting, or those of a table.

    Raises:
        UsageError: there is none of that name.
    """
    found = tuple(each for each in settings if each.key == key or each.key.startswith(f"{key}."))
    if found:
        return found
    names = [each.key for each in settings]
    tables = [name.rpartition(".")[0] for name in names]
    close = get_close_matches(key, dict.fromkeys((*names, *filter(None, tables))), n=1)
    meant = f": did you mean {close[0]!r}?" if close else "; see all: anton config --all"
    raise UsageError(f"there is no setting {key[:80]!r}{meant}")
