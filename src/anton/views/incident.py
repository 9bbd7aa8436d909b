"""The incident report: a closed run as one Markdown document, from ticket to delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anton.core.agent import AgentState
from anton.core.consent import AnswerRefused, ApprovalGiven, BaseMoved
from anton.core.event import Decided, Entry, Verb
from anton.core.outcomes import outcomes
from anton.core.proof import Proof, Suite, Tree
from anton.core.run import Phase, RunState
from anton.views.culprit import culprit_sentence
from anton.views.encode import code, cut, fence, inline, prose, quoted
from anton.views.figures import agent_cost, agent_tokens, all_tokens, cost, count, duration, utc
from anton.views.lanes import standing
from anton.views.matrix import matrix_markdown
from anton.views.questions import questions_markdown
from anton.views.strength import scores, weaknesses
from anton.views.testimony import ending, testimony
from anton.views.timeline import VERBS, moments, step_name

TICKET_CHARACTERS = 8_000
MESSAGE_CHARACTERS = 2_000
"""Of one test's failure message."""
SHOWN_MESSAGES = 5
"""Failing tests whose message is shown; the rest are counted."""


def incident_report(state: RunState, entries: Iterable[Entry]) -> str:
    """The whole report; every figure is from the journal, every quoted text is attributed."""
    ticket, entries = state.received.ticket, tuple(entries)
    sections = (
        ("Summary", _summary(state)),
        ("Ticket", _ticket(state)),
        ("Root cause", _cause(state)),
        ("Fix", _fix(state)),
        ("Proof", _proof(state)),
        *((("Questions", questions_markdown(state)),) if state.questions else ()),
        ("Decisions", _decisions(entries)),
        ("Delivery", _delivery(state)),
        ("Timeline", _timeline(entries)),
        ("Cost", _cost(state)),
    )
    title = f"# Incident {inline(ticket.key)}: {inline(ticket.title)}"
    return "\n\n".join((title, *(f"## {name}\n\n{text}" for name, text in sections))) + "\n"


def _summary(state: RunState) -> str:
    headline = state.briefing.headline if state.briefing else "No briefing was prepared."
    outcome = _outcome(state)
    detail = f" ({inline(state.closed.detail)})" if state.closed and state.closed.detail else ""
    rows = [
        f"- Run {code(state.run_id)}: {outcome}{detail}",
        f"- From {utc(state.started_at)} to {utc(state.updated_at)}, "
        f"{duration((state.updated_at - state.started_at).total_seconds())}",
        f"- {count(state.round, 'round')}, {code(cost(state))}",
    ]
    if state.briefing:
        rows.append(
            f"- Priority {inline(state.briefing.priority)}, component {inline(state.briefing.component)}"
        )
    paragraph = f"\n\n{inline(state.briefing.paragraph, 4_000)}" if state.briefing else ""
    return f"**{inline(headline, 1_000)}**{paragraph}\n\n" + "\n".join(rows)


def _outcome(state: RunState) -> str:
    """How the run ended; a decided run is still open here, for its report is its last step."""
    if state.closed:
        return str(state.closed.outcome)
    if state.phase is Phase.DELIVERING and state.decisions:
        return "declined" if state.decisions[-1].verb is Verb.DECLINE else "approved and delivered"
    return f"open, {standing(state)}"


def _ticket(state: RunState) -> str:
    ticket = state.received.ticket
    reporter = f", reported by {code(ticket.reporter)}" if ticket.reporter else ""
    asked = f", run requested by {code(state.received.requested_by)}" if state.received.requested_by else ""
    return f"From {inline(ticket.source)}{reporter}{asked}.\n\n{quoted(ticket.body, TICKET_CHARACTERS)}"


def _cause(state: RunState) -> str:
    heard = testimony(state)
    if heard.code:
        told = f"_As the code agent puts it:_\n\n{prose(heard.code.root_cause)}"
    elif heard.test:
        told = f"_As the test agent puts it:_\n\n{prose(heard.test.diagnosis)}"
    else:
        told = "No agent named a cause."
    return "\n\n".join((told, *(inline(sentence) for sentence in heard.missing)))


def _latest(state: RunState) -> Proof | None:
    """The last proof that was judged, of whatever round."""
    return state.proofs[-1] if state.proofs else None


def _fix(state: RunState) -> str:
    proof = _latest(state)
    if proof is None or not proof.patch.files:
        return "Nothing was changed."
    parts = []
    if solution := testimony(state).code:
        parts.append(f"_As the code agent puts it:_\n\n{prose(solution.solution)}")
    commits = (f"- {code(commit.sha[:12])} {inline(commit.subject)}" for commit in proof.patch.commits)
    parts.append("\n".join(commits))
    parts.append(fence(proof.patch.diff, "diff"))
    parts.extend(f"Left out: {inline(refusal.text)}" for refusal in proof.patch.refused)
    return "\n\n".join(filter(None, parts))


def _proof(state: RunState) -> str:
    proof = _latest(state)
    if proof is None:
        return "Nothing was proved."
    facts = [f"- Base {code(proof.patch.base)}", f"- Head {code(proof.patch.head)}"]
    facts.append(f"- Sandbox: {inline(proof.sandbox)}")
    if state.base and state.base.checks:
        facts.append(f"- Checks on base: {inline(state.base.checks)}")
    if state.briefing:
        facts.append(f"- Digest {code(state.briefing.digest)}")
    if proof.culprit:
        facts.append(f"- {inline(culprit_sentence(proof.culprit), 800)}")
    facts.extend(f"- {score.capitalize()}" for score in scores(proof))
    facts.extend(f"- {inline(sentence, 500)}" for sentence in weaknesses(proof))
    parts = ["\n".join(facts)]
    if proof.cells:
        parts.append(matrix_markdown(proof.cells))
    parts.extend(_failures(proof))
    parts.extend(f"**{fault.kind}**\n\n{fence(fault.evidence)}" for fault in proof.faults)
    for title, tests in (("Red before the fix", proof.already_red), ("Flaky", proof.flaky)):
        if tests:
            parts.append(f"{title}: {', '.join(map(code, tests))}")
    return "\n\n".join(parts)


def _failures(proof: Proof) -> Iterator[str]:
    """How the bug showed itself: the failing messages of the new tests on base."""
    base = outcomes(proof.cells, Suite.NEW, Tree.BASE).first
    for test in proof.reproducing[:SHOWN_MESSAGES]:
        message = cut(base[test].message, MESSAGE_CHARACTERS) if test in base else ""
        yield f"{code(test)} on base:\n\n{fence(message or 'failed without a message')}"
    if (more := len(proof.reproducing) - SHOWN_MESSAGES) > 0:
        yield f"and {count(more, 'more test')}."


def _decisions(entries: tuple[Entry, ...]) -> str:
    rows = [row for entry in entries if (row := _decision(entry))]
    return "\n".join(rows) or "Nobody has decided."


def _decision(entry: Entry) -> str:
    match entry.event:
        case Decided() as decided:
            return f"- {utc(entry.at)}, {code(decided.who)}: **{VERBS[decided.verb]}**{_manner(decided)}"
        case ApprovalGiven() as given:
            return f"- {utc(entry.at)}, {code(given.who)}: **approved**, as the first of two{_manner(given)}"
        case AnswerRefused() as refused:
            told = f"{inline(refused.verb)} was refused: {inline(refused.reason, 500)}"
            return f"- {utc(entry.at)}, {code(refused.by)}: {told}"
        case BaseMoved() as moved:
            return f"- {utc(entry.at)}: {inline(moved.reason, 500)}"
        case _:
            return ""


def _manner(decided: Decided | ApprovalGiven) -> str:
    override = ", although the proof is not green" if decided.override else ""
    text = f": {inline(decided.text, 2_000)}" if decided.text else ""
    return f"{override} (digest {code(decided.digest[:12])}){text}"


def _delivery(state: RunState) -> str:
    rows = (f"- {inline(step_name(step.step))}: {code(step.result)}" for step in state.steps.values())
    return "\n".join(rows) or "Nothing left this machine."


def _timeline(entries: tuple[Entry, ...]) -> str:
    rows = (f"| {m.at:%H:%M:%S} | {code(m.who)} | {inline(m.text)} |" for m in moments(entries))
    return "\n".join(("| UTC | who | what |", "|---|---|---|", *rows))


def _cost(state: RunState) -> str:
    rows = map(_cost_row, state.agents.values())
    head = ("| agent | model | turns | tokens | cost | ended |", "|---|---|---|---|---|---|")
    whole = f"| **all** | | | {all_tokens(state):,} | {code(cost(state))} | |"
    return "\n".join((*head, *rows, whole))


def _cost_row(agent: AgentState) -> str:
    ended = inline(ending(agent.ended)) if agent.ended else "still at work"
    cells = (
        code(agent.name),
        code(agent.model),
        str(agent.turn),
        f"{agent_tokens(agent):,}",
        agent_cost(agent),
        ended,
    )
    return f"| {' | '.join(cells)} |"
