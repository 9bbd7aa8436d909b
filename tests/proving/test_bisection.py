"""The search over the commit graph, on histories of any shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.bisection import Bisection, Verdict

GOOD, BAD, UNTESTABLE = Verdict.GOOD, Verdict.BAD, Verdict.UNTESTABLE
Parents = Mapping[str, tuple[str, ...]]


def line(length: int) -> Parents:
    """Commits `0` to `length - 1`, each the next one's parent."""
    return {str(n): (str(n - 1),) if n else () for n in range(length)}


def ancestors(parents: Parents, commit: str) -> set[str]:
    """A commit and all that it comes from."""
    found, left = set(), [commit]
    while left:
        if (here := left.pop()) not in found:
            found.add(here)
            left.extend(parents[here])
    return found


def search(bisection: Bisection, verdict: Callable[[str], Verdict], width: int = 1) -> Bisection:
    """The search, when nothing more can be learned."""
    while commits := bisection.next(width):
        assert len(set(commits)) == len(commits) <= width
        for commit in commits:
            assert commit not in bisection.verdicts
            bisection.verdicts[commit] = verdict(commit)
    return bisection


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize(("length", "most"), [(2, 2), (100, 15), (1_000, 21)])
def test_a_line_takes_a_number_of_tests_that_grows_with_its_logarithm(
    length: int, most: int, width: int
) -> None:
    for brought_by in range(1, length, max(1, length // 25)):
        bisection = Bisection(line(length), str(length - 1))
        search(bisection, lambda commit: BAD if int(commit) >= brought_by else GOOD, width)  # noqa: B023
        assert bisection.suspects == (str(brought_by),)
        assert bisection.cleared
        assert len(bisection.verdicts) <= most * width


def test_what_was_always_there_is_followed_to_the_first_commit() -> None:
    bisection = search(Bisection(line(50), "49"), lambda _: BAD)
    assert (bisection.suspects, bisection.cleared) == (("0",), False)
    assert len(bisection.verdicts) <= 8


def test_where_nothing_older_can_be_tested_the_oldest_testable_commit_is_found() -> None:
    bisection = search(Bisection(line(200), "199"), lambda c: BAD if int(c) >= 77 else UNTESTABLE, 2)
    assert (bisection.oldest_bad, bisection.cleared) == ("77", False)
    assert len(bisection.verdicts) <= 30


def test_some_broken_commits_do_not_hide_the_good_ones_between() -> None:
    broken = {"7", "6", "4", "2", "0"}
    bisection = search(
        Bisection(line(9), "8"), lambda c: UNTESTABLE if c in broken else BAD if c == "8" else GOOD
    )
    assert bisection.suspects == ("6", "7", "8")


def test_a_broken_stretch_is_left_behind_and_not_walked_through() -> None:
    bisection = search(
        Bisection(line(400), "399"),
        lambda c: UNTESTABLE if 180 <= int(c) < 340 else BAD if int(c) >= 160 else GOOD,
    )
    assert bisection.suspects == ("160",)
    assert len(bisection.verdicts) <= 40


def test_of_a_bug_that_was_there_before_and_cured_the_last_coming_is_found() -> None:
    history = Bisection(line(10), "9")
    history.verdicts |= {"2": BAD, "5": GOOD}
    assert search(history, lambda c: BAD if int(c) >= 7 else GOOD).suspects == ("7",)


def test_a_verdict_that_is_taken_back_opens_the_question_again() -> None:
    bisection = search(Bisection(line(10), "9"), lambda c: BAD if int(c) >= 4 else GOOD)
    assert bisection.support() == ("4", "3")
    bisection.verdicts["3"] = UNTESTABLE
    search(bisection, lambda c: BAD if int(c) >= 4 else GOOD)
    assert (bisection.suspects, bisection.support()) == (("3", "4"), ("4", "2"))


@st.composite
def graphs(draw: st.DrawFn) -> Parents:
    """Histories with merges, several first commits, and all of it reachable from the last commit."""
    size = draw(st.integers(1, 24))
    parents: dict[str, tuple[str, ...]] = {"0": ()}
    for number in range(1, size):
        chosen = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True))
        parents[str(number)] = tuple(map(str, chosen))
    heads = set(parents) - {parent for known in parents.values() for parent in known}
    return {**parents, "base": tuple(sorted(heads))}


@given(graphs(), st.data())
def test_in_any_graph_the_commit_that_brought_the_bug_is_found(parents: Parents, data: st.DataObject) -> None:
    brought_by = data.draw(st.sampled_from(sorted(parents)))
    bisection = Bisection(parents, "base")
    search(
        bisection,
        lambda c: BAD if brought_by in ancestors(parents, c) else GOOD,
        data.draw(st.integers(1, 3)),
    )
    assert bisection.suspects == (brought_by,)
    assert bisection.cleared or not parents[brought_by]


@given(graphs(), st.data())
def test_untestable_commits_widen_the_answer_and_never_falsify_it(
    parents: Parents, data: st.DataObject
) -> None:
    brought_by = data.draw(st.sampled_from(sorted(parents)))
    broken = data.draw(st.sets(st.sampled_from(sorted(parents))))

    def verdict(commit: str) -> Verdict:
        bad = brought_by in ancestors(parents, commit)
        return UNTESTABLE if commit in broken else BAD if bad else GOOD

    bisection = search(Bisection(parents, "base"), verdict, data.draw(st.integers(1, 3)))
    assert brought_by in bisection.suspects
    if bisection.cleared:
        assert all(c in broken for c in bisection.suspects[:-1])
    assert set(bisection.support()) <= set(bisection.verdicts)


def test_parents_beyond_the_history_are_left_alone() -> None:
    bisection = search(Bisection({"b": ("a",), "a": ("unknown",)}, "b"), lambda _: BAD)
    assert (bisection.suspects, bisection.cleared, bisection.size) == (("a",), False, 2)


def test_ten_thousand_commits_are_no_burden() -> None:
    bisection = search(Bisection(line(10_000), "9999"), lambda c: BAD if int(c) >= 5_000 else GOOD)
    assert bisection.suspects == ("5000",)
