"""Both search programs find the same, stay inside, and are ended when they take too long."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.tools.conftest import Call

from anton.core.errors import ToolError
from anton.tools.program import capture
from anton.tools.search import GitGrep, Query, Ripgrep, SearchProgram, search
from anton.tools.worktree import Worktree


@pytest.fixture(params=["rg", "git"])
def program(request: pytest.FixtureRequest) -> SearchProgram:
    """Each program that is installed here."""
    path = shutil.which(request.param)
    if path is None:
        pytest.skip(f"{request.param} is not installed")
    return Ripgrep(path) if request.param == "rg" else GitGrep(path)


@pytest.fixture
def tree(root: Path) -> Worktree:
    """A small project."""
    files = {
        "src/app.py": "import os\n\n\ndef total(items):\n    return sum(items)\n",
        "src/deep/b:1.py": "x = total(1)\r\n",
        "docs/total.md": "The Total.\n",
        ".github/ci.yml": "run: total\n",
        "node_modules/m.js": "total()\n",
        ".git/config": "total\n",
        "ignored.log": "total\n",
        ".gitignore": "*.log\n",
    }
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, newline="")
    (root / "logo.png").write_bytes(b"\x89\0total\n")
    (root / "out").symlink_to("..")
    (root / "link.py").symlink_to("../secret")
    return Worktree(root)


async def test_matches_are_lines_with_path_and_number(tree: Worktree, program: SearchProgram) -> None:
    found = await search(tree, ".", Query("total"), program)
    assert sorted(found.split("\n")) == snapshot(
        [
            ".github/ci.yml:1: run: total",
            "ignored.log:1: total",
            "src/app.py:4: def total(items):",
            "src/deep/b:1.py:1: x = total(1)",
        ]
    )


async def test_folder_glob_and_case(tree: Worktree, program: SearchProgram) -> None:
    assert await search(
        tree, "/repo/src", Query("TOTAL", glob="*.py", ignore_case=True), program
    ) == snapshot(
        """\
src/app.py:4: def total(items):
src/deep/b:1.py:1: x = total(1)\
"""
    )


async def test_one_file_with_context(tree: Worktree, program: SearchProgram) -> None:
    found = await search(tree, "src/app.py", Query("^def ", context=1), program)
    assert found.split("\n") == snapshot(
        ["src/app.py-3- ", "src/app.py:4: def total(items):", "src/app.py-5-     return sum(items)"]
    )


async def test_no_match_is_said_plainly(tree: Worktree, program: SearchProgram) -> None:
    assert await search(tree, ".", Query("nowhere"), program) == "no match for 'nowhere' in '.'"
    assert await search(tree, "src", Query("total", glob="*.rs"), program) == (
        "no match for 'total' in 'src' with names like '*.rs'"
    )


async def test_an_invalid_pattern_is_told_in_the_programs_words(
    tree: Worktree, program: SearchProgram
) -> None:
    with pytest.raises(ToolError, match=r"^the search could not be made: .*"):
        await search(tree, ".", Query("total("), program)


@pytest.mark.parametrize(
    "pattern", ["-v", "--files", "--pre=id", "-f/etc/passwd", "-O", "--open-files-in-pager=id"]
)
async def test_a_pattern_is_never_an_option(tree: Worktree, program: SearchProgram, pattern: str) -> None:
    assert (await search(tree, ".", Query(pattern), program)).startswith("no match")
    assert (await search(tree, ".", Query("nowhere", glob=pattern), program)).startswith("no match")


@pytest.mark.parametrize("pattern", ["a\nb", "a\0b", "a\rb"])
async def test_a_pattern_lies_within_one_line(tree: Worktree, program: SearchProgram, pattern: str) -> None:
    with pytest.raises(ToolError, match="holds a line end or NUL"):
        await search(tree, ".", Query(pattern), program)


async def test_links_are_not_followed(tree: Worktree, program: SearchProgram) -> None:
    assert (await search(tree, ".", Query("SECRET"), program)).startswith("no match")
    for path in ("out", "link.py", "out/secret", "../secret"):
        with pytest.raises(ToolError, match="leads outside"):
            await search(tree, path, Query("SECRET"), program)


async def test_a_link_to_a_file_inside_is_named(tree: Worktree, program: SearchProgram) -> None:
    (tree.root / "alias.py").symlink_to("src/app.py")
    with pytest.raises(ToolError, match=r"'alias\.py' is a symbolic link to 'src/app\.py'"):
        await search(tree, "alias.py", Query("total"), program)


async def test_special_files_are_neither_searched_nor_waited_for(
    tree: Worktree, program: SearchProgram
) -> None:
    os.mkfifo(tree.root / "src/fifo")
    assert "fifo" not in await search(tree, "src", Query("total"), program)
    with pytest.raises(ToolError, match="special file"):
        await search(tree, "src/fifo", Query("total"), program)


async def test_matches_are_bounded(tree: Worktree, program: SearchProgram) -> None:
    (tree.root / "many").write_text("match " + "x" * 40 + "\n" + "match\n" * 500)
    (tree.root / "wide").write_text("match " + "x" * 5_000 + "\n")
    lines = (await search(tree, "many", Query("match"), program)).split("\n")
    assert len(lines) == 201
    assert lines[-1] == "[more than 200 matches; narrow the pattern, the path or the glob]"
    wide = await search(tree, "wide", Query("match"), program)
    assert wide == f"wide:1: match {'x' * 294} [4,706 more characters]"


async def test_configuration_of_the_tree_changes_nothing(tree: Worktree, program: SearchProgram) -> None:
    (tree.root / ".git/config").write_text(
        "[grep]\n\tlineNumber = false\n\tfullName = true\n[core]\n\tfsmonitor = touch ../ran\n"
        '[diff "x"]\n\ttextconv = touch ../ran;\n'
    )
    (tree.root / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (tree.root / ".git/objects").mkdir()
    (tree.root / ".git/refs").mkdir()
    (tree.root / ".gitattributes").write_text("* diff=x\n")
    (tree.root / ".rgignore").write_text("*\n")
    assert await search(tree, "src/app.py", Query("sum"), program) == "src/app.py:5:     return sum(items)"
    assert (await search(tree, "src", Query("sum"), program)) == "src/app.py:5:     return sum(items)"
    assert not (tree.root / "../ran").exists()
    assert not (tree.root / "ran").exists()


async def test_a_pattern_that_ruins_a_backtracking_matcher_ends(
    tree: Worktree, program: SearchProgram
) -> None:
    (tree.root / "bait").write_text("a" * 5_000 + "!\n")
    if isinstance(program, Ripgrep):
        assert (await search(tree, "bait", Query("(a+)+$"), program)).startswith("no match")
    else:
        with contextlib.suppress(ToolError):  # PCRE counts its steps and may give up
            await search(tree, "bait", Query("(a+)+$"), program)


async def test_the_tool_takes_its_arguments(call: Call, tree: Worktree) -> None:
    arguments = '{"pattern": "total", "path": "src", "glob": "app*", "context_lines": "0"}'
    assert await call("grep", arguments) == "src/app.py:4: def total(items):"


@dataclass(frozen=True)
class Stuck:
    """A search that never ends and has a child."""

    env: Mapping[str, str]

    def argv(self, query: Query) -> list[str]:
        return ["/bin/sh", "-c", "/bin/sleep 1000 & echo $$ > ../pid; exec /bin/sleep 1000"]


async def test_a_cancelled_search_leaves_no_process(tree: Worktree) -> None:
    os.mkfifo(tree.root.parent / "pid")
    task = asyncio.create_task(search(tree, ".", Query("x"), Stuck({})))
    group = int(await asyncio.to_thread((tree.root.parent / "pid").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(group)


async def test_a_program_cancelled_while_it_starts_leaves_no_process(tree: Worktree) -> None:
    os.mkfifo(tree.root.parent / "pid")
    script = "/bin/sleep 1000 & echo $$ > ../pid; exec /bin/sleep 1000"
    with tree.opened(".", folder=True) as folder:
        argv = ["/bin/sh", "-c", script]
        task = asyncio.create_task(capture(argv, folder=folder, env={}, seconds=30, max_bytes=10))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        group = int((tree.root.parent / "pid").read_text())  # the loop waits and hears of no start
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await gone(group)


async def test_a_program_that_takes_too_long_is_ended_with_its_children(tree: Worktree) -> None:
    with tree.opened(".", folder=True) as folder:
        (tree.root.parent / "pid").touch()
        script = "/bin/sleep 1000 & echo $$ > ../pid; exec /bin/sleep 1000"
        found = await capture(["/bin/sh", "-c", script], folder=folder, env={}, seconds=0.3, max_bytes=10)
    assert found.exit_code is None
    assert await gone(int((tree.root.parent / "pid").read_text() or -1))


async def test_a_program_that_says_too_much_is_cut_and_ended(tree: Worktree) -> None:
    with tree.opened(".", folder=True) as folder:
        found = await capture(["/usr/bin/yes"], folder=folder, env={}, seconds=30, max_bytes=100_001)
    assert (len(found.output), found.cut, found.exit_code) == (100_001, True, -9)


async def test_a_program_sees_no_environment(tree: Worktree) -> None:
    with tree.opened(".", folder=True) as folder:
        found = await capture(["/usr/bin/env"], folder=folder, env={}, seconds=30, max_bytes=1_000)
    assert found.output == b""


def alive(group: int) -> bool:
    """Whether a process of the group still runs; the dead that nobody has reaped yet do not count."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            return True
    return False


async def gone(group: int) -> bool:
    """Whether a group has ended; a process that was killed closes its files a moment before it is gone."""
    for _ in range(1_000):
        if not alive(group):
            return True
        await asyncio.sleep(0.01)
    return False
