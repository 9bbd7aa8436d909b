"""Figures of a run as words: durations, money, tokens, counts.

All of them are read from the journal's state; none from what a model wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from anton.core.agent import AgentState
from anton.core.proof import Case, Outcome, Patch
from anton.core.run import RunState
from anton.views.encode import line

BIG_PATCH_LINES = 200
"""Changed lines beyond which a patch is called large."""


def count(number: int, noun: str) -> str:
    """`1 test`, `2 tests`, `no tests`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s" if number else f"no {noun}s"


def duration(seconds: float) -> str:
    """`0:07`, `12:05`, `1:02:03`; a negative time counts as none."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def utc(at: datetime) -> str:
    """A moment as `2026-11-25 02:13:07 UTC`."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def money(dollars: float) -> str:
    """`$0.0312`, `$12.40`."""
    return f"${dollars:,.2f}" if dollars >= 1 else f"${dollars:.4f}"


def tokens(number: int) -> str:
    """`940`, `12.4k`, `1.2M`."""
    if number < 1_000:
        return str(number)
    return f"{number / 1_000:.1f}k" if number < 999_950 else f"{number / 1_000_000:.1f}M"


def models(state: RunState) -> tuple[str, ...]:
    """Names of the models in use: those that agents started with, in that order, then those that stand in."""
    agents = state.agents.values()
    names = (*(agent.model for agent in agents), *(agent.stand_in for agent in agents))
    return tuple(dict.fromkeys(line(name) for name in names if name))


def is_recording(model: str) -> bool:
    """Whether a model's name says that it is a recording, as `ports.Model.name` wants it to."""
    return "recording" in model.lower()


def cost(state: RunState) -> str:
    """What the run has cost, or why that is not known."""
    names = models(state)
    if names and all(map(is_recording, names)):
        return "free (recording)"
    if state.cost_known:
        return money(state.cost_dollars)
    unpriced = (agent for agent in state.agents.values() if not agent.cost_known)
    unknown = dict.fromkeys(line(agent.stand_in or agent.model) for agent in unpriced)
    missing = f"no price for model {', '.join(unknown)}"
    return (
        f"at least {money(state.cost_dollars)}: {missing}"
        if state.cost_dollars
        else f"cost unknown: {missing}"
    )


def agent_cost(agent: AgentState) -> str:
    """What one agent has cost, in a table's cell."""
    if is_recording(agent.model):
        return "free"
    return money(agent.cost_dollars) if agent.cost_known else "unknown"


def agent_tokens(agent: AgentState) -> int:
    """Tokens in and out."""
    return agent.usage.input_tokens + agent.usage.output_tokens


def all_tokens(state: RunState) -> int:
    """Tokens in and out, of all agents."""
    return sum(map(agent_tokens, state.agents.values()))


def tally(cases: Iterable[Case]) -> str:
    """`3 failed, 1 passed`, worst first; `no tests` where there are none."""
    seen = [case.outcome for case in cases]
    words = (
        (Outcome.ERROR, "broken"),
        (Outcome.FAILED, "failed"),
        (Outcome.PASSED, "passed"),
        (Outcome.SKIPPED, "skipped"),
    )
    return (
        ", ".join(f"{seen.count(outcome):,} {word}" for outcome, word in words if outcome in seen)
        or "no tests"
    )


def changed_lines(patch: Patch) -> int:
    """Lines added and removed, tests included."""
    return sum(change.added + change.removed for change in patch.files)
