"""Which tickets have a run that is open, and how many runs each has started of late.

One ticket, one open run: who asks for another is led to the one that there is. And whatever rewrites a ticket
over and over, a person's script or Anton's own traces in a tracker, starts a few runs an hour and no more.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

from anton.core.errors import UsageError
from anton.core.event import Entry, RunClosed, RunReceived
from anton.core.run import RunState

HOUR = timedelta(hours=1)

Subject = tuple[str, str]
"""The repository's path and the ticket's key."""


class TooManyRuns(UsageError):
    """The ticket has started as many runs as it may for now."""


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

    def admit(self, subject: Subject, run_id: str) -> None:
        """Count a run as begun and open.

        Raises:
            TooManyRuns: its ticket has begun as many as it may.
        """
        now, begun = self._clock(), self._begun[subject]
        while begun and now - begun[0] >= HOUR:
            begun.popleft()
        if len(begun) >= self._runs_per_hour:
            raise TooManyRuns(
                f"ticket {subject[1]} has started {len(begun)} runs within an hour; "
                f"that is as many as server.runs_per_hour allows: try again later"
            )
        begun.append(now)
        self._open[subject] = run_id
        self._forget(now)

    def withdraw(self, subject: Subject, run_id: str) -> None:
        """Take back what `admit` counted: the run did not begin."""
        if self._open.get(subject) == run_id:
            del self._open[subject]
            self._begun[subject].pop()

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
