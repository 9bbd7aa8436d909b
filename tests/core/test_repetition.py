"""When an agent is going round in circles, and when it is not."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.message import AssistantMessage, Message, SystemMessage, ToolCall, ToolMessage, UserMessage
from anton.core.repetition import EXACT, NEAR, Repetition, find_repetition

Made = tuple[str, object, str]
"""Tool, arguments, result."""


def conversation(*made: Made, one_reply: bool = False) -> list[Message]:
    messages: list[Message] = [SystemMessage("You are code."), UserMessage("The ticket.")]
    calls = [
        ToolCall(f"c{number}", name, arguments if isinstance(arguments, str) else json.dumps(arguments))
        for number, (name, arguments, _) in enumerate(made)
    ]
    results = [ToolMessage(f"c{number}", result) for number, (_, _, result) in enumerate(made)]
    if one_reply:
        return [*messages, AssistantMessage("", tuple(calls)), *results]
    for call, result in zip(calls, results, strict=True):
        messages += [AssistantMessage("", (call,)), result]
    return messages


READ: Made = ("read_file", {"path": "a.py"}, "x = 1")
GREP: Made = ("grep", {"pattern": "x"}, "a.py:1: x = 1")
LIST: Made = ("list_dir", {}, "a.py")


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ([READ] * 3, Repetition(('read_file {"path": "a.py"}',), 3)),
        ([GREP, READ, READ, READ], Repetition(('read_file {"path": "a.py"}',), 3)),
        (
            [READ, LIST] * 3,
            Repetition(('read_file {"path": "a.py"}', "list_dir"), 3),
        ),
        (
            [READ, GREP, LIST] * 3,
            Repetition(('read_file {"path": "a.py"}', 'grep {"pattern": "x"}', "list_dir"), 3),
        ),
        (
            [("grep", {"pattern": f"Foo{number}"}, "no match") for number in range(4)],
            Repetition(('grep {"pattern": "Foo3"}',), 4),
        ),
        (
            [("grep", {"pattern": pattern}, "no match") for pattern in ("foo", "Foo", "foo ", "FOO_")],
            Repetition(('grep {"pattern": "FOO_"}',), 4),
        ),
        (
            [("edit_file", "{not json", "invalid JSON")] * 3,
            Repetition(("edit_file {not json",), 3),
        ),
    ],
    ids=["same call", "at the end", "cycle of two", "cycle of three", "numbers", "case", "invalid"],
)
def test_a_circle_is_found(made: Sequence[Made], found: Repetition) -> None:
    assert find_repetition(conversation(*made)) == found


@pytest.mark.parametrize(
    "made",
    [
        [],
        [READ],
        [READ, READ],
        [READ, READ, LIST],
        [READ, LIST] * 2,
        [("run_tests", {}, f"{number} failed") for number in range(9)],
        [("read_file", {"path": "log", "start_line": n}, f"page {n}") for n in range(9)],
        [("grep", {"pattern": word}, "no match") for word in ("load", "save", "store", "keep", "hold")],
        [
            step
            for number in range(5)
            for step in (("edit_file", {"old": f"{number}", "new": "y"}, f"at {number}"), READ)
        ],
    ],
)
def test_honest_work_is_no_circle(made: Sequence[Made]) -> None:
    assert find_repetition(conversation(*made)) is None


def test_the_same_calls_in_one_reply_are_a_circle_too() -> None:
    assert find_repetition(conversation(READ, READ, READ, one_reply=True)) is not None


def test_arguments_in_another_order_are_the_same_arguments() -> None:
    one: Made = ("grep", '{"pattern": "x", "path": "."}', "no match")
    other: Made = ("grep", '{"path":".","pattern":"x"}', "no match")
    assert find_repetition(conversation(one, other, one)) is not None


def test_what_was_done_before_a_note_does_not_count() -> None:
    before = conversation(READ, READ)
    after = conversation(READ)[2:]
    assert find_repetition([*before, UserMessage("A note."), *after]) is None


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=3), st.text(max_size=2)), max_size=14)
)
def test_it_never_fails_and_never_speaks_too_early(made: list[Made]) -> None:
    found = find_repetition(conversation(*made))
    if found is not None:
        assert len(made) >= min(EXACT, NEAR)
        assert found.times >= EXACT
