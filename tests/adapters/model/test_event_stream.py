from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.adapters.model.event_stream import MAX_EVENT_BYTES, EventStream
from anton.core.errors import ModelError


def events(*pieces: bytes) -> list[bytes]:
    stream = EventStream()
    found = [event for piece in pieces for event in stream.feed(piece)]
    return found + stream.end()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b": keep-alive\n\n: again\n\ndata: a\n\n", [b"a"]),
        (b"event: message\nid: 7\nretry: 10\ndata: a\n\n", [b"a"]),
        (b"data: a\n\ndata: [DONE]", [b"a", b"[DONE]"]),
        (b"data: a\r", [b"a"]),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_events_are_read_as_the_standard_says(text: bytes, expected: list[bytes]) -> None:
    assert events(text) == expected


def test_a_character_cut_in_two_comes_out_whole() -> None:
    text = "data: hé🙂\n\n".encode()
    for cut in range(len(text)):
        assert events(text[:cut], text[cut:]) == ["hé🙂".encode()]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_end_cut_in_two_is_still_one_line_end(end: bytes) -> None:
    text = end.join([b"data: a", b"data: b", b"", b"data: c", b"", b""])
    for cut in range(len(text)):
        for later in range(cut, len(text)):
            assert events(text[:cut], text[cut:later], text[later:]) == [b"a\nb", b"c"]
    assert events(b"data: a" + end, b"x") == [b"a"]


_LIKELY = st.sampled_from(
    [b"data: ", b"data:", b"data", b"\n", b"\r", b"\r\n", b":", b"x", b"{}", b"\xf0\x9f"]
)
_BYTES = st.lists(st.one_of(_LIKELY, st.binary(max_size=8)), max_size=40).map(b"".join)


@given(text=_BYTES, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_where_the_pieces_end_makes_no_difference(text: bytes, cuts: list[int]) -> None:
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(bounds)]
    assert events(*pieces) == events(text)


@pytest.mark.parametrize(
    "piece", [b"data: " + b"x" * MAX_EVENT_BYTES, b"data: x\n" * (MAX_EVENT_BYTES // 8 + 1)]
)
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    with pytest.raises(ModelError, match="one event of more than"):
        events(piece, piece)
