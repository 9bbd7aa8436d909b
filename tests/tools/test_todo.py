"""The list that an agent keeps in its conversation."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from tests.tools.conftest import Call

from anton.core.errors import ToolError


async def listed(call: Call, *items: str) -> str:
    return await call("todo", json.dumps({"items": items}))


async def test_the_list_is_shown_back_with_what_is_left(call: Call) -> None:
    told = await listed(
        call, "[x] Read  the ticket", "- [>] Find the cause", "[X] Run tests", "Fix it\nthen\x1b go"
    )
    assert told == snapshot("""\
1. [x] Read the ticket
2. [>] Find the cause
3. [x] Run tests
4. [ ] Fix it then\\x1b go
1 to do, 1 under way, 2 done\
""")


@pytest.mark.parametrize("items", [[], ["[?] What"], [""], ["[x]"], ["a"] * 31, ["a" * 301]])
async def test_what_is_no_list_is_refused(call: Call, items: list[str]) -> None:
    with pytest.raises(ToolError):
        await listed(call, *items)


@given(items=st.lists(st.text(max_size=20), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_steps_are_listed_or_refused(call: Call, items: list[str]) -> None:
    try:
        assert len((await listed(call, *items)).split("\n")) == len(items) + 1
    except ToolError:
        assert not all(item.strip() and "[" not in item for item in items) or not items
