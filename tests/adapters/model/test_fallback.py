"""Models that stand in for one another: who is asked, who answers, and what nobody hears twice."""

from __future__ import annotations

import pytest

from anton.adapters.model.fallback import FallbackModel
from anton.adapters.model.prices import Price
from anton.adapters.model.scripted import Cut, Refuse, Reply, ScriptedModel, Step
from anton.core.errors import ContextExceeded, ModelError, RecordingDeparted
from anton.core.message import ReplyEnded, StreamItem, StreamRestarted, TextDelta, Usage, UserMessage
from anton.ports import ModelRequest

from .endpoint import DONE, Answer, chunk, client, hear, serving, sse

REQUEST = ModelRequest("code", (UserMessage("It breaks."),), ())
GONE = Refuse("no such model.")


def scripted(name: str, *steps: Step) -> ScriptedModel:
    return ScriptedModel({"code": steps}, name=name)


class Hours:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def items_of(model: FallbackModel, request: ModelRequest = REQUEST) -> list[StreamItem]:
    return [item async for item in model.stream(request)]


def answer_of(items: list[StreamItem]) -> tuple[str, str]:
    """Who answered, in whose place."""
    end = items[-1]
    assert isinstance(end, ReplyEnded)
    return end.model, end.instead_of


async def test_as_long_as_the_first_answers_nobody_else_is_asked() -> None:
    first, second = scripted("a", Cut(), Reply("Fine.")), scripted("b")
    model = FallbackModel(first, [second])
    assert await items_of(model) == [
        StreamRestarted("the stream was cut", 1, 0.0),
        TextDelta("Fine."),
        ReplyEnded(Usage(), "stop", "a"),
    ]
    assert (second.requests, model.name) == ([], "a")


async def test_the_next_is_asked_from_the_start_and_what_was_heard_before_is_void() -> None:
    first = scripted("a", Cut(), Refuse("the key is not accepted there.", after=(TextDelta("I thi"),)))
    model = FallbackModel(first, [scripted("b", GONE), scripted("c", Cut(), Reply("I think."))])
    assert await items_of(model) == [
        StreamRestarted("the stream was cut", 1, 0.0),
        TextDelta("I thi"),
        StreamRestarted("the key is not accepted there; model 'b' is asked instead", 2, 0.0),
        StreamRestarted("no such model; model 'c' is asked instead", 3, 0.0),
        StreamRestarted("the stream was cut", 4, 0.0),
        TextDelta("I think."),
        ReplyEnded(Usage(), "stop", "c", "a"),
    ]


async def test_a_model_that_failed_is_passed_over_for_a_while_and_then_tried_again() -> None:
    first, now = scripted("a", GONE, Reply("Back.")), Hours()
    second = scripted("b", Reply("Here."))
    model = FallbackModel(first, [second], rest_seconds=300, now=now)
    assert [answer_of(await items_of(model)) for _ in range(3)] == [("b", "a")] * 3
    assert len(first.requests) == 1
    now.now = 299.0
    assert answer_of(await items_of(model)) == ("b", "a")
    now.now = 300.0
    assert answer_of(await items_of(model)) == ("a", "")
    assert answer_of(await items_of(model)) == ("a", "")


async def test_where_every_model_failed_lately_they_are_all_asked_again() -> None:
    model = FallbackModel(scripted("a", GONE, Reply("Back.")), [scripted("b", Refuse("no credit."))])
    with pytest.raises(ModelError, match=r"^no such model; in its place: no credit$"):
        await items_of(model)
    assert answer_of(await items_of(model)) == ("a", "")


async def test_a_request_for_another_model_concerns_the_first_endpoint_alone() -> None:
    def gone_if_named(request: ModelRequest) -> Reply:
        if request.model:
            raise ModelError("no such model")
        return Reply("Here.")

    first, second = scripted("a", gone_if_named), scripted("b", Reply("Here."))
    model = FallbackModel(first, [second])
    named = ModelRequest("code", REQUEST.messages, (), model="big")
    assert answer_of(await items_of(model, named)) == ("b", "big")
    assert second.requests[-1].model is None
    assert answer_of(await items_of(model)) == ("a", ""), "that 'big' failed says nothing of 'a'"
    assert answer_of(await items_of(model, named)) == ("b", "big")


@pytest.mark.parametrize("error", [ContextExceeded("too long"), RecordingDeparted("another ticket")])
async def test_what_is_no_failing_of_an_endpoint_is_not_for_another_model(error: ModelError) -> None:
    def refuses(_: ModelRequest) -> Reply:
        raise error

    second = scripted("b", Reply())
    model = FallbackModel(scripted("a", refuses), [second])
    for _ in range(2):
        with pytest.raises(type(error)):
            await items_of(model)
    assert second.requests == []


async def test_a_real_endpoint_that_refuses_for_good_is_replaced_by_another_one() -> None:
    refused = Answer(b'{"error":{"message":"no such model"}}', 404, {"Content-Type": "application/json"})
    whole = Answer(sse(chunk(content="Here."), chunk("stop")) + DONE)
    prices = {"some-model-2026": Price(1.0, 1.0, 1.0)}
    async with (
        serving(refused) as one,
        serving(whole) as other,
        client(one) as first,
        client(other, prices=prices) as second,
    ):
        model = FallbackModel(first, [second])
        reply = await hear(model, REQUEST)
        assert (reply.text, reply.end.instead_of, len(one.bodies)) == ("Here.", "some-model", 1)
        assert model.cost_dollars(reply.end.model, Usage(1_000_000)) == 1.0
        assert model.cost_dollars("unknown", Usage(1)) is None
        await model.close()
