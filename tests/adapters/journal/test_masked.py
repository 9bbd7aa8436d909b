"""A journal that keeps no secret, whichever way it comes."""

from __future__ import annotations

from datetime import UTC, datetime

from anton.adapters.journal.masked import MaskedJournal
from anton.adapters.journal.memory import MemoryJournal
from anton.core.event import Entry, RunReceived
from anton.core.letter import Letter, Word
from anton.core.secrets import Masker
from anton.core.ticket import Ticket

AT = datetime(2026, 1, 1, tzinfo=UTC)
RECEIVED = RunReceived(
    Ticket("BUG-1", "Broken", "the key is configured-value"), "/repo", "", "", "/reports", "ada"
)
SAFE = "the key is [masked: KEY]"


async def test_what_is_appended_received_or_posted_holds_no_secret() -> None:
    inner = MemoryJournal()
    journal = MaskedJournal(inner, Masker({"KEY": "configured-value"}))
    await journal.append("r1", [Entry("r1", 1, AT, RECEIVED)])
    await journal.receive("github:1", Entry("r2", 1, AT, RECEIVED))
    await journal.post(Letter("l1", "r1", "ada", AT, Word("the key is configured-value")))
    for run in ("r1", "r2"):
        [entry] = await inner.read(run)
        assert isinstance(entry.event, RunReceived)
        assert entry.event.ticket.body == SAFE
    [letter] = await inner.letters("r1")
    assert letter.message == Word(SAFE)
