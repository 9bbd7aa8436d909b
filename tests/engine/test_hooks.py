"""An agent whose moments somebody is told of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from anton.adapters.model.scripted import Refuse, Reply, ScriptedModel
from anton.core.event import AgentOutcome, HookFailed, HookMoment
from anton.core.hook import HookEvent
from anton.core.message import CallReady, ReplyEnded, StreamItem, TextDelta, ToolCall, ToolMessage, Usage
from anton.core.tool import Reach
from anton.engine.loop import work
from anton.ports import HookAnswer, HookFailure, ModelRequest
from tests.engine.bench import STARTED, MemoryLog, Streams, agent, echo, probe

LOOK = Reply(calls=(("look", {"n": 1}),))
CHANGE = Reply(calls=(("change", {"n": 2}),))
DONE = Reply(calls=(("submit", {"answer": 42}),))
TOOLS = (probe("look", echo), probe("change", echo, Reach.WRITE))


def go_on(_: HookEvent) -> HookAnswer:
    return HookAnswer()


@dataclass
class Listener:
    """Hooks that write down what they were told and answer as the test says."""

    answers: Callable[[HookEvent], HookAnswer] = go_on
    told: list[HookEvent] = field(default_factory=list)
    description: str = "a listener"

    async def tell(self, event: HookEvent) -> HookAnswer:
        self.told.append(event)
        return self.answers(event)

    @property
    def story(self) -> list[str]:
        return [f"{e.moment} {e.call.name}" if e.call else str(e.moment) for e in self.told]


def scripted(*steps: Reply | Refuse) -> ScriptedModel:
    return ScriptedModel({"code": steps})


async def test_hooks_hear_of_an_agent_and_of_each_of_its_calls() -> None:
    listener, log = Listener(), MemoryLog(STARTED)
    await work(agent(scripted(LOOK, DONE), *TOOLS, log=log, hooks=listener))
    assert listener.story == [
        "before_agent",
        *("before_tool look", "after_tool look"),
        *("before_tool submit", "after_tool submit"),
        "after_agent",
    ]
    assert {(event.run, event.agent, event.model) for event in listener.told} == {("r1", "code", "m")}
    assert [event.turn for event in listener.told] == [0, 1, 1, 2, 2, 2]
    after = listener.told[2]
    assert after.result is not None
    assert (after.result.text, after.result.failed) == ('got {"n": 1}', False)
    assert listener.told[-1].ended == log.state.ended


@pytest.mark.parametrize("reply", [LOOK, CHANGE])
async def test_a_veto_is_the_calls_result_and_the_call_is_not_carried_out(reply: Reply) -> None:
    def refuses(event: HookEvent) -> HookAnswer:
        mine = event.moment is HookMoment.BEFORE_TOOL and event.call is not None
        return HookAnswer("Ask Jo." if mine and event.call and event.call.name != "submit" else None)

    listener, log = Listener(refuses), MemoryLog(STARTED)
    await work(agent(scripted(reply, DONE), *TOOLS, log=log, hooks=listener))
    (name,) = {name for name, _ in reply.calls}
    assert f"after_tool {name}" not in listener.story
    assert [event.kind for event in log.events].count("tool_started") == 1, "only submit was"
    heard = [message.text for message in log.state.messages if isinstance(message, ToolMessage)]
    assert heard[0] == "Not carried out: a rule of the operator forbids this call. Ask Jo."
    assert log.state.output == '{"answer":42}'


async def test_even_a_submission_can_be_forbidden() -> None:
    first = iter([HookAnswer("Not yet.")])
    listener, log = (
        Listener(lambda e: next(first, HookAnswer()) if e.call else HookAnswer()),
        MemoryLog(STARTED),
    )
    await work(agent(scripted(DONE, DONE), log=log, hooks=listener))
    assert (log.state.turn, log.state.output) == (2, '{"answer":42}')


async def test_an_agent_without_a_result_is_an_error() -> None:
    listener, log = Listener(), MemoryLog(STARTED)
    await work(agent(scripted(Refuse("the key is not accepted")), log=log, hooks=listener))
    assert listener.story == ["before_agent", "on_error", "after_agent"]
    error = listener.told[1].ended
    assert error is not None
    assert (error.outcome, error.detail) == (AgentOutcome.FAILED, "the key is not accepted")


async def test_a_failure_that_a_note_follows_is_told_of_as_well() -> None:
    listener, log = Listener(), MemoryLog(STARTED)

    async def breaks_off(_: ModelRequest) -> AsyncIterator[StreamItem]:
        log.note()
        yield TextDelta("I")

    async def submits(_: ModelRequest) -> AsyncIterator[StreamItem]:
        yield CallReady(ToolCall("c1", "submit", '{"answer": 42}'))
        yield ReplyEnded(Usage(), "tool_calls", "m")

    await work(agent(Streams([breaks_off, submits]), log=log, hooks=listener))
    assert listener.story == [
        *("before_agent", "on_error", "after_agent"),
        *("before_agent", "before_tool submit", "after_tool submit", "after_agent"),
    ]


async def test_an_agent_that_is_woken_is_told_of_again_and_one_that_rests_is_not() -> None:
    listener, log = Listener(), MemoryLog(STARTED)
    working = agent(scripted(DONE, DONE), log=log, hooks=listener)
    await work(working)
    await work(working)
    assert listener.story.count("before_agent") == 1
    log.note()
    await work(working)
    assert (listener.story.count("before_agent"), listener.story.count("after_agent")) == (2, 2)


async def test_a_hook_that_fails_is_journaled_and_stops_nothing() -> None:
    def fails(event: HookEvent) -> HookAnswer:
        return HookAnswer(None, (HookFailure("notify", "it ended with code 1"),))

    log = MemoryLog(STARTED)
    await work(agent(scripted(LOOK, DONE), *TOOLS, log=log, hooks=Listener(fails)))
    assert log.state.output == '{"answer":42}'
    failed = [event for event in log.events if isinstance(event, HookFailed)]
    assert [event.moment for event in failed] == [
        HookMoment.BEFORE_AGENT,
        *(HookMoment.BEFORE_TOOL, HookMoment.AFTER_TOOL) * 2,
        HookMoment.AFTER_AGENT,
    ]
    assert failed[0] == HookFailed("code", HookMoment.BEFORE_AGENT, "notify", "it ended with code 1")
