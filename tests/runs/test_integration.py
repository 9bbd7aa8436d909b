"""A failed workflow's tests come with its ticket, and continuous integration holds nothing up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from anton.adapters.ci.none import NoCI
from anton.core.errors import OutsideError
from anton.core.ticket import MAX_BODY_CHARACTERS, Ticket
from anton.ports import CIRun, FailedTest
from anton.runs.integration import checks_of, with_failures

TICKET = Ticket(key="ci-7", title="tests fails on main", body="It failed.", source="ci")


@dataclass
class KnownCI:
    """Says one thing of everything."""

    says: CIRun | OutsideError
    asked: list[str] = field(default_factory=list)

    @property
    def description(self) -> str:
        return "known"

    async def read(self, run: str) -> CIRun:
        self.asked.append(run)
        if isinstance(self.says, OutsideError):
            raise self.says
        return self.says

    async def status(self, commit: str) -> CIRun:
        return await self.read(commit)


async def test_the_ticket_of_a_failed_workflow_names_the_tests_and_what_they_said() -> None:
    ci = KnownCI(
        CIRun("failure", "u", (FailedTest("t.py::a", "E boom\nE bang"), FailedTest("t.py::b", "E no")))
    )
    ticket, said = await with_failures(ci, TICKET)
    assert (ci.asked, said) == (["7"], ())
    assert ticket.body == (
        "It failed.\n\nTests that failed, by the workflow's log:\n\nt.py::a\n\n    E boom\n    E bang"
        "\n\nt.py::b\n\n    E no"
    )


async def test_without_tests_it_has_the_log_around_the_failure() -> None:
    ticket, _ = await with_failures(KnownCI(CIRun("failure", log="no compiler")), TICKET)
    assert ticket.body.endswith("The workflow's log around the failure:\n\n    no compiler")


@pytest.mark.parametrize("ticket", [Ticket("ci-7", "t", "b"), Ticket("BUG-1", "t", "b", source="ci")])
async def test_other_tickets_are_left_as_they_are(ticket: Ticket) -> None:
    ci = KnownCI(CIRun("failure", log="x"))
    assert await with_failures(ci, ticket) == (ticket, ())
    assert ci.asked == []


async def test_a_log_that_cannot_be_read_holds_nothing_up() -> None:
    ticket, said = await with_failures(KnownCI(OutsideError("it is gone")), TICKET)
    assert (ticket, said) == (TICKET, ("The log of the failed workflow run was not read: it is gone",))


async def test_what_is_added_is_bounded() -> None:
    failed = tuple(FailedTest(f"t.py::{number}", "x" * 4_000) for number in range(50))
    ticket, _ = await with_failures(KnownCI(CIRun("failure", failed=failed)), TICKET)
    assert len(ticket.body) < MAX_BODY_CHARACTERS
    assert "t.py::49" in ticket.body


async def test_of_the_base_s_checks_only_what_is_not_green_is_to_be_looked_at() -> None:
    url = "https://github.com/ann/shop/runs/1"
    assert await checks_of(KnownCI(CIRun("success", url)), "c") == (f"success ({url})", ())
    assert await checks_of(KnownCI(CIRun("failure", url)), "c") == (
        f"failure ({url})",
        (f"Continuous integration on the base: failure ({url}).",),
    )
    assert await checks_of(KnownCI(CIRun("pending")), "c") == (
        "pending",
        ("Continuous integration on the base: pending.",),
    )
    assert await checks_of(NoCI(), "c") == ("", ())
    assert await checks_of(KnownCI(OutsideError("down")), "c") == (
        "",
        ("What continuous integration says of the base is not known: down",),
    )
