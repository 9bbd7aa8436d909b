"""One tree, reached both ways: by the kernel's openat2 and by the walk that stands in for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anton.system.beneath import OpenBeneath, best_opener, open_by_walking, open_with_openat2
from anton.tools.catalogue import TOOLS
from anton.tools.context import ToolContext
from anton.tools.worktree import Worktree

Call = Callable[[str, str], Awaitable[str]]


@pytest.fixture(params=[open_with_openat2, open_by_walking])
def opener(request: pytest.FixtureRequest) -> OpenBeneath:
    """Each way of opening beneath a folder."""
    chosen: OpenBeneath = request.param
    if chosen is open_with_openat2 and best_opener() is not open_with_openat2:
        pytest.skip("this kernel has no openat2")
    return chosen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty tree, with a neighbour whose name begins the same and a secret beside it."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (tmp_path / "repo2").mkdir()
    (tmp_path / "repo2" / "file").write_text("SECRET")
    (tmp_path / "secret").write_text("SECRET")
    return folder


@pytest.fixture
def worktree(root: Path, opener: OpenBeneath) -> Worktree:
    """The tree as tools see it."""
    return Worktree(root, opener)


@pytest.fixture
def context(root: Path) -> ToolContext:
    """An agent that may write anything outside `locked/`."""

    async def run_tests(paths: tuple[str, ...]) -> str:
        return f"ran {paths}"

    def owns(path: str) -> str | None:
        return "locked/ is read-only" if path.startswith("locked/") else None

    return ToolContext(Worktree(root), owns, run_tests)


@pytest.fixture
def call(context: ToolContext) -> Call:
    """Call a tool by name with JSON text."""

    async def by_name(name: str, arguments: str) -> str:
        return await TOOLS[name].bind(context).call(arguments)

    return by_name
