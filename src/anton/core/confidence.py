"""How far the evidence of a proof carries, computed from it alone; no model is asked.

    ======================================================================  ======
    evidence                                                                points
    ======================================================================  ======
    the proof is red                                                             0
    the proof is green: the bug is reproduced, cured, and nothing regressed     36
    the second opinion agrees (there is none: 8; it disagrees: 0)               20
    the share of the mutants that were run and killed                           15
    the share of the hunks taken back that some test needs                       5
    old tests that still pass, a point for each four                         ≤   5
    small: at most 10 changed lines of source (at most 50: 3, 200: 1)            5
    a second test reproduces the bug                                             4
    the commit that brought the bug was found                                    3
    nothing was flaky                                                            3
    the sandbox was full (limited: 1)                                            3
    ======================================================================  ======

They add up to 99: no run of tests shows that a change is right. The weights are a judgement and no
measurement; they order proofs. What was not looked at earns nothing, and no more evidence in favour takes a
point away.
"""

from __future__ import annotations

from anton.core.outcomes import outcomes, with_fix
from anton.core.proof import (
    CulpritStatus,
    MutantFate,
    Opinion,
    Outcome,
    Patch,
    Proof,
    SandboxLevel,
    Suite,
    Tree,
)

_OPINION = {Opinion.AGREES: 20, Opinion.NONE: 8, Opinion.DISAGREES: 0}
_CONFINEMENT = {SandboxLevel.FULL: 3, SandboxLevel.LIMITED: 1, SandboxLevel.NONE: 0}
_SIZES = ((10, 5), (50, 3), (200, 1))
_OLD_TESTS_A_POINT = 4


def confidence(proof: Proof) -> int:
    """Percent, by the table above; 0 for a proof that is not green."""
    if not proof.green:
        return 0
    killed, tried = mutation_score(proof)
    needed = sum(hunk.needed for hunk in proof.hunks)
    culprit = proof.culprit
    return sum(
        (
            36,
            _OPINION[proof.opinion],
            _share(15, killed, tried),
            _share(5, needed, len(proof.hunks)),
            min(5, still_pass(proof) // _OLD_TESTS_A_POINT),
            _smallness(proof.patch),
            4 if len(proof.reproducing) > 1 else 0,
            3 if culprit is not None and culprit.status is CulpritStatus.FOUND else 0,
            0 if proof.flaky else 3,
            _CONFINEMENT[proof.sandbox_level],
        )
    )


def mutation_score(proof: Proof) -> tuple[int, int]:
    """How many mutants were killed, and how many were run."""
    fates = [mutant.fate for mutant in proof.mutants]
    killed = fates.count(MutantFate.KILLED)
    return killed, killed + fates.count(MutantFate.SURVIVED)


def still_pass(proof: Proof) -> int:
    """How many tests of the old suite passed on base and pass with the fix."""
    before = outcomes(proof.cells, Suite.OLD, Tree.BASE).first
    after = with_fix(proof.cells).first
    passed = Outcome.PASSED
    return sum(
        t in after and after[t].outcome is passed for t, case in before.items() if case.outcome is passed
    )


def full_sandbox(proof: Proof) -> bool:
    """Whether the tests ran fully confined."""
    return proof.sandbox_level is SandboxLevel.FULL


def _share(points: int, part: int, whole: int) -> int:
    return points * part // whole if whole else 0


def _smallness(patch: Patch) -> int:
    lines = sum(change.added + change.removed for change in patch.source)
    return next((points for limit, points in _SIZES if lines <= limit), 0)
