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


# The folder that a command line starts in


def at(folder: str, text: str) -> Judgement:
    return judge(SHELL, json.dumps({"command": text}), folder)


@pytest.mark.parametrize(
    ("folder", "text", "danger"),
    [
        ("src/app", "cat ../../README.md", Danger.SAFE),
        ("src", "cat ../README.md", Danger.SAFE),
        ("src", "cat ../../README.md", Danger.UNKNOWN),
        ("", "cat ../README.md", Danger.UNKNOWN),
        ("src/app", "cd .. && cat ../a", Danger.UNKNOWN),
        ("src/app", "cat ../../../etc/passwd", Danger.UNKNOWN),
        (".git/hooks", "tee post-commit < a", Danger.DANGEROUS),
        ("home/.ssh", "cat config", Danger.DANGEROUS),
    ],
)
def test_a_command_line_is_judged_from_the_folder_that_it_starts_in(
    folder: str, text: str, danger: Danger
) -> None:
    assert at(folder, text).danger is danger


segments = st.sampled_from(["..", ".", "a", "b"])


@given(
    st.lists(st.sampled_from("abc"), max_size=4),
    st.lists(segments, min_size=1, max_size=8),
    st.sampled_from(["cat", "ls", "head -n 3", "grep -n x"]),
)
def test_no_path_that_leads_out_of_the_worktree_is_safe_from_any_folder(
    folder: list[str], path: list[str], program: str
) -> None:
    depth = len(folder)
    lowest = min(
        depth + sum((part == "a" or part == "b") - (part == "..") for part in path[: end + 1])
        for end in range(len(path))
    )
    found = at("/".join(folder), f"{program} {'/'.join(path)}")
    assert found.danger is (Danger.SAFE if lowest >= 0 else Danger.UNKNOWN)


@given(st.text(max_size=40), st.sampled_from(["", "a", "a/b/c"]))
def test_nothing_that_is_dangerous_is_less_so_deeper_in_the_worktree(text: str, folder: str) -> None:
    if command(text).danger is Danger.DANGEROUS:
        assert at(folder, text).danger is Danger.DANGEROUS
