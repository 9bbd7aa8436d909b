"""Events as JSON and back, and the digest that an approval is bound to."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anton.core.briefing import Briefing
from anton.core.codec import decode_event, digest_of, encode_event, proof_as_json
from anton.core.errors import JournalError
from anton.core.event import Decided, Event, Note, Source, Verb
from anton.core.message import ToolCall, Usage
from anton.core.proof import (
    Blame,
    Case,
    Cell,
    CellStatus,
    Commit,
    Culprit,
    CulpritStatus,
    Fault,
    FaultKind,
    FileChange,
    HunkCheck,
    Mutant,
    MutantFate,
    Opinion,
    Outcome,
    Patch,
    Proof,
    SandboxLevel,
    Suite,
    Tampering,
    Tree,
)
from anton.core.ticket import Ticket
from anton.core.tool import ToolResult

PARTS = (
    *(Ticket, Note, ToolCall, Usage, ToolResult, Case, Cell, FileChange, Commit, Patch, Fault),
    *(Tampering, Mutant, HunkCheck, Culprit, Proof, Briefing),
)
"""Inner types before those that hold them."""


def _whole(made: type) -> st.SearchStrategy[Any]:
    """Objects of a dataclass with every field drawn, those with defaults as well."""
    hints = get_type_hints(made)
    return st.builds(made, **{f.name: _of(hints[f.name]) for f in fields(made) if f.init})


def _of(hint: Any) -> st.SearchStrategy[Any]:
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if hint == float | None:
        return st.none() | st.floats(allow_nan=False, allow_infinity=False)
    if is_dataclass(hint) and isinstance(hint, type):
        return st.deferred(lambda: _whole(hint))
    inner = get_args(hint)
    if len(inner) == 2 and inner[1] is ...:
        return st.lists(_of(inner[0]), max_size=3).map(tuple)
    if type(None) in inner:
        return st.none() | _of(next(part for part in inner if part is not type(None)))
    return st.from_type(hint)


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(drawn=st.data())
def test_an_event_of_every_kind_survives_the_journal(kind: type, drawn: st.DataObject) -> None:
    event = drawn.draw(_whole(kind))
    text = encode_event(event)
    assert b"\n" not in text
    assert decode_event(text) == event
    assert type(decode_event(text.decode())) is kind


ODD = 'a\x00\x1f\u2028\u202e\ufeff\ufffe\U0001f9d1\u200d\U0001f680\U000e0041\x7f"\\</script>'


def test_odd_characters_come_back_as_they_were() -> None:
    event = Decided(Verb.DECLINE, ODD, "d" * 64, ODD)
    assert decode_event(encode_event(event)) == event


def test_text_that_no_file_can_hold_is_an_error_of_ours_and_names_the_event() -> None:
    with pytest.raises(JournalError, match="'decided'"):
        encode_event(Decided(Verb.DECLINE, "Kim", "d" * 64, "\ud800"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"kind":"decided"}',
        b'{"kind":"decided","verb":"maybe","by":"Kim","digest":""}',
        b"\xff\xfe",
        b'{"kind":"decided","verb":"approve","by":"Kim","digest":"" ',
    ],
)
def test_what_is_no_event_is_a_journal_error(text: bytes) -> None:
    with pytest.raises(JournalError, match=r"^it is no event") as raised:
        decode_event(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"kind":"launched"}', "the kind 'launched' is not known here"),
        (b'{"kind":"proof_started","round":1,"why":"s3cret"}', "'proof_started' has 'why', which is not kno"),
        (
            b'{"kind":"note_posted","agent":"code","note":{"source":"code","text":"","to":"s3cret"}}',
            "'note_posted' has 'note.to', which is not known here",
        ),
    ],
)
def test_what_a_newer_anton_wrote_is_not_guessed_at(text: bytes, says: str) -> None:
    with pytest.raises(JournalError, match=r"^it was written by a newer Anton") as raised:
        decode_event(text)
    assert says in str(raised.value)
    assert "s3cret" not in str(raised.value)


@given(st.binary() | st.text())
def test_nothing_but_a_journal_error_comes_of_garbage(text: bytes | str) -> None:
    with pytest.raises(JournalError):
        decode_event(text)


CELL = Cell(
    Suite.NEW, Tree.FIX, CellStatus.RAN, (Case("t::a", Outcome.PASSED),), "t" * 40, ("run",), exit_code=0
)
PROOF = Proof(
    round=1,
    patch=Patch("b" * 40, "h" * 40, (Commit("h" * 40, "a.py", "Fix"),), (FileChange("a.py", "M"),), (), "+x"),
    cells=(CELL,),
    faults=(),
    reproducing=("t::a",),
    new_tests=("t::a",),
    flaky=(),
    already_red=(),
    opinion=Opinion.AGREES,
    sandbox="full",
)
OTHER: dict[str, object] = {
    "round": 2,
    "patch": replace(PROOF.patch, diff="+y"),
    "cells": (replace(CELL, exit_code=1),),
    "faults": (Fault(FaultKind.NO_FIX, Blame.CODE, (), "Nothing was changed."),),
    "reproducing": (),
    "new_tests": (),
    "flaky": ("t::b",),
    "already_red": ("t::b",),
    "opinion": Opinion.NONE,
    "sandbox": "none",
    "tampering": (Tampering("assertion removed", "t.py", 1, "assert x", Blame.TEST),),
    "mutants": (Mutant("a.py", 1, "x", "y", MutantFate.SURVIVED),),
    "hunks": (HunkCheck("a.py", "@@ -1 +1 @@", needed=True),),
    "culprit": Culprit(CulpritStatus.FOUND, "c" * 40),
    "undone": ("Mutants were not run.",),
    "sandbox_level": SandboxLevel.FULL,
    "instead_of": "t::a failed",
}


def test_the_digest_of_the_same_is_the_same() -> None:
    assert digest_of(PROOF, "Fix\n\nBody") == digest_of(replace(PROOF), "Fix\n\nBody")


@pytest.mark.parametrize("name", [field.name for field in fields(Proof)])
def test_the_digest_changes_with_every_field_of_the_proof(name: str) -> None:
    changed = replace(PROOF, **{name: OTHER[name]})  # type: ignore[arg-type]
    assert digest_of(changed, "Fix") != digest_of(PROOF, "Fix")
    assert proof_as_json(changed) != proof_as_json(PROOF)


@pytest.mark.parametrize("name", ["base", "head"])
def test_the_digest_changes_with_the_commits(name: str) -> None:
    changed = replace(PROOF, patch=replace(PROOF.patch, **{name: "0" * 40}))  # type: ignore[arg-type]
    assert digest_of(changed, "Fix") != digest_of(PROOF, "Fix")


def test_the_digest_changes_with_the_pull_request() -> None:
    assert digest_of(PROOF, "Fix") != digest_of(PROOF, "Fix ")


def test_nothing_can_move_from_one_part_of_the_digest_to_the_next() -> None:
    longer = replace(PROOF, patch=replace(PROOF.patch, base="b" * 40 + "h", head="h" * 39))
    assert digest_of(longer, "Fix") != digest_of(PROOF, "Fix")


def test_a_note_names_its_source() -> None:
    assert Note(Source.PROOF, "Red.").as_prompt() == '<note from="proof">\nRed.\n</note>'
