"""What a mirror keeps for runs, and letting go of it once they are over."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from anton.adapters.repository.command import require
from anton.adapters.repository.mirror import Mirror

KEPT = "refs/anton/keep/"
"""A run's trees stand below it, each as `<run>=2F<agent>=2F<tree>`."""
YOUNG = "1.day.ago"
"""Objects that are younger stay: a run may be about to name them."""


async def let_go(mirror: Mirror, runs: Collection[str], *, prune: bool, delete: bool) -> tuple[str, ...]:
    """Names under which trees of these runs are kept, which are removed if so wished; a mirror may be none.

    Raises:
        OutsideError: git failed; the names that are left are found again.
    """
    if not mirror.exists:
        return ()
    git = mirror.git
    await asyncio.to_thread(mirror.sweep)
    listed = require(await git.run("for-each-ref", "--format=%(refname)", KEPT), "listing what is kept")
    names = listed.out.decode("ascii", "replace").split()
    over = tuple(name for name in names if name.removeprefix(KEPT).partition("=2F")[0] in runs)
    if over and delete:
        lines = "".join(f"delete {name}\n" for name in over)
        require(await git.run("update-ref", "--stdin", stdin=lines.encode()), "letting go of trees")
    if delete and prune:
        require(await git.run("gc", "--quiet", f"--prune={YOUNG}"), "tidying a mirror")
    return over
