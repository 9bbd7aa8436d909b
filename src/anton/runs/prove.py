"""The proof of a round: harvest the agents' trees, fill the matrix, judge it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from anton.core.errors import unwrapped
from anton.core.event import CellFinished, ProofFinished
from anton.core.proof import BAD, Cell, Culprit, Opinion, Proof, Tree
from anton.core.run import RunState
from anton.core.verdict import judge, not_tested
from anton.proving.culprit import find_culprit
from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.matrix import fill
from anton.proving.strength import Strength, measure
from anton.proving.tampering.guard import find_tampering
from anton.runs.brief import goes_back_to
from anton.runs.colleagues import subjects
from anton.runs.site import Site


async def prove(site: Site) -> None:
    """Fill and judge the matrix of the round under way, unless that is journaled already.

    Where it is green, its tests' strength is measured for at most the world's `mutation_seconds`; where it is
    put before a person, the commit that brought the bug is looked for, side by side, for at most
    `culprit_seconds`.
    """
    if site.state.proof is not None:
        return
    harvested, proof = await _best(site)
    with unwrapped():
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(_strength(site, harvested, proof))
            searching = group.create_task(_culprit(site, proof))
    found, (culprit, unsought) = measuring.result(), searching.result()
    undone = (*proof.undone, *found.undone, *unsought)
    proof = replace(proof, hunks=found.hunks, mutants=found.mutants, culprit=culprit, undone=undone)
    await site.log.append(ProofFinished(proof))


async def _best(site: Site) -> tuple[Harvest, Proof]:
    """The code agent's fix and its proof; the test agent's own, where the first stays red and this is green.

    The witnesses disagree then, and the proof says so: nobody has derived the offered fix a second time.
    """
    work = _work(site)
    harvested = await harvest(site.repository, work, site.plan)
    proof = await _judged(site, harvested)
    tests, second = harvested.trees.base_with_tests, harvested.trees.second
    stays_red = not proof.green and not goes_back_to(site.state, proof)
    if not stays_red or proof.opinion is not Opinion.AGREES or tests is None or second is None:
        return harvested, proof
    own = [change.path for change in await site.repository.changes(tests, second)]
    fix = await site.repository.graft(work.base_tree, second, own)
    other = await harvest(site.repository, replace(work, code=fix, test=tests), site.plan)
    others_proof = await _judged(site, other)
    if not others_proof.green:
        return harvested, proof
    return other, replace(others_proof, instead_of=_smallest(proof))


def _smallest(proof: Proof) -> str:
    """The shortest failure of the fix that is not offered."""
    bad = [
        case for cell in proof.cells if cell.tree is Tree.FIX for case in cell.cases if case.outcome in BAD
    ]
    if not bad:
        return proof.faults[0].evidence
    case = min(bad, key=lambda case: (len(case.message), case.id))
    return f"{case.id}\n{case.message}".strip()


async def _judged(site: Site, harvested: Harvest) -> Proof:
    """The proof that matrix and guard amount to."""
    number, patch, sandbox = site.state.round, harvested.patch, site.world.sandbox
    tampering = await find_tampering(site.repository, harvested, site.plan)
    if not site.suite.can_run:
        return not_tested(number, patch, sandbox.description, tampering)

    async def tell(cell: Cell) -> None:
        await site.log.append(CellFinished(cell))

    earlier = tuple(cell for proof in site.state.proofs for cell in proof.cells)
    cells = await fill(site.suite, harvested, (*earlier, *site.state.cells), tell)
    return judge(number, patch, cells, sandbox.description, tampering, level=sandbox.level)


async def _strength(site: Site, harvested: Harvest, proof: Proof) -> Strength:
    if not proof.green:
        return Strength()
    return await measure(site.repository, site.suite, harvested, proof, site.world.mutation_seconds)


async def _culprit(site: Site, proof: Proof) -> tuple[Culprit | None, tuple[str, ...]]:
    """The commit that brought the bug, and a sentence where it was not looked for."""
    seconds = site.world.culprit_seconds
    if not proof.reproducing or goes_back_to(site.state, proof):
        return None, ()
    if seconds <= 0:
        return None, ("The commit that brought the bug was not looked for: `proof.culprit_seconds` is 0.",)
    return await find_culprit(site.repository, site.suite, proof, seconds), ()


def _work(site: Site) -> Work:
    """What the agents' worktrees held last.

    Commits are dated with the run's start: whatever was interrupted, the same work gives the same commits.
    """
    state, base = site.state, site.base
    return Work(
        base=base.commit,
        base_tree=base.tree,
        code=_last_tree(state, "code", base.tree),
        test=_last_tree(state, "test", base.tree),
        subjects=dict(subjects(state)),
        ticket=state.received.ticket.key,
        at_unix=int(state.started_at.timestamp()),
        masker=site.world.masker,
    )


def _last_tree(state: RunState, name: str, base_tree: str) -> str:
    agent = state.agents.get(name)
    return (agent.checkpoint if agent else None) or base_tree
