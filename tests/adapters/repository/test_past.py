"""What the past of a commit can be asked, and whose commits stay hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.past import parse_blame
from anton.ports import BlamedLine

RunGit = Callable[..., str]


@pytest.fixture
def written(checkout: Path, git: RunGit) -> Path:
    """Three commits on `main`, the last of them a merge; a branch `elsewhere` that was never merged."""
    git(checkout, "checkout", "-q", "-b", "side")
    (checkout / "src" / "app.py").write_text("def double(x):\n    return 2 * x\n")
    git(checkout, "commit", "-q", "-am", "Multiply\n\nIt is faster \x1b[1m so", "--author=Zoë <z@e>")
    git(checkout, "checkout", "-q", "-b", "elsewhere")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Secret of somebody else")
    git(checkout, "checkout", "-q", "main")
    (checkout / "other.txt").write_text("other\n")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Say other")
    git(checkout, "merge", "-q", "--no-ff", "-m", "Merge the side", "side")
    return checkout


async def test_a_path_has_a_history_of_its_own(written: Path, repository: GitRepository) -> None:
    base = await repository.resolve("")
    for path, subjects in (
        ("", ["Merge the side", "Say other", "Multiply", "Double a number"]),
        ("src/app.py", ["Multiply", "Double a number"]),
        ("src", ["Multiply", "Double a number"]),
        ("other.txt", ["Say other"]),
        ("*.txt", []),
        (":(glob)**", []),
        ("none", []),
    ):
        found = await repository.past.log(base.commit, 10, path)
        assert sorted(commit.subject for commit in found) == sorted(subjects), path
    assert len(await repository.past.log(base.commit, 2)) == 2


async def test_a_commit_is_shown_with_its_message_and_its_change(
    written: Path, repository: GitRepository, git: RunGit
) -> None:
    base = await repository.resolve("")
    side = git(written, "rev-parse", "side")
    shown = await repository.past.show(side)
    for name, known in ((side, "SIDE"), (git(written, "rev-parse", "side~"), "FIRST")):
        shown = shown.replace(name, known)
    assert shown.replace("+00:00", "Z") == snapshot("""\
commit SIDE
parents FIRST
author Zoë
date 2023-11-14T22:13:20Z

Multiply

It is faster \x1b[1m so

---
 src/app.py | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/src/app.py b/src/app.py
index b487259..e4ac446 100644
--- a/src/app.py
+++ b/src/app.py
@@ -1,2 +1,2 @@
 def double(x):
-    return x + x
+    return 2 * x
""")
    merge = await repository.past.show(base.commit)
    assert "+    return 2 * x" in merge  # to the first parent
    assert "other" not in merge
    assert "diff --git" not in await repository.past.show(base.commit, "other.txt")
    assert len(await repository.past.show(base.commit, "", 100)) == 100


async def test_only_the_commit_and_its_ancestors_are_found(
    written: Path, repository: GitRepository, git: RunGit
) -> None:
    base = await repository.resolve("")
    elsewhere = (await repository.resolve("elsewhere")).commit
    secret = await repository.commit(base.tree, base.commit, "What a colleague wrote", 1_800_000_000)
    side = git(written, "rev-parse", "side")
    past = repository.past
    for name in ("HEAD", base.commit, base.commit[:8]):
        assert await past.ancestor(base.commit, name) == base.commit
    for name in ("HEAD^2", side, side[:7], f"{base.commit[:12]}^2~0"):
        assert await past.ancestor(base.commit, name) == side
    hidden = [secret, secret[:10], elsewhere, base.tree, "f" * 40, "HEAD~99", "HEAD^9"]
    strange = [
        "",
        "main",
        "--all",
        "-h",
        "HEAD:src",
        "HEAD@{1}",
        "@",
        "refs/heads/main",
        ":/Merge",
        "HEAD^{tree}",
    ]
    strange += ["HEAD\n", "HEAD..", "^HEAD", "HEAD" + "~" * 99, "a" * 3, "HEAD~99999", "FETCH_HEAD", "é"]
    for name in hidden + strange:
        assert await past.ancestor(base.commit, name) is None, name


async def test_each_line_tells_who_brought_it(written: Path, repository: GitRepository, git: RunGit) -> None:
    base = await repository.resolve("")
    side, first = git(written, "rev-parse", "side"), git(written, "rev-parse", "side~")
    old = BlamedLine(1, "def double(x):", first, "Ada", 1_700_000_000, "Double a number")
    new = BlamedLine(2, "    return 2 * x", side, "Zoë", 1_700_000_000, "Multiply")
    assert await repository.past.blame(base.commit, "src/app.py", 1, 99) == (old, new)
    assert await repository.past.blame(base.commit, "src/app.py", 2, 2) == (new,)
    assert await repository.past.blame(first, "src/app.py", 2, 2) == (
        replace(new, text="    return x + x", commit=first, author="Ada", subject="Double a number"),
    )
    for path, line in (("src/app.py", 3), ("src/app.py", 0), ("none", 1), ("src", 1), ("", 1), ("-h", 1)):
        assert await repository.past.blame(base.commit, path, line, line + 9) == (), (path, line)


async def test_a_file_of_any_bytes_is_blamed(checkout: Path, repository: GitRepository, git: RunGit) -> None:
    (checkout / "odd é.txt").write_bytes(b"caf\xe9\n\n\tauthor x\nno end")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Odd")
    base = await repository.resolve("")
    found = await repository.past.blame(base.commit, "odd é.txt", 1, 9)
    assert [line.text for line in found] == ["caf\udce9", "", "\tauthor x", "no end"]


async def test_only_full_ids_stand_on_a_command_line(repository: GitRepository, written: Path) -> None:
    await repository.resolve("")
    for attempt in (
        repository.past.log("--all", 1),
        repository.past.show("--output=x"),
        repository.past.blame("HEAD", "src/app.py", 1, 1),
        repository.past.ancestor("main", "HEAD"),
    ):
        with pytest.raises(ValueError, match="not a full object id"):
            await attempt


@given(st.binary(max_size=300))
def test_any_bytes_give_some_lines(listing: bytes) -> None:
    assert len(tuple(parse_blame(listing))) <= listing.count(b"\t")
