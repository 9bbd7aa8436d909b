"""The calls of one reply: what starts when, what each brings, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from anton.adapters.hooks.none import NoHooks
from anton.core.errors import OutsideError, ToolError
from anton.core.message import ToolCall
from anton.core.tool import Reach, Tool, ToolResult
from anton.engine.dispatch import MAX_CALLS, RECEIVED, Dispatch
from anton.engine.hooks import AgentHooks
from anton.engine.submit import submit_for
from anton.ports import Hooks
from tests.engine.bench import STARTED, MemoryLog, Output, Probe, echo, probe


@dataclass
class Floor:
    """Tools that write down when they start and end, and what waits for what."""

    happened: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    hooks: Hooks = field(default_factory=NoHooks)

    def tool(
        self,
        name: str,
        reach: Reach = Reach.READ,
        *,
        begins: asyncio.Event | None = None,
        until: asyncio.Event | None = None,
        seconds: float = 60.0,
    ) -> Probe:
        async def does(arguments: str) -> str:
            self.happened.append(f"{name} begins")
            if begins:
                begins.set()
            if until:
                try:
                    await until.wait()
                except asyncio.CancelledError:
                    self.happened.append(f"{name} is cancelled")
                    raise
            self.happened.append(f"{name} ends")
            return f"{name} brought this"

        return probe(name, does, reach, seconds)

    @asynccontextmanager
    async def dispatch(self, *tools: Tool) -> AsyncIterator[Dispatch]:
        async with asyncio.TaskGroup() as group:
            by_name = {tool.spec.name: tool for tool in tools}
            hooks = AgentHooks(self.hooks, MemoryLog(STARTED), "code", "r1")
            yield Dispatch(by_name, group, lambda call: self.announced.append(call.id), hooks)


def calls(*names: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"c{number}", name, "{}") for number, name in enumerate(names, 1))


def said(results: tuple[ToolResult, ...]) -> list[tuple[str, str, bool]]:
    return [(result.call_id, result.text, result.failed) for result in results]


async def test_reads_run_side_by_side_and_are_answered_in_the_order_of_the_calls() -> None:
    floor, first, second = Floor(), asyncio.Event(), asyncio.Event()
    slow = floor.tool("slow", begins=first, until=second)
    quick = floor.tool("quick", begins=second, until=first)
    async with floor.dispatch(slow, quick) as dispatch:
        reply = calls("slow", "quick")
        for call in reply:
            dispatch.offer(call)
        results, submission = await dispatch.finish(reply)
    assert said(results) == [("c1", "slow brought this", False), ("c2", "quick brought this", False)]
    assert submission is None
    assert floor.happened[:2] == ["slow begins", "quick begins"]


@pytest.mark.parametrize("reach", [Reach.WRITE, Reach.RUN])
async def test_the_first_change_and_all_after_it_wait_for_the_whole_reply_and_keep_their_order(
    reach: Reach,
) -> None:
    floor, begun = Floor(), asyncio.Event()
    tools = (floor.tool("look", begins=begun), floor.tool("change", reach), floor.tool("check"))
    async with floor.dispatch(*tools) as dispatch:
        reply = calls("look", "change", "check", "change")
        for call in reply:
            dispatch.offer(call)
        await begun.wait()
        assert floor.announced == ["c1"], "the reply is not whole yet"
        results, _ = await dispatch.finish(reply)
    assert floor.happened == [
        f"{name} {what}" for name in ("look", "change", "check", "change") for what in ("begins", "ends")
    ]
    assert [result.call_id for result in results] == ["c1", "c2", "c3", "c4"]


async def test_a_call_of_an_unknown_tool_holds_up_what_comes_after_it() -> None:
    floor = Floor()
    async with floor.dispatch(floor.tool("look")) as dispatch:
        reply = calls("lok", "look")
        for call in reply:
            dispatch.offer(call)
        results, _ = await dispatch.finish(reply)
    assert said(results) == [
        ("c1", "There is no tool 'lok'. You have: look.", True),
        ("c2", "look brought this", False),
    ]
    assert floor.announced == ["c2"]


async def test_calls_of_a_journaled_reply_run_in_order() -> None:
    floor = Floor()
    async with floor.dispatch(floor.tool("look"), floor.tool("check")) as dispatch:
        results, _ = await dispatch.finish(calls("look", "check"))
    assert floor.happened == ["look begins", "look ends", "check begins", "check ends"]
    assert len(results) == 2


async def test_a_new_turn_cancels_what_still_runs_of_the_last_one() -> None:
    floor, begun = Floor(), asyncio.Event()
    stuck = floor.tool("stuck", begins=begun, until=asyncio.Event())
    async with floor.dispatch(stuck, floor.tool("look")) as dispatch:
        dispatch.offer(calls("stuck")[0])
        await begun.wait()
        dispatch.begin_turn()
        results, _ = await dispatch.finish(calls("look"))
    assert [result.name for result in results] == ["look"]
    assert "stuck is cancelled" in floor.happened


async def test_after_a_cut_reads_start_early_again() -> None:
    floor, begun = Floor(), asyncio.Event()
    async with floor.dispatch(
        floor.tool("look", begins=begun), floor.tool("change", Reach.WRITE)
    ) as dispatch:
        dispatch.offer(calls("change")[0])
        dispatch.begin_turn()
        dispatch.offer(calls("look")[0])
        await begun.wait()
        await dispatch.finish(calls("look"))
    assert floor.happened == ["look begins", "look ends"], "the change of the cut reply never happened"


async def test_a_tool_that_hangs_is_ended_at_its_limit_and_the_others_are_not() -> None:
    floor = Floor()
    hanging = floor.tool("hang", until=asyncio.Event(), seconds=0.01)
    async with floor.dispatch(hanging, floor.tool("look")) as dispatch:
        results, _ = await dispatch.finish(calls("hang", "look"))
    assert said(results) == [
        ("c1", "hang was ended: it had not finished after 0.01 s.", True),
        ("c2", "look brought this", False),
    ]
    assert "hang is cancelled" in floor.happened


@pytest.mark.parametrize("error", [ToolError("No such file."), OutsideError("The disk is full.")])
async def test_a_refused_call_tells_the_model_why(error: Exception) -> None:
    async def refuse(arguments: str) -> str:
        raise error

    async with Floor().dispatch(probe("look", refuse)) as dispatch:
        results, _ = await dispatch.finish(calls("look"))
    assert said(results) == [("c1", str(error), True)]


async def test_a_bug_in_a_tool_is_not_hidden_from_us() -> None:
    async def broken(arguments: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as group:
        async with Floor().dispatch(probe("look", broken)) as dispatch:
            await dispatch.finish(calls("look"))
    assert group.group_contains(ZeroDivisionError)


async def test_more_calls_than_a_reply_may_hold_are_answered_and_not_carried_out() -> None:
    floor = Floor()
    reply = calls(*["look"] * (MAX_CALLS + 2))
    async with floor.dispatch(floor.tool("look")) as dispatch:
        for call in reply:
            dispatch.offer(call)
        results, _ = await dispatch.finish(reply)
    assert [result.call_id for result in results] == [call.id for call in reply]
    assert floor.happened.count("look ends") == MAX_CALLS
    assert [result.text for result in results if result.failed] == [
        "Not carried out: a reply may hold 32 calls, this one held 34."
    ] * 2


async def test_calls_of_one_id_are_each_carried_out_and_answered() -> None:
    twice = (ToolCall("same", "look", '{"n": 1}'), ToolCall("same", "look", '{"n": 2}'))
    async with Floor().dispatch(probe("look", echo)) as dispatch:
        for call in twice:
            dispatch.offer(call)
        results, _ = await dispatch.finish(twice)
    assert said(results) == [("same", 'got {"n": 1}', False), ("same", 'got {"n": 2}', False)]


async def test_a_submission_is_handed_in_and_the_model_hears_no_more_than_that() -> None:
    floor = Floor()
    handed_in = ToolCall("c2", "submit", '{"answer": 1}')
    async with floor.dispatch(floor.tool("look"), submit_for(Output)) as dispatch:
        results, submission = await dispatch.finish((*calls("look"), handed_in))
    assert submission == '{"answer":1}'
    assert said(results)[1] == ("c2", RECEIVED, False)


async def test_a_submission_that_does_not_fit_is_none() -> None:
    async with Floor().dispatch(submit_for(Output)) as dispatch:
        results, submission = await dispatch.finish((ToolCall("c1", "submit", "{}"),))
    assert submission is None
    assert results[0].failed


async def test_of_several_submissions_the_last_that_fits_counts() -> None:
    texts = ('{"answer": 1}', '{"answer": 2}', "{}")
    reply = tuple(ToolCall(f"c{n}", "submit", text) for n, text in enumerate(texts))
    async with Floor().dispatch(submit_for(Output)) as dispatch:
        _, submission = await dispatch.finish(reply)
    assert submission == '{"answer":2}'


async def test_a_submission_does_not_overtake_the_work_before_it() -> None:
    floor = Floor()
    reply = (*calls("change"), ToolCall("c2", "submit", '{"answer": 1}'))
    async with floor.dispatch(floor.tool("change", Reach.WRITE), submit_for(Output)) as dispatch:
        for call in reply:
            dispatch.offer(call)
        await dispatch.finish(reply)
    assert floor.announced == ["c1", "c2"]


async def test_text_that_no_journal_could_hold_is_made_sayable() -> None:
    async def odd(arguments: str) -> str:
        return "name \udcff"

    async with Floor().dispatch(probe("look", odd)) as dispatch:
        results, _ = await dispatch.finish(calls("look"))
    assert results[0].text == "name ?"
