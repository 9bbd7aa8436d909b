"""Sealed texts: what was sealed is read back, and nothing else is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.event import Verb
from anton.core.seal import (
    MAX_CHARACTERS,
    Choice,
    Link,
    check_link,
    make_link,
    open_choice,
    seal_choice,
)

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
CHOICE = Choice("r1", "d" * 64, Verb.APPROVE)
SEALED = seal_choice(KEY, CHOICE)
LINK = make_link(KEY, "Kim", "r1", NOW + timedelta(hours=1))


@given(run=st.text(max_size=40), digest=st.text(max_size=70), verb=st.sampled_from(Verb))
def test_a_choice_is_read_back(run: str, digest: str, verb: Verb) -> None:
    choice = Choice(run, digest, verb)
    sealed = seal_choice(KEY, choice)
    assert open_choice(KEY, sealed) == choice
    assert sealed.isascii()


def test_a_button_of_slack_holds_it() -> None:
    assert len(SEALED) <= MAX_CHARACTERS // 4


@given(st.text(max_size=300) | st.from_regex(r"\A[A-Za-z0-9_-]{0,90}\.[A-Za-z0-9_-]{43}\Z"))
def test_no_other_text_is_taken(text: str) -> None:
    assert open_choice(KEY, text) is None
    assert check_link(KEY, text, "r1", NOW) is None


@given(st.integers(0, len(SEALED) - 1), st.characters(codec="ascii"))
def test_no_character_of_it_can_be_changed(place: int, other: str) -> None:
    changed = SEALED[:place] + other + SEALED[place + 1 :]
    assert open_choice(KEY, changed) == (CHOICE if changed == SEALED else None)


def test_another_key_and_another_purpose_open_nothing() -> None:
    assert open_choice(OTHER, SEALED) is None
    assert check_link(KEY, SEALED, "r1", NOW) is None
    assert open_choice(KEY, LINK) is None


def test_a_verb_cannot_be_exchanged() -> None:
    declined = seal_choice(KEY, Choice("r1", "d" * 64, Verb.DECLINE))
    mixed = f"{SEALED.partition('.')[0]}.{declined.partition('.')[2]}"
    assert open_choice(KEY, mixed) is None


def test_a_link_opens_its_run_for_its_person_until_it_is_over() -> None:
    link = check_link(KEY, LINK, "r1", NOW)
    assert link == Link("Kim", "r1", NOW + timedelta(hours=1))
    assert link.identity == "page:Kim"
    assert check_link(KEY, LINK, "r2", NOW) is None
    assert check_link(KEY, LINK, "r1", NOW + timedelta(hours=1)) is None
    everywhere = make_link(KEY, "Kim", "", NOW + timedelta(hours=1))
    assert check_link(KEY, everywhere, "r2", NOW) == Link("Kim", "", NOW + timedelta(hours=1))


def test_a_link_for_nobody_is_none() -> None:
    assert check_link(KEY, make_link(KEY, "", "r1", NOW + timedelta(hours=1)), "r1", NOW) is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="a key has 32 bytes, and this one 5"):
        seal_choice(b"short", CHOICE)


def test_what_is_said_is_not_secret_and_says_so_in_plain_json() -> None:
    said = base64.urlsafe_b64decode(SEALED.partition(".")[0] + "==")
    assert said.decode() == f'["r1","{"d" * 64}","approve"]'
