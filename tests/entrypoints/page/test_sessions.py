"""Nobody but Anton can write a session, and none lasts for ever."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.entrypoints.page.sessions import Session, form_token, grant_of, is_form_token, opened, sealed

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
KEY = b"k" * 32
SESSION = Session("page:dana", NOW + timedelta(hours=1))


def test_what_was_sealed_is_opened() -> None:
    assert opened(sealed(SESSION, KEY), KEY, NOW) == SESSION


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_any_identity_comes_back_as_it_was(identity: str) -> None:
    session = Session(identity, NOW + timedelta(seconds=5))
    assert opened(sealed(session, KEY), KEY, NOW) == session


def test_a_session_keeps_what_it_was_opened_with_and_tells_nobody() -> None:
    session = replace(SESSION, grant=grant_of("a-token", KEY))
    word = sealed(session, KEY)
    assert opened(word, KEY, NOW) == session
    assert grant_of("a-token", KEY) != grant_of("a-token", b"x" * 32)
    assert "a-token" not in base64.urlsafe_b64decode(word.partition(".")[0] + "==").decode()


def test_a_session_ends() -> None:
    assert opened(sealed(SESSION, KEY), KEY, NOW + timedelta(hours=1)) is None


def test_a_session_is_good_with_its_key_alone() -> None:
    assert opened(sealed(SESSION, KEY), b"x" * 32, NOW) is None


@given(st.text(max_size=300))
def test_no_other_word_is_a_session(word: str) -> None:
    assert opened(word, KEY, NOW) is None


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_word_with_one_character_changed_is_no_session(place: int, other: str) -> None:
    word = sealed(SESSION, KEY)
    place %= len(word)
    changed = word[:place] + other + word[place + 1 :]
    assert opened(changed, KEY, NOW) == (SESSION if changed == word else None)


@pytest.mark.parametrize("given_token", ["", "é", "0" * 64])
def test_a_form_of_another_site_is_told_apart(given_token: str) -> None:
    word = sealed(SESSION, KEY)
    assert is_form_token(form_token(word, KEY), word, KEY)
    assert not is_form_token(given_token, word, KEY)
    assert not is_form_token(form_token("another", KEY), word, KEY)
