"""Kills the real server at random moments of a burst of webhooks, as often as wished, and checks the end.

    python -m bench.kills [KILLS] [WEBHOOKS] [SEED]

Exit status 0 only if every webhook that was answered has exactly one run, all runs came to the same end, and
each approved one has one branch, one pull request and one report.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.crash.killing import Storm, check, storm, told


def main() -> None:
    """Run it, and say what came of it."""
    kills, webhooks, seed = (*map(int, sys.argv[1:4]), *(200, 60, 1)[len(sys.argv[1:4]) :])
    what = Storm(webhooks, kills, seed)
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(storm(Path(folder), what))
    print(told(outcome))
    check(outcome, what)


if __name__ == "__main__":
    main()
