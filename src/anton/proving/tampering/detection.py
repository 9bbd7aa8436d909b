"""Source that asks whether it is being tested: environment, modules, arguments, stack, tests' files."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from anton.proving.tampering.syntax import Function, Names, Sign, folded, literals, shown

_RUNNERS = frozenset({"pytest", "_pytest", "unittest", "nose", "pluggy", "xdist", "hypothesis"})
_MARKS = frozenset(
    {"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_RUN_CONFIG"}
    | {"CI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"}
)
_COLOURS = ("color", "colour", "ansi", "isatty", "\\x1b", "\\033")
"""Whoever speaks of one of these may ask for NO_COLOR: no-color.org."""
_STACKS = frozenset({"inspect.stack", "inspect.currentframe", "sys._getframe", "traceback.extract_stack"})
_SETS = frozenset({"intersection", "isdisjoint", "issubset", "issuperset", "get", "pop"})
_WHOLE = frozenset({"keys", "values", "items", "copy"})


def inspect_detection(module: ast.Module, names: Names, tests: Collection[str] = ()) -> Iterator[Sign]:
    """Ways to learn that the code is being tested.

    Args:
        module: A source file.
        names: Its names.
        tests: Paths of the tests in Python.
    """
    marks = _MARKS if _speaks_of_colours(module) else _MARKS | {"NO_COLOR"}
    known = {path for path in tests if path.endswith(".py")}
    stored = _stored(module)
    for node in ast.walk(module):
        yield from _environment(node, names, marks)
        yield from _modules(node, names)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _stack(node, names)
            case ast.Attribute(attr="dont_write_bytecode") if id(node) not in stored:
                yield _asks(node)
            case ast.Attribute(attr="orig_argv") if names.of(node) == "sys.orig_argv":
                yield _asks(node)
    for part in literals(module):
        if part.value == "PYTEST_CURRENT_TEST":
            yield Sign("runner detected", part.lineno, "'PYTEST_CURRENT_TEST' is set only while tests run")
        elif isinstance(part.value, str) and part.value.removeprefix("./") in known:
            yield Sign(
                "runner detected", part.lineno, f"{part.value!r} is a test, which source need not know"
            )


def _asks(node: ast.expr) -> Sign:
    return Sign("runner detected", node.lineno, f"{shown(node)} asks whether tests run")


def _speaks_of_colours(module: ast.Module) -> bool:
    text = ast.unparse(module).lower().replace("no_color", "")
    return any(word in text for word in _COLOURS)


def _stored(module: ast.Module) -> set[int]:
    return {
        id(part)
        for part in ast.walk(module)
        if isinstance(part, ast.Attribute) and not isinstance(part.ctx, ast.Load)
    }


def _words(node: ast.AST) -> set[str]:
    found = {part.value for part in literals(node) if isinstance(part.value, str)}
    return found | {text for part in ast.walk(node) if (text := folded(part))}


def _environment(node: ast.AST, names: Names, marks: Collection[str]) -> Iterator[Sign]:
    match node:
        case ast.Compare() | ast.BinOp(op=ast.BitAnd() | ast.Sub()):
            places = {names.of(part) for part in ast.walk(node)}
            if "os.environ" in places and _words(node) & set(marks):
                yield _asks(node)
        case ast.Call(func=func, args=[first, *_]):
            name = names.of(func)
            asked = name == "os.getenv" or (
                name.startswith("os.environ.") and name.rpartition(".")[2] in _SETS
            )
            if (asked or _is_of_environment(func, names)) and _words(first) & set(marks):
                yield _asks(node)
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()):
            if names.of(value) == "os.environ" and folded(key) in marks:
                yield _asks(node)


def _is_of_environment(func: ast.expr, names: Names) -> bool:
    """Whether this is a method of what `os.environ` or its keys were made into."""
    return (
        isinstance(func, ast.Attribute)
        and func.attr in _SETS
        and any(names.of(part) == "os.environ" for part in ast.walk(func.value))
    )


def _modules(node: ast.AST, names: Names) -> Iterator[Sign]:
    match node:
        case ast.Compare(left=left, comparators=[right]):
            words = _words(node)
            places = {names.of(part) for side in (left, right) for part in ast.walk(side)}
            runner = "sys.modules" in places and words & _RUNNERS
            program = "sys.argv" in places and any("test" in word or "junit" in word for word in words)
            if runner or program or _is_whole(right, names):
                yield _asks(node)
        case ast.Call(func=func, args=[first, *_]):
            word = (folded(first) or "").partition(".")[0]
            if names.of(func) in {"sys.modules.get", "importlib.util.find_spec"} and word in _RUNNERS:
                yield _asks(node)
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
            whole = any(_is_whole(part, names) for part in ast.walk(iterated))
            if names.of(iterated) == "sys.modules" or whole:
                yield _asks(iterated)


def _is_whole(node: ast.AST, names: Names) -> bool:
    """`list(sys.modules)`, `sys.modules.items()` and the like, which are for looking through all of them."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[]):
            return attr in _WHOLE and names.of(value) == "sys.modules"
        case ast.Call(func=ast.Name(id="list" | "set" | "tuple" | "sorted" | "dict" | "str"), args=[inner]):
            return names.of(inner) == "sys.modules" or _is_whole(inner, names)
        case _:
            return False


def _stack(function: Function, names: Names) -> Iterator[Sign]:
    """Who calls, asked of the stack together with the word `test`."""
    words = [part for part in literals(function) if isinstance(part.value, str) and "test" in part.value]
    for part in ast.walk(function) if words else ():
        if isinstance(part, ast.Call) and names.of(part.func) in _STACKS:
            text = f"{function.name}() asks {shown(part)} for {words[0].value!r}"
            yield Sign("runner detected", part.lineno, text)
