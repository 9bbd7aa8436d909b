"""The live view of a run: four lanes side by side, the matrix as it fills, and what it costs.

The view always takes the same number of lines for the same run, so that nothing jumps when it is drawn anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from anton.core.agent import AGENTS, AgentSpec, AgentState, principal
from anton.core.event import (
    AgentEnded,
    AgentOutcome,
    AgentStarted,
    Entry,
    TurnStarted,
)
from anton.core.run import Phase, RunState
from anton.views.encode import line, styled
from anton.views.figures import agent_cost, agent_tokens, all_tokens, cost, duration, models, tokens
from anton.views.matrix import matrix_table
from anton.views.palette import (
    ACCENT,
    BAD,
    CAUTION,
    DONE_SIGN,
    FAILED_SIGN,
    GOOD,
    MUTED,
    STRONG,
    WAITING_SIGN,
    WORKING_SIGN,
)
from anton.views.questions import open_question_lines
from anton.views.testimony import ending


@dataclass(frozen=True, slots=True)
class Clock:
    """When an agent's stint began, and when it ended."""

    began_at: datetime
    ended_at: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """Duration of the stint so far."""
        return ((self.ended_at or now) - self.began_at).total_seconds()


Clocks = Mapping[str, Clock]
NO_CLOCKS: Clocks = MappingProxyType({})


def tick(clocks: Clocks, entry: Entry) -> Clocks:
    """The agents' clocks after one more entry; fold it over a journal, or call it as events come."""
    match entry.event:
        case AgentStarted(agent):
            changed = Clock(entry.at)
        case TurnStarted(agent) if agent not in clocks or clocks[agent].ended_at is not None:
            changed = Clock(entry.at)
        case AgentEnded(agent) if agent in clocks:
            changed = replace(clocks[agent], ended_at=entry.at)
        case _:
            return clocks
    return MappingProxyType({**clocks, agent: changed})


def lanes(
    state: RunState,
    now: datetime,
    *,
    specs: Sequence[AgentSpec] = (),
    clocks: Clocks = NO_CLOCKS,
    sandbox: str = "",
) -> RenderableType:
    """The run at this moment.

    Args:
        state: of the run.
        now: aware; running times are counted up to it.
        specs: of the agents, for their limits of turns.
        clocks: from `tick`; without them only finished time is shown.
        sandbox: what the tests are confined by, for the header.
    """
    return Group(
        *_header(state, now, sandbox),
        Text(),
        _lanes(state, now, {spec.name: spec.turns for spec in specs}, clocks),
        Padding(matrix_table(state.cells), (0, 0, 0, 2)),
        *_notices(state),
        *open_question_lines(state),
    )


def _header(state: RunState, now: datetime, sandbox: str) -> Iterator[RenderableType]:
    ticket = state.received.ticket
    first = Table.grid(expand=True, padding=(0, 1))
    first.add_column(no_wrap=True)
    first.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    first.add_row(
        Text(f"  {line(ticket.key, 40)}", f"{STRONG} {ACCENT}"),
        Text(line(ticket.title, 200), STRONG),
        Text(duration((now - state.started_at).total_seconds()), STRONG),
    )
    yield first
    words = [
        ", ".join(models(state)) or "no model yet",
        f"sandbox {line(re.sub(';[^)]*', '', sandbox), 60)}" if sandbox else "",
        cost(state),
    ]
    yield Text(f"  {' · '.join(word for word in words if word)}", MUTED, no_wrap=True, overflow="ellipsis")
    place = f"{standing(state)} · {tokens(all_tokens(state))} tokens · run {line(state.run_id, 60)}"
    yield Text(f"  {place}", MUTED, no_wrap=True, overflow="ellipsis")


PHASES: Mapping[str, str] = {
    Phase.RECEIVED: "received",
    Phase.WORKING: "working",
    Phase.PROVING: "proving",
    Phase.DECIDING: "waits for a decision",
    Phase.DELIVERING: "delivering",
}
"""What a person is told for each phase, here, on the page and in documents; programs get the phase itself."""


def standing(state: RunState) -> str:
    """Where the run stands, in a few words."""
    if state.closed is not None:
        return str(state.closed.outcome)
    again = f", round {state.round}" if state.round > 1 else ""
    return f"{PHASES[state.phase]}{again}"


def _lanes(state: RunState, now: datetime, limits: Mapping[str, int], clocks: Clocks) -> Table:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    names = _in_order(state)
    longest = max(len(_shown_name(name)) for name in names)
    for width, justify in ((3, "right"), (min(longest, 16), "left"), (5, "right")):
        table.add_column(width=width, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for width in (6, 7, 5):
        table.add_column(width=width, justify="right", no_wrap=True)
    for name in names:
        agent = state.agents.get(name, AgentState(name))
        clock = clocks.get(name)
        seconds = clock.seconds(now) if clock else agent.stint_seconds
        table.add_row(*_lane(agent, limits.get(name)), Text(duration(seconds), MUTED))
    return table


def _in_order(state: RunState) -> tuple[str, ...]:
    """The agents, each before its delegates."""
    known = dict.fromkeys((*AGENTS, *state.agents))
    first = [name for name in known if principal(name) == name]
    return tuple(name for one in first for name in known if principal(name) == one)


def _shown_name(name: str) -> str:
    return line(name, 40) if principal(name) == name else f"  {line(name.partition('/')[2], 38)}"


def _lane(agent: AgentState, limit: int | None) -> tuple[Text, ...]:
    sign, style, doing = activity(agent)
    turn = f"{agent.stint_turns}/{limit}" if limit else str(agent.stint_turns)
    spent = agent_tokens(agent) > 0
    return (
        Text(sign, style),
        Text(_shown_name(agent.name), STRONG),
        Text(turn if agent.turn else "", MUTED),
        Text(doing, style if style == BAD else MUTED if style == MUTED else ""),
        Text(tokens(agent_tokens(agent)) if spent else "", MUTED),
        Text(agent_cost(agent) if spent else "", MUTED),
    )


def activity(agent: AgentState) -> tuple[str, str, str]:
    """Sign, style and words for what an agent is doing."""
    news = f", {len(agent.unread)} unread" if agent.unread else ""
    if agent.ended is not None:
        return _at_rest(agent.ended, news)
    if agent.tools_running:
        summaries = ", ".join(line(tool.summary or tool.name, 120) for tool in agent.tools_running)
        return WORKING_SIGN, ACCENT, summaries
    if agent.reply is not None:
        return WORKING_SIGN, ACCENT, "acts on the reply"
    if agent.asking:
        return WORKING_SIGN, ACCENT, f"asks the model{news}"
    if agent.turn == 0:
        return WAITING_SIGN, MUTED, "waits to start" if not agent.messages else "waits for colleagues"
    return WORKING_SIGN, ACCENT, f"between turns{news}"


def _at_rest(ended: AgentEnded, news: str) -> tuple[str, str, str]:
    if news:
        return WAITING_SIGN, MUTED, f"woken{news}"
    if ended.outcome is not AgentOutcome.SUBMITTED:
        return FAILED_SIGN, BAD, ending(ended)
    return DONE_SIGN, GOOD, "done"


def _notices(state: RunState) -> Iterator[RenderableType]:
    for notice in state.base.notices if state.base else ():
        yield Text.assemble(("  ! ", CAUTION), styled(line(notice, 300), MUTED))


__all__ = ["NO_CLOCKS", "Clock", "Clocks", "activity", "lanes", "standing", "tick"]
