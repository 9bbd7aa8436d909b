"""Whole runs on a repository with a past: the commit that brought the bug is put before the person."""

from __future__ import annotations

from pathlib import Path

from anton.adapters.model.scripted import Reply
from anton.core.proof import Culprit, CulpritStatus
from anton.core.run import RunState
from anton.runs.runner import advance
from tests.office import (
    BUGGY,
    CODE_DONE,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    Office,
    git,
    written_up,
)

NAMED = "\n\n\ndef name():\n    return 'todo'\n"
NAME_TEST = "import todo\n\n\ndef test_name():\n    assert todo.name() == 'todo'\n"


def office(folder: Path, seconds: float = 60.0) -> Office:
    """A repository whose second commit brought the bug, and whose third did something else."""
    right = BUGGY.replace("not todo.completed", "True") + NAMED
    files = {**QUICK_FILES, "todo.py": right, "tests/test_name.py": NAME_TEST}
    made = Office(folder, files=files, command=QUICK_COMMAND, culprit_seconds=seconds)
    for subject, path, text in (
        ("Toggle to-dos @octocat", "todo.py", BUGGY + NAMED),
        ("Say more", "README.md", "To-dos\n"),
    ):
        (made.checkout / path).write_text(text)
        git(made.checkout, "add", "-A")
        git(made.checkout, "commit", "-q", "-m", subject)
    return made


async def run(office: Office, script: object = HONEST) -> RunState:
    await office.receive()
    return await advance(office.world(script), RUN)  # type: ignore[arg-type]


async def test_who_decides_is_told_which_commit_brought_the_bug(tmp_path: Path) -> None:
    place = office(tmp_path)
    state = await run(place)
    assert state.proof is not None
    assert state.briefing is not None
    commit = git(place.checkout, "rev-parse", "HEAD~1").strip()
    at = git(place.checkout, "log", "-1", "--format=%aI").strip()
    assert state.proof.culprit == Culprit(
        CulpritStatus.FOUND, commit, "A", at, "Toggle to-dos @octocat", tested=2
    )
    assert f"Brought by {commit[:7]} “Toggle to-dos @octocat” (A, 2026-01-01)." in state.briefing.paragraph
    assert (
        f"\n- Brought by {commit[:7]} “Toggle to-dos `@octocat”` (A, 2026-01-01)."
        in state.briefing.pull_request_body
    )


async def test_a_search_that_is_left_out_is_named(tmp_path: Path) -> None:
    state = await run(office(tmp_path, seconds=0))
    assert state.proof is not None
    assert state.briefing is not None
    assert state.proof.culprit is None
    sentence = "The commit that brought the bug was not looked for: `proof.culprit_seconds` is 0."
    assert sentence in state.proof.undone
    assert sentence in state.briefing.risks


async def test_while_an_agent_works_on_no_time_goes_into_the_search(tmp_path: Path) -> None:
    edits = ("not todo.completed", "True"), ("'todo'", "'other'")
    harmful = Reply(
        calls=tuple(("edit_file", {"path": "todo.py", "old": old, "new": new}) for old, new in edits)
    )
    repair = Reply(calls=(("edit_file", {"path": "todo.py", "old": "'other'", "new": "'todo'"}),))
    script = {**HONEST, "code": [harmful, CODE_DONE, repair, CODE_DONE], "pr": [written_up("A")] * 4}
    state = await run(office(tmp_path), script)
    assert [(bool(proof.reproducing), proof.green) for proof in state.proofs] == [(True, False), (True, True)]
    assert [proof.culprit is not None for proof in state.proofs] == [False, True]
