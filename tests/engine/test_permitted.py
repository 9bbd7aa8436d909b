"""What a policy lets an agent do, through its tools."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from anton.adapters.model.scripted import Reply
from anton.core.errors import ToolError
from anton.core.event import TurnEnded
from anton.core.permission import Policy
from anton.core.tool import Reach
from anton.engine.loop import work
from anton.engine.permitted import permitted
from tests.engine.bench import STARTED, MemoryLog, agent, echo, probe
from tests.engine.test_loop import DONE, scripted

ALL = {
    "look": Reach.READ,
    "edit": Reach.WRITE,
    "run": Reach.RUN,
    "fetch": Reach.NETWORK,
    "hand_in": Reach.SUBMIT,
}


async def let_through(policy: Policy, *, sandboxed: bool) -> set[str]:
    tools = permitted(
        {name: probe(name, echo, reach) for name, reach in ALL.items()}, policy, sandboxed=sandboxed
    )
    through = set()
    for name, tool in tools.items():
        with contextlib.suppress(ToolError):
            await tool.call("{}")
            through.add(name)
    return through


@pytest.mark.parametrize(
    ("policy", "through"),
    [
        (Policy.YOLO, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.AUTO, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.ON_FAILURE, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.AUTO_EDIT, {"look", "edit", "run", "hand_in"}),
        (Policy.ON_REQUEST, {"look", "hand_in"}),
        (Policy.NEVER, {"look", "hand_in"}),
    ],
)
async def test_a_policy_lets_through_what_its_row_says_where_nobody_is_asked(
    policy: Policy, through: set[str]
) -> None:
    assert await let_through(policy, sandboxed=True) == through


async def test_without_a_sandbox_nothing_runs_but_under_yolo() -> None:
    assert await let_through(Policy.AUTO, sandboxed=False) == {"look", "edit", "hand_in"}
    assert await let_through(Policy.YOLO, sandboxed=False) == set(ALL)


async def test_a_refused_call_is_answered_to_the_model_and_the_agent_goes_on() -> None:
    log = MemoryLog(STARTED)
    tool = probe("edit", echo, Reach.WRITE)
    made = agent(scripted(Reply(calls=(("edit", {}),)), DONE), tool, log=log)
    held = permitted(made.tools, Policy.ON_REQUEST, sandboxed=True)
    await work(replace(made, tools=held))
    [first] = [e for e in log.events if isinstance(e, TurnEnded)][:1]
    assert first.results[0].failed
    assert first.results[0].text == (
        "edit was not carried out: it changes files of the worktree, about which the policy on_request asks; "
        "nobody is there to answer."
    )
    assert log.state.output == '{"answer":42}'
