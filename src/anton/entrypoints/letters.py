"""Commands that say something to a run, also while another process works on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import click
from rich.console import Console

from anton.core.errors import RunBusy, UsageError
from anton.core.letter import Cancel, Message, QuestionReply, Word
from anton.core.question import Question
from anton.core.run import Phase, RunState
from anton.entrypoints.composition import Anton, Compose, Wish
from anton.entrypoints.decide import state_of
from anton.entrypoints.session import Seat, attend
from anton.entrypoints.speaking import speaking
from anton.entrypoints.start import config_option
from anton.runs.tell import Told, write
from anton.runs.tell import tell as tell_run
from anton.views.questions import how_to_answer

WAIT_SECONDS = 5.0
"""For a process at work to take a letter; it looks twice a second."""


@click.command()
@click.argument("run")
@click.argument("text", default="")
@click.option("--question", default="", help="Its id, such as q1; needed where several are open.")
@click.option("--yes/--no", "allowed", default=None, help="Whether the call may be made.")
@config_option
@click.pass_obj
@speaking
def answer(
    compose: Compose, run: str, text: str, question: str, allowed: bool | None, config: Path | None
) -> None:
    """Answer a question of RUN with TEXT; where it is whether a call may be made, with --yes or --no."""
    if not text and allowed is None:
        raise UsageError(f'say what the answer is: anton answer {run} "…", or --yes, or --no')

    async def step(anton: Anton) -> Told:
        name = question or _only(await state_of(anton, run)).id
        return await _told(anton, run, QuestionReply(name, text, allowed))

    told = _say(compose, config, step)
    click.echo("Answered." if told.taken else _left(run))


@click.command()
@click.argument("run")
@click.argument("text")
@config_option
@click.pass_obj
@speaking
def tell(compose: Compose, run: str, text: str, config: Path | None) -> None:
    """Tell the agents of RUN something while they work: TEXT reaches code and test as a note."""

    async def step(anton: Anton) -> Told:
        return await _told(anton, run, Word(text))

    told = _say(compose, config, step)
    click.echo("The agents are told." if told.taken else _left(run))


@click.command()
@click.argument("run")
@click.argument("reason", default="")
@config_option
@click.pass_obj
@speaking
def cancel(compose: Compose, run: str, reason: str, config: Path | None) -> int:
    """Stop RUN, for REASON, whoever works on it: it is closed as declined, and nothing is pushed."""

    async def step(anton: Anton) -> Told:
        return await _told(anton, run, Cancel(reason))

    told = _say(compose, config, step)
    if not told.taken:
        click.echo(_left(run))
        return 0
    if told.state.phase is not Phase.CLOSED:
        try:
            return attend(Seat(compose, Wish(config=config), Console()), run)
        except RunBusy:
            pass  # whoever works on it has the letter, and closes the run
    click.echo(f"Run {run} is stopped.")
    return 0


def _say(compose: Compose, config: Path | None, step: Callable[[Anton], Awaitable[Told]]) -> Told:
    return Seat(compose, Wish(config=config, looking=True), Console()).run(step)


async def _told(anton: Anton, run: str, message: Message) -> Told:
    letter = write(anton.world, run, anton.user, message)
    return await tell_run(anton.world, letter, wait_seconds=WAIT_SECONDS)


def _only(state: RunState) -> Question:
    """The one question that is open.

    Raises:
        UsageError: there is none, or it has to be said which.
    """
    match state.open_questions:
        case (question,):
            return question
        case ():
            raise UsageError(f"run {state.run_id} has no open question; see anton show {state.run_id}")
        case several:
            shown = "\n".join(f"  {how_to_answer(question, state.run_id)}" for question in several)
            raise UsageError(f"run {state.run_id} has several open questions; say which you answer:\n{shown}")


def _left(run: str) -> str:
    return f"Left for whoever works on run {run} next; see anton show {run}"
