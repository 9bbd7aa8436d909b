"""A run's message as Markdown: what a chat says of it, where there is no chat."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.run import Phase, RunState
from anton.views.encode import code, inline, quoted
from anton.views.figures import cost, duration
from anton.views.lanes import standing
from anton.views.timeline import VERBS, step_name


def notice(state: RunState) -> str:
    """Where the run stands, in a few lines."""
    ticket = state.received.ticket
    return "\n\n".join((f"# {inline(ticket.key)}: {inline(ticket.title)}", *_paragraphs(state))) + "\n"


def _paragraphs(state: RunState) -> Iterator[str]:
    spent = duration((state.updated_at - state.started_at).total_seconds())
    yield f"Run {code(state.run_id)}, {standing(state)}, {spent}, {code(cost(state))}"
    for agent in state.agents.values():
        for question in agent.open_questions:
            yield f"**{inline(agent.name)} asks** ({code(question.id)}):\n\n{quoted(question.text)}"
    if state.briefing is not None:
        yield f"**{inline(state.briefing.headline, 1_000)}**"
        yield inline(state.briefing.paragraph, 4_000)
        if state.phase is Phase.DECIDING:
            if state.briefing.approval:
                yield inline(state.briefing.approval, 500)
            for given in state.approvals:
                yield f"{code(given.who)} approved; it takes another person as well."
            yield f"Decide: {code(f'anton show {state.run_id}')}"
    for decided in state.decisions:
        text = f": {inline(decided.text, 1_000)}" if decided.text else ""
        yield f"{code(decided.who)} {VERBS[decided.verb]}{text}"
    for step in state.steps.values():
        yield f"- {inline(step_name(step.step))}: {code(step.result, 1_000)}"
    if state.closed is not None:
        detail = f": {inline(state.closed.detail, 1_000)}" if state.closed.detail else ""
        yield f"Closed, {state.closed.outcome}{detail}"
