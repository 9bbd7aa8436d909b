"""How the tests of a repository are run: the settings, completed by the repository."""

from __future__ import annotations

import sys
from pathlib import Path

from anton.core.errors import UsageError
from anton.core.suite_options import SuiteOptions
from anton.proving.declarations import Declared
from anton.proving.presets import plan_for
from anton.runs.world import Planned
from anton.settings import OF_REPOSITORY, Settings, repository_settings

ENVIRONMENTS = "environments"
"""Folder in Anton's state of what the tests of repositories depend on."""


def planned_by(settings: Settings, declared: Declared, settled: SuiteOptions | None) -> Planned:
    """How to run the tests of a repository, by what it declares.

    Args:
        settings: All of them.
        declared: What the repository's files say.
        settled: What was settled when the run began; None at its beginning.

    Raises:
        UsageError: the run was given variables whose values are not set here.
    """
    options, notices = (settled, ()) if settled else _settle(settings, declared)
    if missing := [name for name in options.env if name not in settings.tests.env]:
        raise UsageError(
            f"the tests of this run are given {', '.join(map(repr, missing))} by tests.env, whose values are "
            "kept nowhere else, and the settings here do not have them: go on with the settings file that "
            "does, as in: anton resume RUN --config FILE"
        )
    plan = plan_for(
        declared.files,
        Path(options.python),
        texts=declared.texts,
        environments=settings.home / ENVIRONMENTS if options.builds else None,
        command=options.command,
        report=options.report,
        timeout_seconds=options.timeout_seconds,
        test_patterns=options.patterns,
        env={name: settings.tests.env[name] for name in options.env},
    )
    if plan.recipe is not None:
        notices += (
            f"The tests run in an environment built from {' and '.join(plan.recipe.sources)}: "
            "what these name is fetched when it is built, without any network afterwards.",
        )
    return Planned(plan, options, notices + plan.notices)


def _settle(settings: Settings, declared: Declared) -> tuple[SuiteOptions, tuple[str, ...]]:
    """What the settings say of the tests, completed by the repository, and what of that a person is told."""
    own = declared.texts.get("anton.toml")
    notices: tuple[str, ...] = ()
    if own is not None:
        found = repository_settings(own)
        settings = settings.with_repository(found)
        taken = [name for name in found.given if settings.origin("tests", name) == OF_REPOSITORY]
        said = (f"The repository's own anton.toml sets {', '.join(f'tests.{name}' for name in taken)}.",)
        notices = (said if taken else ()) + found.notices
    tests = settings.tests
    options = SuiteOptions(
        python=str(tests.python or sys.executable),
        builds=tests.environment == "auto" and tests.python is None,
        command=tests.command,
        report=tests.report,
        patterns=tests.patterns,
        timeout_seconds=tests.timeout_seconds,
        env=tuple(sorted(tests.env)),
    )
    return options, notices
