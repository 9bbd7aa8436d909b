"""A crash at every write around an approval by two persons, and a branch that goes on: the same end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from anton.core.approval import ApprovalRules, Rule
from anton.core.consent import ApprovalGiven, BaseMoved
from anton.core.decision import Answer
from anton.core.event import BriefingPrepared, Decided, Entry, RunOutcome, Verb
from anton.core.person import Person, slack
from anton.core.run import Phase, RunState, fold
from anton.runs.runner import advance, answer
from tests.crash.test_cut_anywhere import DyingJournal, Killed
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office, git, written_up

KIM, LEE = slack("T1", "UKIM"), slack("T1", "ULEE")
RULES = ApprovalRules(
    people=(Person("kim", frozenset({KIM})), Person("lee", frozenset({LEE}))),
    rules=(Rule(frozenset({"kim", "lee"})),),
    keyboard="listed",
    two_persons=("todo.py",),
)
SCRIPT = {**HONEST, "pr": [written_up("Keep completed to-dos completed")] * 20}
ENDLESS = 10_000


class WatchedJournal(DyingJournal):
    """Remembers at which write the first briefing was."""

    briefed = 0

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        await super().append(run_id, entries, taken)
        if not self.briefed and any(isinstance(entry.event, BriefingPrepared) for entry in entries):
            self.briefed = self.writes


def office_at(folder: Path, journal: DyingJournal) -> Office:
    office = Office(folder / "office", journal, QUICK_FILES, command=QUICK_COMMAND, approval=RULES)
    git(folder, "clone", "-q", "--bare", str(office.checkout), str(office.remote))
    git(folder, "clone", "-q", str(office.remote), str(folder / "colleague"))
    return office


def go_on(folder: Path) -> None:
    """Once, a colleague pushes something else to the branch."""
    theirs = folder / "colleague"
    if not (theirs / "other.py").exists():
        (theirs / "other.py").write_text("x = 1\n")
        git(theirs, "add", "-A")
        git(theirs, "commit", "-q", "-m", "Go on")
        git(theirs, "push", "-q", "origin", "HEAD:main")


async def finish(office: Office) -> RunState:
    """From wherever the journal stands: both approve whatever waits, until it is delivered."""
    if not await office.journal.read(RUN):
        await office.receive()
    while True:
        state = await advance(office.world(SCRIPT), RUN)
        if state.phase is Phase.CLOSED:
            return state
        assert state.briefing is not None
        by = LEE if state.approvals else KIM
        if by == KIM:
            go_on(office.folder.parent)
        await answer(office.world(SCRIPT), RUN, Answer(Verb.APPROVE, by, state.briefing.digest))


async def essence(office: Office) -> object:
    state = fold(await office.journal.read(RUN))
    events = [entry.event for entry in await office.journal.read(RUN)]
    counted = {kind: sum(isinstance(e, kind) for e in events) for kind in (ApprovalGiven, Decided, BaseMoved)}
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.DELIVERED
    assert state.proof is not None
    return (
        counted,
        state.approvers,
        state.proof.patch.diff,
        state.proof.green,
        git(office.remote, "for-each-ref", "--format=%(refname)").split(),
        sorted(path.name for path in (office.home / "pull_requests").glob("*.md")),
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("keeps_it", [False, True], ids=["before the write", "after it"])
async def test_the_same_people_approve_the_same_fix_wherever_it_was_cut(
    tmp_path: Path, keeps_it: bool
) -> None:
    (tmp_path / "whole").mkdir()
    journal = WatchedJournal(ENDLESS, keeps_it=True)
    office = office_at(tmp_path / "whole", journal)
    await finish(office)
    expected = await essence(office)
    cut = 0
    for dies_at in range(journal.briefed, journal.writes + 1):  # what comes before is cut elsewhere
        folder = tmp_path / f"{dies_at}"
        folder.mkdir()
        dying = DyingJournal(dies_at, keeps_it=keeps_it)
        office = office_at(folder, dying)
        try:
            await finish(office)
        except Killed:
            cut += 1
        dying.revive()
        await finish(office)
        assert await essence(office) == expected, f"write {dies_at}"
    assert cut >= 12, "writes are gathered as they come, so that a run may have one less"
