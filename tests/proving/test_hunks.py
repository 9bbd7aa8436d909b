"""Every hunk can be taken back alone, byte for byte."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.harvest import Harvest, Work, harvest
from anton.proving.hunks import WHOLE_FILE, Removal, fixed_files, parse_hunks, removals, without

from .conftest import Files, Project

LINES = [f"line {number}\n" for number in range(1, 31)]


def diff_of(before: str, after: str) -> str:
    """As git writes it, but for the remark on a missing last line end."""
    rows = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), "a/x", "b/x"
    )
    return "".join(row if row.endswith("\n") else row + "\n" for row in rows)


async def reap(shop: Project, code: Files, before: Files) -> Harvest:
    base = await shop.tree(before)
    there = {path: content for path, content in before.items() if path not in code}
    new = {path: content for path, content in code.items() if content is not None}
    trees = await shop.tree({**there, **new}), base
    return await harvest(shop.repository, Work(shop.base.commit, base, *trees, {}, "BUG-42", 0), shop.plan())


async def removed(shop: Project, gathered: Harvest) -> list[Removal]:
    files = await fixed_files(shop.repository, gathered)
    return [removal for file in files for removal in await removals(shop.repository, gathered, file)]


texts = st.lists(st.sampled_from("abcdefg"), max_size=40).map(lambda rows: "".join(f"{r}\n" for r in rows))


@given(texts, texts, st.booleans())
def test_all_hunks_taken_back_from_the_last_on_give_the_file_before(
    before: str, after: str, cut: bool
) -> None:
    if cut:
        before, after = before.removesuffix("\n"), after.removesuffix("\n")
    content = after.encode()
    for hunk in reversed(parse_hunks(diff_of(before, after))):
        content = without(before.encode(), content, hunk)
    assert content.decode() == before


@given(texts, texts)
def test_added_lines_are_those_that_the_diff_adds(before: str, after: str) -> None:
    diff = diff_of(before, after)
    numbers = [number for hunk in parse_hunks(diff) for number in hunk.added]
    rows = after.splitlines()
    added = [row[1:] for row in diff.splitlines()[2:] if row.startswith("+")]
    assert [rows[number - 1] for number in numbers] == added


async def test_each_hunk_of_a_file_has_a_tree_without_it(shop: Project) -> None:
    before, after = list(LINES), list(LINES)
    after[2], after[20:22] = "caf\udce9\r\n", ["new\n"]  # not UTF-8
    fixed = "".join(after).encode("utf-8", "surrogateescape")
    gathered = await reap(shop, {"shop/list.py": fixed}, {"shop/list.py": "".join(before)})
    first, second = await removed(shop, gathered)
    assert (first.header, second.header) == (
        "@@ -1,6 +1,6 @@",
        "@@ -18,8 +18,7 @@ line 17",
    )
    assert (
        await shop.repository.read(first.tree, "shop/list.py")
        == "".join([*before[:20], "new\n", *before[22:]]).encode()
    )
    assert await shop.repository.read(second.tree, "shop/list.py") == "".join(
        [*after[:20], *before[20:]]
    ).encode("utf-8", "surrogateescape")


async def test_a_file_that_comes_or_goes_is_one_hunk(shop: Project) -> None:
    gathered = await reap(
        shop, {"shop/new.py": "a = 1\nb = 2\n", "shop/old.py": None}, {"shop/old.py": "c = 3\n"}
    )
    new, old = await removed(shop, gathered)
    assert (new.path, new.header) == ("shop/new.py", "@@ -0,0 +1,2 @@")
    assert (old.path, old.header) == ("shop/old.py", "@@ -1 +0,0 @@")
    files = await shop.repository.files(gathered.trees.head)
    assert set(await shop.repository.files(new.tree)) == {*files} - {"shop/new.py"}
    assert set(await shop.repository.files(old.tree)) == {*files, "shop/old.py"}


async def test_an_empty_file_and_a_missing_last_line_end_are_kept_as_they_are(shop: Project) -> None:
    gathered = await reap(shop, {"shop/empty.py": "", "shop/end.py": "a\nb"}, {"shop/end.py": "a\nc"})
    empty, end = await removed(shop, gathered)
    assert empty.header == WHOLE_FILE
    assert await shop.repository.read(end.tree, "shop/end.py") == b"a\nc"


@pytest.mark.parametrize(
    "diff", ["", "@@ -x +y @@\n+a", "Binary files a/x and b/x differ\n", " @@ -1 +1 @@\n"]
)
def test_what_is_no_hunk_is_none(diff: str) -> None:
    assert parse_hunks(diff) == ()
