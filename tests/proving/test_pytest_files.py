"""Which files are tests because a repository says so to pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.declarations import worth_reading
from anton.proving.presets import plan_for
from anton.proving.pytest_files import configured_folders, configured_modules

CHECKS = {
    "pytest.ini": "[pytest]\npython_files = check_*.py test_*.py\n",
    "tox.ini": "[pytest]\npython_files =\n    check_*.py\n    test_*.py\n",
    "setup.cfg": "[tool:pytest]\npython_files = check_*.py test_*.py\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npython_files = ["check_*.py", "test_*.py"]\n',
    "pytest.toml": '[pytest]\npython_files = "check_*.py test_*.py"\n',
}


@pytest.mark.parametrize("path", CHECKS)
def test_each_file_that_may_configure_pytest_is_read(path: str) -> None:
    assert configured_modules({path: CHECKS[path]}) == ("**/check_*.py", "**/test_*.py")
    assert worth_reading([path]) == (path,)


@pytest.mark.parametrize("glob", ["*.py", "*", "**/*.py"])
def test_a_glob_that_every_file_fits_makes_no_test_of_the_source(glob: str) -> None:
    assert configured_modules({"pytest.ini": f"[pytest]\npython_files = {glob}\n"}) == ()


def folders(paths: str, *files: str, also: str = "") -> tuple[str, ...]:
    return configured_folders(files, {"pytest.ini": f"[pytest]\ntestpaths = {paths}\n{also}"})


def test_a_folder_of_tests_counts_with_all_that_is_in_it() -> None:
    assert folders("checks", "shop/cart.py", "checks/test_cart.py") == ("checks/**",)
    assert folders("./checks/", "shop/cart.py", "checks/__init__.py", "checks/test_a.py") == ("checks/**",)
    every = "python_files = *.py\n"
    assert folders("checks", "shop/cart.py", "checks/cart.py", "checks/data.json", also=every) == (
        "checks/**",
    )


def test_a_folder_that_holds_the_source_as_well_is_not_the_tests_own() -> None:
    assert folders("shop", "shop/cart.py", "shop/test_cart.py") == ()
    assert folders("shop", "shop/cart.py", "shop/test_a.py", "shop/test_b.py", "setup.py") == ()
    assert folders(".", "cart.py", "test_cart.py", "test_b.py") == ()
    assert folders("gone", "cart.py") == ()


def test_a_plan_takes_for_tests_what_its_runner_does() -> None:
    plan = plan_for(
        ["checks/check_cart.py", "shop/cart.py"],
        Path(sys.executable),
        texts={"pytest.ini": CHECKS["pytest.ini"]},
    )
    assert plan.is_test("checks/check_cart.py")
    assert plan.narrowed(["checks/check_new.py"]) == ("checks/check_new.py",)
    assert not plan.is_test("shop/cart.py")
    chosen = plan_for([], Path(sys.executable), texts=CHECKS, test_patterns=["only/**"])
    assert chosen.test_patterns == ("only/**",)


@given(st.sampled_from(sorted(CHECKS)), st.text(max_size=80))
def test_any_text_configures_something_or_nothing(path: str, text: str) -> None:
    for written in (text, CHECKS[path] + text):
        configured_modules({path: written})
        configured_folders(["a/b.py"], {path: written})
