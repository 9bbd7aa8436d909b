"""How the tests of a run's repository are run, as it was settled when the run began."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """What settings and repository said of the tests; it holds wherever the run is gone on with."""

    python: str
    """Absolute path of the interpreter that has pytest, or that environments are made with."""
    builds: bool = True
    """Whether what the repository declares is built into an environment of its own."""
    command: tuple[str, ...] = ()
    """Empty for what is run by what the repository contains."""
    report: str = ""
    patterns: tuple[str, ...] = ()
    """Globs of the paths that belong to tests; empty for the built-in ones."""
    timeout_seconds: float = 120.0
    """For one run of the suite."""
    env: tuple[str, ...] = ()
    """Names of the variables that the tests are given. Values may be secrets and are not written down."""
