"""Where in a history a bug came in, as far as verdicts on some of its commits tell: the search alone, no I/O.

    base ──► 1, 3, 7, … commits back, until one is good ──► the suspects, halved again and again
             the first commit is bad, or nothing older
             can be tested: it was always there

A commit that is good clears all its ancestors; one that is bad leaves only its ancestors under suspicion.
Histories with merges are nothing special then, as for `git bisect`
(https://git-scm.com/docs/git-bisect-lk2009). A commit that cannot be tested says nothing, and the next one is
looked for away from it: what breaks one commit mostly breaks its neighbours, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

PATIENCE = 4
"""Commits that are tried in vain, once everything in great steps back was, before the search ends."""


class Verdict(StrEnum):
    """What is known of one commit."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "untestable"


class Bisection:
    """Verdicts on a history, and what follows from them.

    Args:
        parents: Of each commit, first parent first; those that are no key of the mapping are unknown.
        base: The commit that is known to be bad; its ancestors are the history.
    """

    def __init__(self, parents: Mapping[str, Sequence[str]], base: str) -> None:
        self._parents = {
            commit: [parent for parent in known if parent in parents] for commit, known in parents.items()
        }
        self._commits = tuple(self._oldest_first(base))
        self._bits = {commit: 1 << number for number, commit in enumerate(self._commits)}
        self._lines: dict[str, int] = {}
        for commit in self._commits:
            line = self._bits[commit]
            for parent in self._parents[commit]:
                line |= self._lines[parent]
            self._lines[commit] = line
        self.base = base
        self.verdicts: dict[str, Verdict] = {base: Verdict.BAD}

    def _oldest_first(self, base: str) -> Iterator[str]:
        """The base and its ancestors, every commit after all of its parents."""
        done: set[str] = set()
        stack = [(base, False)]
        while stack:
            commit, ready = stack.pop()
            if ready:
                yield commit
            elif commit not in done:
                done.add(commit)
                stack.append((commit, True))
                stack.extend((parent, False) for parent in self._parents[commit])

    @property
    def size(self) -> int:
        """How many commits the history has."""
        return len(self._commits)

    @property
    def cleared(self) -> bool:
        """Whether an ancestor of the oldest bad commit is good, so that it came in between the two."""
        return bool(self._lines[self.oldest_bad] & self._good)

    @property
    def oldest_bad(self) -> str:
        """The bad commit that leaves the fewest suspects."""
        good = self._good
        bad = (commit for commit, verdict in self.verdicts.items() if verdict is Verdict.BAD)
        found = {commit: self._lines[commit] & ~good for commit in bad}
        return min((commit for commit in found if found[commit]), key=lambda c: found[c].bit_count())

    @property
    def suspects(self) -> tuple[str, ...]:
        """Commits that may have brought the bug, oldest first; the last of them is known to be bad."""
        mask = self._suspects
        return tuple(commit for commit in self._commits if self._bits[commit] & mask)

    @property
    def _good(self) -> int:
        """All commits that are cleared."""
        mask = 0
        for commit, verdict in self.verdicts.items():
            if verdict is Verdict.GOOD:
                mask |= self._lines[commit]
        return mask

    @property
    def _suspects(self) -> int:
        return self._lines[self.oldest_bad] & ~self._good

    def parents(self, commit: str) -> Sequence[str]:
        """The parents of a commit, as far as the history is known."""
        return self._parents[commit]

    def next(self, width: int) -> tuple[str, ...]:
        """The commits to test next, at most `width`, side by side; none where no more can be learned."""
        return self._between(width) if self.cleared else self._further_back(width)

    def _further_back(self, width: int) -> tuple[str, ...]:
        """Ever larger steps back; where nothing that far back can be tested, what lies before that."""
        chain = self._first_parents(self.oldest_bad)
        step = max(1, self.size - self._lines[self.oldest_bad].bit_count())
        places = [min(step * (2**power - 1), len(chain)) for power in range(1, len(chain).bit_length() + 2)]
        untested = [chain[n - 1] for n in dict.fromkeys(places) if n and chain[n - 1] not in self.verdicts]
        if untested:
            return tuple(untested[:width])
        known = [n for n, commit in enumerate(chain) if commit in self.verdicts]
        if known and known[0] == 0 and len(known) >= len(set(places)) + PATIENCE:
            return ()
        return self._cut(chain, known, width)

    def _cut(self, chain: Sequence[str], known: Sequence[int], width: int) -> tuple[str, ...]:
        """Commits that cut the stretch next to the bad commit, or else the longest one, into equal parts."""
        gaps = [(low, high) for low, high in pairwise((-1, *known)) if high - low > 1]
        if not gaps:
            return ()
        low, high = gaps[0] if gaps[0][0] == -1 else max(gaps, key=lambda gap: gap[1] - gap[0])
        inside = chain[low + 1 : high]
        return tuple(dict.fromkeys(inside[len(inside) * n // (width + 1)] for n in range(1, width + 1)))

    def _first_parents(self, commit: str) -> list[str]:
        chain = []
        while parents := self._parents[commit]:
            commit = parents[0]
            chain.append(commit)
        return chain

    def _between(self, width: int) -> tuple[str, ...]:
        """The commits that cut the largest stretch of suspects without an untestable one into equal parts.

        A suspect's place is the number of suspects that it would leave if it were bad.
        """
        mask, bad = self._suspects, self.oldest_bad
        places = {commit: (self._lines[commit] & mask).bit_count() for commit in self.suspects}
        untested = [commit for commit in places if commit not in self.verdicts]
        if not untested:
            return ()
        marks = sorted({0, places[bad]} | {n for c, n in places.items() if c in self.verdicts})
        low, high = max(pairwise(marks), key=lambda pair: pair[1] - pair[0])
        chosen: dict[str, None] = {}
        for part in range(1, width + 1):
            target = low + (high - low) * part / (width + 1)
            chosen[min(untested, key=lambda commit: abs(places[commit] - target))] = None
        return tuple(chosen)

    def support(self) -> tuple[str, ...]:
        """The commits whose verdicts the answer rests on: the oldest bad one, and those that bound it."""
        found = {self.oldest_bad: None}
        if self.cleared:
            suspects = self.suspects
            outer = {p for commit in suspects for p in self._parents[commit]} - set(suspects)
            found |= {self._clearing(parent): None for parent in sorted(outer)}
        return tuple(commit for commit in found if commit != self.base)

    def _clearing(self, commit: str) -> str:
        """The good commit nearest to a commit that is cleared."""
        good = (c for c, verdict in self.verdicts.items() if verdict is Verdict.GOOD)
        clearing = (c for c in good if self._lines[c] & self._bits[commit])
        return min(clearing, key=lambda c: self._lines[c].bit_count())
