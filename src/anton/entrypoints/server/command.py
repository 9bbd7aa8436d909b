"""`anton serve`: the server from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console

from anton import __version__
from anton.entrypoints.composition import Anton, Check, Compose, Watch, Wish
from anton.entrypoints.server.application import application
from anton.entrypoints.server.desk import Desk
from anton.entrypoints.server.listen import bound, refuse_open, serve
from anton.entrypoints.server.logs import set_up
from anton.entrypoints.server.webhooks import SENDERS
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option, sandbox_option
from anton.views.checks import checks_table


@click.command("serve")
@click.option("--host", default=None, help="Address to listen on.  [default: server.host, else 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=None,
    help="Port to listen on; 0 takes a free one.  [default: server.port, else 8000]",
)
@click.option("--unsafe-no-sandbox", is_flag=True, help="As for anton fix.")
@config_option
@sandbox_option
@click.pass_obj
@speaking
def serve_command(
    compose: Compose,
    host: str | None,
    port: int | None,
    unsafe_no_sandbox: bool,
    config: Path | None,
    sandbox: str,
) -> int:
    """Take in tickets by HTTP, work them off, and wait for decisions; until SIGTERM or Ctrl-C."""
    console = Console()
    wish = Wish(config=config, sandbox=sandbox, unconfined=unsafe_no_sandbox, attended=True)

    async def work(anton: Anton) -> None:
        set_up(anton.serving.log, sys.stderr)
        serving = anton.serving
        where = host or serving.host
        refuse_open(where, serving.tokens.values())
        await anton.world.journal.run_ids()  # without a journal nothing could be taken in
        with serving.alone(), bound(where, serving.port if port is None else port) as listener:
            sides = (*await serving.prove(), webhooks_check(serving.secrets, serving.watch))
            tokens = serving.tokens or {anton.user: serving.own_token()}
            _announce(console, anton, _address(where, listener.getsockname()[1]), sides)
            await serve(application(Desk(anton), tokens, sides, (where,)), listener)

    try:
        Seat(compose, wish, console).run(work)
    except KeyboardInterrupt:
        click.echo("anton: stopped; runs that were under way go on when it is started again", err=True)
    return 0


def webhooks_check(known: Iterable[str], watch: Watch | None = None) -> Check:
    """Who is listened to, who is not for want of a secret, and where it is looked for what was missed."""
    names = ("slack", *(sender.name for sender in SENDERS))
    heard = [name for name in names if name in set(known)]
    deaf = [name for name in names if name not in heard]
    parts = [f"from {', '.join(heard)}"] if heard else []
    if deaf:
        parts.append(f"not listened to, because no secret is set: {', '.join(deaf)}")
    if watch is not None:
        parts.append(
            f"missed ones are looked for every {watch.seconds:g} s in {watch.occurrences.description}"
        )
    return Check("webhooks", True, "; ".join(parts))


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(console: Console, anton: Anton, address: str, sides: Sequence[Check]) -> None:
    console.print(f"Anton {__version__} listens on {address}", highlight=False)
    console.print(checks_table([(side.name, side.good, side.detail) for side in sides]))
    where = "ANTON_API_TOKEN" if anton.serving.tokens else str(anton.world.home / "api-token")
    click.echo(f"Runs: {address}/runs, the API: {address}/docs; the token for both: {where}")
    click.echo("Try it, from another terminal: anton trigger")
