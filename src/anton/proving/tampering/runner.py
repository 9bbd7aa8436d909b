"""Tests that reach for what runs them: the process, the runner, the interpreter, the report.

Whoever does that decides the outcome instead of the code. What tests of command-line programs, subprocesses,
optional dependencies and temporary files do is honest and not named.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from anton.proving.tampering.syntax import Names, Sign, constant_truth, is_test, literals, shown

_ENDING = frozenset({"os._exit", "os.abort", "pytest.exit", "signal.raise_signal"})
_EXITS = frozenset({"sys.exit", "exit", "quit"})
_KILLS = frozenset({"os.kill", "os.killpg"})
_SELF = frozenset({"os.getpid", "os.getppid", "os.getpgrp", "os.getpgid"})
_WATCHES = frozenset(
    {"sys.settrace", "sys.setprofile", "sys.addaudithook", "atexit.register", "threading.settrace"}
)
_INSIDES = (
    "_pytest.assertion",
    "_pytest.runner",
    "_pytest.junitxml",
    "_pytest.main",
    "_pytest.reports",
    "pluggy",
)
_OTHERS = ("pytest.", "_pytest.", "unittest.", "pluggy.", "builtins.", "__builtins__.")
_RUNNERS = frozenset({"pytest", "_pytest", "unittest", "pluggy", "builtins", "sys", "os"})
_JUDGES = frozenset(
    {"AssertionError", "isinstance", "all", "any", "bool", "compile", "exec", "__build_class__"}
)
_VARIABLES = frozenset({"PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST"})
_FILES = frozenset(
    {
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "pytest.ini",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
    }
)
_WRITES = frozenset({"write_text", "write_bytes", "touch", "unlink"})
_APART = (
    "tmp_path",
    "tmpdir",
    "chdir",
    "isolated_filesystem",
    "TemporaryDirectory",
    "pytester",
    "testdir",
    "mkdtemp",
)


def inspect_runner_use(module: ast.Module, names: Names, report: str) -> Iterator[Sign]:
    """What a test file does to its runner.

    Args:
        module: The file.
        names: Its names.
        report: Where the run leaves its report.
    """
    yield from _Walk(names, report).block(module.body)
    yield from _hooks(module, names)
    for name, line in names.imported.items():
        if name == "_pytest" or name.startswith(_INSIDES):
            yield Sign("runner touched", line, f"imports {name!r}, the runner's inside")


class _Walk:
    """Walks a file and keeps in mind where it is."""

    def __init__(self, names: Names, report: str) -> None:
        self._names = names
        self._report = PurePosixPath(report).name
        self._apart: dict[int, bool] = {}

    def block(self, body: list[ast.stmt], function: ast.AST | None = None, depth: int = 0) -> Iterator[Sign]:
        for statement in body:
            if isinstance(statement, ast.If) and _is_main_guard(statement.test):
                continue
            if isinstance(statement, ast.If) and constant_truth(statement.test) is False:
                continue
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self._expressions(statement, statement, depth + 1)
                yield from self.block(statement.body, function or statement, depth + 1)
            else:
                inside = (
                    function if function is not None or isinstance(statement, ast.ClassDef) else statement
                )
                yield from self._expressions(statement, inside or statement, depth)
                yield from self._blocks(statement, function, depth)

    def _blocks(self, statement: ast.stmt, function: ast.AST | None, depth: int) -> Iterator[Sign]:
        expects = isinstance(statement, ast.With) and "SystemExit" in ast.unparse(statement.items[0])
        for name in ("body", "orelse", "finalbody"):
            block = getattr(statement, name, None)
            if isinstance(block, list):
                yield from self.block(block, function, 9 if expects else depth)
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from self.block(part.body, function, depth)

    def _expressions(self, statement: ast.stmt, function: ast.AST, depth: int) -> Iterator[Sign]:
        yield from self._assigned(statement)
        if isinstance(statement, ast.Raise) and statement.exc is not None and depth < 2:
            called = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
            if self._names.of(called) == "SystemExit":
                yield Sign("process ended", statement.lineno, f"{shown(statement)} ends the run")
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
                continue
            for part, deeper in _within(child):
                if isinstance(part, ast.Call):
                    yield from self._call(part, function, depth + deeper)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from self._constant(part, part.value, statement)

    def _constant(self, node: ast.Constant, value: str, statement: ast.stmt) -> Iterator[Sign]:
        if isinstance(statement, ast.Expr) and statement.value is node:
            return
        if PurePosixPath(value).name == self._report and "/" not in self._report:
            yield Sign("report touched", node.lineno, f"{value!r} is the report that the run is judged by")

    def _call(self, call: ast.Call, function: ast.AST, depth: int) -> Iterator[Sign]:
        name = self._names.of(call.func)
        if name in _ENDING and not (name.startswith("os.") and _calls(function, "fork", self._names)):
            yield Sign(
                "process ended", call.lineno, f"{shown(call)} ends the run before the runner can report"
            )
        elif name in _EXITS and (depth == 0 or (depth == 1 and is_test(getattr(function, "name", "")))):
            yield Sign("process ended", call.lineno, f"{shown(call)} ends the run")
        elif name in _KILLS and call.args and self._is_self(call.args[0]):
            yield Sign("process ended", call.lineno, f"{shown(call)} ends the runner")
        elif name in {"os.environ.setdefault", "os.environ.update", "os.putenv"}:
            words = {part.value for part in literals(call) if isinstance(part.value, str)}
            for word in sorted(words & _VARIABLES):
                yield Sign("runner touched", call.lineno, f"{word!r} belongs to the runner")
        elif name in _WATCHES and not (name == "sys.settrace" and _calls(function, "gettrace", self._names)):
            yield Sign(
                "runner touched", call.lineno, f"{shown(call)} runs code where the runner does not look"
            )
        elif name == "setattr" or name.endswith(("monkeypatch.setattr", "patch.object", "mock.patch")):
            yield from self._patched(call)
        elif name.endswith(("pluginmanager.register", "pluginmanager.unregister")):
            yield Sign("runner touched", call.lineno, f"{shown(call)} changes the runner")
        else:
            yield from self._written(call, name, function)

    def _is_self(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self._names.of(node.func) in _SELF

    def _patched(self, call: ast.Call) -> Iterator[Sign]:
        """Replacements in the runner; a test may replace `input`, `open` or `print` of the code it tests."""
        match call.args:
            case [ast.Constant(value=str(target)), *_]:
                pass
            case [owner, ast.Constant(value=str(attribute)), *_]:
                target = f"{self._names.of(owner)}.{attribute}"
            case _:
                return
        judged = target.removeprefix("builtins.")
        if target.startswith(("pytest.", "_pytest.", "unittest.", "pluggy.")) or (
            judged != target and judged in _JUDGES
        ):
            yield Sign("runner touched", call.lineno, f"{shown(call)} replaces what judges the test")

    def _assigned(self, statement: ast.stmt) -> Iterator[Sign]:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            name = self._names.of(target)
            if isinstance(target, ast.Attribute) and name.startswith(_OTHERS):
                yield Sign(
                    "runner touched", statement.lineno, f"{shown(statement)} replaces what judges the test"
                )
            elif (
                isinstance(target, ast.Name) and target.id == "pytest_plugins" and not _is_pytester(statement)
            ):
                yield Sign("runner touched", statement.lineno, f"{shown(statement)} adds to the runner")
            elif isinstance(target, ast.Subscript) and self._names.of(target.value) == "sys.modules":
                if name in _RUNNERS:
                    yield Sign("runner touched", statement.lineno, f"{shown(statement)} replaces a module")
            elif isinstance(target, ast.Subscript):
                yield from self._entry(target, statement)

    def _entry(self, target: ast.Subscript, statement: ast.stmt) -> Iterator[Sign]:
        owner = self._names.of(target.value)
        if owner == "__builtins__":
            yield Sign(
                "runner touched", statement.lineno, f"{shown(statement)} replaces what judges the test"
            )
        elif owner == "os.environ" and any(part.value in _VARIABLES for part in literals(target.slice)):
            yield Sign("runner touched", statement.lineno, f"{shown(statement)} speaks to the runner")

    def _is_apart(self, function: ast.AST) -> bool:
        """Whether a function works in a folder of its own."""
        if id(function) not in self._apart:
            text = ast.unparse(function)
            self._apart[id(function)] = any(apart in text for apart in _APART)
        return self._apart[id(function)]

    def _written(self, call: ast.Call, name: str, function: ast.AST) -> Iterator[Sign]:
        """Files of the repository, or of the machine, that a test writes; not in a folder of its own."""
        if self._is_apart(function):
            return
        path = _written_path(call, name)
        for constant in literals(path) if path is not None and _is_fixed(path) else ():
            if isinstance(constant.value, str) and _is_foreign(constant.value):
                yield Sign(
                    "file written", call.lineno, f"{shown(call)} changes a file that is not the test's own"
                )


def _is_fixed(path: ast.expr) -> bool:
    """Whether a path is written out, or found from the test's own; not one below a folder of the test's."""
    names = {part.id for part in ast.walk(path) if isinstance(part, ast.Name)}
    return names <= {"Path", "PurePath", "pathlib", "os", "__file__"}


def _written_path(call: ast.Call, name: str) -> ast.expr | None:
    """What a call writes to, or removes; None where it does neither."""
    verb = name.rpartition(".")[2] or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
    if verb in _WRITES and isinstance(call.func, ast.Attribute):
        return call.func.value if verb != "unlink" or name != "os.unlink" else call.args[0]
    if name == "os.remove" and call.args:
        return call.args[0]
    if verb != "open" or not (call.args or isinstance(call.func, ast.Attribute)):
        return None
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    modes = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    writes = any(
        len(mode) <= 3 and set(mode) & set("wax+") and not set(mode) - set("rwaxbt+") for mode in modes
    )
    if not writes:
        return None
    return call.args[0] if name in {"open", "io.open"} else getattr(call.func, "value", None)


def _within(node: ast.AST, deeper: int = 0) -> Iterator[tuple[ast.AST, int]]:
    """All parts of an expression, and how many lambdas each stands in."""
    yield node, deeper
    for child in ast.iter_child_nodes(node):
        yield from _within(child, deeper + isinstance(node, ast.Lambda))


def _is_foreign(path: str) -> bool:
    if "\n" in path or len(path) > 200:
        return False
    named = PurePosixPath(path)
    absolute = path.startswith("/") and len(named.parts) > 2 and not path.startswith(("/tmp/", "/dev/"))  # noqa: S108
    return named.name in _FILES or named.suffix in {".py", ".pth"} or (absolute and " " not in path)


def _is_pytester(statement: ast.stmt) -> bool:
    return {constant.value for constant in literals(statement)} <= {"pytester"}


def _is_main_guard(test: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(test))


def _calls(function: ast.AST, last: str, names: Names) -> bool:
    return any(
        isinstance(part, ast.Call) and names.of(part.func).rpartition(".")[2] == last
        for part in ast.walk(function)
    )


def _hooks(module: ast.Module, names: Names) -> Iterator[Sign]:
    """Hooks of pytest's own in a test module; `pytest_generate_tests` is the one that belongs there."""
    for statement in module.body:
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        fixture = any(
            names.of(part.func if isinstance(part, ast.Call) else part).endswith("fixture")
            for part in statement.decorator_list
        )
        if statement.name.startswith("pytest_") and statement.name != "pytest_generate_tests" and not fixture:
            yield Sign("runner touched", statement.lineno, f"{statement.name}() is a hook of the runner")
