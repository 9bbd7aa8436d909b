"""All runs in a table, and one run's whole story on a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from anton.core.event import AgentOutcome, Entry, RunOutcome
from anton.core.run import Phase, RunState
from anton.views.encode import line
from anton.views.figures import agent_cost, agent_tokens, cost, count, duration, models, tokens, utc
from anton.views.lanes import activity, standing
from anton.views.palette import ACCENT, BAD, CAUTION, GOOD, MUTED, STRONG
from anton.views.questions import open_question_lines, questions_view
from anton.views.screen import decision_screen
from anton.views.timeline import moments, step_name


def runs_table(states: Iterable[RunState]) -> RenderableType:
    """One row a run, in the order given; what waits for a person stands out."""
    rows = tuple(states)
    if not rows:
        return Text("No runs yet. Start one: anton demo", MUTED)
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, border_style=MUTED, header_style=MUTED)
    table.add_column("run", no_wrap=True)
    table.add_column("ticket", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("status", no_wrap=True)
    table.add_column("proof", no_wrap=True)
    table.add_column("since (UTC)", no_wrap=True)
    for state in rows:
        table.add_row(*_row(state))
    return table


def _row(state: RunState) -> tuple[Text, ...]:
    ticket = state.received.ticket
    return (
        Text(line(state.run_id, 60), ACCENT),
        Text.assemble((line(ticket.key, 40), STRONG), f" {line(ticket.title, 200)}"),
        Text(standing(state), _standing_style(state)),
        _verdict(state),
        Text(f"{state.started_at:%m-%d %H:%M}", MUTED),
    )


def _standing_style(state: RunState) -> str:
    if state.closed is not None:
        return BAD if state.closed.outcome in (RunOutcome.FAILED, RunOutcome.UNUSABLE) else MUTED
    return CAUTION if state.phase is Phase.DECIDING else ""


def _verdict(state: RunState) -> Text:
    if not state.proofs:
        return Text("–", MUTED)
    return Text("green", GOOD) if state.proofs[-1].green else Text("red", BAD)


def run_page(state: RunState, entries: Iterable[Entry]) -> RenderableType:
    """Everything about one run: where it stands, briefing, agents, delivery, and what happened when."""
    parts: list[RenderableType] = [_head(state), Text()]
    if state.briefing is not None:
        parts += [decision_screen(state)]
    parts += [*open_question_lines(state)]
    parts += [*_titled("Agents", _agents(state))]
    if state.questions and state.briefing is None:
        parts += [*_titled("Questions", questions_view(state))]
    if state.steps:
        parts += [*_titled("Delivered", _steps(state))]
    parts += [*_titled("Timeline", _timeline(entries))]
    return Group(*parts)


def _titled(title: str, content: RenderableType) -> Iterator[RenderableType]:
    yield Rule(Text(title, MUTED), style=MUTED, align="left")
    yield Padding(content, (0, 2, 1, 2))


def _head(state: RunState) -> Text:
    detail = f": {line(state.closed.detail)}" if state.closed and state.closed.detail else ""
    return Text.assemble(
        (line(state.run_id, 60), f"{STRONG} {ACCENT}"),
        (f"  {standing(state)}{detail}", _standing_style(state)),
        (f"\n{line(state.received.ticket.key, 40)} {line(state.received.ticket.title, 200)}", STRONG),
        (f"\nstarted {utc(state.started_at)}, took {_took(state)}, {cost(state)}", MUTED),
    )


def _took(state: RunState) -> str:
    return duration((state.updated_at - state.started_at).total_seconds())


def _agents(state: RunState) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for agent in state.agents.values():
        sign, style, doing = activity(agent)
        failed = agent.ended is not None and agent.ended.outcome is not AgentOutcome.SUBMITTED
        grid.add_row(
            Text(sign, style),
            Text(line(agent.name, 40), STRONG),
            Text(count(agent.turn, "turn"), MUTED),
            Text(f"{tokens(agent_tokens(agent))} tokens", MUTED),
            Text(f"{tokens(agent.usage.cached_tokens)} cached" if agent.usage.cached_tokens else "", MUTED),
            Text(agent_cost(agent), MUTED),
            Text(line(agent.stand_in or agent.model, 60) if len(models(state)) > 1 else "", MUTED),
            Text(doing, BAD if failed else ""),
        )
    return grid


def _steps(state: RunState) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for step in state.steps.values():
        grid.add_row(Text(line(step_name(step.step), 40), MUTED), Text(line(step.result, 1_000)))
    return grid


def _timeline(entries: Iterable[Entry]) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for moment in moments(entries):
        grid.add_row(Text(f"{moment.at:%H:%M:%S}", MUTED), Text(moment.who, ACCENT), Text(moment.text))
    return grid
