"""Commands that take in a ticket."""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

import click
from rich.console import Console

from anton.core.errors import UsageError
from anton.core.event import RunReceived
from anton.core.ticket import Ticket, ticket_from_text
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat, attend
from anton.entrypoints.speaking import speaking
from anton.runs.runner import receive

DEMO_TICKET = "BUG-42"
MAX_TICKET_BYTES = 8_000_000
"""Read from a file or standard input; an agent reads much less of it, and is told so."""

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file in place of ./anton.toml.",
)
sandbox_option = click.option(
    "--sandbox",
    type=click.Choice(["auto", "bubblewrap", "landlock"]),
    default="auto",
    help="What confines the repository's code; by default the strongest that works here.",
)
record_option = click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the exchange with the model in this file.",
)
yes_option = click.option("--yes", is_flag=True, help="Approve without asking, if the proof is green.")


def new_run_id() -> str:
    """Eight characters that name a run in branches, folders and commands."""
    return secrets.token_hex(4)


@click.command()
@yes_option
@config_option
@sandbox_option
@record_option
@click.pass_obj
@speaking
def demo(compose: Compose, yes: bool, config: Path | None, sandbox: str, record: Path | None) -> int:
    """Repair the demo service: a real repository, real tests, a real proof; no key is needed.

    Without API_KEY the model is a recording of a true run, and everything else is real.
    """
    wish = Wish(config=config, record=record, sandbox=sandbox, unconfined=True)
    seat = Seat(compose, wish, Console(), yes)
    run_id = new_run_id()

    async def take_in(anton: Anton) -> None:
        _say_notices(anton)
        repository = await anton.lay_out_demo(run_id)
        ticket = await anton.world.tracker.get(DEMO_TICKET)
        await receive(anton.world, run_id, received_of(anton, ticket, repository))

    seat.run(take_in)
    return attend(seat, run_id)


@click.command()
@click.argument("text", required=False)
@click.option("--ticket", "ticket_file", help="Read the ticket from this file; - for standard input.")
@click.option("--key", default="", help="The ticket's key, such as BUG-7; it names the branch.")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    help="The git repository with the bug, or its GitHub URL.  [default: REPO_CWD, else the current folder]",
)
@click.option(
    "--base", default="", help="Branch, tag or commit to base the fix on.  [default: what is checked out]"
)
@click.option(
    "--remote",
    default="",
    help="Where to push the branch.  [default: the repository's local origin, else Anton's own]",
)
@click.option(
    "--unsafe-no-sandbox",
    is_flag=True,
    help="Run the repository's code unconfined where no sandbox works. It can then do what you can do.",
)
@yes_option
@config_option
@sandbox_option
@record_option
@click.pass_obj
@speaking
def fix(
    compose: Compose,
    text: str | None,
    ticket_file: str | None,
    key: str,
    repo: Path | None,
    base: str,
    remote: str,
    unsafe_no_sandbox: bool,
    yes: bool,
    config: Path | None,
    sandbox: str,
    record: Path | None,
) -> int:
    """Repair the bug that TEXT (or --ticket) describes, in a local git repository.

    Your checkout is only read. The model comes from API_KEY, BASE_URL and MODEL.
    """
    run_id = new_run_id()
    ticket = _ticket(text, ticket_file, key or f"BUG-{run_id}")
    wish = Wish(repo, config, record, sandbox, unsafe_no_sandbox)
    seat = Seat(compose, wish, Console(), yes)

    async def take_in(anton: Anton) -> None:
        _say_notices(anton)
        if anton.world.masker.mask(remote) != remote:
            raise UsageError(
                "--remote holds a password, which is not written down and so could not be pushed with: name "
                "the address without it, and have git's credential helper or ssh know it"
            )
        received = received_of(anton, ticket, anton.repository, base, remote)
        await anton.world.repository(received.repository).resolve(base)
        if anton.suggestion:
            raise UsageError(
                "no model is set: what comes with Anton is a recording of one demo run and can answer "
                "nothing else. Set API_KEY, BASE_URL and MODEL"
            )
        await receive(anton.world, run_id, received)

    seat.run(take_in)
    return attend(seat, run_id)


def _say_notices(anton: Anton) -> None:
    for notice in anton.notices:
        click.echo(f"anton: {notice}", err=True)


def received_of(
    anton: Anton, ticket: Ticket, repository: Path, base: str = "", remote: str = ""
) -> RunReceived:
    """What is written down of a ticket that somebody at this keyboard takes in."""
    return RunReceived(
        ticket=ticket,
        repository=str(repository.resolve()),
        base_ref=base,
        remote=remote,
        reports=str(anton.reports_of(repository)),
        requested_by=anton.user,
        rounds=anton.rounds,
    )


def _ticket(text: str | None, file: str | None, key: str) -> Ticket:
    if (text is None) == (file is None):
        raise UsageError(
            'say what the bug is: anton fix "what happens", or --ticket FILE (- for standard input)'
        )
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"{key!r} cannot be a ticket's key: letters, digits, '.', '_' and '-' can, as in BUG-7"
        )
    if file is not None:
        text = _read(file)
    try:
        return ticket_from_text(text or "", key=key)
    except ValueError as error:
        where = "the text" if file is None else "standard input" if file == "-" else repr(file)
        raise UsageError(f"there is no ticket in {where}: {error}") from error


def _read(file: str) -> str:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(MAX_TICKET_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(MAX_TICKET_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the ticket cannot be read from {file!r}: {error.strerror}") from error
    if len(content) > MAX_TICKET_BYTES:
        raise UsageError(
            f"the ticket {file!r} is larger than {MAX_TICKET_BYTES:,} bytes; send the part that matters"
        )
    if b"\0" in content[:10_000]:
        raise UsageError(f"the ticket {file!r} is not text")
    return content.decode("utf-8", "replace")
