"""How runs went, counted from their journals: what `anton runs --stats` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from anton.core.event import (
    BriefingPrepared,
    ConversationCompressed,
    Decided,
    Entry,
    ProofFinished,
    ReplyReceived,
    RunClosed,
    RunOutcome,
    RunReceived,
)
from anton.core.message import Usage
from anton.core.proof import Proof
from anton.views.encode import line
from anton.views.figures import count, duration, money, tokens
from anton.views.palette import ACCENT, CAUTION, MUTED, STRONG

KINDS = frozenset(
    {
        "run_received",
        "reply_received",
        "conversation_compressed",
        "proof_finished",
        "briefing_prepared",
        "decided",
        "run_closed",
    }
)
"""Kinds of the events that are counted."""
OPEN = "open"


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run."""

    repository: str
    """The last part of its path."""
    received_at: datetime
    outcome: str
    """As it was closed, or `open`."""
    to_briefing: float | None
    """Seconds from the ticket to the first briefing."""
    to_decision: tuple[float, ...]
    """Seconds from each briefing to its answer."""
    usage: Usage
    cost_dollars: float
    cost_known: bool
    green: bool | None
    """Of the last proof; None where there was none."""
    reasons: tuple[str, ...]
    """What was red about it."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Several runs. Shares are of 1, times are medians in seconds; None where there is nothing to tell."""

    runs: int
    outcomes: Mapping[str, int]
    resolved: float | None
    """Delivered among those that are closed."""
    green: float | None
    """Runs whose last proof is green, among those that have one."""
    to_briefing_seconds: float | None
    to_decision_seconds: float | None
    cost_dollars: float
    cost_known: bool
    """False: it is the least that it was, for want of a price."""
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    red_reasons: Mapping[str, int]
    """How many runs' last proofs lacked what; a proof may lack several things."""


def figures_of(entries: Iterable[Entry]) -> RunFigures | None:
    """A run's figures from its entries of KINDS; None where they do not begin with its receipt."""
    rest = iter(entries)
    first = next(rest, None)
    if first is None or not isinstance(first.event, RunReceived):
        return None
    outcome, usage, cost, known = OPEN, Usage(), 0.0, True
    briefed: list[datetime] = []
    waits: list[float] = []
    proof: Proof | None = None
    for entry in rest:
        match entry.event:
            case ReplyReceived() | ConversationCompressed() as event:
                usage += event.usage
                cost += event.cost_dollars or 0.0
                known = known and event.cost_dollars is not None
            case ProofFinished(found):
                proof = found
            case BriefingPrepared():
                briefed.append(entry.at)
            case Decided():
                waits += [(entry.at - at).total_seconds() for at in briefed[-1:]]
            case RunClosed(closed):
                outcome = closed.value
    return RunFigures(
        repository=first.event.repository.rstrip("/").rpartition("/")[2],
        received_at=first.at,
        outcome=outcome,
        to_briefing=(briefed[0] - first.at).total_seconds() if briefed else None,
        to_decision=tuple(waits),
        usage=usage,
        cost_dollars=cost,
        cost_known=known,
        green=None if proof is None else proof.green,
        reasons=() if proof is None else tuple(dict.fromkeys(fault.kind.value for fault in proof.faults)),
    )


def statistics(runs: Sequence[RunFigures]) -> Statistics:
    """All of them together."""
    outcomes = Counter(run.outcome for run in runs)
    proved = [run.green for run in runs if run.green is not None]
    usage = sum((run.usage for run in runs), Usage())
    return Statistics(
        runs=len(runs),
        outcomes=dict(outcomes.most_common()),
        resolved=_share(outcomes[RunOutcome.DELIVERED.value], len(runs) - outcomes[OPEN]),
        green=_share(sum(proved), len(proved)),
        to_briefing_seconds=_median([run.to_briefing for run in runs if run.to_briefing is not None]),
        to_decision_seconds=_median([wait for run in runs for wait in run.to_decision]),
        cost_dollars=sum(run.cost_dollars for run in runs),
        cost_known=all(run.cost_known for run in runs),
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        red_reasons=dict(Counter(reason for run in runs for reason in run.reasons).most_common()),
    )


def by_repository(runs: Iterable[RunFigures]) -> dict[str, Statistics]:
    """The same for each repository, by name."""
    found: dict[str, list[RunFigures]] = {}
    for run in runs:
        found.setdefault(run.repository, []).append(run)
    return {name: statistics(found[name]) for name in sorted(found)}


def statistics_as_json(runs: Sequence[RunFigures], days: int | None) -> dict[str, object]:
    """Everything, for a program; `days` is None where all runs were looked at."""
    return {
        "days": days,
        "all": asdict(statistics(runs)),
        "repositories": {name: asdict(each) for name, each in by_repository(runs).items()},
    }


def statistics_page(runs: Sequence[RunFigures], days: int | None) -> RenderableType:
    """A table with a row for each repository, and why proofs were red."""
    when = "" if days is None else f" of the last {count(days, 'day')}"
    if not runs:
        return Text(f"No runs{when}.", MUTED)
    whole = statistics(runs)
    table = Table(
        box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, border_style=MUTED, header_style=MUTED
    )
    table.add_column("repository", no_wrap=True, overflow="ellipsis", min_width=12)
    for name in ("runs", "resolved", "green", "briefing", "decision", "tokens", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, each in by_repository(runs).items():
        table.add_row(Text(line(name, 60), ACCENT), *_cells(each))
    table.add_section()
    table.add_row(Text("all", STRONG), *_cells(whole))
    parts: list[RenderableType] = [Text(f"{count(len(runs), 'run')}{when}", STRONG), table]
    parts += [Text("resolved: delivered, of those that ended; briefing and decision: medians", MUTED)]
    parts += [_tally("runs by end:", whole.outcomes)]
    if whole.red_reasons:
        parts += [_tally("red proofs by reason:", whole.red_reasons, CAUTION)]
    return Group(*parts)


def _cells(each: Statistics) -> tuple[str, ...]:
    return (
        f"{each.runs:,}",
        _percent(each.resolved),
        _percent(each.green),
        _time(each.to_briefing_seconds),
        _time(each.to_decision_seconds),
        tokens(each.input_tokens + each.output_tokens),
        ("" if each.cost_known else "≥ ") + money(each.cost_dollars),
    )


def _tally(name: str, counts: Mapping[str, int], style: str = "") -> Text:
    words = ", ".join(f"{number:,} {line(word, 40)}" for word, number in counts.items())
    return Text.assemble((f"{name} ", MUTED), (words, style))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None
