"""A run's objects on the way from one machine to another, each with a mirror of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.office import BUGGY, git, make_repository
from tests.postgres import PostgresServer

from anton.adapters.journal.objects import PostgresCarrier
from anton.adapters.repository.carried import Carried, CarriedRepository, Carrier
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import create_bare
from anton.core.errors import OutsideError


class Bag:
    """A carrier in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, Carried] = {}

    async def offer(self, carried: Sequence[Carried]) -> None:
        for each in carried:
            self.objects.setdefault(each.id, each)

    async def find(self, object_id: str) -> Carried | None:
        return self.objects.get(object_id)


@pytest.fixture
def bag() -> Bag:
    return Bag()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "checkout", {"todo.py": BUGGY, "large.bin": "x" * 100_000})


def machine(name: str, checkout: Path, carrier: Carrier) -> CarriedRepository:
    return CarriedRepository(GitRepository(checkout, checkout.parent / name / "mirror.git"), carrier)


async def checkpoint(here: CarriedRepository, folder: Path, text: str) -> str:
    """What an agent's worktree amounts to, kept."""
    base = await here.resolve("")
    await here.export(base.tree, folder)
    (folder / "todo.py").write_text(text)
    tree = await here.snapshot(folder, base.tree)
    await here.keep(f"r1/code/{tree}", tree)
    return tree


async def test_a_checkpoint_is_laid_out_at_a_machine_that_never_saw_the_repository(
    bag: Bag, checkout: Path, tmp_path: Path
) -> None:
    tree = await checkpoint(machine("one", checkout, bag), tmp_path / "worktree", "fixed\n")
    there = machine("two", checkout, bag)
    await there.export(tree, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "todo.py").read_text() == "fixed\n"
    assert (tmp_path / "elsewhere" / "large.bin").stat().st_size == 100_000


async def test_only_what_a_checkpoint_adds_travels(bag: Bag, checkout: Path, tmp_path: Path) -> None:
    tree = await checkpoint(machine("one", checkout, bag), tmp_path / "worktree", "fixed\n")
    packed = bag.objects[tree].packed
    assert packed is not None
    assert len(packed) < 400


async def test_a_commit_made_from_checkpoints_is_pushed_from_another_machine(
    bag: Bag, checkout: Path, tmp_path: Path
) -> None:
    here = machine("one", checkout, bag)
    tree = await checkpoint(here, tmp_path / "worktree", "fixed\n")
    base = await here.resolve("")
    again = machine("one", checkout, bag)
    grafted = await again.graft(base.tree, tree, ["todo.py"])
    commit = await again.commit(grafted, base.commit, "Fix it", 1_700_000_000)
    remote = tmp_path / "remote.git"
    await create_bare(remote)
    await machine("two", checkout, bag).push(commit, "fix/bug", str(remote))
    assert git(remote, "show", "fix/bug:todo.py") == "fixed\n"
    assert git(remote, "rev-parse", "fix/bug^").strip() == base.commit


async def test_a_base_that_only_the_remote_has_is_fetched_from_there(
    bag: Bag, checkout: Path, tmp_path: Path
) -> None:
    remote = make_repository(tmp_path / "remote", {"todo.py": "newer\n"})
    found = await machine("one", checkout, bag).fetch(str(remote), "main")
    there = machine("two", checkout, bag)
    assert await there.read(found.tree, "todo.py") == b"newer\n"


async def test_a_remote_is_asked_by_a_machine_that_never_saw_the_repository(
    bag: Bag, checkout: Path, tmp_path: Path
) -> None:
    there = machine("two", checkout, bag)
    head = git(checkout, "rev-parse", "HEAD").strip()
    assert await there.head_of(str(checkout), "main") == head


async def test_what_nobody_offered_is_said_to_be_missing(bag: Bag, checkout: Path, tmp_path: Path) -> None:
    here = machine("one", checkout, bag)
    await here.resolve("")
    with pytest.raises(OutsideError):
        await here.export("1" * 40, tmp_path / "worktree")


async def test_objects_travel_through_postgresql(
    postgres: PostgresServer, checkout: Path, tmp_path: Path
) -> None:
    url = postgres.new_database()
    carriers = [PostgresCarrier(url) for _ in range(2)]
    tree = await checkpoint(machine("one", checkout, carriers[0]), tmp_path / "worktree", "fixed\n")
    await machine("two", checkout, carriers[1]).export(tree, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "todo.py").read_text() == "fixed\n"
    for carrier in carriers:
        await carrier.close()
