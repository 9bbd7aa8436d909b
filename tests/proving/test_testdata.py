"""Data that only tests read is the tests' own."""

from __future__ import annotations

import pytest

from anton.core.proof import Blame, Refusal
from anton.proving.harvest import Work, harvest
from anton.proving.testdata import only_tests_name

from .conftest import Files, Project

CASES: Files = {
    "cases.json": "[[1, 2, 3]]",
    "tests/test_cases.py": "import json\n\nCASES = json.load(open('cases.json'))\n",
}


@pytest.mark.parametrize(
    ("path", "more", "is_theirs"),
    [
        ("cases.json", {}, True),
        ("rates/2024.csv", {"rates/2024.csv": "1", "tests/test_r.py": "open('rates/2024.csv')\n"}, True),
        ("cases.json", {"shop/load.py": "open('cases.json')\n"}, False),
        ("cases.json", {"shop/load.py": "open(f'{name}.json')  # cases\n"}, False),
        ("cases.json", {"shop/load.py": "glob('*.json')\n"}, False),
        ("cases.json", {"tests/test_cases.py": "import shop\n"}, False),
        ("rates/2024.csv", {"rates/2024.csv": "1", "shop/load.py": "open('rates/' + year)\n"}, False),
        ("shop/cart.py", {"tests/test_c.py": "open('shop/cart.py')\n"}, False),
        ("README.md", {"README.md": "Shop\n", "tests/test_c.py": "open('README.md')\n"}, False),
    ],
)
async def test_only_what_tests_and_nobody_else_name(
    shop: Project, path: str, more: Files, is_theirs: bool
) -> None:
    tree = await shop.tree({**CASES, **more})
    files = await shop.repository.files(tree)
    assert await only_tests_name(shop.repository, tree, path, files, shop.plan()) is is_theirs


async def test_the_code_agent_may_not_empty_what_drives_the_tests(shop: Project) -> None:
    base = await shop.tree(CASES)
    emptied = await shop.tree({**CASES, "cases.json": "[]", "fresh.json": "[]"})
    work = Work(shop.base.commit, base, emptied, base, {}, "BUG-1", 0)
    gathered = await harvest(shop.repository, work, shop.plan())
    said = "code agent changed 'cases.json', which only tests read: left out"
    assert gathered.patch.refused == (Refusal(Blame.CODE, said),)
    assert [change.path for change in gathered.patch.source] == ["fresh.json"]
