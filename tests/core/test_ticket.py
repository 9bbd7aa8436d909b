"""Tickets out of what outsiders wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.ticket import MAX_BODY_CHARACTERS, Ticket, ticket_from_text

ANY = st.text(st.characters(codec=None))
HIDDEN = st.text(st.sampled_from("a \n\t\r\x00\x1b[31m]8;;\x07\\‮⁦​﻿­\U000e0041\ud800\x9b"), max_size=60)


def test_the_first_line_is_the_title_and_the_rest_the_body() -> None:
    assert ticket_from_text("# It breaks \n\nBadly.\n", key="BUG-1", reporter="Jo", source="api") == Ticket(
        "BUG-1", "It breaks", "Badly.", "Jo", "api"
    )


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("It breaks", "It breaks", "It breaks"),
        ("  \n\n It breaks \n", "It breaks", "It breaks"),
        ("#\nBody", "Untitled bug", "Body"),
        ("###", "Untitled bug", "###"),
        ("word " * 60, ("word " * 60)[:200], ("word " * 60).strip()),
    ],
)
def test_odd_tickets_have_a_title_and_a_body(text: str, title: str, body: str) -> None:
    ticket = ticket_from_text(text, key="BUG-1")
    assert (ticket.title, ticket.body) == (title, body)


@pytest.mark.parametrize("text", ["", " \n\t ", "​‮", "\x1b[0m", "\x00"])
def test_a_ticket_without_anything_to_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the ticket is empty"):
        ticket_from_text(text, key="BUG-1")


def test_a_megabyte_is_cut_and_the_cut_is_named() -> None:
    ticket = ticket_from_text("It breaks\n" + "x" * 1_000_000, key="BUG-1")
    assert ticket.body == "x" * MAX_BODY_CHARACTERS + "\n\n[cut: 936,000 of 1,000,000 characters left out]"


def test_hidden_characters_are_counted_and_named() -> None:
    ticket = ticket_from_text("It\u200b breaks\nBadly\x00.", key="B")
    assert ticket.hidden_characters == 2
    assert ticket.body == "Badly.\n\n[2 hidden characters were removed]"


def test_a_notice_that_the_author_wrote_counts_for_nothing() -> None:
    text = "It breaks\nBadly.\n\n[9 hidden characters were removed]"
    assert ticket_from_text(text, key="B").hidden_characters == 0


@given(ANY | HIDDEN)
def test_any_text_is_a_bounded_ticket_or_refused(text: str) -> None:
    try:
        ticket = ticket_from_text(text, key="BUG-1")
    except ValueError:
        return
    assert ticket.title.strip()
    assert "\n" not in ticket.title
    assert len(ticket.title) <= 200
    assert len(ticket.body) <= MAX_BODY_CHARACTERS + 200
    assert f"{ticket.title}{ticket.body}".encode()


@pytest.mark.parametrize(
    ("key", "slug"),
    [
        ("BUG-42", "bug-42"),
        ("a b/c..d", "a-b-c-d"),
        ("--", "bug"),
        ("", "bug"),
        ("Ünïcode", "n-code"),
        ("x" * 300, "x" * 60),
        ("x" * 59 + "-y", "x" * 59),
    ],
)
def test_a_key_makes_a_part_of_a_branch_name(key: str, slug: str) -> None:
    assert Ticket(key, "", "").slug == slug
