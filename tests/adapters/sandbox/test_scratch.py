"""Folders of commands, and what is left of those whose Anton was killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.scratch import scratch_folder, sweep

HOLDS = """
import asyncio, sys
from anton.adapters.sandbox.scratch import scratch_folder

async def main():
    async with scratch_folder() as folder:
        print(folder, flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


async def test_a_folder_in_use_is_not_swept_and_leaves_nothing_afterwards(temporary: Path) -> None:
    async with scratch_folder() as folder:
        sweep()
        assert {path.name for path in folder.iterdir()} == {"home", "tmp"}
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_when_a_sandbox_is_chosen(temporary: Path) -> None:
    argv = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        (folder / "tmp" / "large").write_text("x")
        sweep()
        assert (folder / "tmp" / "large").exists(), "it is in use, by another process"
        process.kill()
    asyncio.run(choose(Kind.NONE))
    assert list(temporary.iterdir()) == []


def test_nothing_else_is_swept(temporary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    (temporary / "anton-sandbox-link").symlink_to(elsewhere)
    (temporary / "anton-sandbox-file").touch()
    (temporary / "anton-other").mkdir()
    sweep()
    assert len(list(temporary.iterdir())) == 3
    assert (elsewhere / "kept").exists()
