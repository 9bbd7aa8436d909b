"""The last words on a run: how it ended, and where to look."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from anton.core.event import RunOutcome
from anton.core.run import RunState
from anton.views.encode import line, styled
from anton.views.palette import ACCENT, BAD, GOOD, MUTED, STRONG
from anton.views.timeline import step_name

_WORDS = {
    RunOutcome.DELIVERED: "Delivered",
    RunOutcome.DECLINED: "Declined; nothing was pushed",
    RunOutcome.UNUSABLE: "Stopped: nothing could be proved",
    RunOutcome.FAILED: "Failed",
}


def closing(state: RunState) -> RenderableType:
    """How a closed run ended, with what was delivered and how to take it."""
    closed = state.closed
    if closed is None:
        return Text(f"Run {line(state.run_id, 60)} is not closed.", MUTED)
    good = closed.outcome in (RunOutcome.DELIVERED, RunOutcome.DECLINED)
    head = Text.assemble(
        (_WORDS[closed.outcome], f"{STRONG} {GOOD if good else BAD}"),
        (f"  {line(state.received.ticket.key, 40)} · run {line(state.run_id, 60)}", MUTED),
    )
    parts: list[RenderableType] = [Text(), head]
    if closed.detail:
        parts.append(Padding(styled(closed.detail), (0, 2)))
    if state.steps:
        parts.append(Padding(_steps(state), (0, 2)))
    return Group(*parts)


def _steps(state: RunState) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for step in state.steps.values():
        grid.add_row(Text(step_name(step.step), MUTED), Text(line(step.result, 1_000)))
    if "branch" in state.steps and state.base is not None and state.base.remote:
        branch = state.steps["branch"].result.partition(" ")[0]
        grid.add_row(
            Text("take it with", MUTED), Text(f"git fetch {line(state.base.remote, 1_000)} {branch}", ACCENT)
        )
    return grid
