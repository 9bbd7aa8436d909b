"""What an approval is worth once the branch went on: the work is carried over, and the proof is made anew.

    briefing ──approve──► the branch is looked at ──as it was──► delivery
                                   │ it went on
                                   ▼
    each agent's files onto the new commit ──► a new round, proof, digest and briefing; nothing was pushed

A file that both an agent and the branch changed in different lines gets both changes; the proof says whether
they go together. Where they meet, it is left as the branch has it: its agent is told what it had changed
there, and works again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from anton.core.agent import WITNESSES
from anton.core.consent import BaseMoved
from anton.core.decision import PUSHED, patch_paths
from anton.core.errors import OutsideError, UsageError
from anton.core.event import BaseResolved, Event, Note, NotePosted, Source, Verb
from anton.core.proof import FileChange
from anton.core.run import RunState
from anton.core.text import listed, middle_cut
from anton.ports import BaseCommit, Repository
from anton.runs.world import World

SHOWN_PATHS = 5
MERGED_BYTES = 1_000_000
"""Of a file that is merged; a larger one goes back to its agent."""
DIFF_CHARACTERS = 20_000
"""Of what an agent is shown of its own earlier change."""


async def remote_head(repository: Repository, remote: str, branch: str) -> str | None:
    """What the branch is at the remote; empty where it has none, None where that cannot be told."""
    if not branch:
        return ""
    try:
        return await repository.head_of(remote, branch)
    except (OutsideError, UsageError):
        return None


async def renewal(world: World, state: RunState) -> tuple[Event, ...]:
    """The events that an approval amounts to whose branch went on; none where it can be delivered.

    Raises:
        OutsideError: the remote is out of reach; the approval is kept.
    """
    base, decision = state.base, state.decision
    if base is None or decision is None or decision.verb is not Verb.APPROVE or PUSHED in state.steps:
        return ()
    repository = world.repository(state.received.repository)
    if not base.branch or not await _went_on(repository, base):
        return ()
    new = await repository.fetch(base.remote, base.branch)
    changed = {change.path: change for change in await repository.changes(base.tree, new.tree)}
    if world.approval.base_moved == "deliver" and not _clash(patch_paths(state), changed):
        return ()
    moves = [move async for move in _moves(repository, state, base, new, changed)]
    lost = sorted({path for move in moves for path in move.lost})
    merged = sorted({path for move in moves for path in move.merged}.difference(lost))
    return (
        BaseMoved(
            new.commit,
            new.tree,
            new.subject,
            state.round + 1,
            _reason(base, new, lost, merged),
            tuple((move.agent, move.tree) for move in moves),
        ),
        *(NotePosted(move.agent, Note(Source.ANTON, _note(base, new, move))) for move in moves if move.lost),
    )


@dataclass(frozen=True, slots=True)
class _Move:
    """One agent's work on the new base."""

    agent: str
    tree: str
    lost: tuple[str, ...]
    """Paths that the branch changed as well, where the changes meet."""
    merged: tuple[str, ...]
    """Paths that the branch changed as well, in other lines."""
    diff: str
    """What the agent had changed of these."""


async def _went_on(repository: Repository, base: BaseResolved) -> bool:
    """Whether the branch is neither where it was when the run began nor where the fix is based."""
    before = base.commit if base.remote_head is None else base.remote_head
    return await repository.head_of(base.remote, base.branch) not in ("", before, base.commit)


async def _moves(
    repository: Repository,
    state: RunState,
    base: BaseResolved,
    new: BaseCommit,
    changed: Mapping[str, FileChange],
) -> AsyncIterator[_Move]:
    for name in WITNESSES:
        agent = state.agents.get(name)
        if agent is None or agent.checkpoint is None:
            continue
        own = {change.path: change for change in await repository.changes(base.tree, agent.checkpoint)}
        clash = _clash(own, changed)
        trees = (base.tree, agent.checkpoint, new.tree)
        alike = [path for path in clash if path in changed and _both_edited(own[path], changed[path])]
        found = {path: await _merged(repository, trees, path) for path in alike}
        merged = {path: content for path, content in found.items() if content is not None}
        lost = tuple(path for path in clash if path not in merged)
        tree = await repository.graft(new.tree, agent.checkpoint, [path for path in own if path not in clash])
        for path, content in merged.items():
            tree = await repository.with_file(tree, path, content)
        await repository.keep(f"{state.run_id}/{name}/{tree}", tree)
        diff = ""
        if lost:
            alone = await repository.graft(base.tree, agent.checkpoint, lost)
            diff = await repository.diff(base.tree, alone)
        yield _Move(name, tree, lost, tuple(merged), diff)


def _both_edited(ours: FileChange, theirs: FileChange) -> bool:
    """Whether both changed what a regular file holds, and none of them what it is."""
    return ours.status == theirs.status == "M" and ours.mode == theirs.mode and ours.mode.startswith("100")


async def _merged(repository: Repository, trees: tuple[str, str, str], path: str) -> bytes | None:
    """A file with the changes of both sides; None where a machine should not tell.

    Args:
        repository: That has the trees.
        trees: The one that both began with, ours, and theirs.
        path: Of a file in all of them.
    """
    base, ours, theirs = [await repository.read(tree, path, MERGED_BYTES + 1) for tree in trees]
    if base is None or ours is None or theirs is None or max(map(len, (base, ours, theirs))) > MERGED_BYTES:
        return None
    return await repository.merge(base, ours, theirs)


def _clash(paths: Iterable[str], changed: Iterable[str]) -> tuple[str, ...]:
    """The paths of which the branch changed the file, or put a folder where a file is or the other way."""
    others = set(changed)
    folders = {path[:end] for path in others for end, sign in enumerate(path) if sign == "/"}
    return tuple(
        path
        for path in paths
        if path in others
        or path in folders
        or any(path[:e] in others for e, s in enumerate(path) if s == "/")
    )


def _reason(base: BaseResolved, new: BaseCommit, lost: Sequence[str], merged: Sequence[str]) -> str:
    went = f"{base.branch} went on from {base.commit[:10]} to {new.commit[:10]} before the fix was pushed"
    if merged and not lost:
        return (
            f"{went}, and {listed(merged, SHOWN_PATHS)} changed there as well, in other lines. The fix was "
            "merged into that, and the proof was made anew on that commit: look at the change again."
        )
    if not lost:
        return f"{went}. The fix was carried over unchanged, and the proof was made anew on that commit."
    return (
        f"{went}, and {listed(lost, SHOWN_PATHS)} changed there as well. The agents worked on that commit "
        "again, and the proof was made anew."
    )


def _note(base: BaseResolved, new: BaseCommit, move: _Move) -> str:
    diff = middle_cut(move.diff, DIFF_CHARACTERS, tail=DIFF_CHARACTERS // 4)
    return (
        f"The branch {base.branch} went on from {base.commit[:10]} to {new.commit[:10]} before your work was "
        f"pushed, and your worktree is on the new commit now. {', '.join(move.lost)} changed there as well: "
        "you find the branch's content, without your change. Your change was:\n\n"
        f"{diff}\n"
        "Look at what is there now, make the change again as far as it is still needed, and submit again."
    )
