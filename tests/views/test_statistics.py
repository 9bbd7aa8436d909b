"""How runs went, from their journals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from rich.console import Console
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, WRONG_FIX, Office

from anton.core.decision import Answer
from anton.core.event import Verb
from anton.core.message import Usage
from anton.entrypoints.stats import figures
from anton.runs.runner import advance, answer
from anton.views.statistics import (
    KINDS,
    RunFigures,
    by_repository,
    figures_of,
    statistics,
    statistics_as_json,
    statistics_page,
)

AT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
GREEN = RunFigures("shop", AT, "delivered", 300.0, (60.0,), Usage(1_000, 400, 50), 0.25, True, True, ())
RED = replace(
    GREEN,
    outcome="declined",
    to_briefing=500.0,
    to_decision=(),
    green=False,
    reasons=("regressed", "not cured"),
)
WAITING = replace(GREEN, repository="api", outcome="open", to_decision=(), cost_known=False)
DEAD = replace(GREEN, outcome="failed", to_briefing=None, to_decision=(), green=None, cost_dollars=0.0)
RUNS = [GREEN, RED, WAITING, DEAD]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


async def test_a_delivered_run_is_counted_from_its_journal(office: Office) -> None:
    await office.receive()
    world = office.world(HONEST)
    state = await advance(world, RUN)
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
    closed = await advance(world, RUN)
    (run,), unreadable = await figures(office.journal)
    assert unreadable == []
    assert (run.repository, run.outcome, run.green, run.reasons) == ("checkout", "delivered", True, ())
    assert run.cost_dollars == closed.cost_dollars
    assert run.usage == sum((agent.usage for agent in closed.agents.values()), Usage())
    assert run.to_briefing is not None
    assert len(run.to_decision) == 1


async def test_a_red_proof_says_why(office: Office) -> None:
    await office.receive(rounds=1)
    code = [*HONEST["code"][:1], WRONG_FIX, *HONEST["code"][2:]]
    test = [*HONEST["test"][:2], *HONEST["test"][3:]]  # no fix of its own that could be offered instead
    state = await advance(office.world({**HONEST, "code": code, "test": test}), RUN)
    (run,), _ = await figures(office.journal)
    assert state.proof is not None
    assert (run.outcome, run.green) == ("open", False)
    assert run.reasons == tuple(dict.fromkeys(fault.kind.value for fault in state.proof.faults))
    assert run.reasons != ()


async def test_the_events_that_are_passed_over_would_change_nothing(office: Office) -> None:
    await office.receive()
    await advance(office.world(HONEST), RUN)
    whole = await office.journal.read(RUN)
    assert figures_of(whole) == figures_of(entry for entry in whole if entry.event.kind in KINDS)


def test_shares_and_medians_leave_out_what_is_not_known() -> None:
    whole = statistics(RUNS)
    assert (whole.runs, whole.outcomes) == (4, {"delivered": 1, "declined": 1, "open": 1, "failed": 1})
    assert whole.resolved == pytest.approx(1 / 3)
    assert whole.green == pytest.approx(2 / 3)
    assert (whole.to_briefing_seconds, whole.to_decision_seconds) == (300.0, 60.0)
    assert (whole.cost_dollars, whole.cost_known) == (0.75, False)
    assert (whole.input_tokens, whole.cached_tokens, whole.output_tokens) == (4_000, 1_600, 200)
    assert whole.red_reasons == {"regressed": 1, "not cured": 1}


def test_of_nothing_there_is_nothing_to_tell() -> None:
    nothing = statistics([])
    assert (nothing.resolved, nothing.green, nothing.to_briefing_seconds) == (None, None, None)
    assert figures_of([]) is None


def test_repositories_are_counted_apart() -> None:
    assert {name: each.runs for name, each in by_repository(RUNS).items()} == {"api": 1, "shop": 3}


def test_a_program_gets_it_as_json() -> None:
    told = json.loads(json.dumps(statistics_as_json(RUNS, 7)))
    assert told["days"] == 7
    assert told["all"]["runs"] == 4
    assert told["repositories"]["api"]["outcomes"] == {"open": 1}


def shown(runs: list[RunFigures], days: int | None = None) -> str:
    console = Console(width=80, record=True, color_system=None, file=None, quiet=False)
    with console.capture() as captured:
        console.print(statistics_page(runs, days))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def test_a_person_gets_a_table() -> None:
    assert shown(RUNS, 30) == snapshot("""\
4 runs of the last 30 days

 repository    runs  resolved  green  briefing  decision  tokens       cost
 ──────────────────────────────────────────────────────────────────────────
 api              1         –   100%      5:00         –    1.1k  ≥ $0.2500
 shop             3       33%    50%      6:40      1:00    3.1k    $0.5000

 all              4       33%    67%      5:00      1:00    4.2k  ≥ $0.7500

resolved: delivered, of those that ended; briefing and decision: medians
runs by end: 1 delivered, 1 declined, 1 open, 1 failed
red proofs by reason: 1 regressed, 1 not cured\
""")
    assert shown([], 1) == "No runs of the last 1 day."
    assert shown([]) == "No runs."
