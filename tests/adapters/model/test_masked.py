"""A model is told no secret, and what it calls for holds none."""

from __future__ import annotations

from tests.adapters.model.endpoint import DONE, Answer, chunk, client, hear, serving, sse

from anton.adapters.model.masked import MaskedModel
from anton.adapters.model.scripted import Reply, ScriptedModel
from anton.core.message import SystemMessage, ToolMessage, UserMessage
from anton.core.secrets import Masker
from anton.ports import ModelRequest

MASKER = Masker({"KEY": "configured-value"})


async def test_every_message_is_masked_on_its_way_out() -> None:
    answer = Answer(sse(chunk(content="yes"), chunk("stop")) + DONE)
    told = (
        SystemMessage("you are an agent"),
        UserMessage("the key is configured-value"),
        ToolMessage("1", '{"key": "configured-value"}'),
        UserMessage("go on"),
    )
    async with serving(answer) as endpoint, client(endpoint) as inner:
        model = MaskedModel(inner, MASKER)
        for _ in range(2):
            await hear(model, ModelRequest("code", told, ()))
    for body in endpoint.raw:
        assert b"configured-value" not in body
        assert body.count(b"[masked: KEY]") == 2


async def test_a_call_is_masked_before_it_is_carried_out() -> None:
    inner = ScriptedModel({"code": [Reply(calls=(("write_file", {"content": "configured-value"}),))]})
    heard = await hear(MaskedModel(inner, MASKER), ModelRequest("code", (SystemMessage("you"),), ()))
    assert [call.arguments for call in heard.calls] == ['{"content": "[masked: KEY]"}']
