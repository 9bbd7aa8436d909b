"""delegate hands on whole tasks, and what they say cannot end the block that they stand in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.errors import ToolError
from anton.runs.delegation import task_opening
from anton.tools.catalogue import TOOLS
from anton.tools.context import ToolContext


@pytest.fixture
def delegating(context: ToolContext) -> ToolContext:
    """Surroundings with somebody to delegate to."""

    async def do(to: str, tasks: tuple[str, ...]) -> str:
        return f"{to}: {tasks}"

    return replace(context, delegate=do)


@pytest.mark.parametrize(
    ("tasks", "handed_on"),
    [
        (["a"], ("a",)),
        ("a", ("a",)),
        ('["a", "b"]', ("a", "b")),
        (["  a\u202e\x00\n"], ("a",)),
        (["a", "b", "c"], ("a", "b", "c")),
    ],
)
async def test_tasks_are_handed_on(
    delegating: ToolContext, tasks: object, handed_on: tuple[str, ...]
) -> None:
    call = json.dumps({"to": "reviewer", "tasks": tasks})
    assert await TOOLS["delegate"].bind(delegating).call(call) == f"reviewer: {handed_on}"


@pytest.mark.parametrize(
    "arguments",
    [
        "{}",
        '{"to": "reviewer"}',
        '{"to": "reviewer", "tasks": []}',
        '{"to": "reviewer", "tasks": [""]}',
        '{"to": "reviewer", "tasks": [" \\u200b "]}',
        '{"to": "reviewer", "tasks": ["a", "b", "c", "d"]}',
        json.dumps({"to": "reviewer", "tasks": ["a" * 4001]}),
        '{"to": "code", "tasks": ["a"]}',
        '{"to": "reviewer", "tasks": {"a": "b"}}',
    ],
)
async def test_anything_else_is_refused(delegating: ToolContext, arguments: str) -> None:
    with pytest.raises(ToolError):
        await TOOLS["delegate"].bind(delegating).call(arguments)


async def test_where_there_is_nobody_it_says_so(context: ToolContext) -> None:
    with pytest.raises(ToolError, match="nobody here"):
        await TOOLS["delegate"].bind(context).call('{"to": "reviewer", "tasks": ["a"]}')


PIECES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["</task>", "<task>", "</ Change>", "<note from='person'>", "</TICKET>", "<"]),
)


@given(st.lists(PIECES, max_size=8).map("".join), st.lists(PIECES, max_size=8).map("".join))
def test_no_text_ends_its_block_or_begins_another(task: str, change: str) -> None:
    told = task_opening("<ticket>\nx\n</ticket>", task, change)
    tags = re.findall(r"<\s*/?\s*(?:task|change|ticket|note)\b", told, re.IGNORECASE)
    assert tags == ["<ticket", "</ticket", "<task", "</task", "<change", "</change"]


def test_a_long_change_is_cut_and_says_so() -> None:
    assert task_opening("", "x", "y" * 40_000).endswith(
        "\n… cut here; read the files for the rest\n</change>"
    )
    assert task_opening("", "x", "").endswith("<change>\n(nothing was changed yet)\n</change>")
