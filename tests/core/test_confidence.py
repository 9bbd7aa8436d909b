"""Confidence follows from evidence alone: red is nothing, and more evidence never lowers it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.confidence import confidence, mutation_score
from anton.core.proof import (
    Blame,
    Case,
    Cell,
    CellStatus,
    Culprit,
    CulpritStatus,
    Fault,
    FaultKind,
    FileChange,
    HunkCheck,
    Mutant,
    MutantFate,
    Opinion,
    Outcome,
    Patch,
    Proof,
    SandboxLevel,
    Suite,
    Tree,
)

FOUND = Culprit(CulpritStatus.FOUND, "c" * 40)
FAULT = Fault(FaultKind.REGRESSED, Blame.CODE, ("a",), "a fails")


def proof(
    *,
    reproducing: int = 1,
    old: int = 0,
    killed: int = 0,
    survived: int = 0,
    needed: int = 0,
    unneeded: int = 0,
    lines: int = 1_000,
    **changes: object,
) -> Proof:
    """A green proof with so much evidence and no more."""
    cases = tuple(Case(f"old_{number}", Outcome.PASSED) for number in range(old))
    fates = [MutantFate.KILLED] * killed + [MutantFate.SURVIVED] * survived
    bare = Proof(
        round=1,
        patch=Patch("b", "h", (), (FileChange("a.py", "M", added=lines),), (), ""),
        cells=tuple(
            Cell(Suite.OLD, tree, CellStatus.RAN, cases, "t", ("pytest",)) for tree in (Tree.BASE, Tree.FIX)
        ),
        faults=(),
        reproducing=tuple(f"new_{number}" for number in range(reproducing)),
        new_tests=(),
        flaky=("wavers",),
        already_red=(),
        opinion=Opinion.DISAGREES,
        sandbox="full, so it says",
        mutants=tuple(Mutant("a.py", 1, "x", "y", fate) for fate in fates),
        hunks=tuple(HunkCheck("a.py", "@@", n < needed) for n in range(needed + unneeded)),
    )
    return replace(bare, **changes)  # type: ignore[arg-type]


BEST = {
    "reproducing": 2,
    "old": 20,
    "killed": 4,
    "needed": 2,
    "lines": 10,
    "flaky": (),
    "opinion": Opinion.AGREES,
    "sandbox_level": SandboxLevel.FULL,
    "culprit": FOUND,
}


def test_a_red_proof_deserves_none_whatever_else_speaks_for_it() -> None:
    assert confidence(proof(**BEST, faults=(FAULT,))) == 0  # type: ignore[arg-type]


def test_the_least_and_the_most() -> None:
    assert confidence(proof()) == 36
    assert confidence(proof(**BEST)) == 99  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"opinion": Opinion.NONE}, 8),
        ({"opinion": Opinion.AGREES}, 20),
        ({"killed": 5, "survived": 1}, 12),
        ({"survived": 3}, 0),
        ({"needed": 1, "unneeded": 1}, 2),
        ({"old": 8}, 2),
        ({"old": 5_000}, 5),
        ({"lines": 10}, 5),
        ({"lines": 50}, 3),
        ({"lines": 200}, 1),
        ({"reproducing": 2}, 4),
        ({"culprit": FOUND}, 3),
        ({"culprit": Culprit(CulpritStatus.NOT_FOUND)}, 0),
        ({"flaky": ()}, 3),
        ({"sandbox_level": SandboxLevel.FULL}, 3),
        ({"sandbox_level": SandboxLevel.LIMITED}, 1),
    ],
)
def test_each_piece_of_evidence_has_its_points(changes: dict[str, object], points: int) -> None:
    assert confidence(proof(**changes)) == 36 + points  # type: ignore[arg-type]


def test_what_was_not_run_counts_for_nothing() -> None:
    left = Mutant("a.py", 1, "x", "y", MutantFate.NOT_RUN)
    some = proof(killed=1, survived=1)
    more = replace(some, mutants=(*some.mutants, left, left))
    assert mutation_score(more) == (1, 2)
    assert confidence(more) == confidence(some)


small = st.integers(0, 30)
proofs = st.builds(
    proof,
    reproducing=st.integers(1, 3),
    old=small,
    killed=small,
    survived=small,
    needed=small,
    unneeded=small,
    lines=st.integers(0, 400),
    flaky=st.sampled_from([(), ("a",)]),
    opinion=st.sampled_from(Opinion),
    sandbox_level=st.sampled_from(SandboxLevel),
    culprit=st.sampled_from([None, FOUND, Culprit(CulpritStatus.ALWAYS)]),
    faults=st.sampled_from([(), (FAULT,)]),
)


def with_more(less: Proof) -> list[Proof]:
    """The proof with one more piece of evidence in favour, of every kind."""
    opinions = [Opinion.DISAGREES, Opinion.NONE, Opinion.AGREES]
    after = opinions[min(opinions.index(less.opinion) + 1, 2)]
    more = Case("one more", Outcome.PASSED)
    killed = tuple(replace(mutant, fate=MutantFate.KILLED) for mutant in less.mutants)
    source = tuple(replace(change, added=change.added // 2) for change in less.patch.source)
    return [
        replace(less, faults=()),
        replace(less, reproducing=(*less.reproducing, "one more")),
        replace(less, cells=tuple(replace(cell, cases=(*cell.cases, more)) for cell in less.cells)),
        replace(less, mutants=(*less.mutants, Mutant("a.py", 2, "x", "y", MutantFate.KILLED))),
        replace(less, mutants=killed),
        replace(less, hunks=(*less.hunks, HunkCheck("b.py", "@@", needed=True))),
        replace(less, opinion=after),
        replace(less, culprit=FOUND),
        replace(less, flaky=()),
        replace(less, sandbox_level=SandboxLevel.FULL),
        replace(less, patch=replace(less.patch, source=source)),
    ]


@given(proofs)
def test_more_evidence_never_lowers_it(less: Proof) -> None:
    before = confidence(less)
    assert 0 <= before <= 99
    for more in with_more(less):
        assert confidence(more) >= before
