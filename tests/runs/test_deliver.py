"""The outside effects of a decision: each once, whatever fails in between."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.repository.git import GitRepository
from anton.core.briefing import Briefing
from anton.core.errors import JournalError, OutsideError
from anton.core.event import (
    BaseResolved,
    BriefingPrepared,
    Decided,
    Entry,
    Event,
    ProofFinished,
    ProofStarted,
    RunOutcome,
    StepDelivered,
    Verb,
)
from anton.core.proof import Commit, Opinion, Patch, Proof
from anton.core.run import RunState
from anton.core.ticket import Ticket
from anton.ports import Forge, PullRequestDraft, Sighting, Tracker
from anton.runs.deliver import APPROVED
from anton.runs.runner import advance
from anton.runs.world import World
from tests.office import QUICK_FILES, RUN, Office, git

STEPS = list(APPROVED)


class Forgetful(MemoryJournal):
    """Once, it cannot write down that a certain step is done."""

    def __init__(self) -> None:
        super().__init__()
        self.forgets = ""

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        if any(isinstance(e.event, StepDelivered) and e.event.step == self.forgets for e in entries):
            self.forgets = ""
            raise JournalError("the disk is full")
        await super().append(run_id, entries, taken)


@dataclass
class FailingForge:
    """Out of reach."""

    inner: Forge

    @property
    def description(self) -> str:
        return "failing"

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        raise OutsideError("the forge is out of reach")


@dataclass
class FailingTracker:
    """Out of reach."""

    inner: Tracker

    @property
    def description(self) -> str:
        return "failing"

    async def get(self, key: str) -> Ticket:
        return await self.inner.get(key)

    async def start(self, ticket: Ticket) -> None:
        raise OutsideError("the tracker is out of reach")

    async def reread(self, ticket: Ticket) -> Sighting:
        return Sighting(ticket)

    async def merged(self, ticket: Ticket, link: str) -> str:
        return await self.close(ticket, link)

    async def close(self, ticket: Ticket, link: str) -> str:
        raise OutsideError("the tracker is out of reach")


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """A run that waits for a decision: its patch is real, how it came about is not told."""
    made = Office(tmp_path, journal=Forgetful(), files=QUICK_FILES)
    world = made.world()
    repository = world.repository(str(made.checkout))
    assert isinstance(repository, GitRepository)
    base = await repository.resolve("")
    fixed = tmp_path / "fixed"
    await repository.export(base.tree, fixed)
    (fixed / "todo.py").write_text("fixed\n")
    tree = await repository.snapshot(fixed, base.tree)
    head = await repository.commit(tree, base.commit, "Keep it done", 1_760_000_000)
    changes = await repository.changes(base.commit, head)
    diff = await repository.diff(base.commit, head)
    patch = Patch(base.commit, head, (Commit(head, "todo.py", "Keep it done"),), changes, (), diff)
    proof = Proof(1, patch, (), (), ("t",), ("t",), (), (), Opinion.AGREES, "full")
    briefing = Briefing(1, "d" * 64, True, "Green", "Fixed.", (), "P2", "todo", "Keep it done", "Body")
    remote = await world.remote(str(made.checkout), "")
    await made.receive()
    await tell(
        made,
        BaseResolved(base.commit, base.tree, base.branch, base.subject, remote),
        ProofStarted(1),
        ProofFinished(proof),
        BriefingPrepared(briefing),
    )
    return made


async def tell(office: Office, *events: Event) -> None:
    number = len(await office.journal.read(RUN))
    entries = [Entry(RUN, number + n, office.clock(), event) for n, event in enumerate(events, 1)]
    await office.journal.append(RUN, entries)


async def approve(office: Office) -> None:
    await tell(office, Decided(Verb.APPROVE, "Kim", "d" * 64))


def failing(office: Office, step: str) -> World:
    """A world in which one step fails."""
    world = office.world()
    match step:
        case "branch":
            (office.remote / "HEAD").rename(office.remote / "HEAD.away")
        case "pull_request":
            return replace(world, forge=FailingForge(world.forge))
        case "ticket":
            return replace(world, tracker=FailingTracker(world.tracker))
        case "report":
            (office.folder / "reports").write_text("a file where the folder should be")
    return world


def mend(office: Office, step: str) -> None:
    if step == "branch":
        (office.remote / "HEAD.away").rename(office.remote / "HEAD")
    if step == "report":
        (office.folder / "reports").unlink()


def assert_delivered_once(office: Office, state: RunState) -> None:
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.DELIVERED
    assert sorted(state.steps) == sorted(STEPS)
    assert state.proof is not None
    [branch] = git(office.remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    assert branch == f"refs/heads/{state.branch} {state.proof.patch.head}"
    [pull_request] = (office.home / "pull_requests").glob("*.md")
    assert state.steps["pull_request"].result == str(pull_request)
    [ticket] = (office.home / "tickets").glob("*.md")
    assert "closed" in ticket.read_text()
    assert ticket.read_text().count(str(pull_request)) == 1, "one comment"
    reports = office.folder / "reports" / RUN
    assert sorted(path.name for path in reports.iterdir()) == [
        "fix.diff",
        "incident.md",
        "proof.json",
        "pull_request.md",
    ]
    assert (reports / "fix.diff").read_text() == state.proof.patch.diff


async def test_an_approval_is_delivered_step_by_step(office: Office) -> None:
    await approve(office)
    assert_delivered_once(office, await advance(office.world(), RUN))
    assert not office.world().scratch(RUN).exists()


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_fails_stops_the_delivery_and_is_done_when_it_is_resumed(
    office: Office, step: str
) -> None:
    await approve(office)
    with pytest.raises(OutsideError):
        await advance(failing(office, step), RUN)
    done = [e.event.step for e in await office.journal.read(RUN) if isinstance(e.event, StepDelivered)]
    if step == "ticket":
        assert done == [name for name in STEPS if name != "ticket"], "no pull request waits for a tracker"
    else:
        assert done == STEPS[: STEPS.index(step)], "nothing that comes after it"
    mend(office, step)
    assert_delivered_once(office, await advance(office.world(), RUN))


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_was_done_and_not_written_down_is_not_done_twice(office: Office, step: str) -> None:
    assert isinstance(office.journal, Forgetful)
    await approve(office)
    office.journal.forgets = step
    with pytest.raises(JournalError, match="the disk is full"):
        await advance(office.world(), RUN)
    assert_delivered_once(office, await advance(office.world(), RUN))


async def test_a_decline_leaves_a_report_and_nothing_else(office: Office) -> None:
    await tell(office, Decided(Verb.DECLINE, "Kim", "d" * 64, "Not this way."))
    state = await advance(office.world(), RUN)
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.DECLINED
    assert state.closed.detail == "Not this way."
    assert list(state.steps) == ["report"]
    assert git(office.remote, "for-each-ref") == ""
    assert not (office.home / "pull_requests").exists()
    assert not (office.home / "tickets").exists()


async def test_an_override_stands_in_the_pull_request(office: Office) -> None:
    await tell(office, Decided(Verb.APPROVE, "Kim", "d" * 64, override=True))
    state = await advance(office.world(), RUN)
    body = Path(state.steps["pull_request"].result).read_text()
    assert "Approved although the proof is not green" in body


async def test_a_branch_of_that_name_with_something_else_is_left_alone(office: Office) -> None:
    await approve(office)
    foreign = git(office.checkout, "rev-parse", "HEAD").strip()
    git(office.checkout, "push", "-q", str(office.remote), f"HEAD:refs/heads/fix/bug-42-{RUN}")
    with pytest.raises(OutsideError, match=f"fix/bug-42-{RUN}"):
        await advance(office.world(), RUN)
    assert git(office.remote, "rev-parse", f"fix/bug-42-{RUN}").strip() == foreign
