"""Events and letters as JSON and back, and the digest that an approval is bound to."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from anton.core.errors import JournalError
from anton.core.event import Event
from anton.core.letter import Letter
from anton.core.proof import Proof

_EVENT: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="kind")], config=ConfigDict(extra="forbid")
)
_LETTER: TypeAdapter[Letter] = TypeAdapter(Letter)
_PROOF: TypeAdapter[Proof] = TypeAdapter(Proof)


def encode_event(event: Event) -> bytes:
    """The event as compact UTF-8 JSON.

    Raises:
        JournalError: a text in it cannot be written as UTF-8, such as a file name of undecodable bytes.
    """
    try:
        return _EVENT.dump_json(event)
    except PydanticSerializationError as error:
        raise JournalError(f"the event {event.kind!r} cannot be written: {error}") from error


def decode_event(text: bytes | str) -> Event:
    """The event that `encode_event` wrote.

    Raises:
        JournalError: the text is not an event of this version.
    """
    try:
        return _EVENT.validate_json(text)
    except ValidationError as error:
        raise JournalError(_unreadable(error)) from None


def encode_letter(letter: Letter) -> bytes:
    """The letter as compact UTF-8 JSON.

    Raises:
        JournalError: a text in it cannot be written as UTF-8.
    """
    try:
        return _LETTER.dump_json(letter)
    except PydanticSerializationError as error:
        raise JournalError(f"the letter {letter.id!r} cannot be written: {error}") from error


def decode_letter(text: bytes | str) -> Letter:
    """The letter that `encode_letter` wrote.

    Raises:
        JournalError: the text is not a letter of this version.
    """
    try:
        return _LETTER.validate_json(text, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:60]
        raise JournalError(f"it is no letter of this version at {where!r}: {first['msg']}") from None


def _unreadable(error: ValidationError) -> str:
    """Why, in one sentence that holds nothing of the entry's content."""
    first = error.errors(include_url=False, include_input=False)[0]
    kind, *where = map(str, first["loc"] or ("",))
    newer = "it was written by a newer Anton, which it takes to read it"
    match first["type"]:
        case "union_tag_invalid":
            return f"{newer}: the kind {first['ctx']['tag'][:60]!r} is not known here"
        case "unexpected_keyword_argument":
            return f"{newer}: {kind!r} has {'.'.join(where)[:60]!r}, which is not known here"
        case _:
            at = f" at {'.'.join((kind, *where))!r}" if kind else ""
            return f"it is no event{at}: {first['msg']}"


def proof_as_json(proof: Proof) -> bytes:
    """The proof as compact UTF-8 JSON; the same proof always gives the same bytes."""
    return _PROOF.dump_json(proof)


def digest_of(proof: Proof, pull_request: str) -> str:
    """SHA-256 (hex) of base commit, head commit, proof, and what would be opened where."""
    whole = hashlib.sha256()
    for part in (
        proof.patch.base.encode(),
        proof.patch.head.encode(),
        proof_as_json(proof),
        pull_request.encode(),
    ):
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()
