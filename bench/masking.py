"""What it costs to take secrets out of a text, an event, a cell of a large suite.

python bench/masking.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from anton.core.proof import Case, Cell, CellStatus, Outcome, Suite, Tree
from anton.core.secrets import Masker

ROOT = Path(__file__).parents[1]
VALUES = {f"SECRET_{number}": f"configured-secret-{number}-abcdefghijkl" for number in range(15)}


def milliseconds(what: Callable[[], object], times: int) -> float:
    """Of one call, on average."""
    started = time.perf_counter()
    for _ in range(times):
        what()
    return (time.perf_counter() - started) * 1_000 / times


def main() -> None:
    """Print a figure a line."""
    text = "".join(path.read_text() for path in sorted((ROOT / "src").rglob("*.py")))
    cases = tuple(
        Case(f"tests.test_module_{n % 50}::test_case_number_{n}", Outcome.PASSED) for n in range(10_000)
    )
    cell = Cell(Suite.OLD, Tree.BASE, CellStatus.RAN, cases, "a" * 40, ("pytest",))
    masker = Masker(VALUES)
    print(f"making a masker of {len(VALUES)} values: {milliseconds(lambda: Masker(VALUES), 20):.1f} ms")
    for size in (1_000, 10_000, 100_000, 1_000_000):
        part = text[:size]
        print(f"{len(part):>9,} characters: {milliseconds(lambda part=part: masker.mask(part), 20):.3f} ms")  # type: ignore[misc]
    print(
        f"a cell of {len(cases):,} tests, first seen: {milliseconds(lambda: masker.masked(cell), 1):.0f} ms"
    )
    print(f"the same again: {milliseconds(lambda: masker.masked(cell), 5):.0f} ms")


if __name__ == "__main__":
    main()
