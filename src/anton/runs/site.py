"""Where a round works: the run's journal, its base, and how that base's tests are run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from anton.core.event import BaseResolved
from anton.core.run import RunState
from anton.ports import Repository
from anton.proving.plan import TestPlan
from anton.proving.suite import SuiteRunner
from anton.runs.log import RunLog
from anton.runs.planning import plan_of_run
from anton.runs.world import World


@dataclass(frozen=True, slots=True)
class Site:
    """All that crew, round and proof share."""

    world: World
    log: RunLog
    base: BaseResolved
    repository: Repository
    plan: TestPlan
    suite: SuiteRunner

    @property
    def state(self) -> RunState:
        """Where the run stands, with everything posted so far."""
        return self.log.state


async def site_of(world: World, log: RunLog) -> Site:
    """The site of a run whose base is known."""
    state = log.state
    base = state.base
    assert base is not None  # noqa: S101 - the phase table has BaseResolved before any round
    repository = world.repository(state.received.repository)
    plan = await plan_of_run(world, repository, base)
    trees = world.scratch(state.run_id) / "trees"
    prepare = partial(world.environments.ensure, plan.recipe)
    suite = SuiteRunner(world.sandbox, repository, trees, plan, prepare=prepare, masker=world.masker)
    return Site(world, log, base, repository, plan, suite)
