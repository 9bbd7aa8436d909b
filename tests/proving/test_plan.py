from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.plan import (
    REPORT,
    is_test_path,
    protected_reason,
    shadowed_module,
)
from anton.proving.presets import plan_for

PYTHON = Path(sys.executable)


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_cart.py",
        "tests/data/cart.json",
        "test/cart.js",
        "shop/tests/helpers.py",
        "test_cart.py",
        "shop/test_cart.py",
        "shop/cart_test.py",
        "shop/tests.py",
        "conftest.py",
        "web/cart.test.js",
        "web/cart.spec.tsx",
        "web/__tests__/cart.js",
        "pkg/cart_test.go",
        "lib/src/test/java/shop/CartTest.java",
        "test-cart.js",
        "web/test.mjs",
        "web/tests.js",
        "spec/cart.js",
        "web/__snapshots__/cart.snap",
    ],
)
def test_paths_of_tests(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "shop/testing.py",
        "shop/contest.py",
        "shop/latest_prices.py",
        "shop/attest/cart.py",
        "web/cart.js",
        "django/test/client.py",
        "shop/test_data.json",
        "shop/check_cart.py",
        "web/contest.js",
        "web/spec.js",
    ],
)
def test_paths_of_source(path: str) -> None:
    assert not is_test_path(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (".github/workflows/ci.yml", "configures CI"),
        (".GitHub/workflows/ci.yml", "configures CI"),
        (".gitlab-ci.yml", "configures CI"),
        ("Jenkinsfile", "configures CI"),
        (".ci/run", "configures CI"),
        (".gitattributes", "configures git"),
        ("sub/.gitmodules", "configures git"),
        ("conftest.py", "configures the test runner"),
        ("tests/conftest.py", "configures the test runner"),
        ("pytest.ini", "configures the test runner"),
        (".pytest.ini", "configures the test runner"),
        ("pyproject.toml", "configures the test runner"),
        ("tox.ini", "configures the test runner"),
        ("setup.cfg", "configures the test runner"),
        ("noxfile.py", "configures the test runner"),
        ("Makefile", "configures the test runner"),
        ("web/package.json", "configures the test runner"),
        ("web/jest.config.ts", "configures the test runner"),
        ("pom.xml", "configures the test runner"),
        (REPORT, "configures the test runner"),
        ("poetry.lock", "decides what is installed"),
        ("package-lock.json", "decides what is installed"),
        ("pylock.dev.toml", "decides what is installed"),
        ("requirements-dev.txt", "decides what is installed"),
        ("Dockerfile", "decides what is installed"),
        ("docker-compose.yml", "decides what is installed"),
        ("sitecustomize.py", "runs whenever Python starts"),
        ("src/usercustomize.py", "runs whenever Python starts"),
        ("src/evil.pth", "runs whenever Python starts"),
        ("src/evil.egg-info/entry_points.txt", "runs whenever Python starts"),
        ("AGENTS.md", "configures editors and agents"),
        (".mcp.json", "configures editors and agents"),
    ],
)
def test_nobody_may_change_what_runs_or_judges_the_tests(path: str, why: str) -> None:
    assert protected_reason(path) == why


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "tests/test_cart.py",
        "shop/dockerfile.py",
        "shop/package.py",
        "README.md",
        "shop/lock.py",
    ],
)
def test_the_rest_may_be_changed(path: str) -> None:
    assert protected_reason(path) is None


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("pytest.py", "pytest"),
        ("src/_pytest/__init__.py", "_pytest"),
        ("json.py", "json"),
        ("src/unittest/__init__.py", "unittest"),
        ("shop/json.py", None),
        ("cart.py", None),
        ("json.txt", None),
        ("email.py", None),
    ],
)
def test_a_new_file_must_not_take_the_place_of_the_runner(path: str, module: str | None) -> None:
    assert shadowed_module(path, {"email.py"} if path == "email.py" else set()) == module


def test_only_test_modules_narrow_a_run() -> None:
    plan = plan_for([], PYTHON)
    assert plan.narrowed(["tests/test_b.py", "tests/test_a.py"]) == ("tests/test_a.py", "tests/test_b.py")
    assert plan.narrowed(["tests/test_a.py", "tests/data/cart.json"]) == ()
    assert plan.narrowed(["tests/test_a.py", "tests/helpers.py"]) == ()
    assert plan_for([], PYTHON, command=["x"], report="r").narrowed(["tests/test_a.py"]) == ()


BASE = frozenset(
    {
        "todo.py",
        "src/shop/__init__.py",
        "src/shop/cart.py",
        "lib/deep/__init__.py",
        "lib/deep/er/__init__.py",
        "docs/conf.py",
        "tests/test_todo.py",
        "tests/helpers.py",
        "pack/__init__.py",
        "pack/test_todo.py",
        "bare/test_todo.py",
        "whole/tests/__init__.py",
    }
)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("tests/todo.py", "todo"),
        ("tests/todo/__init__.py", "todo"),
        ("tests/unit/todo.py", "todo"),
        ("tests/shop.py", "shop"),
        ("tests/deep.py", "deep"),
        ("tests/json.py", "json"),
        ("tests/pytest/__init__.py", "pytest"),
        ("bare/todo.py", "todo"),
        ("tests/er.py", None),
        ("tests/cart.py", None),
        ("tests/docs/__init__.py", None),
        ("tests/test_cart.py", None),
        ("tests/unit/helpers.py", None),
        ("tests/test/__init__.py", None),
        ("pack/todo.py", None),
        ("whole/tests/todo.py", None),
        ("shop2/todo.py", None),
        ("tests/todo.json", None),
    ],
)
def test_a_helper_of_tests_must_not_take_the_place_of_what_they_test(path: str, module: str | None) -> None:
    assert shadowed_module(path, BASE) == module


@given(st.text(), st.lists(st.text(alphabet="ab/*?{},.[", max_size=8), max_size=3))
def test_any_glob_matches_or_does_not(path: str, patterns: list[str]) -> None:
    is_test_path(path, patterns)
    protected_reason(path)
    shadowed_module(path, ())
