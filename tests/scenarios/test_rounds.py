"""Whole runs, from a ticket to the end, with scripted agents that do well, badly, or nothing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest

from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import Refuse, Reply, ScriptedModel, Silence
from anton.core.decision import Answer, Refused
from anton.core.errors import OutsideError
from anton.core.event import (
    AgentOutcome,
    Entry,
    NotePosted,
    ReplyReceived,
    RunOutcome,
    Source,
    TurnStarted,
    Verb,
)
from anton.core.message import StreamItem
from anton.core.proof import FaultKind, Opinion
from anton.core.run import Phase, RunState
from anton.ports import ModelRequest
from anton.runs.runner import advance, answer
from tests.office import (
    ADD_TEST,
    CODE_DONE,
    FIX,
    HONEST,
    OLD_TEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    WRONG_FIX,
    Office,
    git,
    written_up,
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


@pytest.fixture
def office_with_pytest(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def run(office: Office, script: object = HONEST) -> RunState:
    await office.receive()
    return await advance(office.world(script), RUN)  # type: ignore[arg-type]


async def decide(
    office: Office, state: RunState, verb: Verb, text: str = "", script: object = HONEST
) -> RunState:
    assert state.briefing is not None
    world = office.world(script)  # type: ignore[arg-type]
    await answer(world, RUN, Answer(verb, "terminal:Kim", state.briefing.digest, text))
    return await advance(world, RUN)


async def test_honest_work_is_green_and_waits_for_a_person(office: Office) -> None:
    state = await run(office)
    assert state.phase is Phase.DECIDING
    proof = state.proof
    assert proof is not None
    assert proof.green, proof.faults
    assert proof.reproducing == ("tests.test_twice::test_completing_twice_stays_completed",)
    assert proof.opinion is Opinion.AGREES
    assert [change.path for change in proof.patch.source] == ["todo.py"]
    assert [change.path for change in proof.patch.tests] == ["tests/test_twice.py"]
    assert git(office.remote, "for-each-ref") == "", "nothing leaves before somebody approves"


async def test_approval_delivers_exactly_the_commits_that_were_shown(office: Office) -> None:
    state = await run(office)
    assert state.proof is not None
    closed = await decide(office, state, Verb.APPROVE)
    assert closed.phase is Phase.CLOSED
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DELIVERED
    assert git(office.remote, "rev-parse", f"refs/heads/{state.branch}").strip() == state.proof.patch.head
    subjects = git(office.remote, "log", "--format=%s", f"refs/heads/{state.branch}").splitlines()
    assert subjects == [
        "Show that completing twice holds",
        "Keep a completed to-do completed",
        "Add to-dos",
    ]
    report = Path(closed.steps["report"].result).read_text()
    assert "test_completing_twice_stays_completed" in report
    assert Path(closed.steps["pull_request"].result).exists()


class TellingJournal(MemoryJournal):
    """Tells when triage's note for an agent is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.told: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        await super().append(run_id, entries, taken)
        for entry in entries:
            if isinstance(entry.event, NotePosted) and entry.event.note.source is Source.TRIAGE:
                self.told[entry.event.agent].set()


class SlowerThanTriage(ScriptedModel):
    """Its first reply to `code` and to `test` is under way until triage's note for them is kept."""

    def __init__(self, journal: TellingJournal) -> None:
        super().__init__(HONEST)
        self._journal = journal

    async def stream(self, request: ModelRequest) -> AsyncIterator[StreamItem]:
        if request.agent in {"code", "test"}:
            await self._journal.told[request.agent].wait()
        async for item in super().stream(request):
            yield item


async def test_triage_reaches_code_and_test_while_they_work(tmp_path: Path) -> None:
    journal = TellingJournal()
    office = Office(tmp_path, journal, QUICK_FILES, command=QUICK_COMMAND)
    await run(office, SlowerThanTriage(journal))
    entries = await office.journal.read(RUN)
    for agent in ("code", "test"):
        started = next(
            e.number for e in entries if isinstance(e.event, TurnStarted) and e.event.agent == agent
        )
        posted = next(
            e.number
            for e in entries
            if isinstance(e.event, NotePosted)
            and e.event.agent == agent
            and e.event.note.source is Source.TRIAGE
        )
        read = next(
            e.number
            for e in entries
            if isinstance(e.event, TurnStarted) and e.event.agent == agent and e.event.notes_read
        )
        last_reply = max(
            e.number for e in entries if isinstance(e.event, ReplyReceived) and e.event.agent == agent
        )
        assert started < posted < read < last_reply


@pytest.mark.slow
async def test_a_wrong_fix_comes_back_with_evidence_and_is_repaired(office_with_pytest: Office) -> None:
    repair = Reply(
        calls=(
            (
                "edit_file",
                {"path": "todo.py", "old": "todo.completed = False", "new": "todo.completed = True"},
            ),
        )
    )
    state = await run(
        office_with_pytest,
        {**HONEST, "code": [WRONG_FIX, CODE_DONE, repair, CODE_DONE], "pr": [written_up("A")] * 4},
    )
    assert state.phase is Phase.DECIDING
    assert state.round == 2
    assert [proof.green for proof in state.proofs] == [False, True]
    assert {fault.kind for fault in state.proofs[0].faults} == {FaultKind.NOT_CURED, FaultKind.REGRESSED}
    [note] = [n for n in state.agents["code"].notes if n.source is Source.PROOF]
    assert "test_completing_twice_stays_completed" in note.text
    assert "assert" in note.text, "the runner's own words come along"
    assert not [n for n in state.agents["test"].notes if n.source is Source.PROOF], "only who is blamed hears"


async def test_a_run_that_never_gets_green_is_put_before_a_person_as_red(office: Office) -> None:
    script = {
        **HONEST,
        "code": [WRONG_FIX, CODE_DONE, CODE_DONE],
        "test": [ADD_TEST, TESTS_DONE],  # no fix of its own, which would be offered instead
        "pr": [written_up("A")] * 4,
    }
    state = await run(office, script)
    assert state.phase is Phase.DECIDING
    assert state.round == 2
    assert state.briefing is not None
    assert not state.briefing.green
    with pytest.raises(Refused, match="not green"):
        await answer(office.world(), RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
    await answer(
        office.world(),
        RUN,
        Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest, "I know", override=True),
    )
    closed = await advance(office.world(), RUN)
    body = Path(closed.steps["pull_request"].result).read_text()
    assert "Approved although the proof is not green" in body
    assert "Kim" in body


async def test_tests_that_pass_on_base_reproduce_nothing(office: Office) -> None:
    harmless = Reply(calls=(("write_file", {"path": "tests/test_twice.py", "content": OLD_TEST}),))
    state = await run(
        office, {**HONEST, "test": [harmless, TESTS_DONE, TESTS_DONE], "pr": [written_up("A")] * 4}
    )
    assert state.proof is not None
    assert [fault.kind for fault in state.proof.faults] == [FaultKind.NOT_REPRODUCED]


@pytest.mark.slow
async def test_a_test_that_cannot_be_imported_reproduces_nothing(office_with_pytest: Office) -> None:
    broken = Reply(
        calls=(("write_file", {"path": "tests/test_twice.py", "content": "import nothing_of_the_kind\n"}),)
    )
    state = await run(
        office_with_pytest, {**HONEST, "test": [broken, TESTS_DONE, TESTS_DONE], "pr": [written_up("A")] * 4}
    )
    assert state.proof is not None
    assert not state.proof.green
    assert FaultKind.NOT_REPRODUCED in {fault.kind for fault in state.proof.faults}


async def test_a_request_for_changes_reaches_the_agents_and_renews_proof_and_briefing(office: Office) -> None:
    state = await run(office)
    assert state.briefing is not None
    more = Reply(
        calls=(
            (
                "write_file",
                {"path": "tests/test_thrice.py", "content": OLD_TEST.replace("test_complete", "test_thrice")},
            ),
        )
    )
    script = {
        "code": [*HONEST["code"], CODE_DONE],
        "test": [*HONEST["test"], more, TESTS_DONE],
        "pr": [*HONEST["pr"], written_up("Better")],
        "triage": HONEST["triage"],
    }
    again = await decide(office, state, Verb.REQUEST_CHANGES, "Cover three times as well.", script)
    assert again.phase is Phase.DECIDING
    assert again.briefing is not None
    assert again.briefing.digest != state.briefing.digest
    assert again.briefing.pull_request_title == "Better (BUG-42)"
    assert again.proof is not None
    assert "tests/test_thrice.py" in {change.path for change in again.proof.patch.tests}
    for name in ("code", "test", "pr"):  # pr once, together with what the others made of it
        [note] = [n for n in again.agents[name].notes if n.source is Source.PERSON]
        assert "Cover three times as well." in note.text
    with pytest.raises(Refused, match="newer briefing"):
        await answer(office.world(), RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))


async def test_a_declined_run_pushes_nothing_and_leaves_a_report(office: Office) -> None:
    state = await run(office)
    closed = await decide(office, state, Verb.DECLINE, "Not this way.")
    assert closed.closed is not None
    assert closed.closed.outcome is RunOutcome.DECLINED
    assert git(office.remote, "for-each-ref") == ""
    assert "Not this way." in Path(closed.steps["report"].result).read_text()
    assert set(closed.steps) == {"report"}


async def test_a_second_decision_is_told_that_the_first_one_counts(office: Office) -> None:
    state = await run(office)
    await decide(office, state, Verb.APPROVE)
    assert state.briefing is not None
    with pytest.raises(Refused, match="already approved by terminal:Kim"):
        await answer(office.world(), RUN, Answer(Verb.DECLINE, "terminal:Lee", state.briefing.digest))


async def test_an_agent_out_of_time_is_named_and_the_rest_goes_on(office: Office) -> None:
    office.with_limits(code=(15, 0.5))
    state = await run(office, {**HONEST, "code": [FIX, Silence()], "pr": [written_up("A")] * 4})
    assert state.phase is Phase.DECIDING
    ended = state.agents["code"].ended
    assert ended is not None
    assert ended.outcome is AgentOutcome.TIMED_OUT
    assert state.proof is not None
    assert state.proof.green, "what it had changed by then is judged by execution like anything else"


async def test_a_model_that_refuses_leaves_a_run_that_can_be_resumed(office: Office) -> None:
    await office.receive()
    script = {**HONEST, "code": [Refuse("401 at https://model.example: check API_KEY")]}
    with pytest.raises(OutsideError, match="check API_KEY"):
        await advance(office.world(script), RUN)
    state = await advance(office.world(), RUN)
    assert state.phase is Phase.DECIDING
    assert state.briefing is not None
    assert state.briefing.green


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"todo.py": "x = 1\n"}, "has no tests"),
        ({"todo.py": "x = 1\n", "tests/conftest.py": "import nothing_of_the_kind\n"}, "nothing_of_the_kind"),
    ],
)
async def test_a_suite_that_says_nothing_ends_the_run_in_its_own_words(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    state = await run(Office(tmp_path, files=files))
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.UNUSABLE
    assert says in state.closed.detail


async def test_a_suite_that_hangs_ends_the_run(tmp_path: Path) -> None:
    hang = "import time\n\n\ndef test_hang():\n    time.sleep(3600)\n"
    office = Office(
        tmp_path,
        files={**QUICK_FILES, "tests/test_hang.py": hang},
        command=QUICK_COMMAND,
        timeout_seconds=0.5,
    )
    state = await run(office)
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.UNUSABLE
    assert "time limit" in state.closed.detail


async def test_what_was_red_before_is_not_held_against_the_fix(tmp_path: Path) -> None:
    red = "def test_red():\n    assert 1 == 2\n"
    state = await run(
        Office(tmp_path, files={**QUICK_FILES, "tests/test_red.py": red}, command=QUICK_COMMAND)
    )
    assert state.proof is not None
    assert state.proof.green, state.proof.faults
    assert state.proof.already_red == ("tests.test_red::test_red",)
