"""The outside effects of a decision, each done once.

Between doing something outside and writing it down there is always a gap. So every step has a name under
which it is journaled, and every adapter finds before it makes: a step that is done again after a crash finds
what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from anton.core.codec import proof_as_json
from anton.core.decision import patch_paths
from anton.core.errors import OutsideError, UsageError
from anton.core.event import RunClosed, RunOutcome, StepDelivered, Verb
from anton.core.proof import Proof
from anton.core.run import RunState
from anton.ports import PullRequestDraft
from anton.proving.plan import TestPlan
from anton.runs import memory
from anton.runs.bundle import bundle_of
from anton.runs.log import RunLog
from anton.runs.planning import plan_of_run
from anton.runs.world import World
from anton.system.files import SHARED, replace_file
from anton.views.incident import incident_report
from anton.views.pull_request import as_approved

LABELS = ("bug", "anton")
Step = Callable[[World, RunLog], Awaitable[str]]
MAY_WAIT = frozenset({"ticket"})
"""Steps that keep none of the others waiting when they fail; the run ends once they are done too."""


async def deliver(world: World, log: RunLog) -> None:
    """Carry out what was decided, from wherever it stopped, and close the run.

    Raises:
        OutsideError: a step failed for now; the decision and the steps that are done are kept.
        UsageError: the tests need something that is set where the run began, and is not set here.
    """
    await _plan(world, log.state)  # what is missing here is found before anything leaves the machine
    decision = log.state.decision
    approved = decision is not None and decision.verb is Verb.APPROVE
    waiting: OutsideError | UsageError | None = None
    steps = APPROVED if approved else DECLINED
    if approved and any(memory.proposed(log.state)):
        steps = {**steps, "memory": memory.keep}
    for name, step in steps.items():
        if name not in log.state.steps:
            try:
                result = await step(world, log)
            except (OutsideError, UsageError) as error:
                if name not in MAY_WAIT:
                    raise
                waiting = error
            else:
                await log.append(StepDelivered(name, result))
    if waiting is not None:
        raise waiting
    outcome = RunOutcome.DELIVERED if approved else RunOutcome.DECLINED
    await log.append(RunClosed(outcome, decision.text if decision else ""))


async def _push(world: World, log: RunLog) -> str:
    state, proof = log.state, _proof(log.state)
    branch, remote = state.branch, _remote(state)
    await world.repository(state.received.repository).push(proof.patch.head, branch, remote)
    return f"{branch} at {proof.patch.head}"


async def _open_pull_request(world: World, log: RunLog) -> str:
    state, proof = log.state, _proof(log.state)
    briefing, base, decision = state.briefing, state.base, state.decision
    if briefing is None or base is None or decision is None:
        raise OutsideError(f"run {state.run_id} has nothing to open a pull request from")
    draft = PullRequestDraft(
        head=state.branch,
        base=base.branch,
        commit=proof.patch.head,
        title=briefing.pull_request_title,
        body=as_approved(briefing.pull_request_body, state.earlier_approvals, decision),
        labels=LABELS,
        remote=_remote(state),
        attachments=await _bundle(world, state),
        draft=world.approval.draft and bool(world.approval.risky(patch_paths(state))),
    )
    return await world.forge.open_pull_request(draft)


async def _close_ticket(world: World, log: RunLog) -> str:
    link = log.state.steps["pull_request"].result
    return await world.tracker.close(log.state.received.ticket, link)


async def _bundle(world: World, state: RunState) -> Mapping[str, bytes]:
    """The proof bundle by name, made anew from the same inputs: the same bytes each time."""
    plan = await _plan(world, state)
    return await bundle_of(world, state, plan) if plan else {}


async def _plan(world: World, state: RunState) -> TestPlan | None:
    """How the tests of the proof were run; None where there is no proof."""
    if state.base is None or state.proof is None:
        return None
    return await plan_of_run(world, world.repository(state.received.repository), state.base)


async def _write_report(world: World, log: RunLog) -> str:
    state, proof = log.state, log.state.proof
    folder = Path(state.received.reports) / state.run_id
    texts = {"incident.md": incident_report(state, tuple(log.entries))}
    if state.briefing is not None:
        texts["pull_request.md"] = state.briefing.pull_request_body
    if proof is not None:
        texts["fix.diff"] = proof.patch.diff
    files = {name: text.encode("utf-8", "replace") for name, text in texts.items()}
    if proof is not None:
        files |= {"proof.json": proof_as_json(proof), **await _bundle(world, state)}
    try:
        await asyncio.to_thread(_write_files, folder, files)
    except OSError as error:
        raise OutsideError(f"the incident report could not be written to {str(folder)!r}: {error}") from error
    return str(folder / "incident.md")


APPROVED: dict[str, Step] = {
    "branch": _push,
    "pull_request": _open_pull_request,
    "ticket": _close_ticket,
    "report": _write_report,
}
DECLINED: dict[str, Step] = {"report": _write_report}


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        replace_file(folder / name, content, mode=SHARED)


def _proof(state: RunState) -> Proof:
    if state.proof is None:
        raise OutsideError(f"run {state.run_id} was decided without a proof; nothing is delivered")
    return state.proof


def _remote(state: RunState) -> str:
    if state.base is None or not state.base.remote:
        raise OutsideError(f"run {state.run_id} has no remote to push to; its repository has no origin")
    return state.base.remote
