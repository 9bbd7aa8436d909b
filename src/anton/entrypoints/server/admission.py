"""Which tickets have a run that is open, and how many runs each has started of late.

One ticket, one open run: who asks for another is led to the one that there is. And whatever rewrites a ticket
over and over, a person's script or Anton's own traces in a tracker, starts a few runs an hour and no more.
Each command in Slack is a ticket of its own, so there a member's runs are counted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from anton.core.errors import UsageError
from anton.core.event import Entry, RunClosed, RunReceived
from anton.core.run import RunState

HOUR = timedelta(hours=1)

MOST_BY_MEMBER = 30
"""Runs that one member of a Slack workspace may start within an hour."""
MEMBERS = "slack:"

Subject = tuple[str, str]
"""The repository's path and the ticket's key."""


class TooManyRuns(UsageError):
    """The ticket, or whoever asks, has started as many runs as they may for now."""


def subject_of(received: RunReceived) -> Subject:
    """What a run is about: two runs about the same are not open at once."""
    return received.repository, received.ticket.key


class Admissions:
    """Who is let in. Kept in memory; after a start it is filled from the journal."""

    def __init__(self, runs_per_hour: int, clock: Callable[[], datetime]) -> None:
        self._runs_per_hour = runs_per_hour
        self._clock = clock
        self._open: dict[Subject, str] = {}
        self._begun: defaultdict[Subject, deque[datetime]] = defaultdict(deque)

    def open_run(self, subject: Subject) -> str | None:
        """The run about this that is not closed yet."""
        return self._open.get(subject)

    def admit(self, subject: Subject, run_id: str, by: str = "") -> None:
        """Count a run as begun and open.

        Args:
            subject: What it is about.
            run_id: Of the run.
            by: Who asked for it.

        Raises:
            TooManyRuns: its ticket, or whoever asks, has begun as many as they may.
        """
        counted = [(subject, self._runs_per_hour, f"ticket {subject[1]}", "as server.runs_per_hour allows")]
        if by.startswith(MEMBERS):
            counted.append(((by, ""), MOST_BY_MEMBER, by, "as one person may start"))
        for each in counted:
            self._refuse_more(*each)
        now = self._clock()
        for whose, *_ in counted:
            self._begun[whose].append(now)
        self._open[subject] = run_id
        self._forget(now)

    def _refuse_more(self, whose: Subject, most: int, named: str, limit: str) -> None:
        now, begun = self._clock(), self._begun[whose]
        while begun and now - begun[0] >= HOUR:
            begun.popleft()
        if len(begun) >= most:
            raise TooManyRuns(
                f"{named} has started {len(begun)} runs within an hour; that is as many {limit}: "
                "try again later"
            )

    def withdraw(self, subject: Subject, run_id: str, by: str = "") -> None:
        """Take back what `admit` counted: the run did not begin."""
        if self._open.get(subject) == run_id:
            del self._open[subject]
            self._begun[subject].pop()
            if by.startswith(MEMBERS):
                self._begun[by, ""].pop()

    def know(self, received: RunReceived, run_id: str) -> None:
        """A run is open that this process has not begun."""
        self._open.setdefault(subject_of(received), run_id)

    def see(self, entry: Entry, state: RunState) -> None:
        """A watcher of runs: a run that is closed makes room for the next one about the same."""
        if isinstance(entry.event, RunClosed):
            self.ended(subject_of(state.received), entry.run_id)

    def ended(self, subject: Subject, run_id: str) -> None:
        """The run is closed: there is room for the next one about this."""
        if self._open.get(subject) == run_id:
            del self._open[subject]

    def _forget(self, now: datetime) -> None:
        """Let go of tickets that have begun nothing within the hour, once there are many."""
        if len(self._begun) > 10_000:
            old = [each for each, begun in self._begun.items() if not begun or now - begun[-1] >= HOUR]
            for each in old:
                del self._begun[each]
