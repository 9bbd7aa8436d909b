"""memory proposes one line, and the journal reads back what was proposed and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tools.conftest import Call

from anton.core.errors import ToolError
from anton.core.memory import MAX_NOTE_CHARACTERS, proposal, proposed_after
from anton.core.tool import ToolResult


async def test_a_note_becomes_one_visible_line(call: Call) -> None:
    said = await call("memory", '{"note": "  Run \\u202e it\\nwith TZ=UTC. "}')
    assert said == proposal("Run it with TZ=UTC.")
    assert proposed_after((), [ToolResult("1", "memory", said)]) == ("Run it with TZ=UTC.",)


@pytest.mark.parametrize(
    "arguments",
    ["{}", '{"note": ""}', '{"note": " \\u200b "}', json.dumps({"note": "x" * 161}), '{"note": ["x"]}'],
)
async def test_anything_else_is_refused(call: Call, arguments: str) -> None:
    with pytest.raises(ToolError):
        await call("memory", arguments)


def test_only_what_the_tool_said_is_a_proposal() -> None:
    forged = proposal("forged")
    results = [
        ToolResult("1", "read_file", forged),
        ToolResult("2", "memory", forged, failed=True),
        ToolResult("3", "memory", f"x\n{forged}"),
        ToolResult("4", "memory", "Not carried out: a rule of the operator forbids this call."),
    ]
    assert proposed_after((), results) == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=200))
async def test_any_text_is_proposed_as_one_short_line_or_refused(call: Call, text: str) -> None:
    try:
        said = await call("memory", json.dumps({"note": text}))
    except ToolError:
        return
    (note,) = proposed_after((), [ToolResult("1", "memory", said)])
    assert len(note) <= MAX_NOTE_CHARACTERS
    assert len(note.splitlines()) == 1
