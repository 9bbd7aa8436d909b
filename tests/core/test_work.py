"""What is known of those who work on a run in the background."""

from __future__ import annotations

from anton.core.work import Work, WorkStopped

FAILED = WorkStopped("the model is away", "time")


def test_a_worker_that_is_killed_is_counted_when_the_next_one_starts() -> None:
    once = Work().started()
    assert (once.kills, once.started().kills, once.started().started().kills) == (0, 1, 2)


def test_a_worker_that_lets_go_was_not_killed() -> None:
    assert Work().started().ended(FAILED).started() == Work(under_way=True, failures=1)


def test_only_failures_that_may_pass_are_counted() -> None:
    work = Work()
    for _ in range(3):
        work = work.started().ended(FAILED)
    assert work.failures == 3
    assert work.started().ended(WorkStopped("Anton was stopped", "start")).failures == 0


def test_progress_wipes_failures_and_kills() -> None:
    work = Work(under_way=True, kills=2, failures=4)
    assert work.progressed(rests=False) == Work(under_way=True)
    assert work.progressed(rests=True) == Work()


def test_a_run_is_parked_when_somebody_has_to_ask_for_it() -> None:
    assert Work().ended(WorkStopped("no such repository", "person")).parked
    assert not Work().ended(FAILED).parked
