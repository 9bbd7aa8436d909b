"""How a repository's tests are run, and which of its paths are tests, source, or nobody's to change.

Which plan a repository gets is for `presets` to say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from anton.core.glob import matches
from anton.proving.declarations import Recipe

REPORT = ".anton-junit.xml"

TEST_PATTERNS = (
    "tests/**",
    "test/**",
    "**/tests/**",
    "**/__tests__/**",
    "**/src/test/**",
    "**/test_*.py",
    "**/*_test.py",
    "**/tests.py",
    "**/conftest.py",
    "**/*_test.go",
    "**/*{.,-,_}test.{js,cjs,mjs,jsx,ts,tsx}",
    "**/*.spec.{js,cjs,mjs,jsx,ts,tsx}",
    "**/test-*.{js,cjs,mjs,jsx,ts,tsx}",
    "**/{test,tests}.{js,cjs,mjs,jsx,ts,tsx}",
    "spec/**/*.{js,cjs,mjs,jsx,ts,tsx}",
    "**/__snapshots__/**",
)
PYTHON_MODULES = ("**/test*.py", "**/*_test.py")


class ReportFormat(StrEnum):
    """What a test command leaves."""

    JUNIT = "junit"
    """JUnit XML: a file, or a folder of files."""
    GO_JSON = "go-json"
    """A file with the output of `go test -json`, which has no JUnit XML."""


@dataclass(frozen=True, slots=True)
class TestPlan:
    """How to run a repository's tests."""

    __test__ = False  # for pytest: not a test class

    command: tuple[str, ...]
    report: str = REPORT
    """Where the command leaves its report: a file, or a folder of files, relative to the tree."""
    report_format: ReportFormat = ReportFormat.JUNIT
    selects_files: bool = False
    """Whether test files may be appended to the command to run these alone."""
    narrow_command: tuple[str, ...] = ()
    """What they are appended to where that is not `command`; it takes files only, no folders."""
    modules: tuple[str, ...] = PYTHON_MODULES
    """Globs of the files that may be run alone."""
    test_patterns: tuple[str, ...] = TEST_PATTERNS
    """Globs of the paths that belong to tests; `**` crosses folders, `{a,b}` chooses."""
    timeout_seconds: float = 120.0
    """For one run of the command."""
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    readable: tuple[Path, ...] = ()
    """Paths of the host that the command needs, beyond the system's own."""
    exit_codes: frozenset[int] = frozenset()
    """Exit codes with which the command leaves a whole report; empty where they are not known."""
    recipe: Recipe | None = None
    """The repository's own environment, which has to be there before the command is run."""
    links: tuple[tuple[str, Path], ...] = ()
    """Names to make at the root of each tree, and where in the environment they lead."""
    notices: tuple[str, ...] = ()
    """What a person should know of how the plan was arrived at."""

    def is_test(self, path: str) -> bool:
        """Whether a path belongs to the tests."""
        return is_test_path(path, self.test_patterns)

    def narrowed(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The files to run alone so as to learn what changed test paths do; empty for the whole suite.

        A changed path that is no test module (a helper, a snapshot) may matter to any test.
        """
        chosen = tuple(sorted(paths))
        return chosen if self.selects_files and all(map(self.is_module, chosen)) else ()

    def is_module(self, path: str) -> bool:
        """Whether a path is a file of tests that may be run alone."""
        return matches(path, self.modules)


def is_test_path(path: str, patterns: Sequence[str] = TEST_PATTERNS) -> bool:
    """Whether a path belongs to the tests."""
    return matches(path, tuple(patterns))


_PROTECTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "configures CI": (
            ".github/**",
            ".gitlab/**",
            ".gitlab-ci.{yml,yaml}",
            ".circleci/**",
            ".buildkite/**",
            ".woodpecker/**",
            ".ci/**",
            "**/.{travis,drone,woodpecker,appveyor,cirrus}.{yml,yaml}",
            "**/{appveyor,azure-pipelines,bitbucket-pipelines,cloudbuild}.{yml,yaml}",
            "**/jenkinsfile",
            "**/codeowners",
        ),
        "configures git": ("**/.gitattributes", "**/.gitmodules", "**/.git/**", "**/.git"),
        "configures the test runner": (
            "**/conftest.py",
            "**/{.,}pytest.{ini,toml}",
            "**/{tox.ini,setup.cfg,setup.py,pyproject.toml,noxfile.py,.coveragerc}",
            "**/{makefile,gnumakefile,justfile,taskfile.yml,package.json,.npmrc,.mocharc.*}",
            "**/{jest,vitest,vite,babel,karma,playwright}.config.*",
            "**/{pom.xml,build.gradle,build.gradle.kts,settings.gradle,go.mod}",
            ".mvn/**",
            REPORT,
        ),
        "decides what is installed": (
            "**/requirements*.{txt,in,lock}",
            "**/requirements/*.{txt,in}",
            "**/constraints*.txt",
            "**/*.lock",
            "**/node_modules/**",
            "**/{package-lock.json,npm-shrinkwrap.json,pnpm-lock.yaml,pylock*.toml,go.sum,environment.yml}",
            "**/{pipfile,gemfile,.python-version,.tool-versions,.nvmrc}",
            "**/{*.,}dockerfile",
            "**/dockerfile.{base,ci,dev,prod,production,test}",
            "**/{docker-,}compose*.{yml,yaml}",
        ),
        "runs whenever Python starts": (
            "**/{sitecustomize,usercustomize}.py",
            "**/{sitecustomize,usercustomize}/**",
            "**/*.pth",
            "**/*.{egg-info,dist-info}/**",
        ),
        "configures editors and agents": (
            ".vscode/**",
            ".idea/**",
            ".devcontainer/**",
            "**/{agents,claude,gemini}.md",
            "**/.{mcp.json,pre-commit-config.yaml,cursorrules,envrc}",
            ".{claude,cursor,husky,anton}/**",
            "anton.toml",
        ),
    }
)


def protected_reason(path: str) -> str | None:
    """Why no agent may change a path; None where one may."""
    lowered = path.lower()
    return next((why for why, globs in _PROTECTED.items() if matches(lowered, globs)), None)


def shadowed_module(
    path: str, base_files: Collection[str], test_patterns: Sequence[str] = TEST_PATTERNS
) -> str | None:
    """The module of Python, of the runner or of the repository whose place a new file would take, if any.

    A folder of tests that is no package comes first where pytest looks for modules:
    docs.pytest.org/en/stable/explanation/pythonpath.html.
    """
    found = re.fullmatch(r"((?:.*/)?)([^/]+?)\.py", path.replace("/__init__.py", ".py"))
    if found is None:
        return None
    root, name = found[1], found[2]
    if f"{root}{name}.py" in base_files or f"{root}{name}/__init__.py" in base_files:
        return None
    foreign = name in _RUNNER_MODULES or name in _STANDARD
    if root in ("", "src/"):
        return name if foreign else None
    if f"{root}__init__.py" in base_files or not _holds_tests(path, root, base_files, tuple(test_patterns)):
        return None
    return name if foreign or name in _top_level(base_files, tuple(test_patterns)) else None


def _holds_tests(path: str, root: str, base_files: Collection[str], patterns: tuple[str, ...]) -> bool:
    return matches(path, patterns) or any(
        other.startswith(root) and "/" not in other[len(root) :] and matches(other, patterns)
        for other in base_files
    )


_NO_PACKAGES = frozenset({"docs", "doc", "examples", "scripts", "tools", "bench", "benchmarks"})


def _top_level(base_files: Collection[str], patterns: tuple[str, ...]) -> set[str]:
    """What the source's modules are imported as, as far as the first dot."""
    found = set()
    for path in base_files:
        if path.endswith(".py") and not matches(path, patterns):
            first, _, rest = path.removeprefix("src/").partition("/")
            found.add(first if rest else first.removesuffix(".py"))
            folders = path.split("/")[:-1]
            while folders and "/".join([*folders, "__init__.py"]) in base_files:
                top = folders.pop()
                if "/".join([*folders, "__init__.py"]) not in base_files:
                    found.add(top)
    return found - _NO_PACKAGES


_STANDARD = sys.stdlib_module_names - {"test"}  # Python's own tests, which nobody needs
_RUNNER_MODULES = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py"})
