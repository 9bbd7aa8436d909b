"""What a patch does to several files, and what a model is told where it does not fit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from tests.tools.conftest import Call

from anton.core.errors import ToolError
from anton.tools.hunks import apply_hunks
from anton.tools.patch_text import parse_patch
from anton.tools.worktree import Absent, Worktree

APP = "".join(f"line {n}\n" for n in range(1, 21))


def files(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture
def tree(root: Path) -> Path:
    (root / "src").mkdir()
    (root / "src" / "app.txt").write_text(APP)
    (root / "old.txt").write_text("one\ntwo\n")
    return root


async def patch(call: Call, text: str) -> str:
    return await call("apply_patch", json.dumps({"patch": text}))


UNIFIED = """\
diff --git a/src/app.txt b/src/app.txt
index 1111111..2222222 100644
--- a/src/app.txt
+++ b/src/app.txt
@@ -8,3 +8,4 @@ def somewhere
 line 3
-line 4
+line four
+line four and a half
 line 5
@@ -90,2 +91,1 @@
 line 18
-line 19
diff --git a/new/made.txt b/new/made.txt
new file mode 100644
--- /dev/null
+++ b/new/made.txt
@@ -0,0 +1,2 @@
+made
+here
diff --git a/old.txt b/old.txt
deleted file mode 100644
--- a/old.txt
+++ /dev/null
@@ -1,2 +0,0 @@
-one
-two
"""

BEGUN = """\
*** Begin Patch
*** Update File: src/app.txt
@@ line 3
-line 4
+line four
+line four and a half
@@
 line 18
-line 19
*** Add File: new/made.txt
+made
+here
*** Delete File: old.txt
*** End Patch
"""


@pytest.mark.parametrize("text", [UNIFIED, BEGUN, UNIFIED.replace("\n", "\r\n"), "```\n" + BEGUN + "```\n"])
async def test_a_patch_changes_makes_and_removes_files(call: Call, tree: Path, text: str) -> None:
    told = await patch(call, text)
    wanted = APP.replace("line 4\n", "line four\nline four and a half\n").replace("line 19\n", "")
    assert files(tree) == {"src/app.txt": wanted, "new/made.txt": "made\nhere\n"}
    assert told == snapshot(
        """\
edited src/app.txt: +2 -2 lines
     2\tline 2
     3\tline 3
     4\tline four
     5\tline four and a half
     6\tline 5
     7\tline 6
    18\tline 17
    19\tline 18
    20\tline 20
created new/made.txt: 2 lines
removed old.txt: 2 lines\
"""
    )


async def test_one_part_that_does_not_fit_leaves_everything_as_it_was(call: Call, tree: Path) -> None:
    before = files(tree)
    with pytest.raises(ToolError) as caught:
        await patch(
            call,
            UNIFIED.replace("-line 19", "-line 1  9")
            + "--- a/locked/x\n+++ b/locked/x\n@@ -1 +1 @@\n-a\n+b\n"
            + "--- a/src/ap.txt\n+++ b/src/ap.txt\n@@\n-a\n+b\n",
        )
    assert str(caught.value) == snapshot(
        """\
Nothing was changed, because not all of the patch fits.
src/app.txt: hunk 2 of 2: its lines are not in the file. Only the white space differs from these lines:
    18	line 18
    19	line 19
locked/x: 'locked/x' is not yours to write: locked/ is read-only
src/ap.txt: there is no 'src/ap.txt'\
"""
    )
    assert files(tree) == before


async def test_a_renamed_file_keeps_its_mode_and_may_change(call: Call, tree: Path) -> None:
    (tree / "old.txt").chmod(0o755)
    git = "diff --git a/old.txt b/bin/new.txt\nsimilarity index 50%\n"
    git += "rename from old.txt\nrename to bin/new.txt\n"
    await patch(call, git + "--- a/old.txt\n+++ b/bin/new.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n")
    assert (tree / "bin/new.txt").read_text() == "one\nthree\n"
    assert (tree / "bin/new.txt").stat().st_mode & 0o777 == 0o755
    await patch(call, "*** Begin Patch\n*** Update File: bin/new.txt\n*** Move to: back.txt\n*** End Patch")
    assert files(tree) == {"back.txt": "one\nthree\n", "src/app.txt": APP}
    await patch(call, "rename from back.txt\nrename to again.txt\n")
    assert (tree / "again.txt").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rename from old.txt\nrename to locked/x\n", "'locked/x' is not yours"),
        ("rename from locked/x\nrename to y\n", "'locked/x' is not yours"),
        ("--- a/locked/x\n+++ /dev/null\n", "'locked/x' is not yours"),
        ("--- /dev/null\n+++ b/locked/y\n@@ -0,0 +1 @@\n+a\n", "'locked/y' is not yours"),
        ("rename from old.txt\nrename to src/app.txt\n", "there is such a file already"),
        ("--- /dev/null\n+++ b/old.txt\n@@ -0,0 +1 @@\n+a\n", "there is a 'old.txt' already"),
        ("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+a\n", "leads outside the repository"),
        ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+a\n", "belongs to git itself"),
        ("--- /dev/null\n+++ b/open/y\n@@ -0,0 +1 @@\n+a\n", "symbolic link"),
        ("--- a/link\n+++ /dev/null\n", "symbolic link"),
        ("*** Begin Patch\n*** Delete File: src\n*** End Patch", "is a folder"),
        ("--- /dev/null\n+++ /dev/null\n", "has no name"),
        ("--- a/old.txt\n+++ b/old.txt\n@@ -1 +1 @@\n one\n", "changes nothing"),
        ("--- a/old.txt\n+++ b/old.txt\n@@\n+lost\n", "does not show where"),
        ("GIT binary patch\n", "only text is patched"),
        ("@@ -1 +1 @@\n-a\n+b\n", "comes before any"),
        ("please change line 4", "names no file"),
        ("*** Begin Patch\n*** Update File: old.txt\nno sign\n*** End Patch", "must begin with a space"),
        ("--- a/src/app.txt\n+++ b/src/app.txt\n@@ def nothing\n-line 4\n", "lines"),
    ],
)
async def test_what_is_refused_changes_nothing(call: Call, tree: Path, text: str, said: str) -> None:
    (tree / "locked").mkdir()
    (tree / "locked/x").write_text("locked")
    (tree / "open").symlink_to("locked")
    (tree / "link").symlink_to("old.txt")
    before = files(tree)
    if said == "lines":  # without numbers the words behind `@@` of a unified diff are only a title
        await patch(call, text)
        return
    with pytest.raises(ToolError, match=said):
        await patch(call, text + "\n")
    assert files(tree) == before


async def test_a_file_that_an_earlier_part_made_or_removed_is_seen_by_a_later_one(
    call: Call, tree: Path
) -> None:
    edit = "--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-{1}\n+{2}\n"
    await patch(call, edit.format("old.txt", "one", "1") + edit.format("old.txt", "1", "first"))
    assert (tree / "old.txt").read_text() == "first\ntwo\n"
    with pytest.raises(ToolError, match="is gone by an earlier part"):
        await patch(call, "--- a/old.txt\n+++ /dev/null\n" + edit.format("old.txt", "first", "1"))
    assert (tree / "old.txt").exists()


async def test_what_fails_while_it_is_written_is_taken_back(call: Call, tree: Path) -> None:
    before = files(tree)
    made = "--- /dev/null\n+++ b/{}\n@@ -0,0 +1 @@\n+a\n"
    moved = "rename from src/app.txt\nrename to moved.txt\n"
    with pytest.raises(ToolError, match=r"Nothing was changed: 'file"):
        await patch(call, UNIFIED + moved + made.format("file") + made.format("file/below"))
    assert files(tree) == before


async def test_python_that_no_longer_parses_is_named(call: Call, root: Path) -> None:
    (root / "a.py").write_text("x = 1\n")
    told = await patch(call, "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-x = 1\n+x = (\n")
    assert "warning: a.py does not parse as Python" in told


def edited(text: str, *hunk_lines: str) -> str:
    (only,) = parse_patch("--- a\n+++ a\n" + "\n".join(hunk_lines) + "\n")
    return apply_hunks(text, only.hunks).text


def test_a_place_is_found_by_its_lines_and_the_number_decides_between_equal_ones() -> None:
    text = "a\nx\nb\na\nx\nb\n"
    assert edited(text, "@@ -5,1 +5,1 @@", "-x", "+y") == "a\nx\nb\na\ny\nb\n"
    with pytest.raises(ToolError, match="in the file 2 times, at lines 2, 5;"):
        edited(text, "@@ -3,1 +3,1 @@", "-x", "+y")
    (begun,) = parse_patch("*** Begin Patch\n*** Update File: a\n@@ b\n a\n-x\n+y\n*** End Patch")
    assert apply_hunks(text, begun.hunks).text == "a\nx\nb\na\ny\nb\n"


def test_line_ends_marks_and_foreign_bytes_are_kept() -> None:
    text = "\ufeffcaf\udce9 \r\ntwo\r\nlast"
    assert edited(text, "@@ -1,2 +1,2 @@", " caf\udce9", "-two", "+2") == "\ufeffcaf\udce9 \r\n2\r\nlast"
    assert edited(text, "@@", "-last", "+end") == "\ufeffcaf\udce9 \r\ntwo\r\nend\r\n"
    assert edited(text, "@@", "-last", "+end", "\\ No newline at end of file").endswith("\r\nend")
    assert edited(text, "@@", " last", "+more").endswith("\r\nlast\r\nmore\r\n")


def test_a_changed_line_that_looks_like_a_header_is_one_of_the_file() -> None:
    assert edited("-- x\nb\n", "@@ -1,2 +1,2 @@", "--- x", "+++ y", " b") == "++ y\nb\n"
    both = parse_patch("--- a\n+++ a\n@@ -1,9 +1,9 @@\n-x\n+y\n\n--- b\n+++ b\n@@ -1 +1 @@\n-x\n+y\n")
    assert [p.path for p in both] == ["a", "b"]
    assert both[0].hunks[0].lines == [("-", "x"), ("+", "y")]


def test_names_with_quotes_and_time_stamps_are_read() -> None:
    (only,) = parse_patch(
        '--- "a/caf\\303\\251 \\"x\\".py"\t2026-01-01\n+++ "b/caf\\303\\251 \\"x\\".py"\n@@\n+a\n'
    )
    assert only.path == only.new_path == 'café "x".py'


lines = st.sampled_from(
    [
        "--- a/x", "+++ b/x", "--- /dev/null", "+++ /dev/null", "@@ -1,2 +1 @@", "@@ -0,0 +1,99999 @@",
        "@@ def f", "@@", " a", "-a", "+b", "+a", "", "\\ No newline at end of file", "diff --git a/x b/x",
        "rename from x", "rename to y", "*** Begin Patch", "*** Update File: x", "*** Add File: y",
        "*** Delete File: x", "*** Move to: z", "*** End of File", "*** End Patch", "words",
    ]
)  # fmt: skip


@given(st.lists(lines, max_size=14), st.text("ab\r\n", max_size=12))
def test_any_lines_are_a_patch_or_refused(given_lines: list[str], text: str) -> None:
    with suppress(ToolError):
        for found in parse_patch("\n".join(given_lines)):
            with suppress(ToolError):
                apply_hunks(text, found.hunks)


@given(st.text(max_size=200))
def test_any_text_is_a_patch_or_refused(text: str) -> None:
    with suppress(ToolError):
        parse_patch(text)


@given(st.lists(st.text("abc", max_size=2), max_size=12), st.data())
def test_a_diff_of_two_texts_makes_the_one_of_the_other(before: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(before)))
    gone = data.draw(st.integers(0, len(before) - start))
    new = data.draw(st.lists(st.text("abc", max_size=2), max_size=4))
    body = [f" {line}" for line in before[:start]] + [f"-{line}" for line in before[start : start + gone]]
    body += [f"+{line}" for line in new] + [f" {line}" for line in before[start + gone :]]
    after = before[:start] + new + before[start + gone :]
    head = f"--- a\n+++ a\n@@ -1,{len(before)} +1,{len(after)} @@\n"
    if not body:
        return
    (only,) = parse_patch(head + "\n".join(body) + "\n")
    assert apply_hunks(as_text(before), only.hunks).text == as_text(after)


def as_text(some: list[str]) -> str:
    return "".join(f"{line}\n" for line in some)


# Removing and moving beneath the root


@pytest.fixture
def guarded(root: Path, worktree: Worktree) -> Iterator[Worktree]:
    (root / "a").write_text("a")
    (root / "d").mkdir()
    (root / "link").symlink_to("a")
    (root / "out").symlink_to("../repo2")
    yield worktree
    assert (root.parent / "repo2" / "file").read_text() == "SECRET"


@pytest.mark.parametrize("path", ["link", "d", "out/file", "../secret", ".git", "."])
def test_only_a_file_of_the_tree_itself_is_removed_or_moved(guarded: Worktree, root: Path, path: str) -> None:
    attempts: list[Callable[[], None]] = [
        lambda: guarded.remove(path),
        lambda: guarded.move(path, "b"),
        lambda: guarded.move("a", path),
    ]
    for attempt in attempts:
        with pytest.raises(ToolError):
            attempt()
    assert files(root)["a"] == "a"
    assert os.path.lexists(root / "link")


def test_what_is_not_there_is_neither_removed_nor_moved(guarded: Worktree) -> None:
    with pytest.raises(Absent):
        guarded.remove("none")
    with pytest.raises(Absent):
        guarded.move("none", "b")


def test_a_file_is_moved_into_a_new_folder_and_removed(guarded: Worktree, root: Path) -> None:
    guarded.move("a", "new/deep/b")
    assert (root / "new/deep/b").read_text() == "a"
    guarded.remove("new/deep/b")
    assert not (root / "new/deep/b").exists()
    assert not (root / "a").exists()
