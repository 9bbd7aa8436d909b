"""Lines of a run's story."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from anton.core.event import Entry, HookFailed, HookMoment, ReplyReceived
from anton.core.message import Usage
from anton.views.timeline import Moment, moment_of

AT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_a_hook_that_failed_is_part_of_the_story() -> None:
    event = HookFailed("code", HookMoment.AFTER_TOOL, "/opt/notify", "it ended with code 1: no\nnetwork")
    assert moment_of(Entry("r1", 9, AT, event)) == Moment(
        AT, "code", "the hook /opt/notify (after_tool) failed: it ended with code 1: no network"
    )


def test_a_reply_is_told_of_where_another_model_gave_it() -> None:
    reply = ReplyReceived("code", 3, "", (), Usage(), None, "small", "stop", 1.0)
    assert moment_of(Entry("r1", 9, AT, reply)) is None
    stood_in = replace(reply, instead_of="big")
    assert moment_of(Entry("r1", 9, AT, stood_in)) == Moment(
        AT, "code", "turn 3: small answers in place of big"
    )
