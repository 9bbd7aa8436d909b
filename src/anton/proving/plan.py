"""How a repository's tests are run, and which of its paths are tests, source, or nobody's to change."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from anton.core.errors import UsageError

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
    "**/*.test.{js,cjs,mjs,jsx,ts,tsx}",
    "**/*.spec.{js,cjs,mjs,jsx,ts,tsx}",
)

_PYTEST_OPTIONS = (
    "-q",
    "--tb=short",
    "--color=no",
    "--rootdir=.",  # one name for a test, whichever files the run is narrowed to
    "--maxfail=0",  # the repository's own `-x` would hide what comes after the first failure
    "--continue-on-collection-errors",  # one file that cannot be imported does not silence the others
    "-p",
    "no:randomly",
    "-o",
    "junit_family=xunit2",
    "-o",
    "junit_logging=no",
    f"--junitxml={REPORT}",
)

_ENVIRONMENT = MappingProxyType(
    {
        # Relative, because the tree has another path in each sandbox; Python makes them absolute at start-up.
        "PYTHONPATH": "src:.",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "NO_COLOR": "1",
        "CI": "1",
    }
)


@dataclass(frozen=True, slots=True)
class TestPlan:
    """How to run a repository's tests."""

    __test__ = False  # for pytest: not a test class

    command: tuple[str, ...]
    report: str = REPORT
    """Where the command leaves JUnit XML: a file, or a folder of files, relative to the tree."""
    selects_files: bool = False
    """Whether test files may be appended to the command to run these alone."""
    test_patterns: tuple[str, ...] = TEST_PATTERNS
    """Globs of the paths that belong to tests; `**` crosses folders, `{a,b}` chooses."""
    timeout_seconds: float = 120.0
    """For one run of the command."""
    env: Mapping[str, str] = field(default_factory=lambda: _ENVIRONMENT)
    readable: tuple[Path, ...] = ()
    """Paths of the host that the command needs, beyond the system's own."""
    exit_codes: frozenset[int] = frozenset()
    """Exit codes with which the command leaves a whole report; empty where they are not known."""

    def is_test(self, path: str) -> bool:
        """Whether a path belongs to the tests."""
        return is_test_path(path, self.test_patterns)

    def narrowed(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The files to run alone so as to learn what changed test paths do; empty for the whole suite.

        A changed path that is no test module (a helper, a snapshot) may matter to any test.
        """
        chosen = tuple(sorted(paths))
        return chosen if self.selects_files and all(map(_is_test_module, chosen)) else ()


def plan_for(
    files: Iterable[str],
    python: Path,
    *,
    command: Sequence[str] = (),
    report: str = "",
    timeout_seconds: float = 120.0,
    test_patterns: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
) -> TestPlan:
    """The plan for a repository: its own command where one is set, pytest otherwise (it runs unittest, too).

    Args:
        files: Paths of the repository's files.
        python: Interpreter that has pytest; also stands in for `python` in a command of one's own.
        command: Any command that leaves JUnit XML at `report`.
        report: File or folder, relative to the tree; must be given with `command`.
        timeout_seconds: For one run of the suite.
        test_patterns: Globs in place of TEST_PATTERNS.
        env: Added to the command's environment.
        readable: Further paths of the host that the command needs.

    Raises:
        UsageError: the command has no report, or the report is not inside the tree.
    """
    source_root = any(path.startswith("src/") for path in files)
    environment = {**_ENVIRONMENT, "PYTHONPATH": "src:." if source_root else ".", **(env or {})}
    own = tuple(command)
    if own and not report:
        raise UsageError(f"the test command {' '.join(own)!r} needs a report: say where it leaves JUnit XML")
    if report.startswith("/") or ".." in report.split("/"):
        raise UsageError(f"the test report {report!r} must be a path inside the repository")
    if own[:1] in (("python",), ("python3",)):
        own = (str(python), *own[1:])
    return TestPlan(
        command=own or (str(python), "-m", "pytest", *_PYTEST_OPTIONS),
        report=report if own else REPORT,
        selects_files=not own,
        test_patterns=tuple(test_patterns) or TEST_PATTERNS,
        timeout_seconds=timeout_seconds,
        env=MappingProxyType(environment),
        readable=(*interpreter_paths(python), *readable),
        exit_codes=frozenset() if own else frozenset({0, 1, 5}),
    )


def interpreter_paths(python: Path) -> tuple[Path, ...]:
    """What an interpreter needs to be readable: itself, its library, its packages.

    A prefix is named whole only where it is an environment; another one might be somebody's home.
    """
    real = python.resolve()
    prefixes = [python.parent.parent, real.parent.parent]
    libraries: list[Path] = []
    if python == Path(sys.executable):
        prefixes += [Path(sys.prefix), Path(sys.base_prefix)]
        libraries = [
            Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
        ]
    found: list[Path] = []
    for prefix in prefixes:
        environment = (prefix / "pyvenv.cfg").is_file() or (prefix / "conda-meta").is_dir()
        found += [prefix] if environment else [prefix / name for name in ("bin", "lib", "lib64")]
    existing = sorted({path for path in (*found, *libraries) if path.is_absolute() and path.exists()})
    return tuple(path for path in existing if not any(other in path.parents for other in existing))


def is_test_path(path: str, patterns: Sequence[str] = TEST_PATTERNS) -> bool:
    """Whether a path belongs to the tests."""
    return _matches(path, tuple(patterns))


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
    return next((why for why, globs in _PROTECTED.items() if _matches(lowered, globs)), None)


def shadowed_module(path: str, base_files: Collection[str]) -> str | None:
    """The module of Python or of the test runner whose place a new file would take, if any."""
    found = re.fullmatch(r"(src/)?(\w+)(?:\.py|/__init__\.py)", path)
    if found is None:
        return None
    root, name = found[1] or "", found[2]
    if name not in _RUNNER_MODULES and name not in sys.stdlib_module_names:
        return None
    held = f"{root}{name}.py" in base_files or f"{root}{name}/__init__.py" in base_files
    return None if held else name


_RUNNER_MODULES = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py"})


def _is_test_module(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test") or name.endswith("_test.py"))


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in patterns) or "(?!)")


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return _compiled(patterns).fullmatch(path) is not None


_GLOB = re.compile(r"\*\*/|\*\*|\*|\?|\{[^{}]*\}|[^*?{]+|\{")


def _regex(pattern: str) -> str:
    """A glob as a regular expression for `fullmatch`."""
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    out = []
    for token in _GLOB.findall(pattern):
        if token in wild:
            out.append(wild[token])
        elif token.startswith("{") and token.endswith("}"):
            choices = "|".join(_regex(choice) for choice in token[1:-1].split(","))
            out.append(f"(?:{choices})")
        else:
            out.append(re.escape(token))
    return "".join(out)
