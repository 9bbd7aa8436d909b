"""pytest's closing line, `1 failed, 3 passed in 0.12s`, held against the report.

Code under test can rewrite the report as the process ends, and start another program in its place for an exit
code that fits. What pytest has said by then it cannot take back, as it is no longer in the process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from anton.core.proof import BAD, Case, Outcome

_CLOSING = re.compile(
    r"^(?:=+ )?((?:\d+ [a-z]+(?: [a-z]+)?, )*\d+ [a-z]+(?: [a-z]+)?|no tests ran) in \d+\.\d+s\b",
    re.MULTILINE,
)
"""Documented at docs.pytest.org/en/stable/how-to/output.html; the plural is `errors`."""
_COUNT = re.compile(r"(\d+) ([a-z ]+)")


def contradiction(output: str, cases: Sequence[Case]) -> str:
    """How pytest's closing line and a report contradict each other; empty where they agree.

    A line that counts more failures than the report's none is enough wherever it stands in the output. Tests
    that passed and then ended in an error are fewer in the report than in the line.
    """
    lines = [_counts(found[1]) for found in _CLOSING.finditer(output)]
    if not lines:
        return "without pytest's closing line"
    if not any(case.outcome in BAD for case in cases) and any(bad for _, bad in lines):
        return "while pytest's closing line counts failures that the report does not list"
    passed = sum(case.outcome is Outcome.PASSED for case in cases)
    if passed > lines[-1][0]:
        return f"while pytest's closing line counts {lines[-1][0]} passed and the report {passed}"
    return ""


def _counts(line: str) -> tuple[int, int]:
    """Tests that passed in any manner, and tests that failed or could not start."""
    counted = [(int(number), what.split()) for number, what in _COUNT.findall(line)]
    passed = sum(number for number, what in counted if what[-1] in ("passed", "xpassed"))
    return passed, sum(number for number, what in counted if what[-1] in ("failed", "error", "errors"))
