"""Commands that decide on a run, or go on with one, from any terminal."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from anton.core.decision import Answer
from anton.core.errors import RunBusy, UsageError
from anton.core.event import Verb
from anton.core.run import RunState, fold
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.session import Seat, attend, refuse_unheard, submit, waits_for_another
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option, record_option, sandbox_option, yes_option

digest_option = click.option(
    "--digest",
    default="",
    help="Of the briefing you looked at (its beginning will do); refused if there is a newer one.",
)


async def state_of(anton: Anton, run_id: str) -> RunState:
    """Where a run stands.

    Raises:
        UsageError: there is no such run.
    """
    entries = await anton.world.journal.read(run_id)
    if not entries:
        raise UsageError(f"there is no run {run_id!r}; see which there are: anton runs")
    return fold(entries)


@click.command()
@click.argument("run")
@click.option(
    "--override-red", is_flag=True, help="Approve although the proof is not green; this is put on record."
)
@digest_option
@config_option
@click.pass_obj
@speaking
def approve(compose: Compose, run: str, override_red: bool, digest: str, config: Path | None) -> int:
    """Approve RUN: its branch is pushed and the pull request opened."""
    return _decide(compose, run, Verb.APPROVE, digest, config, override=override_red)


@click.command("request-changes")
@click.argument("run")
@click.argument("text")
@digest_option
@config_option
@sandbox_option
@record_option
@click.pass_obj
@speaking
def request_changes(
    compose: Compose, run: str, text: str, digest: str, config: Path | None, sandbox: str, record: Path | None
) -> int:
    """Send RUN back to the agents with TEXT; the proof and the briefing are renewed."""
    return _decide(
        compose, run, Verb.REQUEST_CHANGES, digest, config, text=text, sandbox=sandbox, record=record
    )


@click.command()
@click.argument("run")
@click.argument("text", default="")
@click.option(
    "--give-up", is_flag=True, help="Also give up what was approved, as long as nothing of it was pushed."
)
@digest_option
@config_option
@click.pass_obj
@speaking
def decline(compose: Compose, run: str, text: str, give_up: bool, digest: str, config: Path | None) -> int:
    """Decline RUN, for the reason TEXT: nothing is pushed. A run that still works is given up."""
    try:
        return _decide(compose, run, Verb.DECLINE, digest, config, text=text, override=give_up)
    except RunBusy as busy:
        raise RunBusy(f"{busy}. To stop it all the same: anton cancel {run}") from busy


@click.command()
@click.argument("run")
@yes_option
@config_option
@sandbox_option
@record_option
@click.option("--unsafe-no-sandbox", is_flag=True, help="As for anton fix.")
@click.pass_obj
@speaking
def resume(
    compose: Compose,
    run: str,
    yes: bool,
    config: Path | None,
    sandbox: str,
    record: Path | None,
    unsafe_no_sandbox: bool,
) -> int:
    """Go on with RUN from where its journal stands."""
    wish = Wish(config=config, record=record, sandbox=sandbox, unconfined=unsafe_no_sandbox)
    return attend(Seat(compose, wish, Console(), yes), run)


def _decide(
    compose: Compose,
    run: str,
    verb: Verb,
    digest: str,
    config: Path | None,
    *,
    text: str = "",
    override: bool = False,
    sandbox: str = "auto",
    record: Path | None = None,
) -> int:
    seat = Seat(compose, Wish(config=config, record=record, sandbox=sandbox), Console())

    async def look(anton: Anton) -> Answer:
        state = await state_of(anton, run)
        current = state.briefing.digest if state.briefing else ""
        if verb is Verb.APPROVE and not digest and state.renewed:
            raise UsageError(
                f"the briefing of run {run} was renewed since the first one. Look at it (anton show {run}), "
                f"then name what you saw: anton approve {run} --digest {current[:12]}"
            )
        if verb is Verb.REQUEST_CHANGES:
            refuse_unheard(anton.suggestion, text)
        seen = current if not digest or (len(digest) >= 8 and current.startswith(digest)) else digest
        return Answer(verb, anton.user, seen, text, override)

    state = submit(seat, run, seat.run(look))
    if said := waits_for_another(state):
        click.echo(said)
        return 0
    return attend(seat, run)
