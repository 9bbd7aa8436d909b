"""The bytes that messages are sent as."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.message import (
    AssistantMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (SystemMessage("Be good."), '{"role":"system","content":"Be good."}'),
        (UserMessage("Grüße\n"), '{"role":"user","content":"Grüße\\n"}'),
        (AssistantMessage("Done."), '{"role":"assistant","content":"Done."}'),
        (AssistantMessage(""), '{"role":"assistant","content":""}'),
        (
            AssistantMessage("", (ToolCall("c1", "grep", '{ "a":1 }'),)),
            '{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",'
            '"function":{"name":"grep","arguments":"{ \\"a\\":1 }"}}]}',
        ),
        (ToolMessage("c1", "found"), '{"role":"tool","tool_call_id":"c1","content":"found"}'),
    ],
)
def test_a_message_is_sent_as_these_bytes(message: UserMessage, wire: str) -> None:
    assert message.wire == wire.encode()


@pytest.mark.parametrize(
    "arguments",
    ['{"a": ', "", "no JSON", "[1]", '"text"', "null", "[" * 100_000, '{"a":1}{"b":2}', "\ud800"],
)
def test_arguments_that_are_no_object_go_back_as_an_empty_one(arguments: str) -> None:
    message = AssistantMessage("", (ToolCall("c1", "grep", arguments),))
    [call] = json.loads(message.wire)["tool_calls"]
    assert call["function"]["arguments"] == "{}"
    assert message.calls[0].arguments == arguments, "what the model wrote is kept"


@given(st.text(st.characters(codec=None)))
def test_any_text_is_sent_as_valid_utf_8_json(text: str) -> None:
    for message in (SystemMessage(text), UserMessage(text), ToolMessage(text, text), AssistantMessage(text)):
        json.loads(message.wire.decode("utf-8"))


def test_usage_adds_up() -> None:
    assert Usage(1, 2, 3) + Usage(10, 20, 30) == Usage(11, 22, 33)
