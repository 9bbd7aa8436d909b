"""What the agents handed in, and a sentence for each that handed in nothing.

All of it is prose of a model: it is quoted, never believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from anton.core.agent import AgentState
from anton.core.event import AgentEnded, AgentOutcome
from anton.core.report import CodeReport, PullRequestText, Report, TestReport, TriageReport
from anton.core.run import RunState
from anton.views.encode import line

_R = TypeVar("_R", bound=Report)

_ENDINGS = {
    AgentOutcome.SUBMITTED: "handed in its result",
    AgentOutcome.ANSWERED: "answered",
    AgentOutcome.TURN_LIMIT: "reached its limit of turns",
    AgentOutcome.TIMED_OUT: "ran out of time",
    AgentOutcome.IDLE: "stopped using its tools",
    AgentOutcome.LOOPING: "went round in circles",
    AgentOutcome.INTERRUPTED: "was interrupted",
    AgentOutcome.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Testimony:
    """The agents' results; None where there is none, or none that can be read."""

    __test__ = False

    triage: TriageReport | None
    code: CodeReport | None
    test: TestReport | None
    pr: PullRequestText | None
    missing: tuple[str, ...]
    """A sentence for each agent that ended without a result."""


def testimony(state: RunState) -> Testimony:
    """What each agent handed in so far."""
    return Testimony(
        triage=_read(TriageReport, state.agents.get("triage")),
        code=_read(CodeReport, state.agents.get("code")),
        test=_read(TestReport, state.agents.get("test")),
        pr=_read(PullRequestText, state.agents.get("pr")),
        missing=tuple(
            f"The {line(name, 40)} agent brought no result: it {ending(agent.ended)}."
            for name, agent in state.agents.items()
            if agent.ended is not None and agent.output is None
        ),
    )


def ending(ended: AgentEnded) -> str:
    """How an agent ended, as the rest of a sentence: `ran out of time (180 s)`."""
    detail = line(ended.detail, 200).rstrip(".")
    return f"{_ENDINGS[ended.outcome]} ({detail})" if detail else _ENDINGS[ended.outcome]


def _read(report: type[_R], agent: AgentState | None) -> _R | None:
    if agent is None or agent.output is None:
        return None
    try:
        return report.model_validate_json(agent.output)
    except ValidationError:
        return None
