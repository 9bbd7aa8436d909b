"""The verdict as a table, and what must hold of it for any matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anton.core.evidence import SHOWN_TESTS
from anton.core.outcomes import outcomes
from anton.core.proof import (
    BAD,
    Blame,
    Case,
    Cell,
    CellStatus,
    FaultKind,
    FileChange,
    Opinion,
    Outcome,
    Patch,
    Proof,
    Refusal,
    Suite,
    Tampering,
    Tree,
)
from anton.core.verdict import judge, not_tested, suspects, undecided, wavering

P, F, E, S = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED

NEW = "tests.test_new::test_bug"
EDGE = "tests.test_new::test_edge"
OLD = "tests.test_old::test_works"
RED = "tests.test_old::test_red"

Tests = Mapping[str, Outcome] | list[tuple[str, Outcome]]

PATCH = Patch(
    base="b" * 40,
    head="h" * 40,
    commits=(),
    source=(FileChange("shop/cart.py", "M"),),
    tests=(FileChange("tests/test_new.py", "A"),),
    diff="",
)


REWRITING = replace(PATCH, tests=(*PATCH.tests, FileChange("tests/test_old.py", "M")))


def pairs(tests: Tests) -> list[tuple[str, Outcome]]:
    return list(tests.items()) if isinstance(tests, Mapping) else tests


def cell(suite: Suite, tree: Tree, tests: Tests, **more: object) -> Cell:
    cases = tuple(Case(name, outcome, f"{outcome} message") for name, outcome in pairs(tests))
    made = Cell(suite, tree, CellStatus.RAN, cases, "t" * 40, ("run",))
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass
class Matrix:
    """A matrix that is all green unless it is told otherwise."""

    old_base: Tests = field(default_factory=lambda: {OLD: P})
    old_fix: Tests = field(default_factory=lambda: {OLD: P})
    new_base: Tests = field(default_factory=lambda: {NEW: F, EDGE: P})
    new_fix: Tests = field(default_factory=lambda: {NEW: P, EDGE: P})
    second: Tests | None = None
    whole: Tests | None = None
    """None: the new tests, and the old ones that were not rewritten."""
    paths: tuple[str, ...] = ("tests/test_new.py",)
    patch: Patch = PATCH
    again: tuple[Cell, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        found = [
            cell(Suite.OLD, Tree.BASE, self.old_base),
            cell(Suite.OLD, Tree.FIX, self.old_fix),
            cell(Suite.NEW, Tree.BASE, self.new_base, paths=self.paths),
            cell(Suite.NEW, Tree.FIX, self.new_fix, paths=self.paths),
            cell(Suite.WHOLE, Tree.FIX, self.beside_each_other if self.whole is None else self.whole),
        ]
        if self.second is not None:
            found.append(cell(Suite.NEW, Tree.SECOND, self.second, paths=self.paths))
        return (*found, *self.again)

    @property
    def beside_each_other(self) -> Tests:
        new, old = pairs(self.new_fix), pairs(self.old_fix)
        rewritten = {name for name, _ in new}
        return [*new, *(pair for pair in old if pair[0] not in rewritten)]

    def judged(self) -> Proof:
        patch = self.patch if self.second is None else replace(self.patch, second_opinion="a diff")
        return judge(1, patch, self.cells, "full")


def faults(proof: Proof) -> list[tuple[FaultKind, Blame, tuple[str, ...]]]:
    return [(fault.kind, fault.blames, fault.tests) for fault in proof.faults]


def test_a_bug_reproduced_and_cured_without_harm_is_green() -> None:
    proof = Matrix().judged()
    assert proof.green
    assert proof.reproducing == (NEW,)
    assert proof.new_tests == (NEW, EDGE)
    assert proof.opinion is Opinion.NONE


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        pytest.param(
            Matrix(new_base={NEW: P, EDGE: P}),
            (FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW, EDGE)),
            id="new tests pass on base",
        ),
        pytest.param(
            Matrix(new_base={NEW: E, EDGE: P}),
            (FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW, EDGE)),
            id="an error is not a failure",
        ),
        pytest.param(
            Matrix(new_base={NEW: S}, new_fix={NEW: P}),
            (FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW,)),
            id="skipped on base",
        ),
        pytest.param(
            Matrix(new_base={}, new_fix={}),
            (FaultKind.NOT_REPRODUCED, Blame.TEST, ()),
            id="a test file without tests",
        ),
        pytest.param(
            Matrix(old_base={OLD: P, RED: F}, old_fix={OLD: P, RED: F}, new_base={RED: F}, new_fix={RED: P}),
            (FaultKind.NOT_REPRODUCED, Blame.TEST, ()),
            id="a test that was red before reproduces nothing",
        ),
        pytest.param(
            Matrix(new_fix={NEW: F, EDGE: P}), (FaultKind.NOT_CURED, Blame.CODE, (NEW,)), id="still fails"
        ),
        pytest.param(
            Matrix(new_fix={NEW: E, EDGE: P}), (FaultKind.NOT_CURED, Blame.CODE, (NEW,)), id="now an error"
        ),
        pytest.param(
            Matrix(new_fix={NEW: S, EDGE: P}),
            (FaultKind.NOT_CURED, Blame.CODE, (NEW,)),
            id="skipped instead of passed",
        ),
        pytest.param(
            Matrix(new_fix={NEW: P}), (FaultKind.NOT_CURED, Blame.CODE, (EDGE,)), id="a new test is gone"
        ),
        pytest.param(
            Matrix(new_fix={NEW: P, EDGE: F}),
            (FaultKind.NOT_CURED, Blame.CODE, (EDGE,)),
            id="a guard of the edges broke",
        ),
        pytest.param(
            Matrix(new_fix={NEW: F, EDGE: P}, second={NEW: F, EDGE: P}),
            (FaultKind.NOT_CURED, Blame.TEST, (NEW,)),
            id="fails on its author's own fix too",
        ),
        pytest.param(
            Matrix(new_fix={NEW: F, EDGE: P}, second={NEW: P, EDGE: F}),
            (FaultKind.NOT_CURED, Blame.CODE, (NEW,)),
            id="blame is weighed test by test",
        ),
        pytest.param(Matrix(old_fix={OLD: F}), (FaultKind.REGRESSED, Blame.CODE, (OLD,)), id="regressed"),
        pytest.param(
            Matrix(old_fix=[(OLD, P), (OLD, F)], old_base=[(OLD, P), (OLD, P)]),
            (FaultKind.REGRESSED, Blame.CODE, (OLD,)),
            id="one of two under the same name fails",
        ),
        pytest.param(
            Matrix(old_fix={OLD: P, "tests.test_odd": E}),
            (FaultKind.REGRESSED, Blame.CODE, ("tests.test_odd",)),
            id="a test file cannot be imported any more",
        ),
        pytest.param(
            Matrix(
                old_base={OLD: P},
                new_base={NEW: F, OLD: P},
                new_fix={NEW: P, OLD: F},
                second={NEW: P, OLD: F},
                paths=("tests/test_new.py", "tests/test_old.py"),
            ),
            (FaultKind.REGRESSED, Blame.TEST, (OLD,)),
            id="a rewritten test that only base passes",
        ),
        pytest.param(
            Matrix(
                old_base={OLD: P, RED: P},
                old_fix={OLD: P, RED: F},
                new_base={NEW: F, RED: E},
                new_fix={NEW: P, RED: P},
            ),
            (FaultKind.REGRESSED, Blame.CODE, (RED,)),
            id="a rewritten test that does not reach its body on base excuses nothing",
        ),
        pytest.param(Matrix(old_fix={}), (FaultKind.VANISHED, Blame.CODE, (OLD,)), id="vanished by code"),
        pytest.param(
            Matrix(old_fix={}, new_fix={NEW: P, EDGE: P}, paths=()),
            (FaultKind.VANISHED, Blame.CODE, (OLD,)),
            id="what the code agent's change made vanish is not blamed twice",
        ),
        pytest.param(
            Matrix(old_base={OLD: P, RED: F}),
            (FaultKind.VANISHED, Blame.CODE, (RED,)),
            id="a red test must not vanish either",
        ),
        pytest.param(Matrix(old_fix={OLD: S}), (FaultKind.VANISHED, Blame.CODE, (OLD,)), id="now skipped"),
        pytest.param(
            Matrix(old_base=[(OLD, P), (OLD, P)]),
            (FaultKind.VANISHED, Blame.CODE, (OLD,)),
            id="one of two under the same name is gone",
        ),
        pytest.param(
            Matrix(paths=("tests/test_new.py", "tests/test_old.py")),
            (FaultKind.VANISHED, Blame.TEST, (OLD,)),
            id="vanished from a file that the test agent touched",
        ),
        pytest.param(
            Matrix(patch=replace(PATCH, tests=(*PATCH.tests, FileChange("tests/test_old.py", "D")))),
            (FaultKind.VANISHED, Blame.TEST, (OLD,)),
            id="vanished with a file that the test agent removed",
        ),
        pytest.param(
            Matrix(paths=()), (FaultKind.VANISHED, Blame.TEST, (OLD,)), id="vanished from the whole suite"
        ),
        pytest.param(
            Matrix(
                patch=replace(
                    PATCH, refused=(Refusal(Blame.TEST, "code agent, it says, changed 'conftest.py'"),)
                )
            ),
            (FaultKind.REFUSED_CHANGE, Blame.TEST, ()),
            id="refused change of the test agent",
        ),
        pytest.param(
            Matrix(
                patch=replace(PATCH, refused=(Refusal(Blame.CODE, "test agent, it says, changed 'tox.ini'"),))
            ),
            (FaultKind.REFUSED_CHANGE, Blame.CODE, ()),
            id="refused change of the code agent",
        ),
    ],
)
def test_each_fault_goes_back_to_whom_it_blames(
    matrix: Matrix, expected: tuple[FaultKind, Blame, tuple[str, ...]]
) -> None:
    proof = matrix.judged()
    assert faults(proof) == [expected]
    assert not proof.green


def test_faults_of_one_kind_are_split_by_whom_they_blame() -> None:
    proof = Matrix(new_fix={NEW: F, EDGE: F}, second={NEW: F, EDGE: P}).judged()
    assert faults(proof) == [
        (FaultKind.NOT_CURED, Blame.CODE, (EDGE,)),
        (FaultKind.NOT_CURED, Blame.TEST, (NEW,)),
    ]


@pytest.mark.parametrize(
    ("second", "nor"),
    [(None, False), ({NEW: P, EDGE: P}, False), ({NEW: P, EDGE: E}, True)],
    ids=["no opinion", "starts with its author's fix alone", "starts nowhere"],
)
def test_a_new_test_that_starts_neither_on_base_nor_on_the_fix_is_its_authors_fault(
    second: Tests | None, nor: bool
) -> None:
    proof = Matrix(new_base={NEW: F, EDGE: E}, new_fix={NEW: P, EDGE: E}, second=second).judged()
    assert faults(proof) == [(FaultKind.NOT_CURED, Blame.TEST, (EDGE,))]
    assert ("nor with the test agent's own fix" in proof.faults[0].evidence) is nor


def test_nothing_changed_lacks_both_halves() -> None:
    empty = replace(PATCH, source=(), tests=())
    proof = judge(1, empty, (cell(Suite.OLD, Tree.BASE, {OLD: P}),), "full")
    assert faults(proof) == [(FaultKind.NO_FIX, Blame.CODE, ()), (FaultKind.NO_TESTS, Blame.TEST, ())]


@pytest.mark.parametrize("status", [CellStatus.NO_REPORT, CellStatus.TIMED_OUT])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((Suite.OLD, Tree.BASE), (FaultKind.SUITE_BROKEN, Blame.NOBODY, ())),
        ((Suite.OLD, Tree.FIX), (FaultKind.SUITE_BROKEN, Blame.CODE, ())),
        ((Suite.NEW, Tree.BASE), (FaultKind.TESTS_BROKEN, Blame.TEST, ())),
        ((Suite.NEW, Tree.FIX), (FaultKind.SUITE_BROKEN, Blame.CODE, ())),
    ],
)
def test_a_cell_without_a_report_is_never_green_whatever_it_claims(
    place: tuple[Suite, Tree], status: CellStatus, expected: tuple[FaultKind, Blame, tuple[str, ...]]
) -> None:
    def broken(at: Cell) -> Cell:
        return replace(at, status=status, output="Segmentation fault") if (at.suite, at.tree) == place else at

    proof = judge(1, PATCH, tuple(map(broken, Matrix().cells)), "full")
    assert faults(proof) == [expected]
    assert "Segmentation fault" in proof.faults[0].evidence


@pytest.mark.parametrize("missing", range(5))
def test_a_cell_that_was_not_run_is_never_green(missing: int) -> None:
    cells = Matrix().cells
    proof = judge(1, REWRITING, cells[:missing] + cells[missing + 1 :], "full")
    assert "was not run" in proof.faults[0].evidence


def test_new_tests_that_break_the_runner_on_their_authors_fix_too_are_the_authors_fault() -> None:
    dead = {"status": CellStatus.NO_REPORT, "cases": ()}
    kept = [c for c in Matrix().cells if (c.suite, c.tree) != (Suite.NEW, Tree.FIX)]
    cells = (*kept, cell(Suite.NEW, Tree.FIX, {}, **dead), cell(Suite.NEW, Tree.SECOND, {}, **dead))
    proof = judge(1, replace(PATCH, second_opinion="a diff"), cells, "full")
    assert faults(proof) == [(FaultKind.SUITE_BROKEN, Blame.TEST, ())]


def test_a_test_red_before_is_named_and_not_held_against_the_fix() -> None:
    proof = Matrix(old_base={OLD: P, RED: F}, old_fix={OLD: P, RED: F}).judged()
    assert proof.green
    assert proof.already_red == (RED,)


def test_an_import_error_of_the_baseline_may_go_away() -> None:
    assert Matrix(old_base={OLD: P, "tests.test_odd": E}).judged().green


def test_a_test_that_failed_in_body_and_teardown_is_not_missed_when_it_passes_once() -> None:
    matrix = Matrix(old_base=[(OLD, P), (RED, F), (RED, E)], old_fix={OLD: P, RED: P})
    assert matrix.judged().green


def test_a_failure_in_the_body_counts_although_the_teardown_fails_as_well() -> None:
    assert Matrix(new_base=[(NEW, F), (NEW, E), (EDGE, P)]).judged().green


def test_an_old_test_rewritten_so_that_it_fails_on_base_reproduces() -> None:
    touched = ("tests/test_old.py",)
    matrix = Matrix(
        old_base={OLD: P, RED: P},
        old_fix={OLD: P, RED: F},
        new_base={OLD: P, RED: F},
        new_fix={OLD: P, RED: P},
        paths=touched,
        patch=replace(PATCH, tests=(FileChange(touched[0], "M"),)),
    )
    proof = matrix.judged()
    assert proof.green
    assert proof.reproducing == (RED,)


@pytest.mark.parametrize(
    ("second", "opinion"),
    [
        ({NEW: P, EDGE: P}, Opinion.AGREES),
        ({NEW: F, EDGE: P}, Opinion.DISAGREES),
        ({NEW: P, EDGE: F}, Opinion.DISAGREES),
        ({NEW: S, EDGE: P}, Opinion.DISAGREES),
        ({EDGE: P}, Opinion.DISAGREES),
    ],
)
def test_the_second_opinion_agrees_if_it_cures_the_same_tests(second: Tests, opinion: Opinion) -> None:
    proof = Matrix(second=second).judged()
    assert proof.opinion is opinion
    assert proof.green


def test_the_second_opinion_must_cure_every_test_that_fails_on_base() -> None:
    both = Matrix(new_base={NEW: F, EDGE: F}, second={NEW: P, EDGE: S})
    assert both.judged().opinion is Opinion.DISAGREES


def test_a_flaky_test_says_nothing_of_the_second_opinion() -> None:
    again = cell(Suite.NEW, Tree.BASE, {NEW: F, EDGE: F}, attempt=2)
    assert Matrix(second={NEW: P, EDGE: F}, again=(again,)).judged().opinion is Opinion.AGREES


def test_an_opinion_takes_both_a_fix_and_a_run_of_it() -> None:
    run = cell(Suite.NEW, Tree.SECOND, {NEW: P, EDGE: P})
    assert judge(1, PATCH, (*Matrix().cells, run), "").opinion is Opinion.NONE
    spoken = replace(PATCH, second_opinion="a diff")
    assert judge(1, spoken, Matrix().cells, "").opinion is Opinion.NONE
    died = replace(run, status=CellStatus.NO_REPORT)
    assert judge(1, spoken, (*Matrix().cells, died), "").opinion is Opinion.NONE


def test_where_nothing_fails_there_is_nothing_to_agree_on() -> None:
    assert Matrix(new_base={NEW: P}, new_fix={NEW: P}, second={NEW: P}).judged().opinion is Opinion.NONE


def test_a_test_that_fails_only_for_want_of_what_the_patch_adds_reproduces_nothing() -> None:
    diff = "diff --git a/shop/cart.py b/shop/cart.py\n+++ b/shop/cart.py\n+def finish():\n"
    missing = Case(NEW, F, "tests/test_new.py:3: in test_bug\nE   NameError: name 'finish' is not defined")
    cells = [
        replace(c, cases=(missing, *c.cases[1:])) if (c.suite, c.tree) == (Suite.NEW, Tree.BASE) else c
        for c in Matrix().cells
    ]
    proof = judge(1, replace(PATCH, diff=diff), tuple(cells), "full")
    assert faults(proof) == [(FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW, EDGE))]
    assert "for want of what the patch adds" in proof.faults[0].evidence
    assert judge(1, PATCH, tuple(cells), "full").green


BESIDE = {NEW: P, EDGE: P, OLD: P}


class TestWhole:
    """Old and new tests side by side, as they would be merged."""

    @pytest.mark.parametrize(
        ("whole", "expected"),
        [
            ({**BESIDE, OLD: F}, (FaultKind.REGRESSED, Blame.TEST, (OLD,))),
            (
                {**BESIDE, "tests.unit.test_old": E},
                (FaultKind.REGRESSED, Blame.TEST, ("tests.unit.test_old",)),
            ),
            ({NEW: P, EDGE: P}, (FaultKind.VANISHED, Blame.TEST, (OLD,))),
            ({NEW: P, EDGE: F, OLD: P}, (FaultKind.TESTS_BROKEN, Blame.TEST, (EDGE,))),
            ({NEW: P, OLD: P}, (FaultKind.TESTS_BROKEN, Blame.TEST, (EDGE,))),
        ],
        ids=[
            "an old test fails",
            "a file cannot be imported",
            "an old test is gone",
            "a new one fails",
            "is not run",
        ],
    )
    def test_what_only_the_new_tests_bring_about_is_their_authors_fault(
        self, whole: Tests, expected: tuple[FaultKind, Blame, tuple[str, ...]]
    ) -> None:
        assert faults(Matrix(whole=whole).judged()) == [expected]

    def test_where_test_files_are_only_added_it_stands_in_for_the_old_suite_on_the_fix(self) -> None:
        assert judge(1, PATCH, without_old_fix(Matrix()), "full").green
        assert not undecided(PATCH, without_old_fix(Matrix()))
        assert not judge(1, REWRITING, without_old_fix(Matrix()), "full").green

    @pytest.mark.parametrize(
        ("whole", "kind"),
        [({**BESIDE, OLD: F}, FaultKind.REGRESSED), ({NEW: P, EDGE: P}, FaultKind.VANISHED)],
    )
    def test_trouble_is_the_fixs_until_the_old_suite_alone_clears_it(
        self, whole: Tests, kind: FaultKind
    ) -> None:
        cells = without_old_fix(Matrix(whole=whole))
        assert undecided(PATCH, cells)
        assert faults(judge(1, PATCH, cells, "full")) == [(kind, Blame.CODE, (OLD,))]

    @pytest.mark.parametrize("blame", [Blame.CODE, Blame.TEST])
    def test_without_a_report_nothing_is_green(self, blame: Blame) -> None:
        matrix = Matrix()
        cells = matrix.cells if blame is Blame.TEST else without_old_fix(matrix)
        dead = [replace(c, status=CellStatus.NO_REPORT) if c.suite is Suite.WHOLE else c for c in cells]
        assert undecided(PATCH, tuple(dead))
        assert faults(judge(1, PATCH, tuple(dead), "full")) == [(FaultKind.SUITE_BROKEN, blame, ())]


def without_old_fix(matrix: Matrix) -> tuple[Cell, ...]:
    return tuple(c for c in matrix.cells if (c.suite, c.tree) != (Suite.OLD, Tree.FIX))


class TestDisguise:
    """A run of the new tests that does not look like Anton's."""

    def test_a_fix_that_behaves_differently_in_disguise_is_named(self) -> None:
        hidden = cell(Suite.NEW, Tree.FIX, {NEW: F, EDGE: P}, attempt=2, disguised=True)
        plain = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: P}, attempt=3)
        assert wavering(PATCH, Matrix(again=(hidden,)).cells)
        proof = Matrix(again=(hidden, plain)).judged()
        assert faults(proof) == [(FaultKind.DETECTED, Blame.CODE, (NEW,))]
        assert "when it is not watched" in proof.faults[0].evidence

    def test_a_test_that_wavers_without_it_is_flaky(self) -> None:
        hidden = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: F}, attempt=2, disguised=True)
        plain = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: F}, attempt=3)
        proof = Matrix(again=(hidden, plain)).judged()
        assert faults(proof) == [(FaultKind.TESTS_BROKEN, Blame.TEST, (EDGE,))]

    def test_the_same_answer_in_disguise_needs_no_third_run(self) -> None:
        hidden = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: P}, attempt=2, disguised=True)
        assert not wavering(PATCH, Matrix(again=(hidden,)).cells)
        assert Matrix(again=(hidden,)).judged().green


class TestFlaky:
    """A second attempt at a cell."""

    def test_an_old_test_that_fails_by_chance_is_named_and_not_held_against_the_fix(self) -> None:
        again = cell(Suite.OLD, Tree.FIX, {OLD: P}, attempt=2)
        proof = Matrix(old_fix={OLD: F}, again=(again,)).judged()
        assert proof.green
        assert proof.flaky == (OLD,)

    def test_an_old_test_that_fails_twice_has_regressed(self) -> None:
        again = cell(Suite.OLD, Tree.FIX, {OLD: F}, attempt=2)
        assert faults(Matrix(old_fix={OLD: F}, again=(again,)).judged()) == [
            (FaultKind.REGRESSED, Blame.CODE, (OLD,))
        ]

    @pytest.mark.parametrize(("once", "then"), [(F, S), (S, F), (E, S), (F, E)])
    def test_never_passing_is_steady_however_it_did_not_pass(self, once: Outcome, then: Outcome) -> None:
        again = cell(Suite.OLD, Tree.FIX, {OLD: then}, attempt=2)
        whole = {NEW: P, EDGE: P, OLD: F}
        proof = Matrix(old_fix={OLD: once}, whole=whole, again=(again,)).judged()
        assert faults(proof) == [(FaultKind.REGRESSED, Blame.CODE, (OLD,))]

    @pytest.mark.parametrize("before", [P, E, S])
    def test_a_new_test_skipped_and_then_failing_on_the_fix_is_not_cured(self, before: Outcome) -> None:
        again = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: F}, attempt=2)
        proof = Matrix(new_base={NEW: F, EDGE: before}, new_fix={NEW: P, EDGE: S}, again=(again,)).judged()
        assert faults(proof) == [(FaultKind.NOT_CURED, Blame.CODE, (EDGE,))]

    def test_a_second_run_of_the_fix_that_breaks_down_is_not_green(self) -> None:
        again = cell(Suite.NEW, Tree.FIX, {}, attempt=2, status=CellStatus.NO_REPORT, output="crash")
        proof = Matrix(again=(again,)).judged()
        assert faults(proof) == [(FaultKind.SUITE_BROKEN, Blame.CODE, ())]
        assert proof.faults[0].evidence.endswith("ended with 'no report'. The runner's own words:\ncrash")

    def test_two_outcomes_under_one_name_in_one_run_are_not_flakiness(self) -> None:
        proof = Matrix(old_base=[(OLD, P), (OLD, P)], old_fix=[(OLD, F), (OLD, P)]).judged()
        assert proof.flaky == ()
        assert not proof.green

    def test_a_baseline_that_disagrees_with_itself_excuses_the_fix(self) -> None:
        again = cell(Suite.OLD, Tree.BASE, {OLD: F}, attempt=2)
        assert Matrix(old_fix={OLD: F}, again=(again,)).judged().green

    def test_a_test_missing_once_has_not_vanished(self) -> None:
        again = cell(Suite.OLD, Tree.FIX, {OLD: P}, attempt=2)
        whole = {NEW: P, EDGE: P, OLD: P}
        proof = Matrix(old_fix={}, whole=whole, again=(again,)).judged()
        assert proof.green
        assert proof.flaky == (OLD,)

    def test_a_second_look_at_the_baseline_that_breaks_down_takes_nothing_from_the_first(self) -> None:
        again = cell(Suite.OLD, Tree.BASE, {}, attempt=2, status=CellStatus.TIMED_OUT)
        assert Matrix(again=(again,)).judged().green

    def test_a_new_test_that_fails_on_base_only_sometimes_reproduces_nothing(self) -> None:
        again = cell(Suite.NEW, Tree.BASE, {NEW: P, EDGE: P}, attempt=2)
        proof = Matrix(again=(again,)).judged()
        assert faults(proof) == [(FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW, EDGE))]
        assert "same answer twice" in proof.faults[0].evidence

    def test_a_new_test_that_reaches_its_body_only_sometimes_reproduces_nothing(self) -> None:
        again = cell(Suite.NEW, Tree.BASE, {NEW: E, EDGE: P}, attempt=2)
        proof = Matrix(again=(again,)).judged()
        assert faults(proof) == [(FaultKind.NOT_REPRODUCED, Blame.TEST, (NEW, EDGE))]
        assert "same answer twice" in proof.faults[0].evidence

    def test_a_new_test_that_passes_on_the_fix_only_sometimes_is_a_fault(self) -> None:
        again = cell(Suite.NEW, Tree.FIX, {NEW: P, EDGE: F}, attempt=2)
        assert faults(Matrix(again=(again,)).judged()) == [(FaultKind.TESTS_BROKEN, Blame.TEST, (EDGE,))]

    def test_a_new_test_unsteady_on_base_must_still_pass_on_the_fix(self) -> None:
        again = cell(Suite.NEW, Tree.BASE, {NEW: F, EDGE: F}, attempt=2)
        proof = Matrix(new_fix={NEW: P, EDGE: F}, again=(again,)).judged()
        assert faults(proof) == [(FaultKind.NOT_CURED, Blame.CODE, (EDGE,))]


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (Matrix(), {(Suite.NEW, Tree.BASE), (Suite.NEW, Tree.FIX)}),
        (Matrix(new_base={NEW: P}, new_fix={NEW: P}), set()),
        (Matrix(new_base={NEW: P}, new_fix={NEW: F}), {(Suite.NEW, Tree.FIX)}),
        (
            Matrix(old_fix={OLD: F}, new_base={}, new_fix={}),
            {(Suite.OLD, Tree.FIX), (Suite.OLD, Tree.BASE), (Suite.WHOLE, Tree.FIX)},
        ),
        (
            Matrix(old_fix={}, new_base={}, new_fix={}),
            {(Suite.OLD, Tree.FIX), (Suite.OLD, Tree.BASE), (Suite.WHOLE, Tree.FIX)},
        ),
    ],
    ids=["reproduced", "not reproduced", "not cured", "regressed", "vanished"],
)
def test_what_counts_for_or_against_the_patch_is_run_again(
    matrix: Matrix, expected: set[tuple[Suite, Tree]]
) -> None:
    assert suspects(matrix.patch, matrix.cells) == expected


def test_without_a_sandbox_nothing_is_green() -> None:
    proof = not_tested(2, PATCH, "none: bubblewrap is not installed")
    assert faults(proof) == [(FaultKind.NOT_TESTED, Blame.NOBODY, ())]
    assert proof.faults[0].evidence.startswith("NOT TESTED: none")


def test_evidence_names_a_few_tests_and_counts_the_rest() -> None:
    many = {f"tests.test_old::test_{n:02}": P for n in range(SHOWN_TESTS + 5)}
    broken = dict.fromkeys(many, F)
    [fault] = Matrix(old_base=many, old_fix=broken).judged().faults
    assert len(fault.tests) == SHOWN_TESTS + 5
    assert "and 5 more" in fault.evidence
    assert fault.evidence.count("failed message") == SHOWN_TESTS


def test_a_thousand_times_more_tests_are_judged_all_the_same() -> None:
    many = {f"tests.test_old::test_{n}": P for n in range(20_000)}
    assert (
        Matrix(old_base=many, old_fix=many, new_base={**many, NEW: F}, new_fix={**many, NEW: P})
        .judged()
        .green
    )


_IDS = st.sampled_from([NEW, EDGE, OLD, RED, "tests.test_old", "odd"])
_CASES = st.lists(st.builds(Case, _IDS, st.sampled_from(Outcome)), max_size=6).map(tuple)
_PATHS = st.sampled_from([(), ("tests/test_new.py",), ("tests/test_new.py", "tests/test_old.py")])


def _a_cell(suite: Suite, tree: Tree) -> st.SearchStrategy[Cell]:
    return st.builds(
        Cell,
        suite=st.just(suite),
        tree=st.just(tree),
        status=st.sampled_from([CellStatus.RAN] * 6 + [CellStatus.NO_REPORT, CellStatus.TIMED_OUT]),
        cases=_CASES,
        tree_sha=st.just("t" * 40),
        command=st.just(("run",)),
        paths=_PATHS if suite is Suite.NEW else st.just(()),
        attempt=st.sampled_from([1, 1, 1, 2]),
    )


_PLACES = [
    (Suite.OLD, Tree.BASE),
    (Suite.OLD, Tree.FIX),
    (Suite.NEW, Tree.BASE),
    (Suite.NEW, Tree.FIX),
    (Suite.NEW, Tree.SECOND),
]
_CELLS = st.one_of(
    st.tuples(*(_a_cell(*place) for place in _PLACES)),
    st.lists(st.one_of(*(_a_cell(*place) for place in _PLACES)), max_size=8).map(tuple),
)
_CHANGES = st.sampled_from([(), (FileChange("a.py", "M"),), (FileChange("tests/test_old.py", "D"),)])
_PATCHES = st.builds(
    lambda source, tests, opinion, refused: replace(
        PATCH, source=source, tests=tests, second_opinion=opinion, refused=refused
    ),
    _CHANGES,
    _CHANGES,
    st.sampled_from(["", "a diff"]),
    st.sampled_from([(), (), (Refusal(Blame.CODE, "code agent changed 'tox.ini'"),)]),
)


@st.composite
def _nearly_green(draw: st.DrawFn) -> tuple[Cell, ...]:
    """A green matrix with a few things changed; what is drawn at random is hardly ever green."""
    cells = list(Matrix(old_base={OLD: P, RED: F}, old_fix={OLD: P, RED: F}, second={NEW: P}).cells)
    cells += [replace(c, attempt=2) for c in cells if draw(st.booleans())]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(cells) - 1))
        cases = list(cells[at].cases)
        case = Case(draw(_IDS), draw(st.sampled_from(Outcome)))
        match draw(st.sampled_from(["add", "set", "drop", "status", "paths"])):
            case "add":
                cases.append(case)
            case "set" if cases:
                where = draw(st.integers(0, len(cases) - 1))
                cases[where] = replace(cases[where], outcome=case.outcome)
            case "drop" if cases:
                cases.pop()
            case "status":
                cells[at] = replace(cells[at], status=draw(st.sampled_from(CellStatus)))
            case _:
                cells[at] = replace(cells[at], paths=draw(_PATHS))
        cells[at] = replace(cells[at], cases=tuple(cases))
    return tuple(cells)


@given(_PATCHES, _CELLS)
def test_any_matrix_is_judged_and_green_only_for_good_reasons(patch: Patch, cells: tuple[Cell, ...]) -> None:
    proof = judge(1, patch, cells, "full")
    suspects(patch, cells)
    undecided(patch, cells)
    wavering(patch, cells)
    if proof.green:
        _assert_deserved(proof)


@given(st.sampled_from([PATCH, replace(PATCH, second_opinion="a diff")]), _nearly_green())
def test_what_is_nearly_green_is_green_only_for_good_reasons(patch: Patch, cells: tuple[Cell, ...]) -> None:
    proof = judge(1, patch, cells, "full")
    event("green" if proof.green else "red")
    if proof.green:
        _assert_deserved(proof)


@given(_PATCHES, _CELLS)
def test_the_order_of_cells_does_not_matter(patch: Patch, cells: tuple[Cell, ...]) -> None:
    unique = tuple({(c.suite, c.tree, c.attempt): c for c in cells}.values())
    there, back = judge(1, patch, unique, ""), judge(1, patch, unique[::-1], "")
    assert replace(back, cells=there.cells) == there


def _assert_deserved(proof: Proof) -> None:
    def first(suite: Suite, tree: Tree) -> Mapping[str, Case]:
        return outcomes(proof.cells, suite, tree).first

    patch = proof.patch
    assert patch.source
    assert patch.tests
    assert not patch.refused
    before, after = first(Suite.NEW, Tree.BASE), first(Suite.NEW, Tree.FIX)
    cured = [test for test, case in before.items() if case.outcome is F and test in after]
    assert any(after[test].outcome is P for test in cured)
    base, fix, whole = (
        first(*at) for at in ((Suite.OLD, Tree.BASE), (Suite.OLD, Tree.FIX), (Suite.WHOLE, Tree.FIX))
    )
    excused = {*proof.flaky, *proof.reproducing}
    alone = bool(outcomes(proof.cells, Suite.OLD, Tree.FIX).cells) or not patch.only_adds_tests
    for test, case in base.items():
        if case.outcome is P and test not in excused:
            assert whole[test].outcome is P
            assert not alone or fix[test].outcome is P
    for test in {*before, *after} - base.keys():
        assert test not in after or after[test].outcome not in BAD


WEAKENED = Tampering("assertion weakened", "tests/test_new.py", 7, "`a == 1` has become `a`", Blame.TEST)
DETECTED = Tampering("runner detected", "shop/cart.py", 3, "`'pytest' in sys.modules`", Blame.CODE)
WHOLE = Tampering("not readable", "shop/cart.py", 0, "the file is nested too deeply", Blame.CODE)


def test_a_sign_of_cheating_turns_a_green_proof_red_and_goes_back_to_whose_it_is() -> None:
    matrix = Matrix()
    assert judge(1, PATCH, matrix.cells, "full").green
    proof = judge(1, PATCH, matrix.cells, "full", (WEAKENED, DETECTED, WHOLE))
    assert faults(proof) == [(FaultKind.TAMPERED, Blame.CODE, ()), (FaultKind.TAMPERED, Blame.TEST, ())]
    assert proof.tampering == (WEAKENED, DETECTED, WHOLE)
    code, test = (fault.evidence for fault in proof.faults)
    assert "shop/cart.py:3: runner detected. `'pytest' in sys.modules`" in code
    assert "- shop/cart.py: not readable. the file is nested too deeply" in code
    assert "tests/test_new.py:7: assertion weakened. `a == 1` has become `a`" in test
    assert "shop/cart.py" not in test


def test_signs_of_cheating_are_told_even_where_nothing_could_be_run() -> None:
    proof = not_tested(1, PATCH, "no sandbox", (WEAKENED,))
    assert [fault.kind for fault in proof.faults] == [FaultKind.NOT_TESTED, FaultKind.TAMPERED]


def test_many_signs_are_counted_in_the_evidence() -> None:
    signs = tuple(replace(WEAKENED, line=number) for number in range(SHOWN_TESTS + 3))
    [fault] = judge(1, PATCH, Matrix().cells, "full", signs).faults
    assert fault.evidence.endswith("- and 3 more")
