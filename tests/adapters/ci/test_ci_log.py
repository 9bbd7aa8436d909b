"""Failing tests found in logs, whoever ran them; and that no log can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.github import logs

from anton.adapters.ci.log import (
    EXCERPT_CHARACTERS,
    LOG_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TESTS,
    around_failure,
    failed_tests,
)


@pytest.mark.parametrize(
    ("log", "names", "said"),
    [
        (
            logs.PYTEST,
            ["test_a.py::TestCart::test_total", "test_a.py::test_fixture"],
            "E       assert (1 + 1)",
        ),
        (
            logs.UNITTEST,
            ["test_boom (test_u.Cart.test_boom)", "test_total (test_u.Cart.test_total)"],
            "ValueError: boom",
        ),
        (logs.NODE_SPEC, ["adds", "inner"], "  1 !== 2"),
        (logs.NODE_TAP, ["inner"], "error: 'boom'"),
        (logs.GO, ["TestTotal/empty"], "cart_test.go:12: got 1, want 0"),
    ],
    ids=["pytest", "unittest", "node spec", "node TAP", "go"],
)
def test_failing_tests_are_named_with_what_they_said(log: str, names: list[str], said: str) -> None:
    found = failed_tests(logs.stamped(log))
    assert [test.name for test in found] == names
    assert said in found[0].excerpt
    assert all("2026-" not in test.excerpt and "\x1b" not in test.excerpt for test in found)


def test_a_fixture_s_error_is_found_under_its_test() -> None:
    assert "no db" in failed_tests(logs.PYTEST)[1].excerpt


def test_only_pytest_s_summary_line_still_says_why() -> None:
    (found,) = failed_tests("FAILED tests/test_x.py::test_y - ValueError: boom\n")
    assert (found.name, found.excerpt) == ("tests/test_x.py::test_y", "ValueError: boom")


def test_a_log_without_tests_is_shown_around_its_failure() -> None:
    log = logs.stamped("step one\nnpm error missing script: build\n##[error]Process completed\ncleaning up\n")
    assert failed_tests(log) == ()
    assert around_failure(log) == "step one\nnpm error missing script: build\n##[error]Process completed"


def test_a_passing_log_names_nothing() -> None:
    assert (
        failed_tests("test_a.py ..   [100%]\n2 passed in 0.1s\nok 1 - adds\n--- PASS: TestX (0.00s)\n") == ()
    )


PIECES = st.sampled_from(
    [
        *(
            "FAILED ",
            "ERROR ",
            "x.py",
            "::",
            " - ",
            "___",
            " ",
            "=" * 70,
            "-" * 70,
            "FAIL: ",
            "not ok 1 - ",
            "\n",
        ),
        *(
            "✖ ",
            "✖ failing tests:\n",
            "(1ms)",
            "--- FAIL: ",
            "(0.00s)",
            "##[error]",
            "\x1b[31m",
            "\ud800",
            "\0",
        ),
        *("2026-01-01T00:00:00Z ", "a/b", "  ...", "test at "),
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join))
def test_any_text_is_read_within_bounds(log: str) -> None:
    found = failed_tests(log)
    assert len(found) <= MAX_TESTS
    assert all(0 < len(test.name) <= MAX_NAME_CHARACTERS for test in found)
    assert all(len(test.excerpt) <= EXCERPT_CHARACTERS + 80 for test in found)
    assert len(around_failure(log)) <= LOG_CHARACTERS + 80


def test_many_failures_are_cut() -> None:
    log = "".join(f"FAILED tests/test_x.py::test_{number} - no\n" for number in range(500))
    assert len(failed_tests(log)) == MAX_TESTS


@pytest.mark.parametrize(
    "line", ["_" * 400_000, "___ " * 100_000, "FAILED " + ".py" * 100_000, "✖ " + "(1 " * 100_000]
)
def test_a_hostile_line_takes_no_time_to_speak_of(line: str) -> None:
    """It would take hours if the time grew with the square."""
    assert len(failed_tests(f"{line}\n{line}x")) <= 1
