"""No text from outside becomes active where it is shown, as an independent Markdown parser sees it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console

from anton.views.encode import (
    code,
    cut,
    fence,
    gist,
    inline,
    line,
    paragraphs,
    prose,
    quoted,
    revealed,
    spans,
    styled,
    styled_spans,
    subject,
)

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NESTING = ("paragraph", "bullet_list", "ordered_list", "list_item", "blockquote")
QUIET = {f"{block}_{end}" for block in NESTING for end in ("open", "close")} | {
    *("inline", "text", "text_special", "softbreak", "code_inline", "fence")
}
"""Tokens that neither load, link, notify nor shout."""
ACTIVE = re.compile(r"(?i)@\w|#\d|://|\bwww\.|\bGH-\d")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff]")

NASTY = st.sampled_from(
    (
        *(
            "@octocat",
            "fixes #12",
            "GH-7",
            "https://a.b/c",
            "www.a.b",
            "a@b.c",
            "user/repo#1",
            "mailto:a@b.c",
        ),
        *("<img src=x>", "<!--", "[a](b)", "![a](b)", "[^1]", "[bold]", "&lt;", "&#64;x", "&commat;x", "a"),
        *("`", "``", "```", "~~~", "~~", "\\", "|", "*", "_", "__", "$", ":-", "+", "(", ").", "---", "==="),
        *(" ", "    ", "\t", "\n", "\n\n", "- ", "1. ", "1) ", "# ", "> ", "\x1b[31m", "\x1b]8;;x\x07"),
        *("\u200b", "\u202e", "\U000e0041", "\r", "\x00", "\u2028"),
    )
)
OUTSIDE = st.one_of(st.lists(NASTY, max_size=14).map("".join), st.text(max_size=60))


def tokens(markdown: str) -> list[Token]:
    blocks = MARKDOWN.parse(markdown)
    return [token for block in blocks for token in (block, *(block.children or ()))]


def assert_quiet(markdown: str) -> None:
    for token in tokens(markdown):
        assert token.type in QUIET, token
        if token.type in ("text", "text_special"):
            assert not ACTIVE.search(token.content), token
    outside_code = " ".join(
        t.content for t in tokens(markdown) if t.type == "inline" and "`" not in t.content
    )
    assert "<" not in outside_code
    assert not UNSEEN.search(markdown)


@given(OUTSIDE)
def test_no_prose_becomes_active_in_markdown(text: str) -> None:
    assert_quiet(prose(text))


@given(OUTSIDE)
def test_no_quoted_prose_becomes_active_in_markdown(text: str) -> None:
    assert_quiet(quoted(text))


@given(OUTSIDE)
def test_no_inline_text_becomes_active_or_leaves_its_line(text: str) -> None:
    assert_quiet(f"- {inline(text)}")
    assert "\n" not in inline(text)


@given(OUTSIDE)
def test_a_code_span_is_one_code_span_even_in_a_table(text: str) -> None:
    assert [t.type for t in tokens(code(text))] == [
        "paragraph_open",
        "inline",
        "code_inline",
        "paragraph_close",
    ]
    cells = [t for t in tokens(f"| a | b |\n|---|---|\n| {code(text)} | x |\n") if t.type == "code_inline"]
    assert [cell.content.strip() for cell in cells] == [line(text).replace("|", "¦").strip()]


@given(OUTSIDE)
def test_a_fence_holds_all_of_the_text(text: str) -> None:
    blocks = tokens(fence(text))
    assert [block.type for block in blocks] == ["fence"]
    assert blocks[0].content.rstrip("\n") == revealed(text).rstrip("\n")


@given(OUTSIDE)
def test_a_subject_is_one_line_that_mentions_links_and_closes_nothing(text: str) -> None:
    assert not ACTIVE.search(subject(text))
    assert "\n" not in subject(text)
    assert not UNSEEN.search(subject(text))


@given(OUTSIDE)
def test_nothing_unseen_reaches_a_terminal_and_markup_stays_literal(text: str) -> None:
    console = Console(width=10_000, force_terminal=True, color_system="truecolor", highlight=False)
    with console.capture() as capture:
        console.print(styled(text), soft_wrap=True)
    assert not UNSEEN.search(capture.get().replace("\r", "<CR>"))
    assert capture.get().split() == paragraphs(text).split()


@given(OUTSIDE)
def test_revealing_names_what_cannot_be_seen_and_keeps_the_rest(text: str) -> None:
    assert not UNSEEN.search(revealed(text))
    assert len(revealed(text)) >= len(text)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("`a()` sets `x_y`", "`a()` sets `x_y`"),
        ("thanks (@octocat), fixes #12.", "thanks (`@octocat`), fixes `#12`."),
        ("see https://a.b/c", "see `https://a.b/c`"),
        ("a < b & c", "a &lt; b &amp; c"),
        ("snake_case __init__", r"snake_case \_\_init\_\_"),
        ("1. one\n2. two", "1. one\n2. two"),
        ("* one", "- one"),
        ("# no heading", "`#` no heading"),
        ("---", r"\---"),
        ("2024. was", "2024\\. was"),
        ("```py\nx = '<b>'\n```", "```\nx = '<b>'\n```"),
        ("a\n===", "a\n\\==="),
        ("``<b>`y``@octocat", "``<b>`y`` `@octocat`"),
        ("``` never closed", "```\n\n```"),
    ],
)
def test_prose_keeps_what_is_harmless(written: str, shown: str) -> None:
    assert prose(written) == shown


def test_a_cut_is_named() -> None:
    assert paragraphs("x" * 1_000_000, 10) == f"{'x' * 10} … [cut: 999,990 more characters]"
    assert cut("abcdef", 4) == "abcd … [cut: 2 more characters]"
    assert cut("abcd", 4) == "abcd"


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fence("````\nx") == "`````\n````\nx\n`````"


def test_a_subject_keeps_its_words() -> None:
    assert (
        subject("Close #12 for @dana, see https://a.b GH-7") == "Close ＃12 for ＠dana, see https:⁄⁄a.b GH‑7"
    )


RAW = ("@octocat", "fixes #12", "<b>", "[a](b)", "![a](b)", "www.a.b", "# a", "\x1b[2J")


@pytest.mark.parametrize("raw", RAW)
def test_the_judge_of_these_tests_bites(raw: str) -> None:
    with pytest.raises(AssertionError):
        assert_quiet(raw)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("It toggles. It should set.", "It toggles. It should set."),
        ("It toggles the flag. It should set it, however often it is asked.", "It toggles the flag. …"),
        ("Look at todo/service.py, line 50, and at what is there.", "Look at todo/service.py, line …"),
        ("x" * 50, "x" * 33 + " …"),
        ("Two\n\nlines.", "Two lines."),
    ],
)
def test_a_gist_is_the_first_sentences_that_fit(text: str, told: str) -> None:
    assert gist(text, 35) == told


@given(st.text(max_size=300), st.integers(10, 100))
def test_a_gist_is_never_longer_than_asked_for(text: str, limit: int) -> None:
    told = gist(text, limit)
    assert len(told) <= limit
    assert line(text).startswith(told.removesuffix(" …"))


@given(st.text("a`b ", max_size=40))
def test_code_spans_lose_nothing_but_their_ticks(text: str) -> None:
    pieces = list(spans(text))
    bare = "".join(piece for piece, _ in pieces)
    assert bare.replace("`", "").replace(" ", "") == text.replace("`", "").replace(" ", "")
    assert styled_spans(text).plain == "".join(piece for piece, _ in spans(paragraphs(text)))


def test_a_code_span_is_told_from_what_is_around_it() -> None:
    assert [each for each in spans("Set `a.b` to ``x`y``, `not this") if each[0]] == [
        ("Set ", False),
        ("a.b", True),
        (" to ", False),
        ("x`y", True),
        (", `not this", False),
    ]
