"""A clock that is set, by a day either way, while a run is under way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest

from anton.core.decision import Answer
from anton.core.event import RunOutcome, Verb
from anton.core.run import Phase
from anton.runs.runner import advance, answer
from anton.views.closing import closing
from anton.views.incident import incident_report
from anton.views.notice import notice
from anton.views.screen import decision_screen
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office

NOON = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)
"""A second before clocks in Europe are turned back."""
JUMPS = {
    "forward": [timedelta(), timedelta(days=1)],
    "back": [timedelta(), timedelta(days=-1)],
    "to and fro": [timedelta(), timedelta(days=1), timedelta(days=-1), timedelta(hours=1)],
}


class Jumping:
    """A clock that each look finds set anew."""

    def __init__(self, jumps: list[timedelta]) -> None:
        self._jumps = cycle(jumps)

    def __call__(self) -> datetime:
        return NOON + next(self._jumps)


@pytest.mark.parametrize("how", JUMPS)
async def test_nothing_expires_and_nothing_is_refused_for_a_clock_that_jumps(
    tmp_path: Path, how: str
) -> None:
    office = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    office.clock = Jumping(JUMPS[how])  # type: ignore[assignment]
    await office.receive()
    state = await advance(office.world(HONEST), RUN)
    assert state.phase is Phase.DECIDING
    assert state.briefing is not None
    assert state.briefing.green
    assert notice(state)
    assert decision_screen(state, keys=())
    await answer(office.world(), RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
    closed = await advance(office.world(), RUN)
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DELIVERED
    assert closing(closed)
    entries = await office.journal.read(RUN)
    assert incident_report(closed, entries)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
