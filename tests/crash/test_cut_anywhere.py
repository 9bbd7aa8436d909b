"""A crash at every write to the journal, before and after it: another process resumes to the same end.

What must be the same: the patch, the proof, what a person is told, exactly one branch, one pull request and
one report. And no reply of a model that is in the journal is ever asked for again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import ScriptedModel
from anton.core.decision import Answer
from anton.core.event import Entry, ReplyReceived, Verb
from anton.core.message import AssistantMessage
from anton.core.run import Phase, RunState
from anton.ports import ModelRequest
from anton.runs.runner import advance, answer
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office, git


class Killed(BaseException):
    """The process is gone: nothing that it does from here on has an effect on the journal."""


class DyingJournal(MemoryJournal):
    """Dies at its n-th write; either nothing of that write is kept or all of it."""

    def __init__(self, dies_at: int, *, keeps_it: bool) -> None:
        super().__init__()
        self.writes = 0
        self.dies_at = dies_at
        self.keeps_it = keeps_it
        self.dead = False

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        if self.dead:
            raise Killed
        self.writes += 1
        if self.writes != self.dies_at:
            await super().append(run_id, entries, taken)
            return
        if self.keeps_it:
            await super().append(run_id, entries, taken)
        self.dead = True
        raise Killed

    def revive(self) -> None:
        """Another process opens the same journal."""
        self.dead = False


def office_at(folder: Path, journal: MemoryJournal) -> Office:
    return Office(folder, journal, QUICK_FILES, command=QUICK_COMMAND, culprit_seconds=60)


async def finish(office: Office, model: ScriptedModel) -> RunState:
    """From wherever the journal stands: on to the decision, approve, on to the end."""
    world = office.world(model)
    if not await office.journal.read(RUN):
        await office.receive()
    state = await advance(world, RUN)
    if state.phase is Phase.DECIDING:
        assert state.briefing is not None
        await answer(world, RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
        state = await advance(world, RUN)
    return state


def essence(state: RunState) -> object:
    """What two runs could be told apart by, times aside."""
    assert state.proof is not None
    assert state.briefing is not None
    proof = state.proof
    return (
        [(change.path, change.added, change.removed) for change in proof.patch.files],
        proof.patch.diff,
        [commit.subject for commit in proof.patch.commits],
        proof.faults,
        proof.reproducing,
        proof.opinion,
        [(cell.suite, cell.tree, cell.cases, cell.tree_sha) for cell in proof.cells],
        state.briefing.headline,
        state.briefing.pull_request_title,
        state.closed,
        sorted(state.steps),
        {name: agent.output for name, agent in state.agents.items()},
    )


def replies_asked_for(requests: Sequence[ModelRequest]) -> Counter[tuple[str, int]]:
    """How often each agent was asked for each of its replies."""
    return Counter(
        (request.agent, sum(isinstance(m, AssistantMessage) for m in request.messages))
        for request in requests
    )


def replies_paid(entries: Sequence[Entry]) -> Counter[tuple[str, int]]:
    """The same of the replies that are in the journal."""
    found: Counter[tuple[str, int]] = Counter()
    seen: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry.event, ReplyReceived):
            found[entry.event.agent, seen[entry.event.agent]] += 1
            seen[entry.event.agent] += 1
    return found


async def killed_and_resumed(folder: Path, dies_at: int, *, keeps_it: bool, expected: object) -> bool:
    """One crash point; False when the run ends before it."""
    journal = DyingJournal(dies_at, keeps_it=keeps_it)
    office = office_at(folder, journal)
    try:
        await finish(office, ScriptedModel(HONEST))
    except Killed:
        pass
    else:
        return False
    journal.revive()
    paid = replies_paid(await journal.read(RUN))
    model = ScriptedModel(HONEST)
    state = await finish(office, model)
    where = f"killed {'after' if keeps_it else 'before'} write {dies_at}"
    assert essence(state) == expected, where
    asked = replies_asked_for(model.requests)
    assert not paid & asked, f"{where}: a reply that is in the journal was asked for again"
    assert set(asked.values()) <= {1}, where
    branches = git(office.remote, "for-each-ref", "--format=%(refname)").split()
    assert branches == [f"refs/heads/{state.branch}"], where
    assert len(list((office.home / "pull_requests").glob("*.md"))) == 1, where
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("keeps_it", [False, True], ids=["before the write", "after the write"])
async def test_a_run_killed_at_any_write_ends_the_same(
    tmp_path: Path, keeps_it: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = essence(await finish(office_at(tmp_path / "whole", MemoryJournal()), ScriptedModel(HONEST)))
    points = 0
    while await killed_and_resumed(
        tmp_path / f"at{points + 1}", points + 1, keeps_it=keeps_it, expected=expected
    ):
        points += 1
    with capsys.disabled():
        print(f" [{points} crash points]", end="")  # noqa: T201 - the figure is what the test is worth
    assert points > 20
