"""The command line's `anton chat`: opens a conversation, and the next one as long as there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from anton.core.agent import AgentSpec
from anton.core.errors import RunBusy, UsageError
from anton.core.ticket import Ticket
from anton.entrypoints.chat.commands import COMMANDS, listed_sessions
from anton.entrypoints.chat.dialogue import Dialogue, Next, Sitting
from anton.entrypoints.chat.errands import errands
from anton.entrypoints.chat.screen import Screen
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.keyboard import EditedLines, Keyboard, PlainLines
from anton.entrypoints.session import Seat
from anton.entrypoints.speaking import INTERRUPTED, speaking
from anton.entrypoints.start import config_option, new_run_id, received_of, sandbox_option
from anton.ports import Journal
from anton.runs.conversation import begin, open_conversation
from anton.views.conversation import exchanges

SHOWN_AGAIN = 2
"""Exchanges, when a conversation is taken up."""


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), help="The repository.  [default: as for anton fix]")
@click.option("--resume", "session", default="", help="Go on with this conversation.")
@click.option("--list", "listing", is_flag=True, help="List the conversations, newest first.")
@config_option
@sandbox_option
@click.pass_obj
@speaking
def chat(
    compose: Compose, repo: Path | None, session: str, listing: bool, config: Path | None, sandbox: str
) -> int:
    """Talk with Anton about a git repository; it works on a copy. /help says what else you can type.

    Without a terminal, each line of standard input is something that you say.
    """
    seat = Seat(compose, Wish(repo, config, sandbox=sandbox, looking=listing), Console())
    if listing:
        for line in seat.run(lambda anton: listed_sessions(_sessions(anton))):
            click.echo(line)
        return 0
    place = _Place(session or new_run_id())
    try:
        seat.run(lambda anton: _converse(seat, anton, place, new=not session))
    except KeyboardInterrupt:
        click.echo(f"\nanton: interrupted. Go on with: anton chat --resume {place.id}", err=True)
        return INTERRUPTED
    return 0


@dataclass(slots=True)
class _Place:
    """Where the person is."""

    id: str


def _sessions(anton: Anton) -> Journal:
    if anton.sessions is None:
        raise UsageError("there are no conversations here")
    return anton.sessions


async def _converse(seat: Seat, anton: Anton, place: _Place, *, new: bool) -> None:
    sessions, spec = _sessions(anton), anton.conversationalist
    if anton.suggestion or spec is None:
        raise UsageError(
            "no model is set: what comes with Anton is a recording of one demo run and cannot talk. "
            "Set API_KEY, BASE_URL and MODEL"
        )
    if new:
        await anton.world.repository(str(anton.repository.resolve())).resolve("")
        ticket = Ticket(f"CHAT-{place.id}", "Conversation", "", anton.user, "cli")
        await begin(anton.world, sessions, place.id, received_of(anton, ticket, anton.repository))
    screen = Screen(seat.console)
    keyboard: Keyboard = EditedLines(anton.world.home / "chat_history") if seat.interactive else PlainLines()
    async with errands(anton, screen) as beside:
        sitting = Sitting(seat, anton, sessions, screen, keyboard, beside, COMMANDS)
        await _sit(sitting, spec, place)
        if not seat.interactive:  # nobody is there who could be left with the rest
            await beside.wait()
    screen.say(f"Go on with: anton chat --resume {place.id}")


async def _sit(sitting: Sitting, spec: AgentSpec, place: _Place) -> None:
    """One conversation after the other, until the person leaves."""
    then, opened = Next(place.id, shown=True), ""
    while then.id:
        try:
            then = await _open(sitting, spec, place, then, greet=then.id != opened)
            opened = place.id
        except UsageError as error:
            said = f"conversation {then.id} is open elsewhere" if isinstance(error, RunBusy) else str(error)
            if place.id == then.id:
                raise UsageError(said) from error
            sitting.screen.say(f"anton: {said}; you are still in {place.id}")
            then = Next(place.id)


async def _open(sitting: Sitting, spec: AgentSpec, place: _Place, then: Next, *, greet: bool) -> Next:
    screen = sitting.screen
    opening = open_conversation(
        sitting.anton.world, sitting.sessions, then.id, spec, screen.hear, [screen.see], screen.changed
    )
    async with opening as talk:
        place.id = then.id
        if greet:
            about = talk.state.received.repository
            screen.say(
                f"Conversation {talk.id} about {about}, with {talk.model} under the policy {talk.policy}. "
                "/help says what you can type."
            )
        if then.shown:
            screen.replay(exchanges(talk.log.entries)[-SHOWN_AGAIN:])
        return await Dialogue(sitting, talk).carry_on()
