from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.subject import MAX_SUBJECT, clean_key, clean_subject


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        ("Round the total once", "Round the total once"),
        ("  Round\tthe  total \n\nlong story", "Round the total"),
        ("- round the total", "round the total"),
        ("# Heading", "Heading"),
        ("--author=me", "author=me"),
        ("Fixes #12 and closes acme/shop#3", "Fixes 12 and closes acme/shop3"),
        ("Resolves GH-7", "Resolves 7"),
        ("Close https://github.com/acme/shop/issues/1", "Close github.com/acme/shop/issues/1"),
        ("Ask @acme/admins to look", "Ask acme/admins to look"),
        ("Keep a@b.example as it is", "Keep a@b.example as it is"),
        ("Round [skip ci]", "Round skip ci"),
        ("Round [[ci skip]]", "Round ci skip"),
        ("Round ***NO_CI***", "Round NO_CI"),
        ("fixup! squash! Round", "Round"),
        ("BUG-42 #close #comment done", "BUG-42 close comment done"),
        ("Round\u202e \u200bthe\x1b[31m total", "Round the [31m total"),
        ("", "Change shop/cart.py"),
        ("#@-", "Change shop/cart.py"),
        ("42", "Change shop/cart.py"),
    ],
)
def test_a_subject_says_the_same_and_does_nothing(words: str, subject: str) -> None:
    assert clean_subject(words, "shop/cart.py", "M") == subject


def test_without_words_the_change_itself_is_named() -> None:
    assert clean_subject("", "a.py", "A") == "Add a.py"
    assert clean_subject("", "a.py", "D") == "Remove a.py"
    assert clean_subject("", "@x/#1\n.py", "A") == "Add x/1"


def test_a_long_subject_is_cut_between_words() -> None:
    subject = clean_subject("word " * 40, "a.py", "M")
    assert len(subject) <= MAX_SUBJECT
    assert subject.endswith("word…")
    assert clean_subject("w" * 100, "a.py", "M") == "w" * (MAX_SUBJECT - 1) + "…"


def test_a_key_is_one_line() -> None:
    assert clean_key("BUG-42\nSigned-off-by: me") == "BUG-42"
    assert clean_key("\n") == "unknown"


@given(st.text() | st.lists(st.sampled_from("#@-[]* aGH12:/skipchttpsno!_"), max_size=40).map("".join))
def test_no_words_get_through_that_a_forge_acts_upon(words: str) -> None:
    subject = clean_subject(words, "a.py", "M")
    assert 0 < len(subject) <= MAX_SUBJECT
    assert not any(unicodedata.category(character)[0] == "C" for character in subject)
    assert not re.search(
        r"#\w|(?<![\w.])@\w|https?://|\bGH-\d|\[(skip|no|ci)[ -](ci|skip)\]", subject, re.IGNORECASE
    )
    assert not subject.startswith(("-", "#"))
