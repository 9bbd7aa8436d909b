"""No test fails for its timing: a busy machine is not a bug. What takes long as a whole is marked as slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import postgres

__all__ = ["postgres"]

settings.register_profile("anton", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anton")

SLOW = (
    "adapters/mcp_servers",
    "contracts/test_queue.py",
    "entrypoints/page/test_routes.py",
    "entrypoints/server",
    "entrypoints/test_chat",
    "entrypoints/test_config.py",
    "entrypoints/test_worker.py",
    "faults",
    "proving/test_culprit.py",
    "scenarios",
)
"""Whole runs, whole servers, whole processes, by file or folder; the rest has to pass within two minutes."""
QUICK = ("faults/test_answers.py", "faults/test_limits.py", "scenarios/test_rounds.py")
"""What of these stays with the rest."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much a suite that is generated covered: pairs of a call site and what went wrong there."""
    reports = terminalreporter.stats.get("passed", [])
    cells = sum(value for report in reports for name, value in report.user_properties if name == "cells")
    if cells:
        terminalreporter.write_line(f"faults: {cells} cells of call site and fault")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the table names."""
    here = Path(__file__).parent
    for item in items:
        name = str(item.path.relative_to(here))
        if name.startswith(SLOW) and name not in QUICK:
            item.add_marker(pytest.mark.slow)
