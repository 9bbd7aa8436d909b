"""Runs that find no bug to repair end in a briefing of their own, without going round in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from anton.adapters.model.scripted import Reply
from anton.core.event import CellFinished
from anton.core.proof import Opinion, Suite, Tree
from anton.core.run import Phase, RunState
from anton.runs.runner import advance
from tests.office import (
    ADD_TEST,
    CODE_DONE,
    HONEST,
    OLD_TEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    WRONG_FIX,
    Office,
    written_up,
)

HARMLESS = Reply(calls=(("write_file", {"path": "tests/test_twice.py", "content": OLD_TEST}),))
NOTHING_FOUND = Reply(
    calls=(
        (
            "submit",
            {
                "root_cause": "complete() sets the flag; the app's cache shows an old list.",
                "solution": "Nothing was changed.",
                "files": [],
                "no_code_cause": True,
            },
        ),
    )
)
ASKING = Reply(
    calls=(
        (
            "submit",
            {
                "covered": ["Completing once."],
                "files": [{"path": "tests/test_twice.py", "why": "Complete a to-do"}],
                "diagnosis": "It works here.",
                "question": "Which version of the app sends the request?",
            },
        ),
    )
)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


async def run(office: Office, script: object) -> RunState:
    await office.receive()
    return await advance(office.world(script), RUN)  # type: ignore[arg-type]


async def test_no_code_cause_goes_straight_to_a_person_with_what_was_looked_at(office: Office) -> None:
    script = {
        **HONEST,
        "code": [NOTHING_FOUND] * 3,
        "test": [HARMLESS, ASKING, ASKING],
        "pr": [written_up("A")] * 3,
    }
    state = await run(office, script)
    assert (state.phase, state.round) == (Phase.DECIDING, 1)
    assert state.briefing is not None
    assert state.briefing.headline == (
        "NO CODE CAUSE: no code here was found to cause what the ticket describes; "
        "1 test written from the ticket passes on the unchanged code."
    )
    assert "the app's cache shows an old list" in state.briefing.paragraph
    assert "Which version of the app sends the request?" in state.briefing.paragraph


async def test_no_code_cause_is_not_believed_against_a_test_that_fails(office: Office) -> None:
    script = {
        **HONEST,
        "code": [NOTHING_FOUND] * 5,
        "test": [ADD_TEST, *[TESTS_DONE] * 3],
        "pr": [written_up("A")] * 4,
    }
    state = await run(office, script)
    assert state.round == 2, "what was executed speaks against it, so the code agent looks again"
    assert state.briefing is not None
    assert state.briefing.headline.startswith("RED: ")


async def test_what_could_not_be_reproduced_is_told_with_what_was_tried_and_one_question(
    office: Office,
) -> None:
    script = {**HONEST, "test": [HARMLESS, *[ASKING] * 4], "pr": [written_up("A")] * 4}
    state = await run(office, script)
    assert state.phase is Phase.DECIDING
    assert state.briefing is not None
    assert not state.briefing.green
    assert state.briefing.headline == (
        "NOT REPRODUCED: 1 test written from the ticket passes on the unchanged code."
    )
    assert "What was tried: 1 test written from the ticket passes" in state.briefing.paragraph
    assert "The one question that would help: “Which version of the app sends the request?”" in (
        state.briefing.paragraph
    )


async def test_a_second_round_runs_only_what_changed(office: Office) -> None:
    repair = Reply(
        calls=(
            (
                "edit_file",
                {"path": "todo.py", "old": "todo.completed = False", "new": "todo.completed = True"},
            ),
        )
    )
    script = {**HONEST, "code": [WRONG_FIX, CODE_DONE, repair, CODE_DONE], "pr": [written_up("A")] * 4}
    state = await run(office, script)
    assert state.round == 2
    assert state.proof is not None
    assert state.proof.green
    entries = await office.journal.read(RUN)
    second = next(e.number for e in entries if e.event.kind == "round_started")
    ran = [e.event.cell for e in entries if isinstance(e.event, CellFinished) and e.number > second]
    trees = {(cell.suite, cell.tree) for cell in ran if cell.attempt == 1}
    assert (Suite.NEW, Tree.FIX) in trees
    assert (Suite.NEW, Tree.BASE) not in trees
    assert (Suite.OLD, Tree.BASE) not in trees
    assert (Suite.NEW, Tree.SECOND) not in trees


async def test_where_only_the_test_agents_own_fix_passes_everything_it_is_the_one_offered(
    office: Office,
) -> None:
    script = {**HONEST, "code": [WRONG_FIX, *[CODE_DONE] * 4], "pr": [written_up("A")] * 4}
    state = await run(office, script)
    assert state.round == 2
    assert state.proof is not None
    assert state.proof.green, state.proof.faults
    assert "todo.completed = True" in state.proof.patch.diff
    assert state.proof.opinion is Opinion.NONE, "nobody has derived it a second time"
    assert state.proof.instead_of.splitlines()[0] in {
        "tests.test_todo::test_complete",
        "tests.test_twice::test_completing_twice_stays_completed",
    }
    assert state.briefing is not None
    assert state.briefing.green
    assert "The two witnesses disagree" in state.briefing.paragraph
    assert any("the test agent's own" in risk for risk in state.briefing.risks)
