"""What becomes of foreign text before it is kept or shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.text import listed, middle_cut, one_line, sayable, visible, without_userinfo

ANY = st.text(st.characters(codec=None))
HIDDEN = st.text(st.sampled_from("a \n\t\r\x00\x1b[31m]8;;\x07\\‮⁦​﻿­\U000e0041\ud800\x9b"), max_size=60)


@pytest.mark.parametrize(
    ("text", "cleaned", "removed"),
    [
        ("plain text, Grüße, 漢字 🎉", "plain text, Grüße, 漢字 🎉", 0),
        ("tab\tand\nline\r\nends\rof all kinds", "tab\tand\nline\nends\nof all kinds", 0),
        ("\x1b[31mred\x1b[0m", "red", 9),
        ("\x1b]8;;https://evil.example\x07link\x1b]8;;\x07", "link", 32),
        ("\x1b]0;title\x1b\\text", "text", 11),
        ("\x1b", "", 1),
        ("pay‮100⁦", "pay100", 2),
        ("in​vis‍ible﻿", "invisible", 3),
        ("ignore\U000e0069\U000e0067\U000e006e", "ignore", 3),
        ("nul\x00 and bell\x07", "nul and bell", 2),
        ("\x9b31mred", "31mred", 1),
        ("soft­hyphen", "softhyphen", 1),
        ("lone \ud800 surrogate", "lone ? surrogate", 0),
        ("", "", 0),
    ],
)
def test_what_a_person_cannot_see_is_taken_out_and_counted(text: str, cleaned: str, removed: int) -> None:
    assert visible(text) == (cleaned, removed)


@given(ANY | HIDDEN)
def test_what_remains_can_be_seen_written_and_cleaned_again(text: str) -> None:
    cleaned, removed = visible(text)
    cleaned.encode("utf-8")
    assert removed >= 0
    assert not [c for c in cleaned if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not [c for c in cleaned if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}]
    assert visible(cleaned) == (cleaned, 0)


@given(ANY | HIDDEN)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert one_line(one_line(text)) == one_line(text)


@given(ANY)
def test_what_is_sayable_can_be_written(text: str) -> None:
    sayable(text).encode("utf-8")
    assert len(sayable(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://jo:hunter2@git.example/a.git", "https://git.example/a.git"),
        ("two: ssh://git@a/x and https://t0ken@b/y.", "two: ssh://a/x and https://b/y."),
        ("https://jo:p@ss@git.example/a.git", "https://git.example/a.git"),
        ("https://pypi.example/simple/@scope", "https://pypi.example/simple/@scope"),
        ("see https://a.example or write to jo@b.example", "see https://a.example or write to jo@b.example"),
        ("git@git.example:a.git", "git@git.example:a.git"),
    ],
)
def test_no_user_and_no_password_of_a_url_is_shown(text: str, shown: str) -> None:
    assert without_userinfo(text) == shown


@given(st.text(), st.integers(0, 20), st.integers(0, 20))
def test_beginning_and_end_are_kept_and_the_cut_is_named(text: str, head: int, tail: int) -> None:
    limit = head + tail
    shown = middle_cut(text, limit, tail=tail)
    if len(text) <= limit:
        assert shown == text
    else:
        notice = f"\n[{len(text) - limit} of {len(text)} characters left out here]\n"
        assert shown == text[:head] + notice + text[len(text) - tail :]


def test_more_names_than_are_shown_are_counted() -> None:
    assert listed("abc", 3) == "a, b, c"
    assert listed("abc", 2) == "a, b and 1 more"
    assert listed((), 2) == ""
