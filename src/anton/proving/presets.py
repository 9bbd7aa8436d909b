"""Which tests a repository has and how they are run: chosen by what is in it, unless a person says it.

| what is there                                    | what is run                              | report     |
|--------------------------------------------------|------------------------------------------|------------|
| `test_*.py`, or Python at all; also for unittest | `pytest`, brought along if it is missing | its own    |
| package.json with Jest                           | `jest`, if `jest-junit` is there, too    | jest-junit |
| package.json with `node --test`, or `node:test`  | that, with its reporter for JUnit        | its own    |
| go.mod                                           | `go test -json ./...`                    | converted  |
| pom.xml                                          | `mvn -o test`                            | surefire   |

Where there are tests in several languages, the one with the most test files that can be run is chosen, and
that is said.

Sources: nodejs.org/api/test.html, github.com/jest-community/jest-junit, pkg.go.dev/cmd/test2json,
maven.apache.org/surefire/maven-surefire-plugin/test-mojo.html.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from anton.core.errors import UsageError
from anton.proving.declarations import (
    Declared,
    go_recipe,
    node_recipe,
    python_recipe,
    unread,
)
from anton.proving.plan import PYTHON_MODULES, REPORT, TEST_PATTERNS, ReportFormat, TestPlan
from anton.proving.programs import Find, Machine, find_program, interpreter_paths, program
from anton.proving.pytest_files import configured_folders, configured_modules

GO_REPORT = ".anton-go-test.json"

PYTEST_OPTIONS = (
    "--verbosity=-1",  # as `-q`, and with its closing line even if the repository says `-q` as well
    "--tb=short",
    "--color=no",
    "--rootdir=.",  # one name for a test, whichever files the run is narrowed to
    "--maxfail=0",  # the repository's own `-x` would hide what comes after the first failure
    "--continue-on-collection-errors",  # one file that cannot be imported does not silence the others
    "-p",
    "no:randomly",
    "-p",
    "no:sugar",  # has no closing line
    "-p",
    "no:pretty",
    "-o",
    "junit_family=xunit2",
    "-o",
    "junit_logging=no",
    f"--junitxml={REPORT}",
)
_NODE_OPTIONS = ("--test-reporter=junit", f"--test-reporter-destination={REPORT}")
_JEST = "node_modules/jest/bin/jest.js"
_JEST_ENVIRONMENT = {
    "JEST_JUNIT_OUTPUT_FILE": REPORT,
    "JEST_JUNIT_CLASSNAME": "{filepath}",
    "JEST_JUNIT_TITLE": "{classname} {title}",
    "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS": "true",
}
_SCRIPT = "{js,cjs,mjs,jsx,ts,tsx}"
_NODE_MODULES = (
    f"**/*{{.,-,_}}test.{_SCRIPT}",
    f"**/test-*.{_SCRIPT}",
    f"**/test.{_SCRIPT}",
    f"**/test/**/*.{_SCRIPT}",
)
_JEST_MODULES = (f"**/*.{{test,spec}}.{_SCRIPT}", f"**/__tests__/**/*.{_SCRIPT}")
OWN_ENVIRONMENT = MappingProxyType(
    {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "NO_COLOR": "1",
        "CI": "1",
    }
)
"""Set for every run, unless a person sets them."""
_TESTS = {
    "python": re.compile(r"(?:.*/)?(?:test_[^/]*|[^/]*_test|tests)\.py"),
    "node": re.compile(
        r"(?:.*/)?(?:[^/]*[._-](?:test|spec)|test-[^/]*|(?:test|__tests__)/[^/]*)\.[cm]?[jt]sx?"
    ),
    "go": re.compile(r".*_test\.go"),
    "maven": re.compile(r"(?:.*/)?src/test/java/.*\.java"),
}
_MANIFESTS = {"node": "package.json", "go": "go.mod", "maven": "pom.xml"}
_MAVEN_SETUP = (Path("/etc/maven/m2.conf"), Path("/etc/maven/logging"))
"""Of Debian's Maven; settings.xml beside them may hold passwords."""
_GLOB_OR_VARIABLE = re.compile(r"[*?\[{~$]")
_NEEDS_A_SHELL = re.compile(r"[&|;<>`\n]|\$\(")


def plan_for(
    files: Iterable[str],
    python: Path,
    *,
    texts: Mapping[str, str] = MappingProxyType({}),
    environments: Path | None = None,
    find: Find = find_program,
    command: Sequence[str] = (),
    report: str = "",
    timeout_seconds: float = 120.0,
    test_patterns: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    readable: Sequence[Path] = (),
) -> TestPlan:
    """The plan for a repository: its own command where one is set, else by the table above.

    Args:
        files: Paths of the repository's files.
        python: Interpreter that has pytest; also stands in for `python` in a command of one's own.
        texts: Content by path of the files that `declarations.worth_reading` names.
        environments: Folder of the environments that are built for repositories; None: none is built.
        find: Finds a program of this machine by its name.
        command: Any command that leaves JUnit XML at `report`.
        report: File or folder, relative to the tree; must be given with `command`.
        timeout_seconds: For one run of the suite.
        test_patterns: Globs in place of TEST_PATTERNS and of what the repository's configuration adds.
        env: Added to the command's environment.
        readable: Further paths of the host that the command needs.

    Raises:
        UsageError: the command has no report, or the report is not inside the tree; the repository's runner
            is not one that is known, or the program that it needs is not on this machine.
    """
    declared = Declared(tuple(files), texts)
    machine = Machine(python, environments, find, Path.home() / ".m2" / "repository")
    plan = _own(declared, machine, tuple(command), report) if command else _preset(declared, machine)
    return replace(
        plan,
        test_patterns=tuple(test_patterns) or _patterns(declared, plan),
        timeout_seconds=timeout_seconds,
        env=MappingProxyType({**OWN_ENVIRONMENT, **_python_path(declared), **plan.env, **(env or {})}),
        readable=(*plan.readable, *readable),
    )


def _patterns(declared: Declared, plan: TestPlan) -> tuple[str, ...]:
    """Globs of all that the runner takes for tests, so that nobody's source is judged by its own author."""
    modules = plan.modules if plan.modules in (_NODE_MODULES, _JEST_MODULES) else ()
    configured = configured_modules(declared.texts) + configured_folders(declared.files, declared.texts)
    return tuple(dict.fromkeys((*TEST_PATTERNS, *modules, *configured)))


def _own(declared: Declared, machine: Machine, command: tuple[str, ...], report: str) -> TestPlan:
    """A command that a person set, with the environment that its first word or the repository asks for."""
    if not report:
        raise UsageError(
            f"the test command {' '.join(command)!r} needs a report: say where it leaves JUnit XML"
        )
    if report.startswith("/") or ".." in report.split("/"):
        raise UsageError(f"the test report {report!r} must be a path inside the repository")
    if command[0] in ("node", "npm", "npx", "yarn", "pnpm"):
        return _with_node_modules(TestPlan(command, report), declared, machine)
    python, plan = _with_python(TestPlan(command, report), declared, machine)
    if plan.recipe is None:
        plan = _with_node_modules(plan, declared, machine)
    if command[0] in ("python", "python3"):
        plan = replace(plan, command=(str(python), *command[1:]))
    return plan


def _preset(declared: Declared, machine: Machine) -> TestPlan:
    """The plan for the language with most tests, of those that can be run here."""
    languages = _languages(declared)
    presets = {"node": _node, "go": _go, "maven": _maven, "python": _pytest}
    refused: list[UsageError] = []
    for chosen in languages:
        try:
            plan = presets[chosen](declared, machine)
        except UsageError as error:
            refused.append(error)
        else:
            return replace(plan, notices=(*plan.notices, *_not_run(chosen, languages)))
    raise refused[0]


def _not_run(chosen: str, languages: Sequence[str]) -> tuple[str, ...]:
    others = [name for name in languages if name != chosen]
    if not others:
        return ()
    return (
        f"The repository has tests for {chosen}, which are run, and for {' and '.join(others)}, "
        "which are not: [tests] command and report say otherwise.",
    )


def _languages(declared: Declared) -> tuple[str, ...]:
    """The languages that there are tests in, those with most test files first; at least one."""
    own = [path for path in declared.files if "node_modules/" not in path and "vendor/" not in path]
    counts = {
        name: sum(pattern.fullmatch(path) is not None for path in own)
        for name, pattern in _TESTS.items()
        if name in ("python", "node") or _MANIFESTS[name] in declared.files
    }
    with_tests = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    if with_tests:
        return tuple(with_tests)
    if not any(path.endswith(".py") for path in own):
        for name, manifest in _MANIFESTS.items():
            if manifest in declared.files:
                return (name,)
    return ("python",)


def _pytest(declared: Declared, machine: Machine) -> TestPlan:
    modules = (*PYTHON_MODULES, *configured_modules(declared.texts))
    python, plan = _with_python(TestPlan((), selects_files=True, modules=modules), declared, machine)
    command = (str(python), "-m", "pytest", *PYTEST_OPTIONS)
    return replace(plan, command=command, exit_codes=frozenset({0, 1, 5}))


def _node(declared: Declared, machine: Machine) -> TestPlan:
    package = declared.json("package.json")
    script = _text_in(package.get("scripts"), "test")
    if _uses_jest(package, script):
        return _jest(declared, machine, package)
    arguments = _node_test_arguments(script)
    if arguments is None and "node:test" in "\n".join(declared.texts.values()):
        arguments = "--test"
    if arguments is None:
        raise UsageError(
            f"the repository's tests are run by {script or 'a program that package.json does not name'!r}, "
            "which is not one of those that Anton knows (node --test, Jest): "
            "set [tests] command and report to a command that leaves JUnit XML"
        )
    node, readable = program("node", "Node.js 20 or later", machine)
    narrow = [word for word in _words(arguments) if not _names_files(word, declared.files)]
    plan = TestPlan(
        _in_a_shell_if_needed((node, *_NODE_OPTIONS), arguments),
        selects_files=True,
        narrow_command=(node, *_NODE_OPTIONS, *narrow),
        modules=_NODE_MODULES,
        readable=readable,
        exit_codes=frozenset({0, 1}),
    )
    return _with_node_modules(plan, declared, machine)


def _jest(declared: Declared, machine: Machine, package: Mapping[str, object]) -> TestPlan:
    if not any("jest-junit" in _names_in(package.get(kind)) for kind in ("dependencies", "devDependencies")):
        raise UsageError(
            "the repository's tests are run by Jest, which leaves a report only with jest-junit: add it to "
            "the devDependencies of package.json, or set [tests] command and report"
        )
    node, readable = program("node", "Node.js", machine)
    command = (node, _JEST, "--ci", "--reporters=default", "--reporters=jest-junit")
    plan = TestPlan(
        command,
        selects_files=True,
        narrow_command=(*command, "--runTestsByPath"),
        modules=_JEST_MODULES,
        env=MappingProxyType(_JEST_ENVIRONMENT),
        readable=readable,
        exit_codes=frozenset({0, 1}),
    )
    return _with_node_modules(plan, declared, machine)


def _go(declared: Declared, machine: Machine) -> TestPlan:
    go, readable = program("go", "Go", machine)
    script = f'GOCACHE="$PWD/.anton-go-cache" exec "$0" test -json ./... > {GO_REPORT}'
    env = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"}
    plan = TestPlan(
        ("sh", "-c", script, go),
        GO_REPORT,
        ReportFormat.GO_JSON,
        env=MappingProxyType(env),
        readable=readable,
        exit_codes=frozenset({0, 1, 2}),  # 2: a package could not be built
    )
    recipe = go_recipe(declared, machine.toolchain) if machine.environments else None
    if recipe is None or machine.environments is None:
        return plan
    modules = machine.environments / recipe.key / "modules"
    with_modules = MappingProxyType({**env, "GOMODCACHE": str(modules)})
    return replace(plan, env=with_modules, readable=(modules, *readable), recipe=recipe)


def _maven(_: Declared, machine: Machine) -> TestPlan:
    """Offline: what Maven needs has to be in the local repository already."""
    mvn, readable = program("mvn", "Maven", machine)
    options = ["-o", "-B", "-q", "-Dstyle.color=never", "-Dsurefire.useFile=false"]
    readable = (*readable, *_MAVEN_SETUP)
    local = machine.maven_repository
    if local is not None and local.is_dir():
        options.append(f"-Dmaven.repo.local={local}")
        readable = (*readable, local)
    return TestPlan(
        (mvn, *options, "test"), "target/surefire-reports", readable=readable, exit_codes=frozenset({0, 1})
    )


def _with_python(plan: TestPlan, declared: Declared, machine: Machine) -> tuple[Path, TestPlan]:
    """The interpreter to run tests with, and the plan with what that needs."""
    base = interpreter_paths(machine.python)
    if machine.environments is None:
        return machine.python, replace(plan, readable=(*base, *plan.readable))
    recipe = python_recipe(declared, machine.toolchain)
    if recipe is None:
        notices = _unread_notice(declared)
        return machine.python, replace(plan, readable=(*base, *plan.readable), notices=notices)
    folder = machine.environments / recipe.key / "python"
    readable = (folder, *base, *plan.readable)
    return folder / "bin" / "python", replace(plan, readable=readable, recipe=recipe)


def _with_node_modules(plan: TestPlan, declared: Declared, machine: Machine) -> TestPlan:
    if machine.environments is None or any(path.startswith("node_modules/") for path in declared.files):
        return plan
    recipe = node_recipe(declared, machine.toolchain)
    if recipe is None:
        return plan
    modules = machine.environments / recipe.key / "node_modules"
    return replace(
        plan, readable=(modules, *plan.readable), recipe=recipe, links=(("node_modules", modules),)
    )


def _unread_notice(declared: Declared) -> tuple[str, ...]:
    names = unread(declared)
    if not names:
        return ()
    return (
        f"{' and '.join(names)} cannot be read by Anton, so the tests run with its own interpreter: "
        "[tests] python names one that has what they need.",
    )


def _uses_jest(package: Mapping[str, object], script: str) -> bool:
    listed = ("dependencies", "devDependencies")
    return any("jest" in _names_in(package.get(kind)) for kind in listed) or "jest" in _words(script)


def _node_test_arguments(script: str) -> str | None:
    """What follows `node` in a test script that runs node's own tests; None where it does something else."""
    found = re.fullmatch(r"\s*node\s+(.*)", script)
    if found is None or _NEEDS_A_SHELL.search(script) or "--test" not in _words(script):
        return None
    return re.sub(r"--test-reporter(?:-destination)?[= ]\S+", "", found[1]).strip()


def _in_a_shell_if_needed(program: tuple[str, ...], arguments: str) -> tuple[str, ...]:
    """A command line; a shell expands it where it says `test/*.js`, so that new files are found, too."""
    if not _GLOB_OR_VARIABLE.search(arguments):
        return (*program, *_words(arguments))
    return ("sh", "-c", f"exec {shlex.join(program)} {arguments}")


def _words(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:  # a quotation mark without its other half
        return script.split()


def _names_files(word: str, files: Sequence[str]) -> bool:
    name = word.removeprefix("./").rstrip("/")
    return not word.startswith("-") and (
        _GLOB_OR_VARIABLE.search(word) is not None
        or any(path == name or path.startswith(f"{name}/") for path in files)
    )


def _names_in(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text_in(value: object, key: str) -> str:
    found = _names_in(value).get(key)
    return found if isinstance(found, str) else ""


def _python_path(declared: Declared) -> Mapping[str, str]:
    """Relative, because the tree has another path in each sandbox; Python makes it absolute at start-up."""
    source_root = any(path.startswith("src/") for path in declared.files)
    return {"PYTHONPATH": "src:." if source_root else "."}
