"""Source that a patch changes: it must not know of its tests, hide a failure, or leave before it shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import TypeGuard

from anton.proving.tampering.detection import inspect_detection
from anton.proving.tampering.reach import ends_process, inspect_reach, replaces_judges
from anton.proving.tampering.syntax import Names, Sign, functions, newly, reachable, shown

EMPTY = ast.Module(body=[], type_ignores=[])
_EXITS = frozenset({"sys.exit", "exit", "quit"})
_PROGRAM = re.compile(r"(^|/)(__main__|main|cli|cmd|command\w*|manage|console\w*|script\w*|bin)(\.py)?(/|$)")
_BROAD = frozenset({"Exception", "BaseException", "AssertionError"})
_GENERATED_PATH = re.compile(
    r"(^|/)(vendor|vendored|_vendor|third_party|node_modules|site-packages|bower_components)/"
    r"|\.min\.(js|css)$|_pb2(_grpc)?\.pyi?$|\.pb\.go$|\.generated\.\w+$",
    re.IGNORECASE,
)
_GENERATED_HEAD = re.compile(
    r"@generated\b|generated (by|from)\b.*do not edit|do not edit.*generated", re.IGNORECASE
)


def inspect_fix(
    before: ast.Module | None,
    after: ast.Module,
    path: str,
    report: str = "",
    tests: Collection[str] = (),
) -> Iterator[Sign]:
    """What is wrong with a changed source file.

    Args:
        before: The file on base; None where it is new.
        after: The file with the patch.
        path: Where it stands.
        report: Where the run leaves its report.
        tests: Paths of the tests.
    """
    old = before or EMPTY
    yield from newly(_presence(old, path, tests), _presence(after, path, tests))
    yield from inspect_reach(old, after, report=report, is_program=bool(_PROGRAM.search(path)))
    yield from _exits(old, after, path)
    yield from _guards(old, after)


def generated(path: str, before: bytes) -> str | None:
    """Why a file is not to be changed by hand; None where it may."""
    if _GENERATED_PATH.search(path):
        return "is vendored, generated or minified"
    head = before[:600].decode("utf-8", "replace")
    return "says that it is generated" if _GENERATED_HEAD.search(" ".join(head.split())) else None


def _presence(module: ast.Module, path: str, tests: Collection[str]) -> Iterator[Sign]:
    names = Names(module)
    for name, line in names.imported.items():
        first = name.partition(".")[0]
        if first in {"pytest", "_pytest"}:
            yield Sign("runner detected", line, f"imports {name!r}, which only tests need")
        elif first in {"tests", "test"} and not path.startswith(f"{first}/"):
            yield Sign("tests imported", line, f"imports {name!r}: source must not know its tests")
    yield from inspect_detection(module, names, tests)
    yield from ends_process(module)
    for node in ast.walk(module):
        yield from replaces_judges(node, names)
        match node:
            case ast.FunctionDef(name="__eq__" | "__ne__", body=body):
                yield from _equality(node, body)
            case ast.Try():
                yield from _swallowing(node, names)
            case ast.With(items=items):
                yield from _suppressing(items, names)


def _equality(node: ast.FunctionDef, body: list[ast.stmt]) -> Iterator[Sign]:
    match body[-1:]:
        case [ast.Return(value=ast.Constant(value=bool(answer)))] if answer is (node.name == "__eq__"):
            if not any(isinstance(part, ast.If) for part in ast.walk(node)):
                text = f"{node.name}() is always {answer}, so that every comparison holds"
                yield Sign("comparison faked", node.lineno, text)


def _swallowing(node: ast.Try, names: Names) -> Iterator[Sign]:
    for handler in node.handlers:
        broad = handler.type is None or any(names.of(part) in _BROAD for part in ast.walk(handler.type))
        if broad and all(map(_is_silent, handler.body)):
            caught = shown(handler.type) if handler.type else "everything"
            kept = shown(handler.body[-1])
            yield Sign("failure swallowed", handler.lineno, f"{caught} is caught and answered with {kept}")


def _is_silent(statement: ast.stmt) -> bool:
    match statement:
        case (
            ast.Pass()
            | ast.Continue()
            | ast.Break()
            | ast.Return(value=None)
            | ast.Expr(value=ast.Constant())
        ):
            return True
        case ast.Return(value=value) | ast.Assign(value=value):
            return not any(isinstance(part, ast.Call | ast.Await) for part in ast.walk(value or ast.Pass()))
        case _:
            return False


def _suppressing(items: list[ast.withitem], names: Names) -> Iterator[Sign]:
    for item in items:
        match item.context_expr:
            case ast.Call(func=func, args=args) as call if names.of(func) == "contextlib.suppress":
                if any(names.of(argument) in _BROAD for argument in args):
                    yield Sign("failure swallowed", call.lineno, f"{shown(call)} hides every failure")


def _exits(before: ast.Module, after: ast.Module, path: str) -> Iterator[Sign]:
    """A new `sys.exit` in what is no program."""
    if _PROGRAM.search(path) or any(_exit_calls(before)):
        return
    for name, call in _exit_calls(after):
        if not _PROGRAM.search(name.rpartition(".")[2].strip("_")):
            yield Sign("process ended", call.lineno, f"{name}() ends the process by {shown(call)}")


def _exit_calls(module: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    names = Names(module)
    for name, function in functions(module).items():
        for part in ast.walk(function):
            if isinstance(part, ast.Call) and names.of(part.func) in _EXITS:
                yield name, part


def _guards(before: ast.Module, after: ast.Module) -> Iterator[Sign]:
    """Checks of a function's own that are gone, or that a constant condition has put out of force."""
    new = functions(after)
    old_names, new_names = Names(before), Names(after)
    for name, function in functions(before).items():
        if name not in new:
            continue
        successor = new[name]
        was, now = reachable(function.body, old_names), reachable(successor.body, new_names)
        asserts = [[node for node in body if _is_check(node)] for body in (was, now)]
        if len(asserts[1]) < len(asserts[0]) and _branches(now) <= _branches(was):
            kept = {ast.dump(node.test) for node in asserts[1]}
            gone = next((node for node in asserts[0] if ast.dump(node.test) not in kept), asserts[0][0])
            yield Sign("check removed", successor.lineno, f"{name}() no longer holds {shown(gone)}")
        everything = [node for node in ast.walk(successor) if isinstance(node, ast.Raise)]
        run, ran = set(map(id, now)), set(map(id, was))
        unreached = [node for node in everything if id(node) not in run]
        already = sum(id(node) not in ran for node in ast.walk(function) if isinstance(node, ast.Raise))
        if len(unreached) > already:
            text = f"{name}() never reaches {shown(unreached[0])}"
            yield Sign("check removed", unreached[0].lineno, text)


def _is_check(node: ast.stmt) -> TypeGuard[ast.Assert]:
    """An assertion that is no mere hint for a type checker."""
    match node:
        case (
            ast.Assert(test=ast.Compare(ops=[ast.IsNot()]))
            | ast.Assert(test=ast.Call(func=ast.Name("isinstance")))
        ):
            return False
        case _:
            return isinstance(node, ast.Assert)


def _branches(body: list[ast.stmt]) -> int:
    return sum(isinstance(node, ast.If | ast.Raise | ast.Try) for node in body)
