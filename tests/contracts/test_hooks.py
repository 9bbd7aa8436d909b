"""What every Hooks has to do, whichever side it is."""

from __future__ import annotations

import os
import sys

import pytest

from anton.adapters.hooks.masked import MaskedHooks
from anton.adapters.hooks.none import NoHooks
from anton.adapters.hooks.programs import Program, ProgramHooks
from anton.core.event import AgentEnded, AgentOutcome, HookMoment
from anton.core.hook import HookEvent
from anton.core.message import ToolCall
from anton.core.secrets import Masker
from anton.core.tool import ToolResult
from anton.ports import HookAnswer, Hooks

CALL = ToolCall("c1", "edit_file", '{"path": "a.py"}')
EVENTS = (
    HookEvent(HookMoment.BEFORE_AGENT, "r1", "code", "m", 0),
    HookEvent(HookMoment.BEFORE_TOOL, "r1", "code", "m", 1, CALL),
    HookEvent(HookMoment.AFTER_TOOL, "r1", "code", "m", 1, CALL, ToolResult("c1", "edit_file", "Done.")),
    HookEvent(HookMoment.ON_ERROR, "r1", "code", "m", 2, ended=AgentEnded("code", AgentOutcome.IDLE, None)),
    HookEvent(
        HookMoment.AFTER_AGENT, "r1", "code", "m", 2, ended=AgentEnded("code", AgentOutcome.IDLE, None)
    ),
)
LISTENERS = [
    Program(moment, (sys.executable, "-ISc", "import sys; sys.stdin.read()"), 60.0) for moment in HookMoment
]


SIDES: tuple[Hooks, ...] = (NoHooks(), ProgramHooks((), {}), ProgramHooks(LISTENERS, dict(os.environ)))


@pytest.fixture(params=[*SIDES, MaskedHooks(SIDES[-1], Masker())])
def hooks(request: pytest.FixtureRequest) -> Hooks:
    found: Hooks = request.param
    return found


async def test_where_nobody_objects_everything_goes_on(hooks: Hooks) -> None:
    assert {event.moment for event in EVENTS} == set(HookMoment)
    assert [await hooks.tell(event) for event in EVENTS] == [HookAnswer()] * len(EVENTS)


async def test_hooks_say_what_they_are(hooks: Hooks) -> None:
    assert hooks.description
