"""The run's message: where it stands, and once there is a briefing, what to decide on and the buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from anton.core.briefing import Briefing
from anton.core.event import Decided, RunOutcome, Verb
from anton.core.proof import Proof
from anton.core.run import Phase, RunState
from anton.core.seal import Choice
from anton.views.figures import cost, count, duration
from anton.views.matrix import squares
from anton.views.slack.blocks import (
    PREFORMATTED_CHARACTERS,
    Block,
    Post,
    actions,
    button,
    code,
    confirmed,
    context,
    escaped,
    fields,
    header,
    link_button,
    post,
    preformatted,
    said,
    told,
)
from anton.views.testimony import ending
from anton.views.timeline import VERBS

APPROVE, REQUEST_CHANGES, DECLINE = "anton_approve", "anton_request_changes", "anton_decline"
OPEN_PAGE = "anton_open_page"
"""Action ids."""
CHOICE = "choice"
"""Key of the sealed choice in a button's value."""

LISTED = 12
"""Files, tests and risks that are named; the rest are counted."""

_ENDED = {
    RunOutcome.DELIVERED: ":white_check_mark: *Delivered*",
    RunOutcome.DECLINED: ":no_entry_sign: *Declined*; nothing was pushed",
    RunOutcome.UNUSABLE: ":warning: *Stopped*: nothing could be proved",
    RunOutcome.FAILED: ":warning: *Failed*",
}
_STEPS = {
    "branch": "Branch",
    "pull_request": "Pull request",
    "ticket": "Ticket",
    "report": "Incident report",
}


@dataclass(frozen=True, slots=True)
class Links:
    """Where more is to be seen."""

    page: str = ""
    """URL of the run's page; empty where there is none."""
    seal: Callable[[Choice], str] = repr
    """Makes a button's value of what the button stands for; see `core.seal`."""


def message(state: RunState, links: Links) -> Post:
    """The run's one message as of now."""
    ticket = state.received.ticket
    head = header(f"{ticket.key}  {ticket.title}")
    summary = f"{escaped(ticket.key, 60)} {escaped(ticket.title, 200)}: {_in_short(state)}"
    return post(summary, (head, *_body(state, links)))


def _in_short(state: RunState) -> str:
    if state.phase is Phase.CLOSED and state.closed is not None:
        return _ENDED[state.closed.outcome]
    if state.briefing is not None:
        return escaped(state.briefing.headline, 600)
    return _doing(state)


def _doing(state: RunState) -> str:
    match state.phase:
        case Phase.RECEIVED:
            return "taken in, waiting for a free hand"
        case Phase.WORKING:
            return f"four agents are at work, round {state.round}"
        case Phase.PROVING:
            return f"the fix is being proved, round {state.round}"
        case Phase.DELIVERING:
            return "decided, and being delivered"
        case _:
            return str(state.phase)


def _body(state: RunState, links: Links) -> Iterator[Block]:
    briefing, proof = state.briefing, state.proof
    if state.phase is Phase.CLOSED:
        yield from _closed(state)
    elif state.phase in (Phase.RECEIVED, Phase.WORKING, Phase.PROVING):
        yield said(f":hourglass_flowing_sand: {_doing(state)[:1].upper()}{_doing(state)[1:]}.")
        if agents := _agents(state):
            yield context(agents)
    if state.work.stopped is not None and state.phase is not Phase.CLOSED:
        again = "" if state.work.parked else " It is tried again by itself."
        yield said(f":warning: *It cannot go on now.*{again}")
        yield told(state.work.stopped.reason)
    if briefing is not None and proof is not None:
        yield from _briefing(state, briefing, proof)
    yield from (_decision(decided) for decided in state.decisions)
    if briefing is not None and state.phase is Phase.DECIDING:
        yield from _who_may(state, briefing)
    buttons = [
        *(_deciding(state, briefing, links) if briefing and state.phase is Phase.DECIDING else ()),
        *([link_button("Open page", OPEN_PAGE, links.page)] if links.page else ()),
    ]
    if buttons:
        yield actions("anton_decide", buttons)
    yield context(_footer(state))


def _agents(state: RunState) -> str:
    stands = (
        f"*{name}* {escaped(ending(agent.ended), 120) if agent.ended else f'turn {agent.turn}'}"
        for name, agent in state.agents.items()
    )
    return "  ·  ".join(stands)


def _footer(state: RunState) -> str:
    spent = duration((state.updated_at - state.started_at).total_seconds())
    asked = (
        f"  ·  asked for by {escaped(state.received.requested_by, 80)}" if state.received.requested_by else ""
    )
    return f"run `{escaped(state.run_id, 60)}`  ·  {spent}  ·  {escaped(cost(state), 80)}{asked}"


def _closed(state: RunState) -> Iterator[Block]:
    if state.closed is None:
        return
    yield said(f"{_ENDED[state.closed.outcome]}.")
    if state.closed.detail:
        yield told(state.closed.detail)
    if state.steps:
        yield fields(
            {_STEPS.get(s.step, escaped(s.step)): code(s.result, 1_000) for s in state.steps.values()}
        )


def _briefing(state: RunState, briefing: Briefing, proof: Proof) -> Iterator[Block]:
    sign = ":large_green_circle:" if briefing.green else ":red_circle:"
    yield said(f"{sign} *{escaped(briefing.headline, 1_500)}*")
    yield told(briefing.paragraph)
    yield fields(
        {
            "Priority": escaped(briefing.priority),
            "Component": escaped(briefing.component),
            "Branch": code(state.branch),
            "Base": code(f"{state.base.branch if state.base else ''} {proof.patch.base[:10]}"),
            "Sandbox": escaped(proof.sandbox),
            "Files": _names([file.path for file in proof.patch.files], "file"),
            **({"Checks on base": escaped(state.base.checks)} if state.base and state.base.checks else {}),
        }
    )
    if proof.cells:
        yield preformatted(matrix_text(proof))
    if briefing.risks:
        risks = [f"• {escaped(risk, 220)}" for risk in briefing.risks[:LISTED]]
        more = len(briefing.risks) - LISTED
        yield said("*Look twice*\n" + "\n".join([*risks, *([f"• and {more} more"] if more > 0 else [])]))
    if fits(proof):
        yield preformatted(proof.patch.diff)
    elif proof.patch.diff:
        yield context("The whole diff is in this thread.")


def fits(proof: Proof) -> bool:
    """Whether the whole diff stands in the message itself."""
    return 0 < len(proof.patch.diff.encode("utf-16-le", "replace")) // 2 <= PREFORMATTED_CHARACTERS


def _names(names: list[str], noun: str) -> str:
    shown = ", ".join(code(name, 100) for name in names[:LISTED])
    return f"{count(len(names), noun)}: {shown}{', …' if len(names) > LISTED else ''}" if names else "none"


def matrix_text(proof: Proof) -> str:
    """The matrix, a line for each square that was run."""
    rows = [
        (f"{suite} on {tree}", square.counts, square.meaning)
        for (suite, tree), square in squares(proof.cells).items()
        if square.meaning
    ]
    widths = [max(len(row[column]) for row in rows) if rows else 0 for column in range(2)]
    return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)


def _decision(decided: Decided) -> Block:
    text = f": {escaped(decided.text, 1_000)}" if decided.text else ""
    red = " although the proof is not green" if decided.override else ""
    return context(f"{escaped(decided.who, 80)} {VERBS[decided.verb]}{red}{text}")


def _who_may(state: RunState, briefing: Briefing) -> Iterator[Block]:
    if briefing.approval:
        yield context(escaped(briefing.approval, 500))
    for given in state.approvals:
        yield context(f"{escaped(given.who, 120)} approved; it takes another person as well")


def _deciding(state: RunState, briefing: Briefing, links: Links) -> Iterator[Block]:
    def value(verb: Verb) -> Mapping[str, str]:
        return {CHOICE: links.seal(Choice(state.run_id, briefing.digest, verb))}

    if briefing.green:
        yield button("Approve & Open PR", APPROVE, value(Verb.APPROVE), "primary")
    yield button("Request Changes", REQUEST_CHANGES, value(Verb.REQUEST_CHANGES))
    decline = button("Decline", DECLINE, value(Verb.DECLINE), "danger")
    yield confirmed(decline, "Decline this fix?", "Nothing is pushed, and the run is closed.", "Decline")
