"""Whole runs whose new tests are tried: what they notice, and what they do not, is put before a person."""

from __future__ import annotations

from pathlib import Path

from anton.adapters.model.scripted import Reply
from anton.core.proof import HunkCheck, Mutant, MutantFate
from anton.core.run import RunState
from anton.runs.runner import advance
from tests.office import CODE_DONE, HONEST, QUICK_COMMAND, QUICK_FILES, RUN, TESTS_DONE, WRONG_FIX, Office

TEST = "tests.test_twice::test_completing_twice_stays_completed"


async def run(folder: Path, script: object = HONEST, seconds: float = 60.0) -> RunState:
    office = Office(folder, files=QUICK_FILES, command=QUICK_COMMAND, mutation_seconds=seconds)
    await office.receive()
    return await advance(office.world(script), RUN)  # type: ignore[arg-type]


async def test_a_good_test_notices_every_change_of_the_fix(tmp_path: Path) -> None:
    state = await run(tmp_path)
    assert state.proof is not None
    assert state.briefing is not None
    line = ("todo.py", 7, "todo.completed = True")
    assert state.proof.hunks == (HunkCheck("todo.py", "@@ -4,4 +4,4 @@ class Todo:", True, TEST),)
    assert state.proof.mutants == (
        Mutant(*line, "todo.completed = False", MutantFate.KILLED, TEST),
        Mutant(*line, "pass", MutantFate.KILLED, TEST),
    )
    assert not any("mutant" in sentence for sentence in state.proof.undone)
    assert state.briefing.headline.endswith("mutants killed 2 of 2.")


async def test_a_weak_test_and_a_needless_hunk_are_named_to_the_person(tmp_path: Path) -> None:
    padded = Reply(
        calls=(
            ("edit_file", {"path": "todo.py", "old": "not todo.completed", "new": "True"}),
            ("write_file", {"path": "extra.py", "content": "LIMIT = 3\n"}),
        )
    )
    state = await run(tmp_path, {**HONEST, "code": [padded, CODE_DONE]})
    assert state.proof is not None
    assert state.briefing is not None
    assert state.proof.green
    assert "No test needs this hunk: extra.py @@ -0,0 +1 @@" in state.briefing.risks
    assert "A mutant survives: extra.py:1 `LIMIT = 3` → `LIMIT = 4`" in state.briefing.risks
    assert "extra.py:1" in state.briefing.pull_request_body


async def test_a_red_proof_is_not_tried(tmp_path: Path) -> None:
    script = {**HONEST, "code": [WRONG_FIX, CODE_DONE, CODE_DONE], "test": [*HONEST["test"], TESTS_DONE]}
    state = await run(tmp_path, script)
    proof = state.proofs[0]
    assert not proof.green
    assert (proof.mutants, proof.hunks, proof.undone) == ((), (), ())


async def test_a_stage_that_is_left_out_is_named(tmp_path: Path) -> None:
    state = await run(tmp_path, seconds=0)
    assert state.briefing is not None
    said = "Hunks and mutants were not tried: `proof.mutation_seconds` is 0."
    assert said in state.briefing.risks
