"""A run of the tests that bears no mark of Anton, for code that would know its runs by what they look like.

What is different: the variables that Anton sets of its own accord are not set, Python hashes as it does
without a seed, the report has a name that nobody can know, and pytest's options are not on the command line.
What a runner itself brings along, such as `pytest` in `sys.modules`, is for the rules of `tampering` to see.
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass, replace
from types import MappingProxyType

from anton.proving.plan import REPORT, TestPlan
from anton.proving.presets import OWN_ENVIRONMENT, PYTEST_OPTIONS

_OPTIONS = "PYTEST_ADDOPTS"
"""Read before the command line: docs.pytest.org/en/stable/reference/customize.html."""


@dataclass(frozen=True, slots=True)
class Disguised:
    """How a run is made."""

    plan: TestPlan
    command: tuple[str, ...]


def disguised(plan: TestPlan, command: tuple[str, ...]) -> Disguised:
    """The same run, without the marks of Anton's.

    Args:
        plan: How the tests are run otherwise.
        command: Of the plan, narrowed to some files or not.
    """
    report = f".{secrets.token_hex(6)}.xml" if plan.report == REPORT else plan.report
    env = {
        name: value.replace(REPORT, report)
        for name, value in plan.env.items()
        if OWN_ENVIRONMENT.get(name) != value
    }
    words = tuple(word.replace(REPORT, report) for word in command)
    options = tuple(word.replace(REPORT, report) for word in PYTEST_OPTIONS)
    if words[1:3] == ("-m", "pytest") and words[3 : 3 + len(options)] == options:
        env[_OPTIONS] = " ".join(filter(None, (env.get(_OPTIONS), shlex.join(options))))
        words = (*words[:3], *words[3 + len(options) :])
    # a sandbox sets some of them for any command; `env` itself is gone once it has started one
    unset = (word for name in sorted(OWN_ENVIRONMENT) if name not in env for word in ("-u", name))
    return Disguised(replace(plan, report=report, env=MappingProxyType(env)), ("env", *unset, *words))
