"""The proof of a round: harvest the agents' trees, fill the matrix, judge it."""

from __future__ import annotations

from dataclasses import replace

from anton.core.event import CellFinished, ProofFinished
from anton.core.run import RunState
from anton.core.verdict import judge, not_tested
from anton.ports import Repository, Sandbox
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.plan import TestPlan
from anton.proving.strength import measure
from anton.proving.suite import SuiteRunner
from anton.runs.colleagues import subjects
from anton.runs.log import RunLog


async def prove(
    log: RunLog,
    repository: Repository,
    suite: SuiteRunner,
    sandbox: Sandbox,
    plan: TestPlan,
    mutation_seconds: float,
) -> None:
    """Fill and judge the matrix of the round under way, unless that is journaled already.

    Where it is green, its tests' strength is measured for at most `mutation_seconds`.
    """
    if log.state.proof is not None:
        return
    harvested = await _gather(log.state, repository, plan)
    if not suite.can_run:
        proof = not_tested(log.state.round, harvested.patch, sandbox.description)
    else:
        cells = await fill(suite, harvested, log.state.cells, lambda cell: log.append(CellFinished(cell)))
        proof = judge(log.state.round, harvested.patch, cells, sandbox.description)
    if proof.green:
        found = await measure(repository, suite, harvested, proof, mutation_seconds)
        undone = proof.undone + found.undone
        proof = replace(proof, hunks=found.hunks, mutants=found.mutants, undone=undone)
    await log.append(ProofFinished(proof))


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
