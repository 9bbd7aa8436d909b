"""The branch goes on while a fix is made or waits: nothing old is pushed, and nobody is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from anton.adapters.model.scripted import ScriptedModel
from anton.core.approval import ApprovalRules
from anton.core.consent import BaseMoved
from anton.core.decision import Answer, Refused
from anton.core.errors import OutsideError
from anton.core.event import NotePosted, ProofFinished, RunOutcome, Verb
from anton.core.run import Phase, RunState
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.office import (
    CODE_DONE,
    FIX,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    Office,
    git,
    written_up,
)

KIM = "terminal:Kim"
SCRIPT = {**HONEST, "pr": [written_up(f"Draft {number}") for number in range(1, 9)]}
AGAIN = {
    **SCRIPT,
    "code": [*HONEST["code"], FIX, CODE_DONE],
    "test": [*HONEST["test"], FIX, TESTS_DONE],
}
"""Both witnesses had changed todo.py, the test agent for its own fix."""
BRANCH = "fix/bug-42-r1"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND)
    git(tmp_path, "clone", "-q", "--bare", str(made.checkout), str(made.remote))
    git(tmp_path, "clone", "-q", str(made.remote), str(tmp_path / "colleague"))
    return made


def go_on(tmp_path: Path, path: str, text: str, *, force: bool = False) -> str:
    """A colleague commits a file to the branch and pushes it; the commit."""
    theirs = tmp_path / "colleague"
    (theirs / path).write_text(text)
    git(theirs, "add", "-A")
    git(theirs, "commit", "-q", *(("--amend",) if force else ()), "-m", f"Change {path}")
    git(theirs, "push", "-q", *(("--force",) if force else ()), "origin", "HEAD:main")
    return git(theirs, "rev-parse", "HEAD").strip()


async def briefed(office: Office, world: World) -> RunState:
    await office.receive()
    state = await advance(world, RUN)
    assert state.phase is Phase.DECIDING
    return state


async def approve(world: World, state: RunState) -> RunState:
    assert state.briefing is not None
    await answer(world, RUN, Answer(Verb.APPROVE, KIM, state.briefing.digest))
    return await advance(world, RUN)


def pushed(office: Office) -> list[str]:
    return git(office.remote, "for-each-ref", "--format=%(refname:short)").split()


async def test_a_branch_that_stays_is_delivered_to(office: Office) -> None:
    world = office.world(SCRIPT)
    done = await approve(world, await briefed(office, world))
    assert done.closed is not None
    assert done.closed.outcome is RunOutcome.DELIVERED
    assert done.base is not None
    assert done.base.remote_head == done.base.commit
    assert pushed(office) == [BRANCH, "main"]


@pytest.mark.parametrize("force", [False, True], ids=["went on", "force-pushed"])
async def test_a_fix_is_proved_on_the_new_commit_before_anything_is_pushed(
    office: Office, tmp_path: Path, force: bool
) -> None:
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    new = go_on(tmp_path, "other.py", "x = 1\n", force=force)
    second = await approve(world, first)
    assert second.phase is Phase.DECIDING
    assert second.renewed, "whoever names no digest may have seen the first one"
    assert pushed(office) == ["main"]
    assert first.briefing is not None
    assert second.briefing is not None
    assert second.proof is not None
    assert second.briefing.digest != first.briefing.digest
    assert second.briefing.green
    assert second.proof.patch.base == new
    [told] = [risk for risk in second.briefing.risks if "went on" in risk]
    assert told.endswith("The fix was carried over unchanged, and the proof was made anew on that commit.")
    with pytest.raises(Refused, match="has a newer briefing than the one you answered"):
        await answer(world, RUN, Answer(Verb.APPROVE, KIM, first.briefing.digest))
    done = await approve(world, second)
    assert done.closed is not None
    assert done.closed.outcome is RunOutcome.DELIVERED
    assert git(office.remote, "merge-base", "main", BRANCH).strip() == new
    assert git(office.remote, "diff", "--name-only", "main", BRANCH).split() == [
        "tests/test_twice.py",
        "todo.py",
    ]


async def test_no_model_is_asked_again_by_a_code_agent_whose_files_stayed(
    office: Office, tmp_path: Path
) -> None:
    model = ScriptedModel(SCRIPT)
    world = office.world(model)
    first = await briefed(office, world)
    asked = [request.agent for request in model.requests]
    go_on(tmp_path, "other.py", "x = 1\n")
    await approve(world, first)
    assert {request.agent for request in model.requests[len(asked) :]} <= {"pr"}


async def test_a_file_that_the_branch_changed_in_other_lines_gets_both_changes(
    office: Office, tmp_path: Path
) -> None:
    model = ScriptedModel(SCRIPT)
    world = office.world(model)
    first = await briefed(office, world)
    asked = len(model.requests)
    theirs = QUICK_FILES["todo.py"].replace("class Todo", "# Ours.\nclass Todo")
    new = go_on(tmp_path, "todo.py", theirs)
    second = await approve(world, first)
    assert (second.phase, pushed(office)) == (Phase.DECIDING, ["main"])
    assert {request.agent for request in model.requests[asked:]} <= {"pr"}
    assert second.briefing is not None
    assert second.briefing.green
    [told] = [risk for risk in second.briefing.risks if "went on" in risk]
    assert "todo.py changed there as well, in other lines. The fix was merged into that" in told
    assert second.proof is not None
    assert second.proof.patch.base == new
    done = await approve(world, second)
    assert done.closed is not None
    shown = git(office.remote, "show", f"{BRANCH}:todo.py")
    assert "# Ours." in shown
    assert "todo.completed = True" in shown


async def test_two_changes_that_merge_and_do_not_go_together_are_found_by_the_proof(
    office: Office, tmp_path: Path
) -> None:
    world = office.world(SCRIPT)
    await office.receive(rounds=1)
    first = await advance(world, RUN)
    never = "class Todo:\n    completed = property(lambda self: False, lambda self, value: None)\n"
    go_on(tmp_path, "todo.py", QUICK_FILES["todo.py"].replace("class Todo:\n", never))
    second = await approve(world, first)
    assert second.phase is Phase.DECIDING
    entries = await office.journal.read(RUN)
    judged = [e.event.proof.green for e in entries if isinstance(e.event, ProofFinished)]
    assert judged[:2] == [True, False]
    assert pushed(office) == ["main"]


async def test_a_file_that_the_branch_changed_in_the_same_lines_goes_back_to_its_agent(
    office: Office, tmp_path: Path
) -> None:
    world = office.world(AGAIN)
    first = await briefed(office, world)
    toggle = "    todo.completed = not todo.completed"
    theirs = QUICK_FILES["todo.py"].replace(toggle, f"    # Ours.\n{toggle}")
    assert theirs != QUICK_FILES["todo.py"]
    new = go_on(tmp_path, "todo.py", theirs)
    second = await approve(world, first)
    entries = await office.journal.read(RUN)
    moved = next(e.event for e in entries if isinstance(e.event, BaseMoved))
    assert "todo.py changed there as well" in moved.reason
    notes = [e.event for e in entries if isinstance(e.event, NotePosted) and e.number > 1]
    told = next(note for note in notes if "went on" in note.note.text)
    assert told.agent == "code"
    assert "+    todo.completed = True" in told.note.text
    assert second.proof is not None
    assert second.proof.green
    done = await approve(world, second)
    assert done.closed is not None
    shown = git(office.remote, "show", f"{BRANCH}:todo.py")
    assert "# Ours." in shown
    assert "todo.completed = True" in shown
    assert git(office.remote, "merge-base", "main", BRANCH).strip() == new


async def test_each_time_that_it_goes_on_the_proof_is_made_anew(office: Office, tmp_path: Path) -> None:
    world = office.world(SCRIPT)
    state = await briefed(office, world)
    for number in range(2):
        go_on(tmp_path, f"other{number}.py", "x = 1\n")
        state = await approve(world, state)
        assert state.phase is Phase.DECIDING
    assert (await approve(world, state)).closed is not None


async def test_a_team_may_deliver_what_was_approved_where_the_files_stayed(
    office: Office, tmp_path: Path
) -> None:
    office.approval = ApprovalRules(base_moved="deliver")
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    go_on(tmp_path, "other.py", "x = 1\n")
    done = await approve(world, first)
    assert done.closed is not None
    assert first.proof is not None
    assert git(office.remote, "rev-parse", BRANCH).strip() == first.proof.patch.head


async def test_even_then_a_file_that_changed_is_proved_anew(office: Office, tmp_path: Path) -> None:
    office.approval = ApprovalRules(base_moved="deliver")
    world = office.world(AGAIN)
    first = await briefed(office, world)
    go_on(tmp_path, "todo.py", QUICK_FILES["todo.py"] + "\n\n# More.\n")
    assert (await approve(world, first)).phase is Phase.DECIDING
    assert pushed(office) == ["main"]


async def test_a_remote_out_of_reach_keeps_the_approval(office: Office, tmp_path: Path) -> None:
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    hidden = office.remote.rename(tmp_path / "away")
    with pytest.raises(OutsideError, match="Nothing can be pushed"):
        await approve(world, first)
    hidden.rename(office.remote)
    done = await advance(world, RUN)
    assert done.closed is not None
    assert done.closed.outcome is RunOutcome.DELIVERED


async def test_somebody_elses_branch_of_that_name_is_left_alone(office: Office, tmp_path: Path) -> None:
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    theirs = tmp_path / "colleague"
    git(theirs, "commit", "-q", "--allow-empty", "-m", "Mine")
    git(theirs, "push", "-q", "origin", f"HEAD:{BRANCH}")
    with pytest.raises(OutsideError, match=f"already has a branch '{BRANCH}'"):
        await approve(world, first)
    assert git(office.remote, "log", "-1", "--format=%s", BRANCH).strip() == "Mine"


async def test_commits_that_were_never_pushed_are_no_move_of_the_branch(office: Office) -> None:
    (office.checkout / "local.py").write_text("x = 1\n")
    git(office.checkout, "add", "-A")
    git(office.checkout, "commit", "-q", "-m", "Not pushed yet")
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    assert first.base is not None
    assert first.base.remote_head not in ("", None, first.base.commit)
    assert (await approve(world, first)).closed is not None


async def test_pushing_just_the_base_is_no_move_either(office: Office) -> None:
    (office.checkout / "local.py").write_text("x = 1\n")
    git(office.checkout, "add", "-A")
    git(office.checkout, "commit", "-q", "-m", "Pushed meanwhile")
    world = office.world(SCRIPT)
    first = await briefed(office, world)
    git(office.checkout, "push", "-q", str(office.remote), "main")
    assert (await approve(world, first)).closed is not None
