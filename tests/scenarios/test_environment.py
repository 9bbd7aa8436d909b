"""Repositories that depend on something, and what becomes of a run whose tests cannot be started."""

from __future__ import annotations

from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import choose
from anton.core.errors import UsageError
from anton.core.event import RunOutcome
from anton.core.run import Phase
from anton.runs.runner import advance
from tests.office import BUGGY, HONEST, OLD_TEST, RUN, Office
from tests.wheels import OF_PYTEST, add_installed, add_wheel

FILES = {
    "requirements.txt": "greeting==1.0\n",
    "todo.py": BUGGY,
    "tests/test_todo.py": f"import greeting\n{OLD_TEST}",
}


async def office_with(folder: Path, wheels: Path, files: dict[str, str]) -> Office:
    sandbox = await choose()
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    office = Office(folder, files=files, sandbox=sandbox)
    office.package_sources = {"PIP_FIND_LINKS": str(wheels), "PIP_NO_INDEX": "1", "UV_OFFLINE": "1"}
    await office.receive()
    return office


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    add_wheel(folder, "greeting", "1.0", {"greeting.py": ""})
    add_installed(folder, *OF_PYTEST)
    return folder


async def test_a_repository_is_repaired_in_an_environment_of_its_own(wheels: Path, tmp_path: Path) -> None:
    office = await office_with(tmp_path, wheels, FILES)
    state = await advance(office.world(), RUN)
    assert state.phase is Phase.DECIDING, state.closed
    assert state.proof is not None
    assert state.proof.green, state.proof.faults
    [environment] = office.environments.glob("python-*/python/bin/python")
    assert {cell.command[0] for cell in state.proof.cells} == {str(environment)}


async def test_a_run_ends_honestly_where_the_environment_cannot_be_built(
    wheels: Path, tmp_path: Path
) -> None:
    office = await office_with(tmp_path, wheels, {**FILES, "requirements.txt": "nowhere-to-be-found\n"})
    state = await advance(office.world(), RUN)
    assert state.phase is Phase.CLOSED
    assert state.closed is not None
    assert state.closed.outcome is RunOutcome.UNUSABLE
    what, _, words = state.closed.detail.partition("Its own words:")
    assert "could not be built from requirements.txt" in what
    assert "nowhere-to-be-found" in words
    assert state.proof is None


async def test_a_run_whose_runner_leaves_no_report_does_not_start(wheels: Path, tmp_path: Path) -> None:
    files = {"package.json": '{"devDependencies": {"jest": "^29"}}', "cart.test.js": ""}
    office = await office_with(tmp_path, wheels, files)
    with pytest.raises(UsageError, match="jest-junit"):
        await advance(office.world(HONEST), RUN)
