"""An exact replacement leaves every other byte alone, and a failed one says what would have matched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from anton.core.errors import ToolError
from anton.tools.replacement import Replaced, replace_text

TEXT = """\
def mean(values):
    total = sum(values)
    return total / len(values)


def spread(values):
    return max(values) - min(values)
"""


def refusal(text: str, old: str, new: str = "x") -> str:
    with pytest.raises(ToolError) as caught:
        replace_text(text, old, new, every=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "old", "new", "result"),
    [
        ("a\nb\nc\n", "b", "x\ny", Replaced("a\nx\ny\nc\n", ((2, 3),))),
        ("a\nb\nc\n", "b\n", "", Replaced("a\nc\n", ((2, 2),))),
        ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", Replaced("x\r\ny\r\nz\r\nc\r\n", ((1, 3),))),
        ("a\r\nb\r\nc\r\n", "a\r\nb", "x", Replaced("x\r\nc\r\n", ((1, 1),))),
        ("a\nb\r\nc\nd\n", "b\nc", "x\ny", Replaced("a\nx\ny\nd\n", ((2, 3),))),
        ("a\nb\n", "b\n", "x", Replaced("a\nx\n", ((2, 2),))),
        ("a\nb", "b", "x", Replaced("a\nx", ((2, 2),))),
        ("\ufeffa\n", "a", "b", Replaced("\ufeffb\n", ((1, 1),))),
        ("a\n", "a\n", "", Replaced("", ((1, 1),))),
        ("caf\udce9 a\n", "a\n", "b\n", Replaced("caf\udce9 b\n", ((1, 1),))),
    ],
)
def test_line_ends_final_newline_and_the_rest_stay(text: str, old: str, new: str, result: Replaced) -> None:
    if text.startswith("caf"):
        old, new = f" {old}", f" {new}"
    assert replace_text(text, old, new, every=False) == result


def test_every_occurrence_is_replaced_when_asked() -> None:
    assert replace_text("a b\na\nba\n", "a", "x\ny", every=True) == Replaced(
        "x\ny b\nx\ny\nbx\ny\n", ((1, 2), (3, 4), (5, 6))
    )


def test_an_ambiguous_piece_is_refused_with_its_lines() -> None:
    assert refusal(TEXT, "values)") == snapshot(
        "'old' occurs 6 times, at lines 1, 2, 3, 6, 7; quote more of the lines around the one you mean, "
        "or pass replace_all=true"
    )
    assert refusal("aaa", "aa").startswith("'old' occurs 2 times")


def test_no_op_and_empty_pieces_are_refused() -> None:
    assert refusal(TEXT, "total", "total") == snapshot(
        "'old' and 'new' are the same, so nothing would change"
    )
    assert refusal(TEXT, "") == snapshot(
        "'old' is empty; quote the text to replace, or use write_file for a whole file"
    )


def test_a_difference_in_white_space_is_pointed_out() -> None:
    assert refusal(TEXT, "\ttotal = sum( values )\n\treturn total / len(values)\n") == snapshot(
        """\
'old' is not in the file. Only the white space differs from these lines:
     2	    total = sum(values)
     3	    return total / len(values)\
"""
    )


def test_similar_lines_are_shown() -> None:
    assert refusal(TEXT, "def mean(value):") == snapshot(
        """\
'old' is not in the file. The most similar lines are:
     1	def mean(values):
     2	    total = sum(values)
     3	    return total / len(values)\
"""
    )


def test_copied_line_numbers_are_recognised() -> None:
    assert refusal(TEXT, "     2\t    total = sum(values)") == snapshot(
        "'old' is not in the file. It begins with line numbers, which read_file adds; "
        "quote the lines without number and tab."
    )


def test_nothing_similar_is_said_plainly() -> None:
    assert refusal(TEXT, "#include <stdio.h>") == snapshot(
        "'old' is not in the file. No line is similar; read the file again before you edit it."
    )
    assert refusal("", "a").endswith("read the file again before you edit it.")


lines = st.text(st.sampled_from("ab \t"), max_size=4)
ends = st.sampled_from(["\n", "\r\n"])


@given(st.lists(st.tuples(lines, ends), max_size=8), st.data())
def test_outside_the_piece_every_character_is_kept(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    text = "".join(line + end for line, end in parts)
    before, after = "<1>\r\n<2>\n" + text, text + "<3>\n<4>\r\n"
    piece = data.draw(st.sampled_from(["PIECE", "PIE\nCE", "PIE\nC\nE"]))
    written = piece.replace("\n", data.draw(ends))
    replaced = replace_text(before + written + after, piece, "NEW", every=False)
    assert replaced.text == before + "NEW" + after


@given(st.text(st.sampled_from("ab\r\n "), max_size=30), st.text(st.sampled_from("ab\r\n "), max_size=4))
def test_only_a_tool_error_is_raised(text: str, old: str) -> None:
    try:
        replaced = replace_text(text, old, "N", every=True)
    except ToolError:
        return
    assert "N" in replaced.text
