"""What a letter to a run amounts to. The one gate that every word from outside to a run at work passes."""

from __future__ import annotations

from datetime import datetime

from anton.core.agent import WITNESSES
from anton.core.approval import ApprovalRules
from anton.core.decision import Answer, Refused, decide, refuse_strangers
from anton.core.event import (
    Event,
    Note,
    NotePosted,
    Source,
    Verb,
)
from anton.core.letter import Cancel, Letter, QuestionReply, Word
from anton.core.question import Question, QuestionAnswered
from anton.core.run import Phase, RunState
from anton.core.text import sayable

MAX_LETTER_CHARACTERS = 4_000
"""Of what a person writes; an agent has to read it in one turn."""


def heed(state: RunState, letter: Letter, rules: ApprovalRules) -> tuple[Event, ...] | None:
    """The events that a letter amounts to, to be appended in one piece with its being taken.

    Returns:
        None where the letter has to wait, because nobody is at work who could be told yet.

    Raises:
        Refused: no rule names its writer, it comes too late, or it says nothing that could be heeded; the
            text says why and what would.
    """
    refuse_strangers(state, letter.by, rules)
    match letter.message:
        case QuestionReply():
            return _answered(state, letter, letter.message)
        case Word(text):
            return _said(state, letter.by, _bounded(text))
        case Cancel(reason):
            return _cancelled(state, letter.by, _bounded(reason), rules)


def _cancelled(state: RunState, by: str, reason: str, rules: ApprovalRules) -> tuple[Event, ...]:
    """A run that is cancelled is declined, whatever it is at: nothing of it leaves the machine."""
    decided = state.decision
    if decided is not None and (decided.verb, decided.by, decided.text) == (Verb.DECLINE, by, reason):
        return ()  # the same letter, sent twice
    digest = state.briefing.digest if state.briefing else ""
    return decide(state, Answer(Verb.DECLINE, by, digest, reason), rules)


def _bounded(text: str) -> str:
    """A person's words without anything that no journal could hold."""
    said = sayable(text).strip()
    if len(said) > MAX_LETTER_CHARACTERS:
        raise Refused(
            f"that is {len(said):,} characters long and {MAX_LETTER_CHARACTERS:,} are taken; say it shorter"
        )
    return said


def _said(state: RunState, by: str, text: str) -> tuple[Event, ...] | None:
    if not text:
        raise Refused("there is nothing to tell the agents: say something")
    match state.phase:
        case Phase.RECEIVED:
            return None
        case Phase.WORKING:
            note = Note(Source.PERSON, f"{sayable(by)} says, while you work:\n\n{text}")
            return tuple(NotePosted(name, note) for name in WITNESSES)
        case _:
            raise Refused(_nobody_at_work(state))


def _answered(state: RunState, letter: Letter, reply: QuestionReply) -> tuple[Event, ...]:
    asked = state.question(reply.question)
    if asked is None:
        open_ones = ", ".join(question.id for question in state.open_questions) or "none"
        raise Refused(
            f"run {state.run_id} has no question {reply.question[:20]!r}; waiting for an answer: {open_ones}"
        )
    text = _bounded(reply.text)
    event = QuestionAnswered(asked.agent, asked.id, sayable(letter.by) or "somebody", text, reply.allowed)
    if not asked.is_permission:
        text = text or {True: "yes", False: "no", None: ""}[reply.allowed]
        event = QuestionAnswered(asked.agent, asked.id, event.by, text)
    if (given := state.answer_to(asked.id)) is not None:
        if given == event:
            return ()  # the same answer again: a letter that was sent twice
        raise Refused(_too_late(state, asked, given))
    _refuse_unasked(state, asked, letter.at)
    if asked.is_permission:
        if reply.allowed is None:
            raise Refused(f"question {asked.id} is whether a call may be made: answer it with yes or no")
        return (event,)
    if not text:
        raise Refused(f"there is no answer to question {asked.id} in that: say something")
    note = Note(Source.PERSON, f"You asked ({asked.id}): {asked.text}\n\n{event.by} answers:\n\n{text}")
    return (event, NotePosted(asked.agent, note))


def _refuse_unasked(state: RunState, asked: Question, at: datetime) -> None:
    """Refuse an answer that nobody waits for any more."""
    if state.phase not in (Phase.WORKING, Phase.PROVING):
        raise Refused(f"nobody waits for the answer to {asked.id} any more: {_nobody_at_work(state)}")
    expired = asked.expires_at is not None and at >= asked.expires_at
    if expired or asked not in state.open_questions:
        raise Refused(f"question {asked.id} is no longer waited for; the agent went on without an answer")


def _too_late(state: RunState, asked: Question, given: QuestionAnswered) -> str:
    if not given.by:
        return f"question {asked.id} of run {state.run_id} was answered by nobody in time; the answer was no"
    said = {True: "yes", False: "no", None: given.text}[given.allowed]
    return f"question {asked.id} of run {state.run_id} was already answered by {given.by}: {said[:200]}"


def _nobody_at_work(state: RunState) -> str:
    run = state.run_id
    match state.phase:
        case Phase.PROVING:
            return (
                f"the agents of run {run} have handed in and their work is being executed. What should be "
                "different can be asked for when the briefing is there"
            )
        case Phase.DECIDING:
            return (
                f"run {run} waits for a decision. To send it back to the agents: "
                f'anton request-changes {run} "…"'
            )
        case Phase.DELIVERING:
            return f"run {run} is decided and being delivered"
        case _:
            return f"run {run} is closed"
