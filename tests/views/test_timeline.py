"""Lines of a run's story."""

from __future__ import annotations

from datetime import UTC, datetime

from anton.core.event import Entry, HookFailed, HookMoment
from anton.views.timeline import Moment, moment_of

AT = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_a_hook_that_failed_is_part_of_the_story() -> None:
    event = HookFailed("code", HookMoment.AFTER_TOOL, "/opt/notify", "it ended with code 1: no\nnetwork")
    assert moment_of(Entry("r1", 9, AT, event)) == Moment(
        AT, "code", "the hook /opt/notify (after_tool) failed: it ended with code 1: no network"
    )
