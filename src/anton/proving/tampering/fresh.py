"""New tests: that they check something, and something of the repository's.

A test without an assertion is honest where it calls the code that used to crash.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator

from anton.proving.tampering.claims import claims, trivially_true
from anton.proving.tampering.existing import swallowed
from anton.proving.tampering.syntax import (
    Function,
    Names,
    Sign,
    definitions,
    functions,
    inner_statements,
    is_test,
    reachable,
    shown,
)

_PLAIN_FIXTURES = frozenset(
    {"self", "cls", "tmp_path", "tmpdir", "tmp_path_factory", "capsys", "capfd", "caplog", "monkeypatch"}
    | {"recwarn", "request", "record_property", "subtests", "mocker"}
)
_PLAIN_BASES = frozenset({"unittest.TestCase", "unittest.IsolatedAsyncioTestCase", "object"})
_REACHING = frozenset({"subprocess", "runpy", "importlib", "asyncio", "multiprocessing", "pkgutil", "socket"})
"""Modules of the standard library by which a test may run the repository's code without importing it."""
_IDLE = (sys.stdlib_module_names - _REACHING) | {"pytest", "mock", "hypothesis"}
_BUILTINS = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__)


def inspect_new_tests(after: ast.Module, names: Names, old: Collection[str] = frozenset()) -> Iterator[Sign]:
    """What is wrong with the tests of a file that were not there before.

    Args:
        after: The file with the patch.
        names: Its names.
        old: Qualified names of the tests that base has in this file.
    """
    top = _Reach(after, names)
    for name, function in functions(after).items():
        if name in old or not is_test(name):
            continue
        yield from swallowed(function, names)
        yield from _inspect(name, function, names, top)


def _inspect(name: str, function: Function, names: Names, reach: _Reach) -> Iterator[Sign]:
    asserted = claims(reachable(function.body, names), names)
    touches = reach.touches(function)
    everything = inner_statements(function)
    if not asserted and (dead := claims(everything, names)):
        text = f"{name}() never reaches {shown(dead[0].node)}"
        yield Sign("assertion unreachable", dead[0].line, text)
    elif asserted and all(map(trivially_true, asserted)):
        text = f"{name}() asserts only what always holds, such as {shown(asserted[0].node)}"
        yield Sign("asserts nothing", asserted[0].line, text)
    elif not touches:
        yield Sign("asserts nothing", function.lineno, f"{name}() never calls the repository's code")


class _Reach:
    """Which names of a test file lead to code outside it: the repository's, or a package that may call it."""

    def __init__(self, module: ast.Module, names: Names) -> None:
        self._names = names
        self._defined: dict[str, list[ast.stmt]] = {}
        for statement in module.body:
            for name in _bound(statement):
                self._defined.setdefault(name, []).append(statement)
        for name, definition in definitions(module.body):
            self._defined.setdefault(name.rpartition(".")[2], []).append(definition)
        self._classes = [statement for statement in module.body if isinstance(statement, ast.ClassDef)]
        self._seen: dict[str, bool] = {}

    def touches(self, function: Function) -> bool:
        """Whether a test may run anything of the repository's."""
        if any(self._leads_out(name) for name in _fixtures(function)):
            return True
        if any(not self._is_plain(one) for one in self._classes if function in one.body):
            return True
        return self._reaches(function)

    def _is_plain(self, definition: ast.ClassDef) -> bool:
        """Whether a test class has nothing that might reach out for its methods: other bases, fixtures."""
        known = all(self._names.of(base) in _PLAIN_BASES for base in definition.bases)
        prepares = any(
            not (isinstance(member, ast.Expr | ast.Pass) or is_test(getattr(member, "name", "")))
            for member in definition.body
        )
        return known and not prepares and not definition.decorator_list

    def _reaches(self, node: ast.AST) -> bool:
        local = _local(node)
        imports = [part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)]
        return not all(map(_is_idle, imports)) or any(
            self._leads_out(part.id)
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and part.id not in local
        )

    def _leads_out(self, name: str) -> bool:
        if name not in self._seen:
            self._seen[name] = False
            self._seen[name] = self._decide(name)
        return self._seen[name]

    def _decide(self, name: str) -> bool:
        whole = self._names.of(ast.Name(id=name, ctx=ast.Load()))
        if name in self._defined:
            return any(map(self._outward, self._defined[name]))
        if name in _PLAIN_FIXTURES:
            return False
        return name not in _BUILTINS if whole == name else whole.partition(".")[0] not in _IDLE

    def _outward(self, statement: ast.stmt) -> bool:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return not _is_idle(statement)
        return self._reaches(statement)


def _is_idle(statement: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import brings only what cannot run the repository's code."""
    if isinstance(statement, ast.ImportFrom):
        return not statement.level and (statement.module or "").partition(".")[0] in _IDLE
    return all(alias.name.partition(".")[0] in _IDLE for alias in statement.names)


def _bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.If() | ast.Try() | ast.With():
            for inner in ast.walk(statement):
                if isinstance(inner, ast.Import | ast.ImportFrom | ast.Assign):
                    yield from _bound(inner)
        case _:
            for part in ast.walk(statement):
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                    yield part.id


def _fixtures(function: Function) -> set[str]:
    """Arguments that are neither built-in fixtures nor columns of `parametrize`."""
    arguments = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    columns: set[str] = set()
    for decorator in function.decorator_list:
        for part in ast.walk(decorator):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                columns.update(column.strip() for column in part.value.split(","))
            elif isinstance(part, ast.keyword) and part.arg:
                columns.add(part.arg)
    return arguments - _PLAIN_FIXTURES - columns


def _local(node: ast.AST) -> set[str]:
    """Names that are bound inside; an import inside a function binds one that may lead out."""
    bound = {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            bound.add(part.arg)
        elif isinstance(part, ast.ExceptHandler):
            bound.add(part.name or "")
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and part is not node:
            bound.add(part.name)
        elif isinstance(part, ast.Import | ast.ImportFrom) and _is_idle(part):
            bound.update(_bound(part))
    return bound
