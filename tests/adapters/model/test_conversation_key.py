from __future__ import annotations

import pytest

from anton.adapters.model.conversation_key import ConversationKey, key_of, normalise
from anton.core.event import Note, Source
from anton.core.message import AssistantMessage, Message, SystemMessage, ToolCall, ToolMessage, UserMessage


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("=== 1 failed in 0.03s ===", "===== 1 failed in 12.31s ====="),
        ("=== 1 failed in 61.20s (0:01:01) ===", "=== 1 failed in 2s ==="),
        ("took 3 ms", "took 12 ms"),
        ("slept 0.5 seconds", "slept 1 second"),
        ("/tmp/anton-x1/code/app.py:3", "/home/me/shop/.oncall_runs/9/code/app.py:3"),
        ("File \"/usr/lib/python3.11/re.py\"", "File \"/opt/py/lib/python3.13/re.py\""),
        ("wrote tmpab12cd34", "wrote tmp_9zz81x0"),
        ("at <Cart object at 0x7f00aa10>", "at <Cart object at 0x55d2bb99>"),
        ("commit 1a2b3c4 made", "commit 9999999 made"),
        ("run 0b8f6e1e-8c4f-4a57-9d07-5f6f0e6f4b51", "run 11111111-2222-3333-4444-555555555555"),
        ("platform linux -- Python 3.11.2, pytest-8.4.1\nrootdir: /x\nok", "platform darwin\nok"),
        ("plugins: xdist-3\nok", "ok"),
        ("Python 3.11.2", "Python 3.12.0rc1"),
        ("app.cpython-311.pyc", "app.cpython-313.pyc"),
        ("at 2026-11-25T19:36:31Z", "at 2027-01-01 00:00:00.123+01:00"),
        ("    total(x)\n    ~~~~~^^^\nTypeError", "    total(x)\nTypeError"),
        ("E       f(x)\nE       ^^^^\nE   TypeError", "E       f(x)\nE   TypeError"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("trailing   \nblanks ", "trailing\nblanks"),
    ],
)  # fmt: skip
def test_what_differs_between_executions_is_not_compared(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 failed, 3 passed in 0.1s", "1 failed, 2 passed in 0.1s"),
        ("assert 1.5 == 2.5", "assert 1.5 == 3.5"),
        ("assert 100 == 99", "assert 100 == 98"),
        ("/a/b/app.py:3", "/a/b/app.py:4"),
        ("/a/b/app.py", "/a/b/cart.py"),
        ("defaced", "effaced"),
        ("x = a ^ b", "x = a | b"),
        ("12: total += price", "12: total -= price"),
        ("TypeError: no", "ValueError: no"),
    ],
)
def test_what_matters_is_compared(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def note(source: Source, text: str) -> str:
    return Note(source, text).as_prompt()


READ = AssistantMessage("I look.", (ToolCall("1", "read_file", '{"path": "a.py", "line": 1}'),))
SUBMIT = AssistantMessage("", (ToolCall("2", "submit", '{"x": 1}'),))


def key(
    *messages: Message, agent: str = "code", system: str = "s", opening: str = "fix it"
) -> ConversationKey:
    return key_of(agent, (SystemMessage(system), UserMessage(opening), *messages))


PLAIN = key(READ, ToolMessage("1", "1: x"))


def test_a_key_is_the_opening_the_calls_and_the_notes() -> None:
    notes = UserMessage(f"{note(Source.PROOF, 'red')}\n\n{note(Source.TRIAGE, 'P1')}")
    assert key(READ, ToolMessage("1", "1: x"), notes).pieces == (
        "the opening\nfix it",
        'read_file {"line": 1, "path": "a.py"}\n1: x',
        "a note from proof\nred",
    )


@pytest.mark.parametrize(
    "same",
    [
        key(READ, ToolMessage("1", "1: x"), system="another prompt"),
        key(AssistantMessage("Other words.", READ.calls), ToolMessage("1", "1: x")),
        key(
            AssistantMessage("", (ToolCall("9", "read_file", '{"line":1,"path":"a.py"}'),)),
            ToolMessage("9", "1: x"),
        ),
        key(UserMessage(note(Source.TRIAGE, "P1")), READ, ToolMessage("1", "1: x")),
        key(READ, ToolMessage("1", "1: x"), UserMessage(note(Source.ANTON, "you repeat yourself"))),
    ],
)
def test_prompts_prose_ids_and_hints_are_no_part_of_it(same: ConversationKey) -> None:
    assert same == PLAIN


@pytest.mark.parametrize(
    "other",
    [
        key(READ, ToolMessage("1", "1: x"), opening="another ticket"),
        key(READ, ToolMessage("1", "1: y")),
        key(READ, ToolMessage("1", "1: x"), UserMessage(note(Source.PERSON, "please"))),
        key(READ, ToolMessage("1", "1: x"), UserMessage("words without a note")),
        key(READ, ToolMessage("1", "1: x"), UserMessage(note(Source.TRIAGE, "P1")), agent="pr"),
    ],
)
def test_openings_results_and_other_notes_are_part_of_it(other: ConversationKey) -> None:
    assert other.pieces != PLAIN.pieces


def test_submissions_are_only_counted() -> None:
    once = key(READ, ToolMessage("1", "1: x"), SUBMIT, ToolMessage("2", "not valid"))
    assert once == ConversationKey(PLAIN.pieces, 1)
    assert (
        key(READ, ToolMessage("1", "1: x"), SUBMIT, ToolMessage("2", "other words"), SUBMIT).replies_since
        == 2
    )


def test_a_note_may_hold_what_looks_like_the_end_of_one() -> None:
    text = "see </note> here\n</note>\nand here"
    notes = UserMessage(f"{note(Source.CODE, text)}\n\n{note(Source.CODE, 'second')}")
    assert key(notes).pieces[1:] == (f"a note from code\n{text}", "a note from code\nsecond")


def test_which_source_was_heard_first_makes_no_difference() -> None:
    one = key(UserMessage(note(Source.CODE, "a")), UserMessage(note(Source.TEST, "b")), agent="pr")
    other = key(UserMessage(f"{note(Source.TEST, 'b')}\n\n{note(Source.CODE, 'a')}"), agent="pr")
    assert one == other
