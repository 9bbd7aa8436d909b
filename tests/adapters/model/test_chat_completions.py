from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.prices import Price
from anton.core.errors import ModelError
from anton.core.message import (
    AssistantMessage,
    ReplyEnded,
    StreamRestarted,
    SystemMessage,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from anton.core.tool import Reach, ToolSpec
from anton.ports import ModelRequest

from .endpoint import DONE, Answer, Endpoint, Waits, call, chunk, client, hear, heard, serving, sse, usage

CALL = ToolCall("call_1", "read_file", '{"path": "é.py"}')
REQUEST = ModelRequest(
    agent="code",
    messages=(
        SystemMessage("You repair."),
        UserMessage("It breaks: é 🙂"),
        AssistantMessage("", (CALL,)),
        ToolMessage("call_1", "1: x"),
    ),
    tools=(ToolSpec("read_file", "Read.", {"type": "object", "properties": {}}, Reach.READ),),
)
WHOLE = (
    sse(
        chunk(role="assistant", content=""),
        chunk(content="Let me "),
        chunk(content="look: é🙂"),
        chunk(tool_calls=[call(0, "a", "read_file", "")]),
        chunk(tool_calls=[call(0, arguments='{"path": ')]),
        chunk(tool_calls=[call(0, arguments='"a.py"}')]),
        chunk(tool_calls=[call(1, "b", "grep", '{"pattern": "x"}')]),
        chunk("tool_calls"),
        usage(70, 30, 20),
    )
    + DONE
)
TEXT = "Let me look: é🙂"
CALLS = (ToolCall("a", "read_file", '{"path": "a.py"}'), ToolCall("b", "grep", '{"pattern": "x"}'))
END = ReplyEnded(Usage(70, 30, 20), "tool_calls", "some-model-2026")
JSON = {"Content-Type": "application/json"}


def refusal(status: int, message: str = "no", **headers: str) -> Answer:
    return Answer(json.dumps({"error": {"message": message}}).encode(), status, JSON | headers)


async def error_of(*answers: Answer, **options: Any) -> tuple[str, Endpoint]:
    async with serving(*answers) as endpoint, client(endpoint, **options) as model:
        with pytest.raises(ModelError) as caught:
            await hear(model, REQUEST)
    assert "sk-secret" not in str(caught.value)
    return str(caught.value).replace(endpoint.base_url, "URL"), endpoint


async def test_a_reply_is_streamed_with_its_calls_and_usage() -> None:
    async with serving(Answer(WHOLE)) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.calls, reply.end, reply.restarts) == (TEXT, CALLS, END, ())
    assert endpoint.headers[0]["Authorization"] == "Bearer sk-secret"
    assert endpoint.bodies[0] == snapshot(
        {
            "model": "some-model",
            "messages": [
                {"role": "system", "content": "You repair."},
                {"role": "user", "content": "It breaks: é 🙂"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "read_file", "arguments": '{"path": "é.py"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "1: x"},
            ],
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "read_file",
                        "description": "Read.",
                        "parameters": {"type": "object", "properties": {}},
                    },
                }
            ],
            "stream_options": {"include_usage": True},
            "stream": True,
        }
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(WHOLE.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(WHOLE.replace(b"data: ", b": keep-alive\n\ndata: "), id="comments"),
        pytest.param(WHOLE.replace(b"data: ", b"data:"), id="no space"),
        pytest.param(WHOLE.replace(b'{"id"', b'{\ndata: "id"'), id="several data lines"),
        pytest.param(WHOLE.removesuffix(DONE), id="no [DONE]"),
        pytest.param(WHOLE.removesuffix(b"\n\n"), id="no last line end"),
        pytest.param(b"data: null\n\ndata: 7\n\n" + WHOLE, id="values that are no chunks"),
    ],
)
async def test_every_way_to_write_the_stream_is_understood(body: bytes) -> None:
    async with serving(Answer(body)) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.calls, reply.end, reply.restarts) == (TEXT, CALLS, END, ())


async def test_half_an_emoji_is_replaced_and_not_passed_on() -> None:
    body = b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n' + DONE
    async with serving(Answer(body)) as endpoint, client(endpoint) as model:
        assert (await hear(model, REQUEST)).text == "a\ufffd"


async def test_a_reply_with_done_but_no_reason_is_whole() -> None:
    async with serving(Answer(sse(chunk(content="hi")) + DONE)) as endpoint, client(endpoint) as model:
        assert (await hear(model, REQUEST)).end == ReplyEnded(Usage(), "stop", "some-model-2026")


async def test_an_endpoint_that_cannot_stream_is_understood() -> None:
    message = {
        "role": "assistant",
        "content": "hi",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "grep", "arguments": '{"pattern": "x"}'}},
            {"id": "b", "type": "function", "function": {"name": "list_dir", "arguments": ""}},
        ],
    }
    value: dict[str, object] = {
        "model": "m",
        "choices": [{"message": message, "finish_reason": "tool_calls"}],
    }
    value |= {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    answer = Answer(json.dumps(value).encode(), headers=JSON)
    async with serving(answer) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
    calls = (ToolCall("a", "grep", '{"pattern": "x"}'), ToolCall("b", "list_dir", "{}"))
    assert (reply.text, reply.calls, reply.end) == (
        "hi",
        calls,
        ReplyEnded(Usage(5, 0, 2), "tool_calls", "m"),
    )


@pytest.mark.parametrize("end", ["whole", "reset"])
@pytest.mark.parametrize("position", range(0, WHOLE.index(b'"finish_reason": "tool_calls"'), 41))
async def test_a_stream_cut_anywhere_is_asked_for_again_and_nothing_is_doubled(
    position: int, end: Any
) -> None:
    cut = Answer(WHOLE[:position], end=end)
    async with serving(cut, Answer(WHOLE)) as endpoint, client(endpoint) as model:
        items = [item async for item in model.stream(REQUEST)]
    reply = heard(items)
    assert (reply.text, reply.calls, reply.end) == (TEXT, CALLS, END)
    assert [restart.attempt for restart in reply.restarts] == [1]
    assert not any(isinstance(item, ReplyEnded) for item in items[:-1])
    assert endpoint.bodies[0] == endpoint.bodies[1]


@pytest.mark.parametrize("end", ["whole", "reset", "silence"])
@pytest.mark.parametrize("behind", [0, 40, 200])
async def test_a_cut_after_the_last_word_costs_only_the_token_counts(behind: int, end: Any) -> None:
    body = WHOLE[: WHOLE.index(b"data: ", WHOLE.index(b'"finish_reason": "tool_calls"')) + behind]
    async with serving(Answer(body, end=end)) as endpoint, client(endpoint, idle_seconds=0.05) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.calls, reply.end.usage, reply.restarts) == (TEXT, CALLS, Usage(), ())


async def test_a_silent_stream_is_asked_for_again() -> None:
    silent = Answer(WHOLE[:300], end="silence")
    async with serving(silent, Answer(WHOLE)) as endpoint, client(endpoint, idle_seconds=0.05) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.calls, reply.end) == (TEXT, CALLS, END)
    assert "stayed silent" in reply.restarts[0].reason


async def test_a_connection_left_open_after_done_does_not_hold_up_the_reply() -> None:
    async with serving(Answer(WHOLE, end="silence")) as endpoint, client(endpoint) as model:
        assert (await hear(model, REQUEST)).end == END


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.5),
        ({"retry-after-ms": "1500", "Retry-After": "7"}, 2.0),
        ({"Retry-After": "Wed, 25 Nov 2026 12:00:30 GMT"}, 30.5),
        ({"Retry-After": "Wed, 25 Nov 2026 11:00:00 GMT"}, 0.5),
        ({"Retry-After": "soon"}, 0.5),
        ({"Retry-After": "-3"}, 0.5),
        ({"Retry-After": "nan"}, 0.5),
        ({}, 0.5),
    ],
)
async def test_what_the_endpoint_asks_to_wait_is_waited(headers: dict[str, str], expected: float) -> None:
    waits = Waits()
    patience = waits.patience(now=lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))
    answers = refusal(429, **headers), Answer(WHOLE)
    async with serving(*answers) as endpoint, client(endpoint, patience=patience) as model:
        reply = await hear(model, REQUEST)
    assert waits.seconds == [restart.wait_seconds for restart in reply.restarts] == [expected]
    assert reply.end == END


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_a_refusal_that_may_pass_is_asked_again(status: int) -> None:
    async with (
        serving(refusal(status), refusal(status), Answer(WHOLE)) as endpoint,
        client(endpoint) as model,
    ):
        reply = await hear(model, REQUEST)
    assert reply.restarts == (
        StreamRestarted(
            f"{endpoint.base_url}/chat/completions answered HTTP {status} for model 'some-model': no", 1, 0.5
        ),
        StreamRestarted(
            f"{endpoint.base_url}/chat/completions answered HTTP {status} for model 'some-model': no", 2, 1.0
        ),
    )
    assert reply.end == END


async def test_waits_double_and_end() -> None:
    waits = Waits()
    message, endpoint = await error_of(
        refusal(503, "busy"), patience=waits.patience(longest_wait_seconds=6.0)
    )
    assert waits.seconds == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert len(endpoint.bodies) == 6
    assert message == snapshot(
        "no reply after 6 attempts; the last: URL/chat/completions answered HTTP 503 for model 'some-model': "
        "busy. Try again later, or set BASE_URL and MODEL."
    )


async def test_an_endpoint_that_asks_for_too_long_a_wait_has_refused() -> None:
    waits = Waits()
    answer = refusal(429, "slow down", **{"Retry-After": "3600"})
    message, _ = await error_of(answer, patience=waits.patience())
    assert waits.seconds == []
    assert "asks to come back in 3600 s, which is too long to wait" in message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refusal(401, "bad key sk-secret"), "Set API_KEY to a key of this provider. It said: bad key ***"),
        (refusal(403), "Set API_KEY"),
        (refusal(404, "no model 'x'"), "Check BASE_URL (most end in /v1) and MODEL. It said: no model 'x'"),
        (refusal(400, "tools?"), "Check that MODEL can call tools, and BASE_URL. It said: tools?"),
        (refusal(400, "This model's maximum context length is 8192 tokens"), "exceeds its context length"),
        (refusal(413, "prompt is too long: 9 tokens"), "exceeds its context length"),
        (refusal(402), "credit is used up"),
        (Answer(b'{"error": {"code": "insufficient_quota"}}', 429, JSON), "credit is used up"),
        (Answer(b"", 302, {"Location": "https://elsewhere/v1"}), "the address has moved"),
        (Answer(b"<html>\n  not   found", 404, {"Content-Type": "text/html"}), "It said: <html> not found"),
        (Answer(b'[{"error": {"message": "listed"}}]', 400, JSON), "It said: listed"),
        (Answer(b'{"detail": "fast"}', 400, JSON), "It said: fast"),
        (Answer(b'{"error": "plain"}', 400, JSON), "It said: plain"),
        (Answer(b"\xff\xfe", 400, JSON), "It said: \ufffd\ufffd"),
        (Answer(b"", 400, JSON), "It said: nothing"),
        (Answer(b"x" * 900, 400, JSON), "x" * 299 + "…"),
        (Answer(b"<html>", headers={"Content-Type": "text/html"}), "a web page: check BASE_URL"),
        (Answer(b'{"hello": 1}', headers=JSON), "answered without any choice"),
        (Answer(b'{"error": {"message": "bad", "code": 401}}', headers=JSON), "Set API_KEY"),
        (Answer(sse({"error": {"message": "bad", "type": "invalid_request_error"}})), "It said: bad"),
        (Answer(sse({"error": {"message": "bad", "code": 404}})), "Check BASE_URL"),
        (Answer(b"data: " + b"x" * 2_000_001), "one event of more than 2,000,000 bytes"),
    ],
)  # fmt: skip
async def test_a_refusal_for_good_says_what_to_set(answer: Answer, expected: str) -> None:
    message, endpoint = await error_of(answer)
    assert expected in message
    assert len(endpoint.bodies) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"message": "overloaded", "type": "overloaded_error"},
        {"message": "x", "code": 502},
        "words",
        {"code": None},
    ],
)
async def test_an_error_inside_a_stream_is_asked_again_if_it_may_pass(error: object) -> None:
    broken = Answer(sse(chunk(content="Let me ")) + sse({"error": error}))
    async with serving(broken, Answer(WHOLE)) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.end, len(reply.restarts)) == (TEXT, END, 1)
    assert "broke off the reply" in reply.restarts[0].reason


async def test_an_endpoint_without_stream_options_is_asked_without_them_from_then_on() -> None:
    answers = refusal(400, "unknown field `stream_options`"), Answer(WHOLE)
    async with serving(*answers) as endpoint, client(endpoint) as model:
        first, second = await hear(model, REQUEST), await hear(model, REQUEST)
    assert first.restarts == second.restarts == ()
    assert ["stream_options" in body for body in endpoint.bodies] == [True, False, False]


async def test_an_endpoint_that_names_the_limit_differently_is_asked_its_way() -> None:
    answers = refusal(400, "'max_tokens' is not supported, use 'max_completion_tokens'"), Answer(WHOLE)
    request = ModelRequest("code", REQUEST.messages, (), model="other", max_output_tokens=9)
    async with serving(*answers) as endpoint, client(endpoint) as model:
        await hear(model, request)
    first, second = endpoint.bodies
    assert (first["model"], first["max_tokens"], "tools" in first) == ("other", 9, False)
    assert second == {key: value for key, value in first.items() if key != "max_tokens"} | {
        "max_completion_tokens": 9
    }


async def test_how_hard_to_think_is_said_where_it_is_set_and_nowhere_else() -> None:
    async with serving(Answer(WHOLE)) as endpoint, client(endpoint) as model:
        await hear(model, REQUEST)
        await hear(model, replace(REQUEST, reasoning_effort="low"))
    assert [body.get("reasoning_effort") for body in endpoint.bodies] == [None, "low"]


async def test_a_model_that_cannot_be_told_how_hard_to_think_is_no_longer_told_and_the_others_are() -> None:
    said = refusal(400, "Unsupported parameter: 'reasoning_effort' is not supported with this model.")
    request = replace(REQUEST, reasoning_effort="high")
    async with serving(said, Answer(WHOLE)) as endpoint, client(endpoint) as model:
        first = await hear(model, request)
        await hear(model, request)
        await hear(model, replace(request, model="other"))
    assert first.restarts == ()
    assert [(body["model"], body.get("reasoning_effort")) for body in endpoint.bodies] == [
        ("some-model", "high"),
        ("some-model", None),
        ("some-model", None),
        ("other", "high"),
    ]


async def test_whatever_an_endpoint_does_not_understand_is_left_out_one_after_the_other() -> None:
    words = "reasoning_effort", "stream_options", "use 'max_completion_tokens'"
    request = replace(REQUEST, reasoning_effort="high", max_output_tokens=9)
    answers = (*(refusal(422, word) for word in words), Answer(WHOLE))
    async with serving(*answers) as endpoint, client(endpoint) as model:
        assert (await hear(model, request)).end == END
    assert set(endpoint.bodies[-1]) == {"model", "stream", "max_completion_tokens", "tools", "messages"}


@pytest.mark.parametrize("reason", ["stop", "eos", "function_call", "SAFETY", "recitation"])
async def test_a_reason_to_finish_that_nobody_knows_ends_the_reply_like_any_other(reason: str) -> None:
    body = sse(chunk(content="Hm."), chunk(reason)) + DONE
    async with serving(Answer(body)) as endpoint, client(endpoint) as model:
        reply = await hear(model, REQUEST)
    assert (reply.text, reply.end.finish_reason) == ("Hm.", reason)


async def test_a_refusal_of_the_model_is_its_text() -> None:
    body = sse(chunk(refusal="I will "), chunk(content=None, refusal="not."), chunk("stop")) + DONE
    async with serving(Answer(body)) as endpoint, client(endpoint) as model:
        assert (await hear(model, REQUEST)).text == "I will not."


async def test_a_refusal_of_stream_options_twice_is_final() -> None:
    message, endpoint = await error_of(refusal(400, "unknown field `stream_options`"))
    assert len(endpoint.bodies) == 2
    assert "unknown field" in message


async def test_a_history_of_megabytes_is_sent_without_a_warning() -> None:
    long = ModelRequest("code", (UserMessage("x" * 3_000_000),), ())
    async with serving(Answer(WHOLE)) as endpoint, client(endpoint) as model:
        assert (await hear(model, long)).end == END


async def test_a_dead_port_is_named_after_all_attempts() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = ChatCompletionsModel(f"http://127.0.0.1:{port}/v1", "", "m", patience=Waits().patience())
    with pytest.raises(
        ModelError, match=rf"no reply after 6 attempts.*127.0.0.1:{port}/v1/chat/completions.*BASE_URL"
    ):
        await hear(model, REQUEST)
    await model.close()


async def test_connections_serve_several_turns_and_close() -> None:
    async with serving(Answer(WHOLE)) as endpoint:
        model = ChatCompletionsModel(endpoint.base_url + "/", "", "m")
        await model.close()
        await hear(model, REQUEST)
        await model.close()
        await hear(model, REQUEST)
        await model.close()
    assert "Authorization" not in endpoint.headers[0]


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://user:pass@h/v1?api-version=3", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("http://h", "http://h/chat/completions"),
    ],
)
async def test_what_is_shown_of_an_address_holds_no_secret(base_url: str, expected: str) -> None:
    model = ChatCompletionsModel(base_url, "k", "m")
    assert model.address == expected


@pytest.mark.parametrize("base_url", ["", "api.host/v1", "ftp://h/v1", "http://", "http://[bad"])
def test_an_address_that_is_none_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(ModelError, match="BASE_URL is not an"):
        ChatCompletionsModel(base_url, "k", "m")


@pytest.mark.parametrize("key", ["two words", "two\nlines", "nul\x00"])
def test_a_key_that_no_header_can_hold_is_refused_at_once(key: str) -> None:
    with pytest.raises(ModelError, match="API_KEY holds") as caught:
        ChatCompletionsModel("http://h/v1", key, "m")
    assert key not in str(caught.value)


async def test_a_key_is_taken_without_the_line_end_of_its_file() -> None:
    async with serving(Answer(WHOLE)) as endpoint:
        model = ChatCompletionsModel(endpoint.base_url, "sk-1\n", "m")
        await hear(model, REQUEST)
        await model.close()
    assert endpoint.headers[0]["Authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("body", [b"", WHOLE[:300]])
async def test_a_cancelled_request_ends_at_once_and_the_next_one_works(body: bytes) -> None:
    silent = Answer(body, end="silence")
    async with serving(silent, Answer(WHOLE)) as endpoint, client(endpoint) as model:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await hear(model, REQUEST)
        assert (await hear(model, REQUEST)).end == END


async def test_a_reader_that_stops_at_the_end_of_the_reply_leaves_nothing_open() -> None:
    async with serving(Answer(WHOLE)) as endpoint, client(endpoint) as model:
        for _ in range(3):
            async for item in model.stream(REQUEST):
                if isinstance(item, ReplyEnded):
                    break
    assert len(endpoint.bodies) == 3


def test_costs_come_from_settings_before_the_table() -> None:
    model = ChatCompletionsModel("http://h/v1", "k", "gpt-5.4", prices={"local": Price(0, 0, 0)})
    million = Usage(2_000_000, 1_000_000, 1_000_000)
    assert (model.name, model.cost_dollars("gpt-5.4", million)) == ("gpt-5.4", 2.50 + 0.25 + 15.00)
    assert model.cost_dollars("local-7b", million) == 0.0
    assert model.cost_dollars("unheard-of", million) is None


_NOISE = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [b"data: ", b"\n\n", b"[DONE]", b'{"choices":[{"delta":{"content":"x"}}]}', b'{"error":1}', b"{"]
        ),
    ),
    max_size=12,
).map(b"".join)


@given(bodies=st.lists(_NOISE, min_size=1, max_size=3))
async def test_whatever_an_endpoint_sends_ends_in_a_reply_or_in_a_model_error(bodies: list[bytes]) -> None:
    async with serving(*map(Answer, bodies)) as endpoint, client(endpoint, idle_seconds=5) as model:
        with suppress(ModelError):
            await hear(model, REQUEST)
