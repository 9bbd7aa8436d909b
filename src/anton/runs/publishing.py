"""A pull request of what an agent changed in conversation: shown whole, and pushed as it was shown.

What is pushed is a commit that exists when the person is asked, named to them by its id. The same change with
the same words is the same commit, on the same branch: a turn that is carried out again after a crash is asked
about once, and one that failed half-way can be asked for again; either finds what is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from anton.core.errors import ToolError, UsageError
from anton.core.proof import FileChange
from anton.core.text import one_line
from anton.core.tool import Prepared
from anton.ports import PullRequestDraft
from anton.proving.plan import protected_reason
from anton.runs.site import Site

LABELS = ("anton",)
MAX_FILES = 60
"""Of one pull request: a person reads the name of each."""
_KINDS = {"100755": "a program", "120000": "a link", "160000": "another repository"}
"""What is no plain file, by git's mode."""
_FOOTER = "_Made in a conversation with Anton; a person approved exactly this commit._"


@dataclass(frozen=True, slots=True)
class Publishing:
    """One agent's way to a pull request."""

    site: Site
    worktree: Path

    async def __call__(self, title: str, body: str) -> Prepared:
        """Make a pull request of the worktree as it is ready to be opened.

        Raises:
            ToolError: there is nothing to open one of, or it would publish what it must not.
            OutsideError: the remote is out of reach.
        """
        site, log = self.site, self.site.log
        try:
            remote = await self._remote()
            tree, changes = await self._changed()
            await self._refuse_unpublished(remote)
        except UsageError as error:
            raise ToolError(f"no pull request can be opened: {error}") from error
        message = f"{title}\n\n{body}\n"
        # Dated by the conversation's start, so that the same change with the same words is the same commit.
        began = int(log.state.started_at.timestamp())
        commit = await site.repository.commit(tree, site.base.commit, message, began)
        await site.repository.keep(f"{log.state.run_id}/proposed/{commit}", commit)
        draft = PullRequestDraft(
            head=f"anton/chat-{log.state.run_id}-{commit[:8]}",
            base=site.base.branch,
            commit=commit,
            title=title,
            body=f"{body}\n\n{_FOOTER}\n",
            labels=LABELS,
            remote=remote,
        )

        async def carry_out() -> str:
            await site.repository.push(draft.commit, draft.head, draft.remote)
            return f"The pull request is open: {await site.world.forge.open_pull_request(draft)}"

        return Prepared(self._shown(draft, changes), carry_out)

    def _shown(self, draft: PullRequestDraft, changes: Sequence[FileChange]) -> str:
        base = self.site.base
        lines = (
            "open_pull_request",
            f"repository: {draft.remote}",
            f"branch: {draft.head}",
            f"commit: {draft.commit}",
            f"into: {draft.base}, on top of {base.commit[:12]} ({one_line(base.subject)[:100]})",
            f"labels: {', '.join(draft.labels)}",
            f"title: {draft.title}",
            "",
            *(f"> {line}".rstrip() for line in draft.body.rstrip().splitlines()),
            "",
            *_stat(changes),
            "",
            "Answer n to look at the change itself first, with /diff.",
        )
        return "\n".join(lines)

    async def _changed(self) -> tuple[str, Sequence[FileChange]]:
        """The worktree as a tree, and what it changes.

        Raises:
            ToolError: nothing, or what must not be published.
        """
        repository, base = self.site.repository, self.site.base
        tree = await repository.snapshot(self.worktree, base.tree)
        if tree == base.tree:
            raise ToolError("nothing was changed yet, so there is nothing to open a pull request of")
        changes = await repository.changes(base.tree, tree)
        if len(changes) > MAX_FILES:
            raise ToolError(
                f"{len(changes)} files are changed, and nobody reads the names of more than {MAX_FILES}: the "
                "person can take the change with /diff FILE and open it themselves"
            )
        for change in changes:
            if reason := protected_reason(change.path):
                raise ToolError(f"{change.path!r} {reason}; take the change to it back, and open it then")
        diff = await repository.diff(base.tree, tree)
        added = "\n".join(line[1:] for line in diff.splitlines() if line.startswith("+"))
        if found := self.site.world.masker.found(added):
            named = ", ".join(sorted(set(found.values())))
            raise ToolError(f"the change holds secrets, which must not be published: {named}; take them out")
        return tree, changes

    async def _remote(self) -> str:
        site = self.site
        if not site.base.branch:
            raise ToolError("the conversation is about no branch, so there is none to merge into")
        received = site.log.state.received
        origin = (await site.repository.resolve(received.base_ref)).remote
        return await site.world.remote(received.repository, origin)

    async def _refuse_unpublished(self, remote: str) -> None:
        """Nothing goes along that nobody was shown: the commit below has to be there already.

        Raises:
            ToolError: the remote does not have it.
        """
        repository, base = self.site.repository, self.site.base
        if not await repository.head_of(remote, base.branch):
            if remote.startswith("/"):  # a folder of this machine, to which nothing was ever pushed
                return
            raise ToolError(f"{remote} has no branch {base.branch!r}: it has to be pushed first, by hand")
        there = await repository.fetch(remote, base.branch)
        if await repository.past.ancestor(there.commit, base.commit) is None:
            raise ToolError(
                f"{base.branch!r} at {remote} does not have the commit {base.commit[:12]} that this "
                "conversation is about, so commits would be published that nobody was shown: they have to be "
                "pushed first, by hand"
            )


def _stat(changes: Sequence[FileChange]) -> Iterator[str]:
    for change in changes:
        lines = "binary" if change.binary else f"+{change.added} -{change.removed}"
        path = change.path if change.path.isprintable() else ascii(change.path)
        kind = f", {_KINDS[change.mode]}" if change.mode in _KINDS else ""
        yield f" {change.status} {path} | {lines}{kind}"
    added, removed = sum(each.added for each in changes), sum(each.removed for each in changes)
    yield f" {len(changes)} {'file' if len(changes) == 1 else 'files'}, +{added} -{removed}"
