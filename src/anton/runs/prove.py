"""The proof of a round: harvest the agents' trees, fill the matrix, judge it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from anton.core.errors import unwrapped
from anton.core.event import CellFinished, ProofFinished
from anton.core.proof import Culprit, Proof
from anton.core.run import RunState
from anton.core.verdict import judge, not_tested
from anton.ports import Repository, Sandbox
from anton.proving.culprit import find_culprit
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.plan import TestPlan
from anton.proving.strength import Strength, measure
from anton.proving.suite import SuiteRunner
from anton.proving.tampering.guard import find_tampering
from anton.runs.brief import goes_back_to
from anton.runs.colleagues import subjects
from anton.runs.log import RunLog


async def prove(
    log: RunLog,
    repository: Repository,
    suite: SuiteRunner,
    sandbox: Sandbox,
    plan: TestPlan,
    mutation_seconds: float,
    culprit_seconds: float,
) -> None:
    """Fill and judge the matrix of the round under way, unless that is journaled already.

    Where it is green, its tests' strength is measured for at most `mutation_seconds`; where it is put before
    a person, the commit that brought the bug is looked for, side by side, for at most `culprit_seconds`.
    """
    if log.state.proof is not None:
        return
    harvested = await _gather(log.state, repository, plan)
    tampering = await find_tampering(repository, harvested, plan)
    if not suite.can_run:
        proof = not_tested(log.state.round, harvested.patch, sandbox.description, tampering)
    else:
        cells = await fill(suite, harvested, log.state.cells, lambda cell: log.append(CellFinished(cell)))
        proof = judge(log.state.round, harvested.patch, cells, sandbox.description, tampering)
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(_strength(repository, suite, harvested, proof, mutation_seconds))
            searching = group.create_task(_culprit(log.state, repository, suite, proof, culprit_seconds))
    found, (culprit, unsought) = measuring.result(), searching.result()
    undone = (*proof.undone, *found.undone, *unsought)
    proof = replace(proof, hunks=found.hunks, mutants=found.mutants, culprit=culprit, undone=undone)
    await log.append(ProofFinished(proof))


async def _strength(
    repository: Repository, suite: SuiteRunner, harvested: Harvest, proof: Proof, seconds: float
) -> Strength:
    if not proof.green:
        return Strength()
    return await measure(repository, suite, harvested, proof, seconds)


async def _culprit(
    state: RunState, repository: Repository, suite: SuiteRunner, proof: Proof, seconds: float
) -> tuple[Culprit | None, tuple[str, ...]]:
    """The commit that brought the bug, and a sentence where it was not looked for."""
    if not proof.reproducing or goes_back_to(state, proof):
        return None, ()
    if seconds <= 0:
        return None, ("The commit that brought the bug was not looked for: `proof.culprit_seconds` is 0.",)
    return await find_culprit(repository, suite, proof, seconds), ()


async def _gather(state: RunState, repository: Repository, plan: TestPlan) -> Harvest:
    """The patch and the trees of the matrix, out of what the agents' worktrees held last.

    Commits are dated with the run's start: whatever was interrupted, the same work gives the same commits.
    """
    base = state.base
    assert base is not None  # noqa: S101 - the phase table has BaseResolved before any proof
    work = Work(
        base=base.commit,
        base_tree=base.tree,
        code=_last_tree(state, "code", base.tree),
        test=_last_tree(state, "test", base.tree),
        subjects=dict(subjects(state)),
        ticket=state.received.ticket.key,
        at_unix=int(state.started_at.timestamp()),
    )
    return await harvest(repository, work, plan)


def _last_tree(state: RunState, name: str, base_tree: str) -> str:
    agent = state.agents.get(name)
    return (agent.checkpoint if agent else None) or base_tree
