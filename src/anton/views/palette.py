"""The few colours and signs of the terminal; only the verdict is loud."""

from __future__ import annotations

GOOD = "green"
BAD = "red"
CAUTION = "yellow"
ACCENT = "cyan"
MUTED = "bright_black"
STRONG = "bold"

WORKING_SIGN = "●"
WAITING_SIGN = "○"
DONE_SIGN = "✓"
FAILED_SIGN = "✗"
