"""Reasons to fail, in the words of several runners."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.failure import Failure, failure_of

PATHS = ("tests/test_a.py", "test/a.test.js", "src/test/java/ATest.java")

PYTEST_ASSERTION = """\
tests/test_a.py:12: in test_twice
    check(todo)
tests/test_a.py:4: in check
    assert todo.completed
E   assert False
E    +  where False = <Todo at 0x…>.completed"""
PYTEST_EXCEPTION = """\
tests/test_a.py:7: in test_find
    find(3)
shop/find.py:2: in find
    raise NotThere(number)
E   shop.errors.NotThere: 3"""
PYTEST_ABSENT = """\
tests/test_a.py:7: in test_find
    find(3)
E   AttributeError: module 'shop' has no attribute 'find2'"""
UNITTEST = """\
Traceback (most recent call last):
  File "/repo/tests/test_a.py", line 9, in test_sum
    self.assertEqual(total([1, 2]), 3)
AssertionError: 2 != 3"""
UNITTEST_EXCEPTION = UNITTEST.replace("AssertionError: 2 != 3", "KeyError: 'x'")
NODE = """\
[Error [ERR_TEST_FAILURE]: Expected values to be strictly equal:
  cause: AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
      at TestContext.<anonymous> (file:///repo/test/a.test.js:8:10)"""
NODE_ABSENT = """\
TypeError: total is not a function
    at TestContext.<anonymous> (/repo/test/a.test.js:8:10)"""
JUNIT = """\
org.opentest4j.AssertionFailedError: expected: <3> but was: <2>
\tat ATest.sum(ATest.java:14)"""


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        (PYTEST_ASSERTION, Failure("12", "", "")),
        (PYTEST_EXCEPTION, Failure("7", "NotThere", "")),
        (
            PYTEST_ABSENT,
            Failure("7", "AttributeError", "E   AttributeError: module 'shop' has no attribute 'find0'"),
        ),
        (UNITTEST, Failure("9", "", "")),
        (UNITTEST_EXCEPTION, Failure("9", "KeyError", "")),
        (NODE, Failure("8", "", "")),
        (NODE_ABSENT, Failure("8", "TypeError", "TypeError: total is not a function")),
        (JUNIT, Failure("14", "", "")),
        ("", Failure("", "", "")),
    ],
)
def test_a_reason_is_a_line_an_exception_and_where_needed_its_words(message: str, failure: Failure) -> None:
    assert failure_of(message, PATHS) == failure


LINES = (
    "tests/test_a.py:7: in test",
    "E   assert 1 == 2",
    "E   shop.NameError: cart2",
    "TypeError: total2 is ½ of ٣",
    "KeyError: 'x'",
)


@given(
    st.lists(st.sampled_from(LINES) | st.text(max_size=40), max_size=8).map("\n".join),
    st.lists(st.sampled_from(PATHS) | st.text(max_size=40), max_size=4),
)
def test_a_reason_is_in_the_words_it_was_read_from_whatever_they_are(message: str, paths: list[str]) -> None:
    failure = failure_of(message, paths)
    assert failure.line in message
    assert failure.line.isdecimal() or not failure.line
    assert failure.kind in message
    assert failure.kind in failure.words or not failure.words
    assert not re.search(r"\d", failure.words.replace("0", "")), "values may differ from run to run"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("E   " + "a." * 50_000, ""),
        ("a" * 100_000, ""),
        ("E " * 50_000, ""),
        ("E " + " " * 100_000, ""),
        ("$." * 1_000 + "Error" * 300, "Error" * 300),
    ],
    ids=lambda value: value[:8],
)
def test_a_long_message_is_read_to_its_end(message: str, kind: str) -> None:
    """A pattern that tried every way to take it apart would not come back within pytest's limit."""
    assert failure_of(message, PATHS).kind == kind
