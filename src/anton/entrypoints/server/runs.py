"""Runs: listed, shown, begun, decided on, talked to."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from anton.core.decision import Answer, Refused
from anton.core.errors import UsageError
from anton.core.event import Verb
from anton.core.letter import Cancel, QuestionReply
from anton.core.run import Phase, RunState
from anton.core.ticket import ticket_from_text
from anton.entrypoints.intake.taken import Taken, delivery_of
from anton.entrypoints.server.access import TheDesk, Who
from anton.entrypoints.server.desk import LATEST, NEWEST, Desk
from anton.entrypoints.server.problems import refusals
from anton.entrypoints.server.shapes import (
    Approval,
    Begun,
    Cancelling,
    ChangeRequest,
    Declining,
    Heard,
    NewRun,
    Reply,
    RunList,
    WholeRun,
    run_shape,
    whole_run,
)

_REFUSALS = refusals(
    {
        400: "the body is no JSON",
        401: "nobody who is known",
        404: "there is no such run",
        409: "it may not be done now",
        422: "it cannot be done as it was asked",
        503: "something outside failed: try again",
    }
)
router = APIRouter(tags=["runs"], responses=_REFUSALS)


@router.get("/runs")
async def list_runs(
    desk: TheDesk,
    who: Who,  # noqa: ARG001 - that it is somebody is enough
    limit: Annotated[int, Query(ge=1, le=500)] = NEWEST,
    phase: Phase | None = None,
) -> RunList:
    """The newest runs, newest first; with `phase`, those of them that are in it."""
    states = await desk.outlines(limit)
    return RunList(runs=tuple(run_shape(state) for state in states if phase in (None, state.phase)))


@router.post("/runs", status_code=HTTPStatus.ACCEPTED)
async def begin_run(
    desk: TheDesk,
    who: Who,
    asked: NewRun,
    response: Response,
    idempotency_key: Annotated[str, Header(max_length=150)] = "",
) -> Begun:
    """Take a bug in and begin its run; without a text, the demo's. One Idempotency-Key begins one run."""
    key = idempotency_key or secrets.token_hex(16)
    taken = _taken(desk, who, asked, delivery_of("api", key))
    run_id, begun = await desk.take_in(taken)
    response.headers["Location"] = f"/runs/{run_id}"
    return begun_of(run_id, begun=begun)


def begun_of(run_id: str, *, begun: bool) -> Begun:
    """What a ticket led to."""
    detail = "the run has begun" if begun else "there is a run for this already"
    return Begun(run=run_id, begun=begun, url=f"/runs/{run_id}", detail=detail)


def _taken(desk: Desk, who: str, asked: NewRun, delivery: str) -> Taken:
    if not asked.text.strip():
        return Taken(desk.serving.demo, delivery, who)
    key = asked.key or f"BUG-{secrets.token_hex(4)}"
    try:
        ticket = ticket_from_text(asked.text, key=key, reporter=who, source="api")
    except ValueError as error:
        raise UsageError(f"there is no ticket in the text: {error}") from error
    return Taken(ticket, delivery, who, asked.repository, asked.base)


@router.get("/runs/{run}")
async def show_run(desk: TheDesk, who: Who, run: str) -> WholeRun:  # noqa: ARG001 - that it is somebody is enough
    """Everything about a run; `latest` is the newest that waits for a decision, else the newest of all."""
    return whole_run(await desk.state(await desk.named(run)))


@router.post("/runs/{run}/approve")
async def approve(desk: TheDesk, who: Who, run: str, asked: Approval | None = None) -> Heard:
    """Approve a run: its branch is pushed and the pull request opened.

    `latest` goes for an id here too, as long as no other run waits, or with the digest of what was looked at.
    """
    asked = asked or Approval()
    if run == LATEST and not asked.digest:
        await desk.refuse_to_choose()

    def given(state: RunState) -> Answer:
        seen = _seen(state, asked.digest, must_name=state.renewed)
        return Answer(Verb.APPROVE, who, seen, asked.text, asked.override_red)

    return _heard(await desk.decide(await desk.named(run), given))


@router.post("/runs/{run}/request-changes")
async def request_changes(desk: TheDesk, who: Who, run: str, asked: ChangeRequest) -> Heard:
    """Send a run back to the agents; the proof and the briefing are renewed."""

    def given(state: RunState) -> Answer:
        return Answer(Verb.REQUEST_CHANGES, who, _seen(state, asked.digest), asked.text)

    if desk.anton.suggestion and " ".join(asked.text.split()) != desk.anton.suggestion:
        raise UsageError(
            f"the model in use is a recording and answers one request only: {desk.anton.suggestion}"
        )
    return _heard(await desk.decide(await desk.named(run), given))


@router.post("/runs/{run}/decline")
async def decline(desk: TheDesk, who: Who, run: str, asked: Declining | None = None) -> Heard:
    """Decline a briefing: nothing is pushed."""
    asked = asked or Declining()

    def given(state: RunState) -> Answer:
        return Answer(Verb.DECLINE, who, _seen(state, asked.digest), asked.text, asked.give_up)

    return _heard(await desk.decide(await desk.named(run), given))


@router.post("/runs/{run}/cancel")
async def cancel(desk: TheDesk, who: Who, run: str, asked: Cancelling | None = None) -> Heard:
    """Stop working on a run and close it, whatever it is at, as long as nothing of it has left."""
    reason = asked.reason if asked else ""
    told = await desk.tell(await desk.named(run), who, Cancel(reason))
    return _heard(told.state, taken=told.taken)


@router.post("/runs/{run}/retry", status_code=HTTPStatus.ACCEPTED)
async def retry(desk: TheDesk, who: Who, run: str) -> Begun:
    """Have a run taken on now that was stopped or parked; one that failed for good begins anew."""
    run_id, anew = await desk.retry(await desk.named(run), who)
    detail = "it begins anew" if anew else "it goes on"
    return Begun(run=run_id, begun=anew, url=f"/runs/{run_id}", detail=detail)


@router.post("/runs/{run}/answer")
async def answer(desk: TheDesk, who: Who, run: str, asked: Reply) -> Heard:
    """Answer a question of an agent, or whether a call may be made."""
    run_id = await desk.named(run)
    question = asked.question or _only_question(await desk.state(run_id))
    told = await desk.tell(run_id, who, QuestionReply(question, asked.text, asked.allowed))
    return _heard(told.state, taken=told.taken)


def _seen(state: RunState, digest: str, *, must_name: bool = False) -> str:
    """The digest that an answer is about, completed where it was shortened."""
    current = state.briefing.digest if state.briefing else ""
    if not digest and must_name:
        raise Refused(
            f"the briefing of run {state.run_id} was renewed since the first one: look at it again, and name "
            "its digest"
        )
    return current if not digest or (len(digest) >= 8 and current.startswith(digest)) else digest


def _only_question(state: RunState) -> str:
    waiting = state.open_questions
    if len(waiting) != 1:
        raise Refused(f"{len(waiting)} questions of run {state.run_id} wait: name the one that you answer")
    return waiting[0].id


def _heard(state: RunState, *, taken: bool = True) -> Heard:
    return Heard(run=state.run_id, phase=state.phase, taken=taken)
