"""A report that pytest's own last words do not bear out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.proof import Case, CellStatus, Outcome, Suite, Tree
from anton.proving.closing import contradiction

from .conftest import SHOWN, Project

PASSED, FAILED = Case("a", Outcome.PASSED), Case("b", Outcome.FAILED)
ERROR, SKIPPED = Case("c", Outcome.ERROR), Case("d", Outcome.SKIPPED)


@pytest.mark.parametrize(
    ("output", "cases"),
    [
        ("..\n2 passed in 0.01s\n", [PASSED, PASSED]),
        ("===== 1 failed, 1 passed, 3 warnings in 62.30s (0:01:02) =====\n", [PASSED, FAILED]),
        ("1 passed, 1 error in 0.01s", [ERROR]),
        ("1 passed, 1 skipped, 1 xfailed, 1 xpassed in 0.01s", [PASSED, PASSED, SKIPPED, SKIPPED]),
        ("no tests ran in 0.00s", []),
        ("1 failed in 0.10s\n----\n3 passed, 1 failed in 0.40s", [PASSED, PASSED, PASSED, FAILED]),
    ],
)
def test_a_line_that_bears_the_report_out(output: str, cases: list[Case]) -> None:
    assert contradiction(output, cases) == ""


@pytest.mark.parametrize(
    ("output", "cases", "words"),
    [
        ("", [PASSED], "without pytest's closing line"),
        ("612 passed", [PASSED], "without pytest's closing line"),
        ("1 failed, 1 passed in 0.01s", [PASSED, PASSED], "counts failures"),
        ("1 error in 0.01s", [SKIPPED], "counts failures"),
        ("1 failed, 1 passed in 0.01s\n2 passed in 0.01s", [PASSED, PASSED], "counts failures"),
        ("2 failed, 1 passed in 0.01s", [PASSED, PASSED, FAILED], "counts 1 passed and the report 2"),
    ],
)
def test_a_line_that_does_not(output: str, cases: list[Case], words: str) -> None:
    assert words in contradiction(output, cases)


@given(st.text(alphabet="1 a,in.0s\n=passed", max_size=3_000))
def test_any_output_can_be_read(output: str) -> None:
    contradiction(output, [PASSED])


FORGED = """import atexit
import os
import pathlib
import re


def forge():
    for path in pathlib.Path().glob(".*.xml"):
        text = re.sub("<failure.*?</failure>", "", path.read_text(), flags=re.S)
        path.write_text(text.replace('failures="1"', 'failures="0"'))
    os.execv("/bin/true", ["true"])


atexit.register(forge)


def total(prices):
    return sum(prices[1:])
"""


async def test_a_report_that_is_forged_as_the_process_ends_is_not_believed(shop: Project) -> None:
    tree = await shop.tree({**SHOWN, "shop/cart.py": FORGED})
    cell = await shop.runner().run(tree, Suite.NEW, Tree.FIX)
    assert (cell.status, cell.exit_code) == (CellStatus.NO_REPORT, 0)
    assert "counts failures that the report does not list" in cell.output


@pytest.mark.parametrize("options", ["-q", "-qq", "-v", "--no-summary", "-p no:warnings -rA"])
async def test_whatever_the_repository_has_pytest_say_the_line_is_there(shop: Project, options: str) -> None:
    tree = await shop.tree({**SHOWN, "pytest.ini": f"[pytest]\naddopts = {options}\n"})
    assert (await shop.runner().run(tree, Suite.NEW, Tree.BASE)).status is CellStatus.RAN
