from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.model.assembly import (
    MAX_ARGUMENT_CHARACTERS,
    MAX_REPLY_CHARACTERS,
    TOO_LONG,
    ObjectScanner,
    ReplyAssembly,
    free_call_id,
)
from anton.core.errors import ModelError
from anton.core.message import AssistantMessage, CallReady, Message, ReplyEnded, StreamItem, ToolCall, Usage

from .endpoint import call, chunk, heard, usage


def assemble(*chunks: dict[str, object], history: Sequence[Message] = ()) -> list[StreamItem]:
    assembly = ReplyAssembly(history, "asked")
    items = [item for piece in chunks for item in assembly.take(piece)]
    return items + assembly.end()


def calls_of(*pieces: object, history: Sequence[Message] = ()) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls that come of these pieces, one delta each."""
    deltas = [chunk(tool_calls=piece if isinstance(piece, list) else [piece]) for piece in pieces]
    reply = heard(assemble(*deltas, chunk("tool_calls"), history=history))
    return [(c.id, c.name, c.arguments) for c in reply.calls]


A = '{"path": "a.py"}'
B = '{"path": "b.py"}'


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([call(0, "x", "f", A)], [("x", "f", A)], id="in one piece"),
        pytest.param([call(0, "x", "f", ""), call(0, arguments=A)], [("x", "f", A)], id="name first"),
        pytest.param(
            [call(0, "x", "f"), *(call(0, arguments=c) for c in A)], [("x", "f", A)], id="by character"
        ),
        pytest.param([call(0, "x", "f", A), call(1, "y", "g", B)], [("x", "f", A), ("y", "g", B)], id="two"),
        pytest.param(
            [[call(0, "x", "f", A), call(1, "y", "g", B)]], [("x", "f", A), ("y", "g", B)], id="at once"
        ),
        pytest.param(
            [call(0, "x", "f", A), call(0, "y", "g", B)], [("x", "f", A), ("y", "g", B)], id="all index 0"
        ),
        pytest.param(
            [call(0, "x", "f", A[:3]), call(0, "y", "g", B), call(0, "x2", None, "")],
            [("x", "f", A[:3]), ("y", "g", B)],
            id="new id begins a call although the old one is not complete",
        ),
        pytest.param(
            [call(None, "x", "f", A), call(None, "y", "g", B)], [("x", "f", A), ("y", "g", B)], id="no index"
        ),
        pytest.param(
            [call(None, None, "f", A), call(None, None, "g", B)],
            [("call00001", "f", A), ("call00002", "g", B)],
            id="neither index nor id",
        ),
        pytest.param(
            [call(None, "x", "f", A[:4]), call(None, arguments=A[4:])],
            [("x", "f", A)],
            id="no index, in pieces",
        ),
        pytest.param(
            [call(0, None, "f", A), call(0, None, "g", B)], [("call00001", "f", A), ("call00002", "g", B)]
        ),
        pytest.param(
            [call(0, "x", "f", A[:4]), call(0, "r1", None, A[4:9]), call(0, "r2", None, A[9:])],
            [("x", "f", A)],
            id="an id made up for each piece",
        ),
        pytest.param(
            [call(0, "x", "f", A[:4]), call(0, "x", "f", A[4:])], [("x", "f", A)], id="id and name repeated"
        ),
        pytest.param(
            [call(0, "x", "f", A), call(1, "x", "g", B)], [("x", "f", A), ("call00002", "g", B)], id="same id"
        ),
        pytest.param(
            [call(0, "x", "f", A[:3]), call(1, "y", "g", B), call(0, arguments=A[3:])],
            [("x", "f", A), ("y", "g", B)],
            id="interleaved, kept in order",
        ),
        pytest.param([call(0, "x", "f")], [("x", "f", "{}")], id="no arguments"),
        pytest.param([call(0, "x", "f", " ")], [("x", "f", "{}")], id="blank arguments"),
        pytest.param(
            [call(0, "x", "f", "{}"), call(0, arguments=A)], [("x", "f", A)], id="opened by an empty object"
        ),
        pytest.param([call(0, "x", "f", "{}" * 5000)], [("x", "f", "{}")], id="nothing but empty objects"),
        pytest.param([call(0, "x", "f", A + "}")], [("x", "f", A)], id="a brace too many"),
        pytest.param(
            [call(0, "x", "f", '{"a": 1]')], [("x", "f", '{"a": 1]')], id="brackets that do not match"
        ),
        pytest.param([call(0, "x", "f", '{"a": ')], [("x", "f", '{"a": ')], id="never completed"),
        pytest.param([call(0, "x", "f", "[1]")], [("x", "f", "[1]")], id="not an object"),
        pytest.param([call(0, "x", "f", "a.py")], [("x", "f", "a.py")], id="not JSON"),
        pytest.param([{"index": 0, "id": "x", "function": None}], [("x", "", "{}")], id="no function"),
        pytest.param(
            ["nonsense", None, 7, call(0, "x", "f", A)], [("x", "f", A)], id="pieces of no known shape"
        ),
    ],
)
def test_calls_are_told_apart_whatever_the_endpoints_habits(
    pieces: list[object], expected: list[tuple[str, str, str]]
) -> None:
    assert calls_of(*pieces) == expected


def test_a_call_is_handed_over_the_moment_its_arguments_are_complete() -> None:
    assembly = ReplyAssembly((), "asked")
    assert assembly.take(chunk(tool_calls=[call(0, "x", "f", '{"a": "}')])) == []
    assert assembly.take(chunk(tool_calls=[call(0, arguments='"}')])) == [
        CallReady(ToolCall("x", "f", '{"a": "}"}'))
    ]
    assert assembly.take(chunk(tool_calls=[call(1, "y", "g", A)])) == [CallReady(ToolCall("y", "g", A))]
    assert assembly.end() == [ReplyEnded(Usage(), "tool_calls", "some-model-2026")]


def test_a_later_call_waits_for_the_one_before_it() -> None:
    assembly = ReplyAssembly((), "asked")
    assert assembly.take(chunk(tool_calls=[call(0, "x", "f", '{"a"')])) == []
    assert assembly.take(chunk(tool_calls=[call(1, "y", "g", B)])) == []
    ready = assembly.take(chunk(tool_calls=[call(0, arguments=": 1}")]))
    assert ready == [CallReady(ToolCall("x", "f", '{"a": 1}')), CallReady(ToolCall("y", "g", B))]


def test_ids_are_unique_within_the_whole_conversation() -> None:
    history = (AssistantMessage("", (ToolCall("call_0", "f", A), ToolCall("call00002", "f", A))),)
    assert calls_of(call(0, "call_0", "f", A), call(1, None, "g", B), history=history) == [
        ("call00003", "f", A),
        ("call00004", "g", B),
    ]
    assert free_call_id("", {"call00001"}) == "call00002"


def test_a_renamed_call_still_takes_its_later_pieces() -> None:
    history = (AssistantMessage("", (ToolCall("x", "f", A),)),)
    assert calls_of(call(0, "x", "f", A[:5]), call(0, "x", "f", A[5:]), history=history) == [
        ("call00002", "f", A)
    ]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([usage(7, 3, 2)], Usage(7, 3, 2)),
        ([], Usage()),
        ([{"choices": [], "usage": None}], Usage()),
        (
            [{"usage": {"prompt_tokens": 7, "prompt_cache_hit_tokens": 3, "completion_tokens": 2}}],
            Usage(7, 3, 2),
        ),
        (
            [{"usage": {"prompt_tokens": "7", "prompt_tokens_details": None, "completion_tokens": -1}}],
            Usage(),
        ),
        ([{"usage": "many"}], Usage()),
    ],
)
def test_usage_is_what_the_provider_said_or_nothing(chunks: list[dict[str, object]], expected: Usage) -> None:
    assert heard(assemble(chunk(content="hi"), chunk("stop"), *chunks)).end.usage == expected


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        ({"content": None}, ""),
        ({"content": ""}, ""),
        ({"role": "assistant"}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": None, "refusal": "I may not"}, "I may not"),
        ({"content": "half \ud83d"}, "half \ufffd"),
        ({"reasoning_content": "hm", "content": None}, ""),
    ],
)
def test_text_comes_in_several_shapes(delta: dict[str, object], text: str) -> None:
    assert heard(assemble(chunk(None, **delta))).text == text


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"tool_calls": "x"}}]},
    ],
)
def test_chunks_of_no_known_shape_are_passed_over(odd: dict[str, object]) -> None:
    assert heard(assemble(odd, chunk(content="hi"), odd)).text == "hi"


def test_arguments_beyond_the_limit_are_dropped_with_words_for_the_model() -> None:
    many = call(0, arguments="x" * 400_000)
    assert calls_of(call(0, "x", "write_file", '{"text": "'), many, many, many) == [
        ("x", "write_file", TOO_LONG)
    ]
    assert f"{MAX_ARGUMENT_CHARACTERS:,}" in json.loads(TOO_LONG)["dropped"]


def test_a_reply_beyond_the_limit_is_an_error() -> None:
    piece = chunk(content="x" * 1_000_000)
    with pytest.raises(ModelError, match=r"more than 4,000,000 characters: set MODEL"):
        assemble(*[piece] * (MAX_REPLY_CHARACTERS // 1_000_000 + 1))


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(alphabet='ab"\\{}[]\n🙂')),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a"\\{}'), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    value=st.dictionaries(st.text(alphabet='a"\\{}'), _JSON, min_size=1, max_size=3),
    cut=st.integers(1, 7),
    ascii_=...,
)
def test_the_end_of_an_object_is_noticed_at_its_last_character(
    value: dict[str, object], cut: int, ascii_: bool
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_)
    scanner = ObjectScanner()
    pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
    assert [scanner.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert scanner.end == len(pieces[-1])


_FIELD = st.one_of(
    st.none(), st.integers(0, 2), st.sampled_from(["", "x", "f", A, '{"a"', "{}"]), st.just([1])
)
_PIECE = st.fixed_dictionaries(
    {},
    optional={
        "index": _FIELD,
        "id": _FIELD,
        "function": st.one_of(
            _FIELD, st.fixed_dictionaries({}, optional={"name": _FIELD, "arguments": _FIELD})
        ),
    },
)
_DELTA = st.fixed_dictionaries(
    {}, optional={"content": _FIELD, "tool_calls": st.one_of(_FIELD, st.lists(_PIECE | _FIELD, max_size=3))}
)


@given(deltas=st.lists(_DELTA, max_size=6))
def test_no_delta_whatever_breaks_the_assembly(deltas: list[dict[str, object]]) -> None:
    ids = [c.id for c in heard(assemble(*(chunk(None, **delta) for delta in deltas))).calls]
    assert len(ids) == len(set(ids))
