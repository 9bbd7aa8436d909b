"""How much the new tests notice, in words: mutants, hunks, and what there was no time for."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.confidence import mutation_score
from anton.core.proof import Mutant, MutantFate, Proof
from anton.views.encode import line

SHOWN_SURVIVORS = 5
"""Mutants and hunks named, of each; the rest is counted."""
CODE_CHARACTERS = 80
"""Of one line of code in a sentence."""


def scores(proof: Proof) -> tuple[str, ...]:
    """`mutants killed 5 of 6`, `hunks needed 2 of 2`; nothing of what was not tried."""
    killed, tried = mutation_score(proof)
    needed, checked = sum(hunk.needed for hunk in proof.hunks), len(proof.hunks)
    counts = (("mutants killed", killed, tried), ("hunks needed", needed, checked))
    return tuple(f"{what} {part} of {whole}" for what, part, whole in counts if whole)


def weaknesses(proof: Proof) -> Iterator[str]:
    """A sentence for each mutant that survives, each hunk that nothing needs, and what was left undone."""
    survivors = [mutant for mutant in proof.mutants if mutant.fate is MutantFate.SURVIVED]
    yield from map(_survivor, survivors[:SHOWN_SURVIVORS])
    if (more := len(survivors) - SHOWN_SURVIVORS) > 0:
        yield f"{more} more mutants survive."
    unneeded = [hunk for hunk in proof.hunks if not hunk.needed]
    for hunk in unneeded[:SHOWN_SURVIVORS]:
        yield f"No test needs this hunk: {line(hunk.path, 120)} {line(hunk.header, CODE_CHARACTERS)}"
    if (more := len(unneeded) - SHOWN_SURVIVORS) > 0:
        yield f"{more} more hunks are needed by no test."
    yield from (line(sentence, 300) for sentence in proof.undone)


def _survivor(mutant: Mutant) -> str:
    before, after = line(mutant.before, CODE_CHARACTERS), line(mutant.after, CODE_CHARACTERS)
    return f"A mutant survives: {line(mutant.path, 120)}:{mutant.line} `{before}` → `{after}`"
