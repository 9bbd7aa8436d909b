"""A small shop with a bug, as a git repository, and the trees that agents would leave."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from anton.adapters.repository.git import GitRepository
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.ports import BaseCommit
from anton.proving.plan import TestPlan
from anton.proving.presets import plan_for
from anton.proving.suite import SuiteRunner

Files = Mapping[str, str | bytes | None]
"""Content by path; None removes."""

SHOP: Files = {
    "shop/__init__.py": "",
    "shop/cart.py": "def total(prices):\n    return sum(prices[1:])\n",
    "tests/__init__.py": "",
    "tests/test_cart.py": (
        "from shop.cart import total\n\n\ndef test_nothing():\n    assert total([]) == 0\n"
    ),
}
FIXED: Files = {"shop/cart.py": "def total(prices):\n    return sum(prices)\n"}
SHOWN: Files = {
    "tests/test_total.py": (
        "from shop.cart import total\n\n\n"
        "def test_all_count():\n    assert total([1, 2]) == 3\n\n\n"
        "def test_empty():\n    assert total([]) == 0\n"
    )
}


def put(folder: Path, files: Files) -> None:
    for path, content in files.items():
        file = folder / path
        if content is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


@dataclass
class Project:
    """A repository and what its tests run with."""

    repository: GitRepository
    base: BaseCommit
    folder: Path

    async def tree(self, changes: Files) -> str:
        """The base tree with some files changed."""
        worktree = self.folder / "worktree"
        await self.repository.export(self.base.tree, worktree)
        put(worktree, changes)
        return await self.repository.snapshot(worktree, self.base.tree)

    def plan(self, command: tuple[str, ...] = (), timeout_seconds: float = 120.0) -> TestPlan:
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        report = "out/junit.xml" if command else ""
        return plan_for(
            SHOP,
            Path(sys.executable),
            command=command,
            report=report,
            timeout_seconds=timeout_seconds,
            env=env,
        )

    def runner(self, *command: str, timeout_seconds: float = 120.0) -> SuiteRunner:
        """A runner without confinement; of pytest, or of a command that leaves `out/junit.xml`."""
        sandbox = UnconfinedSandbox("a test")
        return SuiteRunner(sandbox, self.repository, self.workspace, self.plan(command, timeout_seconds))

    @property
    def workspace(self) -> Path:
        return self.folder / "trees"


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BaseCommit]:
    """The shop's folder, mirrored once; the mirror only ever gains objects."""
    folder = tmp_path_factory.mktemp("shop")
    checkout = folder / "checkout"
    put(checkout, SHOP)
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", "Sell things")):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    return folder, asyncio.run(GitRepository(checkout, folder / "mirror").resolve(""))


@pytest.fixture
def shop(opened: tuple[Path, BaseCommit], tmp_path: Path) -> Project:
    folder, base = opened
    return Project(GitRepository(folder / "checkout", folder / "mirror"), base, tmp_path)
