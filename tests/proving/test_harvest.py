from __future__ import annotations

from pathlib import Path

import pytest

from anton.core.proof import Blame, FileChange, Refusal
from anton.proving.harvest import Harvest, Work, harvest

from .conftest import FIXED, SHOWN, Files, Project


async def reap(shop: Project, code: Files, test: Files, subjects: dict[str, str] | None = None) -> Harvest:
    base = shop.base
    work = Work(
        base=base.commit,
        base_tree=base.tree,
        code=await shop.tree(code),
        test=await shop.tree(test),
        subjects=subjects or {},
        ticket="BUG-42",
        at_unix=1_700_000_000,
    )
    return await harvest(shop.repository, work, shop.plan())


async def test_source_comes_from_code_and_tests_from_test(shop: Project) -> None:
    own_fix = {"shop/cart.py": "def total(prices):\n    return sum(list(prices))\n"}
    gathered = await reap(shop, FIXED, {**SHOWN, **own_fix})
    patch, trees = gathered.patch, gathered.trees
    assert patch.source == (FileChange("shop/cart.py", "M", added=1, removed=1),)
    assert patch.tests == (FileChange("tests/test_total.py", "A", added=9),)
    assert patch.refused == ()
    assert trees.fix == await shop.tree(FIXED)
    assert trees.base_with_tests == await shop.tree(SHOWN)
    assert trees.head == await shop.tree({**FIXED, **SHOWN})
    assert trees.second == await shop.tree({**SHOWN, **own_fix})
    assert "+    return sum(list(prices))" in patch.second_opinion
    assert "+    return sum(prices)" in patch.diff
    assert "sum(list" not in patch.diff


async def test_one_commit_a_file_source_before_tests(shop: Project) -> None:
    code = {**FIXED, "shop/tax.py": "RATE = 19\n"}
    test = {**SHOWN, "tests/test_cart.py": None}
    gathered = await reap(shop, code, test, {"shop/cart.py": "- Fixes #1: count the first price, @ada"})
    patch = gathered.patch
    assert [(commit.path, commit.subject) for commit in patch.commits] == [
        ("shop/cart.py", "Fixes 1: count the first price, ada"),
        ("shop/tax.py", "Add shop/tax.py"),
        ("tests/test_cart.py", "Remove tests/test_cart.py"),
        ("tests/test_total.py", "Add tests/test_total.py"),
    ]
    assert patch.head == patch.commits[-1].sha
    assert await shop.repository.changes(gathered.trees.head, patch.head) == ()
    parent = patch.base
    for commit in patch.commits:
        assert [c.path for c in await shop.repository.changes(parent, commit.sha)] == [commit.path]
        parent = commit.sha


async def test_the_same_work_gives_the_same_commits(shop: Project) -> None:
    assert await reap(shop, FIXED, SHOWN) == await reap(shop, FIXED, SHOWN)


async def test_nothing_changed_is_an_empty_patch(shop: Project) -> None:
    gathered = await reap(shop, {}, {})
    assert gathered.patch.head == gathered.patch.base == shop.base.commit
    assert gathered.patch.files == ()
    assert gathered.patch.commits == ()
    assert gathered.patch.diff == gathered.patch.second_opinion == ""
    assert gathered.trees.head == gathered.trees.fix == shop.base.tree
    assert gathered.trees.second is None


@pytest.mark.parametrize(
    ("code", "test", "refused"),
    [
        (
            {"tests/test_cart.py": "def test_nothing(): pass\n"},
            {},
            "code agent changed 'tests/test_cart.py', which is a test: left out",
        ),
        (
            {"pytest.ini": "[pytest]\naddopts = -k nothing\n"},
            {},
            "code agent added 'pytest.ini', which configures the test runner: left out",
        ),
        (
            {},
            {"tests/conftest.py": "import os\n"},
            "test agent added 'tests/conftest.py', which configures the test runner: left out",
        ),
        (
            {"json.py": "def loads(x): return {}\n"},
            {},
            "code agent added 'json.py', which takes the place of the module 'json': left out",
        ),
        ({"shop/x.bin": b"\0\1"}, {}, "code agent added 'shop/x.bin', which is a binary file: left out"),
        (
            {},
            {"tests/big.json": "1\n" * 500_001},
            "test agent added 'tests/big.json', which is larger than 1,000,000 bytes: left out",
        ),
    ],
)
async def test_what_is_not_theirs_to_change_is_left_out_and_named(
    shop: Project, code: Files, test: Files, refused: str
) -> None:
    gathered = await reap(shop, {**FIXED, **code}, {**SHOWN, **test})
    author = Blame(refused.partition(" ")[0])
    assert gathered.patch.refused == (Refusal(author, refused),)
    assert gathered.trees.head == await shop.tree({**FIXED, **SHOWN})


async def test_a_symbolic_link_is_left_out_and_named(shop: Project, tmp_path: Path) -> None:
    worktree = tmp_path / "linked"
    await shop.repository.export(shop.base.tree, worktree)
    (worktree / "shop" / "passwords").symlink_to("/etc/passwd")
    tree = await shop.repository.snapshot(worktree, shop.base.tree)
    work = Work(shop.base.commit, shop.base.tree, tree, shop.base.tree, {}, "BUG-42", 0)
    gathered = await harvest(shop.repository, work, shop.plan())
    said = "code agent added 'shop/passwords', which is a symbolic link: left out"
    assert gathered.patch.refused == (Refusal(Blame.CODE, said),)
    assert gathered.trees.head == shop.base.tree


async def test_a_file_that_brings_a_secret_is_left_out_and_the_secret_is_not_told(shop: Project) -> None:
    token = "ghp_" + "0a1B2c3D4e5F6g7H8i9J" + "0a1B2c3D4e5F6g7H"
    gathered = await reap(shop, {**FIXED, "shop/keys.py": f'KEY = "{token}"\n'}, SHOWN)
    said = (
        "code agent added 'shop/keys.py', which holds a secret ([masked: GitHub token]), and nothing secret "
        "is ever pushed: left out"
    )
    assert gathered.patch.refused == (Refusal(Blame.CODE, said),)
    assert token not in gathered.patch.diff


async def test_a_secret_that_was_there_before_does_not_hold_up_a_fix(shop: Project) -> None:
    token = "ghp_" + "0a1B2c3D4e5F6g7H8i9J" + "0a1B2c3D4e5F6g7H"
    old = await shop.tree({"shop/keys.py": f'A = 1\nKEY = "{token}"\n'})
    new = await shop.tree({"shop/keys.py": f'A = 2\nKEY = "{token}"\n'})
    work = Work(shop.base.commit, old, new, old, {}, "BUG-42", 1_700_000_000)
    patch = (await harvest(shop.repository, work, shop.plan())).patch
    assert [change.path for change in patch.source] == ["shop/keys.py"]
    assert patch.refused == ()


async def test_lines_that_a_diff_would_show_as_a_secret_are_left_out(shop: Project) -> None:
    old = await shop.tree({"shop/keys.py": "# -----BEGIN PRIVATE KEY-----\nload()\n"})
    new = await shop.tree({"shop/keys.py": "ABCDEFGHIJKLMNOPQRST = 1\nimport backdoor\nload()\n", **FIXED})
    work = Work(shop.base.commit, old, new, old, {}, "BUG-42", 1_700_000_000)
    shown = work.masker.mask(await shop.repository.diff(old, new))
    assert "backdoor" not in shown
    patch = (await harvest(shop.repository, work, shop.plan())).patch
    assert [change.path for change in patch.source] == ["shop/cart.py"]
    [refused] = patch.refused
    assert "'shop/keys.py', whose diff looks like a secret, which nobody could be shown" in refused.text
