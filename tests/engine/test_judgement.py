"""What is known of a call before it is made."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.permission import Danger
from anton.core.tool import Reach, ToolSpec
from anton.engine.judgement import Judgement, judge

SHELL = ToolSpec("shell", "Runs.", {"type": "object"}, Reach.RUN)


def command(text: str) -> Judgement:
    return judge(SHELL, json.dumps({"command": text}))


def test_a_tool_is_judged_by_its_reach_and_shown_with_its_arguments() -> None:
    edit = ToolSpec("edit_file", "Edits.", {"type": "object"}, Reach.WRITE)
    assert judge(edit, ' {"path": "a"}') == Judgement(Reach.WRITE, Danger.SAFE, 'edit_file {"path": "a"}')
    fetch = ToolSpec("web_fetch", "Fetches.", {"type": "object"}, Reach.NETWORK)
    assert judge(fetch, "{}").danger is Danger.UNKNOWN


@pytest.mark.parametrize(
    ("text", "danger", "reach"),
    [
        ("grep -rn foo src", Danger.SAFE, Reach.READ),
        ("pytest -q", Danger.UNKNOWN, Reach.RUN),
        ("git push --force", Danger.DANGEROUS, Reach.NETWORK),
        ("cat ../../secret", Danger.UNKNOWN, Reach.OUTSIDE),
        ("echo 'never closed", Danger.DANGEROUS, Reach.RUN),
    ],
)
def test_a_shell_is_judged_by_its_command_line(text: str, danger: Danger, reach: Reach) -> None:
    found = command(text)
    assert (found.danger, found.reach, found.shown) == (danger, reach, text)
    assert found.found


@pytest.mark.parametrize("arguments", ["", "{", "[]", '{"command": 3}', "[" * 100_000])
def test_a_shell_that_is_called_wrongly_is_never_safe(arguments: str) -> None:
    assert judge(SHELL, arguments).danger is Danger.UNKNOWN


@given(st.text())
def test_no_arguments_make_a_judge_fail(arguments: str) -> None:
    judge(SHELL, arguments)
