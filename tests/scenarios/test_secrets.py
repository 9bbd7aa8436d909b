"""A repository that holds a secret of its own is repaired all the same, and its proof can be verified."""

from __future__ import annotations

from pathlib import Path

from anton.adapters.repository.git import GitRepository
from anton.core.decision import Answer
from anton.core.event import Verb
from anton.core.run import Phase
from anton.proving.bundle import check_objects, read_bundle
from anton.runs.runner import advance, answer
from tests.office import BUGGY, HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office, git

TOKEN = "ghp_" + "0a1B2c3D4e5F6g7H8i9J" + "0a1B2c3D4e5F6g7H"
SECRETIVE = BUGGY.replace("def complete(todo):\n", f'def complete(todo):\n    key = "{TOKEN}"  # noqa\n')


async def test_a_secret_near_the_fix_is_shown_nowhere_pushed_unharmed_and_verified(tmp_path: Path) -> None:
    place = Office(tmp_path, files={**QUICK_FILES, "todo.py": SECRETIVE}, command=QUICK_COMMAND)
    await place.receive()
    world = place.world(HONEST)
    state = await advance(world, RUN)
    assert state.proof is not None
    assert state.proof.green, state.proof.faults
    assert state.briefing is not None
    assert "[masked: GitHub token]" in state.proof.patch.diff
    await answer(world, RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
    assert (await advance(world, RUN)).phase is Phase.CLOSED
    assert TOKEN in git(place.remote, "show", f"{state.branch}:todo.py"), "what is pushed is what was tested"
    for path in (place.folder / "reports" / RUN).glob("*.*"):
        if path.name != "proof.tar.gz":
            assert TOKEN.encode() not in path.read_bytes(), path
    bundle = read_bundle((place.folder / "reports" / RUN / "proof.tar.gz").read_bytes())
    git(tmp_path, "init", "-q", "fresh")
    await check_objects(bundle, GitRepository(tmp_path / "fresh", tmp_path / "fresh-mirror.git"))
    assert all(TOKEN not in str(entry) for entry in await place.journal.read(RUN))
