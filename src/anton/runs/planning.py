"""How a repository's tests are run, as of one of its trees."""

from __future__ import annotations

from anton.core.event import BaseResolved
from anton.core.suite_options import SuiteOptions
from anton.ports import Repository
from anton.proving.declarations import MAX_BYTES, Declared, worth_reading
from anton.proving.plan import TestPlan
from anton.runs.world import Planned, World


async def planned(
    world: World, repository: Repository, tree: str, settled: SuiteOptions | None = None
) -> Planned:
    """The plan for a tree: by what was settled before, else by settings and the tree's own `anton.toml`."""
    files = await repository.files(tree)
    texts: dict[str, str] = {}
    for path in worth_reading(files):
        content = await repository.read(tree, path, MAX_BYTES)
        if content is not None:
            texts[path] = content.decode("utf-8", "replace")
    return world.plan(Declared(files, texts), settled)


async def plan_of_run(world: World, repository: Repository, base: BaseResolved) -> TestPlan:
    """The plan that a run began with, whatever the settings say here and now.

    Raises:
        UsageError: the tests need something that is set where the run began, and is not set here.
    """
    return (await planned(world, repository, base.tree, base.suite)).plan
