"""Source that a patch changes: it must not know of its tests, hide a failure, or leave before it shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

from anton.proving.tampering.syntax import Function, Names, Sign, functions, literals, newly, reachable, shown

EMPTY = ast.Module(body=[], type_ignores=[])
_RUNNERS = frozenset({"pytest", "_pytest", "unittest", "nose", "pluggy", "xdist", "hypothesis"})
_MARKS = frozenset(
    {"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_RUN_CONFIG"}
    | {"CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE"}
)
_STACKS = frozenset({"inspect.stack", "inspect.currentframe", "sys._getframe", "traceback.extract_stack"})
_ENDING = frozenset({"os._exit", "os.abort", "signal.raise_signal"})
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


def inspect_fix(before: ast.Module | None, after: ast.Module, path: str) -> Iterator[Sign]:
    """What is wrong with a changed source file.

    Args:
        before: The file on base; None where it is new.
        after: The file with the patch.
        path: Where it stands.
    """
    old = before or EMPTY
    yield from newly(_presence(old, path), _presence(after, path))
    yield from _exits(old, after, path)
    yield from _guards(old, after)


def generated(path: str, before: bytes) -> str | None:
    """Why a file is not to be changed by hand; None where it may."""
    if _GENERATED_PATH.search(path):
        return "is vendored, generated or minified"
    head = before[:600].decode("utf-8", "replace")
    return "says that it is generated" if _GENERATED_HEAD.search(" ".join(head.split())) else None


def _presence(module: ast.Module, path: str) -> Iterator[Sign]:
    names = Names(module)
    for name, line in names.imported.items():
        first = name.partition(".")[0]
        if first in {"pytest", "_pytest"}:
            yield Sign("runner detected", line, f"imports {name!r}, which only tests need")
        elif first in {"tests", "test"} and not path.startswith(f"{first}/"):
            yield Sign("tests imported", line, f"imports {name!r}: source must not know its tests")
    forks = any(isinstance(node, ast.Call) and names.of(node.func) == "os.fork" for node in ast.walk(module))
    for node in ast.walk(module):
        yield from _detection(node, names)
        match node:
            case ast.Call(func=func) if names.of(func) in _ENDING and not forks:
                yield Sign("process ended", node.lineno, f"{shown(node)} ends the process at once")
            case ast.Call(func=func) if names.of(func) in {"sys.settrace", "sys.setprofile"}:
                yield Sign("runner touched", node.lineno, f"{shown(node)} watches the interpreter")
            case ast.Call(func=ast.Name(id="setattr"), args=[owner, *_]) if names.of(owner) in _OTHERS:
                yield Sign("runner touched", node.lineno, f"{shown(node)} replaces what judges the tests")
            case ast.Assign(targets=[ast.Attribute() as target]) if _is_others(names.of(target.value)):
                yield Sign("runner touched", node.lineno, f"{shown(node)} replaces what judges the tests")
            case ast.FunctionDef(name="__eq__" | "__ne__", body=body):
                yield from _equality(node, body)
            case ast.Try():
                yield from _swallowing(node, names)
            case ast.With(items=items):
                yield from _suppressing(items, names)


_OTHERS = frozenset({"builtins", "__builtins__", "pytest", "unittest", "unittest.TestCase", "unittest.mock"})


def _is_others(name: str) -> bool:
    return name in _OTHERS or name.startswith(("_pytest", "pytest.", "unittest."))


def _detection(node: ast.AST, names: Names) -> Iterator[Sign]:
    """Ways to learn that the code is being tested."""
    match node:
        case ast.Compare(left=left, comparators=[right]):
            words = {part.value for part in literals(node) if isinstance(part.value, str)}
            places = {names.of(part) for side in (left, right) for part in ast.walk(side)}
            runner = "sys.modules" in places and words & _RUNNERS
            program = "sys.argv" in places and any("test" in word for word in words)
            if runner or program:
                yield Sign("runner detected", node.lineno, f"{shown(node)} asks whether tests run")
        case ast.Call(func=func, args=[ast.Constant(value=str(word)), *_]):
            name = names.of(func)
            if (name in {"os.getenv", "os.environ.get"} and word in _MARKS) or (
                name in {"sys.modules.get", "importlib.util.find_spec"} and word in _RUNNERS
            ):
                yield Sign("runner detected", node.lineno, f"{shown(node)} asks whether tests run")
        case ast.Subscript(value=value, slice=ast.Constant(value=str(word))):
            if names.of(value) == "os.environ" and word in _MARKS:
                yield Sign("runner detected", node.lineno, f"{shown(node)} asks whether tests run")
        case ast.Constant(value="PYTEST_CURRENT_TEST"):
            yield Sign("runner detected", node.lineno, "'PYTEST_CURRENT_TEST' is set only while tests run")
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from _stack(node, names)


def _stack(function: Function, names: Names) -> Iterator[Sign]:
    """Who calls, asked of the stack together with the word `test`."""
    words = [part for part in literals(function) if isinstance(part.value, str) and "test" in part.value]
    for part in ast.walk(function) if words else ():
        if isinstance(part, ast.Call) and names.of(part.func) in _STACKS:
            text = f"{function.name}() asks {shown(part)} for {words[0].value!r}"
            yield Sign("runner detected", part.lineno, text)


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
