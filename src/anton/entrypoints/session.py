"""A run in front of a person at a terminal: shown as it happens, then put to the question.

Each step opens the world anew. Nothing is held while the person thinks, so another terminal may decide, and
whatever happens here in between, the run is in the journal.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import click
from rich.console import Console, RenderableType
from rich.live import Live

from anton.core.agent import AgentSpec
from anton.core.decision import Answer, Refused
from anton.core.errors import OutsideError, UsageError, unwrapped
from anton.core.event import Entry, RunOutcome, Verb
from anton.core.run import Phase, RunState
from anton.entrypoints.asking import Inquirer
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.running import run_step
from anton.entrypoints.speaking import FAILED, INTERRUPTED
from anton.runs.log import utc_now
from anton.runs.runner import advance, answer
from anton.views.closing import closing
from anton.views.lanes import NO_CLOCKS, Clocks, lanes, tick
from anton.views.screen import KEYS, decision_screen, offered_keys
from anton.views.timeline import progress_line

T = TypeVar("T")
FRAMES_PER_SECOND = 8


@dataclass(frozen=True, slots=True)
class Seat:
    """Where the person sits."""

    compose: Compose
    wish: Wish
    console: Console
    yes: bool = False
    """Approve a green briefing without asking."""

    @property
    def interactive(self) -> bool:
        """Whether somebody can be asked."""
        return self.console.is_terminal and sys.stdin.isatty()

    @property
    def attended(self) -> bool:
        """Whether somebody answers questions while a run works."""
        return self.interactive and not self.yes

    def run(self, step: Callable[[Anton], Awaitable[T]]) -> T:
        """Carry out one step with the world open."""

        async def opened() -> T:
            wish = replace(self.wish, attended=self.wish.attended or self.attended)
            async with self.compose(wish) as anton:
                return await step(anton)

        return run_step(opened())


def attend(seat: Seat, run_id: str) -> int:
    """Take a run on from where it stands until it is closed or waits for a decision.

    Returns:
        The exit status.

    Raises:
        AntonError: the run cannot go on now; it is kept as it is.
    """
    while True:
        try:
            state = seat.run(lambda anton: _watched(seat, anton, run_id))
        except KeyboardInterrupt:
            click.echo(
                f"\nanton: interrupted; everything is kept. Go on with: anton resume {run_id}", err=True
            )
            return INTERRUPTED
        except OutsideError as error:
            raise OutsideError(
                f"{error}\nNothing is lost. Go on with: anton resume {run_id}\n"
                f"Or give it up with: anton decline {run_id} --give-up"
            ) from error
        if state.phase is Phase.CLOSED:
            seat.console.print(closing(state))
            good = state.closed and state.closed.outcome in (RunOutcome.DELIVERED, RunOutcome.DECLINED)
            return 0 if good else FAILED
        given = _ask(seat, state)
        if given is None:
            return 0 if state.briefing and state.briefing.green else FAILED
        try:
            if said := waits_for_another(submit(seat, run_id, given)):
                click.echo(said)
                return 0
        except Refused as refusal:  # somebody else decided, or the briefing is newer: look again
            click.echo(f"anton: {refusal}", err=True)


def waits_for_another(state: RunState) -> str:
    """What to tell somebody whose approval is one of two; empty where the run goes on."""
    if state.phase is not Phase.DECIDING or not state.approvals:
        return ""
    return (
        f"Your approval of run {state.run_id} is on record. It changes what takes two persons, so another "
        f"one has to approve it as well: anton show {state.run_id}"
    )


def submit(seat: Seat, run_id: str, given: Answer) -> RunState:
    """Have a decision journaled.

    Raises:
        Refused: it may not be taken now.
    """
    return seat.run(lambda anton: answer(anton.world, run_id, given))


async def _watched(seat: Seat, anton: Anton, run_id: str) -> RunState:
    """Lanes on a terminal, with the questions of the run; elsewhere a line for each notable event."""
    console = seat.console
    if not console.is_terminal:
        return await advance(anton.world, run_id, [lambda entry, state: _print_line(console, entry, state)])
    picture = _Picture(anton.world.specs, anton.world.sandbox.description)
    with Live(
        get_renderable=picture, console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True
    ) as live:
        if not seat.attended:
            return await advance(anton.world, run_id, [picture.see])
        return await _asked(anton, run_id, picture, Inquirer(anton, console, live))


async def _asked(anton: Anton, run_id: str, picture: _Picture, inquirer: Inquirer) -> RunState:
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(inquirer.attend(), name=f"questions of {run_id}")
            try:
                return await advance(anton.world, run_id, [picture.see, inquirer.see])
            finally:
                asking.cancel()


def _print_line(console: Console, entry: Entry, state: RunState) -> None:
    if text := progress_line(entry, state):
        console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class _Picture:
    """The lanes as of the last entry and of now."""

    specs: tuple[AgentSpec, ...]
    sandbox: str
    _state: RunState | None = None
    _clocks: Clocks = field(default_factory=lambda: NO_CLOCKS)

    def see(self, entry: Entry, state: RunState) -> None:
        self._state, self._clocks = state, tick(self._clocks, entry)

    def __call__(self) -> RenderableType:
        if self._state is None:
            return ""
        return lanes(self._state, utc_now(), specs=self.specs, clocks=self._clocks, sandbox=self.sandbox)


def _ask(seat: Seat, state: RunState) -> Answer | None:
    """Show the briefing and take the person's answer; None where it is left for later."""
    briefing = state.briefing
    if briefing is None:
        return None
    keys = offered_keys(briefing) if seat.interactive and not seat.yes else ()
    seat.console.print(decision_screen(state, keys=keys))
    user, suggestion = seat.run(_user_and_suggestion)
    if seat.yes and briefing.green:
        return Answer(Verb.APPROVE, user, briefing.digest)
    if seat.yes:
        click.echo("anton: --yes approves green proofs only; this one is not, so it waits", err=True)
    if not keys:
        return None
    try:
        key = click.prompt("Your answer", type=click.Choice(keys), show_choices=True, prompt_suffix=" > ")
        verb = KEYS[key][0]
        text = _request(suggestion) if verb is Verb.REQUEST_CHANGES else ""
    except click.Abort:
        verb, text = None, ""
    if verb is None:
        click.echo(f"\nLeft for later. See it again with: anton show {state.run_id}")
        return None
    return Answer(verb, user, briefing.digest, text)


def refuse_unheard(suggestion: str, text: str) -> None:
    """Refuse a request for changes that the model in use cannot answer, before anything is written down.

    Raises:
        UsageError: the model is a recording, and this is not the request that was recorded.
    """
    if suggestion and " ".join(text.split()) != suggestion:
        raise UsageError(
            "the model in use is a recording and answers one request only:\n"
            f"  {suggestion}\n"
            "For any other set API_KEY, BASE_URL and MODEL"
        )


def _request(suggestion: str) -> str:
    """The person's words; asked again where the model in use could not answer them."""

    def heard(text: str) -> str:
        try:
            refuse_unheard(suggestion, text)
        except UsageError as error:
            raise click.BadParameter(str(error)) from error
        return text

    if suggestion:
        click.echo(f"The recording answers one request, which Enter takes:\n  {suggestion}")
    words: str = click.prompt(
        "What should change",
        default=suggestion or None,
        show_default=False,
        prompt_suffix="? ",
        value_proc=heard,
    )
    return words


async def _user_and_suggestion(anton: Anton) -> tuple[str, str]:
    return anton.user, anton.suggestion
