"""Pull requests as files."""

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from anton.adapters.forge.local import LocalForge
from anton.core.errors import OutsideError
from anton.ports import PullRequestDraft

DRAFT = PullRequestDraft(
    head="fix/bug-42-r1",
    base="main",
    commit="a" * 40,
    title="Keep done to-dos done: complete() sets",
    body="## Problem\n\nDone is undone — twice.\n\n---\nstate: closed\n",
    labels=("bug", "anton"),
    remote="/srv/todo.git",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pull_requests"


async def test_a_pull_request_is_a_file_that_a_person_reads(folder: Path) -> None:
    path = Path(await LocalForge(folder).open_pull_request(DRAFT))
    assert path == folder / "1.md"
    assert path.read_text() == snapshot("""\
---
title: "Keep done to-dos done: complete() sets"
state: open
head: fix/bug-42-r1
base: main
commit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
labels: [bug, anton]
remote: /srv/todo.git
---

# Keep done to-dos done: complete() sets

## Problem

Done is undone — twice.

---
state: closed
""")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_numbers_go_on_after_the_highest(folder: Path) -> None:
    folder.mkdir()
    (folder / "7.md").write_text("---\nstate: merged\nhead: fix/bug-42-r1\n---\nold\n")
    (folder / "notes.md").write_text("not a pull request")
    assert await LocalForge(folder).open_pull_request(DRAFT) == str(folder / "8.md")


async def test_a_closed_pull_request_is_not_found_for_its_branch(folder: Path) -> None:
    forge = LocalForge(folder)
    first = Path(await forge.open_pull_request(DRAFT))
    first.write_text(first.read_text().replace("state: open", "state: closed", 1))
    assert await forge.open_pull_request(DRAFT) == str(folder / "2.md")


async def test_a_title_cannot_add_fields(folder: Path) -> None:
    forge = LocalForge(folder)
    hostile = replace(DRAFT, title='x"\nstate: closed\n---\n', head="fix/other")
    opened = await forge.open_pull_request(hostile)
    assert await forge.open_pull_request(hostile) == opened
    assert 'title: "x\\" state: closed ---"' in Path(opened).read_text()


async def test_a_damaged_pull_request_is_named(folder: Path) -> None:
    folder.mkdir()
    (folder / "1.md").write_text("---\nhead fix/bug\n---\n")
    with pytest.raises(OutsideError, match=r"1\.md' cannot be read: line 2 is 'head fix/bug'"):
        await LocalForge(folder).open_pull_request(DRAFT)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="'fix/bug-42-r1' cannot be written"):
        await LocalForge(tmp_path / "file").open_pull_request(DRAFT)


def test_two_processes_number_without_a_clash(folder: Path) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from anton.adapters.forge.local import LocalForge
from anton.ports import PullRequestDraft

async def main():
    forge = LocalForge(Path(sys.argv[1]))
    for n in range(15):
        await forge.open_pull_request(PullRequestDraft(f"{sys.argv[2]}/{n}", "main", "c", "t", "b", (), ""))
        await forge.open_pull_request(PullRequestDraft(f"both/{n}", "main", "c", "t", "b", (), ""))

asyncio.run(main())
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, folder, name]) for name in ("one", "two")]
    assert [process.wait() for process in processes] == [0, 0]
    assert sorted(int(path.stem) for path in folder.iterdir()) == list(range(1, 46))


async def test_what_belongs_to_a_pull_request_lies_beside_it(folder: Path) -> None:
    forge = LocalForge(folder)
    first = await forge.open_pull_request(replace(DRAFT, attachments={"proof.tar.gz": b"\x1f\x8b"}))
    assert await forge.open_pull_request(replace(DRAFT, head="fix/other")) == str(folder / "2.md")
    assert (folder / "1.proof.tar.gz").read_bytes() == b"\x1f\x8b"
    assert await forge.open_pull_request(DRAFT) == first
