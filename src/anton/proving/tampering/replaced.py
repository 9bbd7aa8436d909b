"""Tests that replace the code under repair, or judge it by its text or make-up instead of by what it does.

Replacing a collaborator, a path, a clock or a constant is honest; replacing the very function that the patch
repairs is not, nor is taking its module out of `sys.modules`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from anton.proving.tampering.syntax import (
    Definition,
    Names,
    Sign,
    definitions,
    folded,
    literals,
    same,
    shown,
)

_PATCHES = ("mock.patch", "patch.object", "mocker.patch", "mocker.patch.object", "monkeypatch.setattr")
_TEXTS = frozenset(
    {"inspect.getsource", "inspect.getsourcelines", "inspect.getsourcefile", "linecache.getlines"}
    | {"linecache.getline", "dis.dis", "dis.get_instructions", "dis.Bytecode"}
)
_SHAPES = frozenset(
    {"hasattr", "dir", "vars", "inspect.signature", "inspect.getfullargspec", "inspect.getmembers"}
    | {"inspect.getdoc", "inspect.getcomments", "inspect.getmodule", "importlib.util.find_spec"}
    | {"pkgutil.find_loader", "importlib.util.spec_from_file_location"}
)
"""What tells how the code is made up; a test asks what it does."""
_MADE_UP = frozenset({"__doc__", "__dict__", "__annotations__", "__defaults__", "__kwdefaults__"})
_STATS = frozenset({"os.stat", "os.path.getsize", "os.path.getmtime", "os.lstat"})
_READS = frozenset({"read_text", "read_bytes", "open", "read", "readlines"})
_LOADS = frozenset({"write_text", "write_bytes"})


@dataclass(frozen=True, slots=True)
class Repaired:
    """The source that a patch changes."""

    definitions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Dotted module → functions and classes of it that the patch changes or removes."""
    paths: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    """Dotted names of all the repository's modules that are no tests."""

    def module_of(self, name: str) -> str:
        """The repository's module that a dotted name lies in; empty for another's."""
        parts = name.split(".")
        ends = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((end for end in ends if end in self.own), "")

    def is_under_repair(self, name: str) -> bool:
        """Whether a dotted name is that of a function or class that the patch repairs."""
        module = self.module_of(name)
        rest = name.removeprefix(module).lstrip(".")
        return bool(rest) and rest in self.definitions.get(module, frozenset())


def changed_definitions(before: ast.Module, after: ast.Module) -> frozenset[str]:
    """Qualified names of functions and classes that differ; a class only where it is gone."""
    new = dict(definitions(after.body))
    return frozenset(
        name
        for name, node in definitions(before.body)
        if name not in new or (not isinstance(node, ast.ClassDef) and not same(node, new[name]))
    )


def inspect_replacements(module: ast.Module, names: Names, repaired: Repaired) -> Iterator[Sign]:
    """What a test file replaces, or reads, of the code under repair."""
    for node in ast.walk(module):
        match node:
            case ast.Call():
                yield from _call(node, names, repaired)
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                for target in targets:
                    yield from _assignment(target, node, names, repaired)
    for _, function in definitions(module.body):
        yield from _reading(function, names, repaired)
    yield from _shapes(module, names, repaired)


def _shapes(module: ast.Module, names: Names, repaired: Repaired) -> Iterator[Sign]:
    """Looks at how the repository's code is made up: which names it has, its arguments, its documentation."""
    ours = _Ours(_bound_names(module), names, repaired)
    for node in ast.walk(module):
        match node:
            case ast.Call(func=func, args=[first, *more]):
                asked = names.of(func)
                shape = asked in _SHAPES or (asked == "getattr" and len(more) == 2)
                files = [part for part in ast.walk(first) if _is_file(part)] if asked in _STATS else []
                subjects = [*([first] if shape else []), *files]
                if any(map(ours.holds, subjects)) or _is_own_name(first, asked, repaired):
                    yield _shape(node)
            case ast.Attribute(value=value, attr=attr, ctx=ast.Load()):
                if attr in _MADE_UP and ours.holds(value):
                    yield _shape(node)


@dataclass(frozen=True, slots=True)
class _Ours:
    """Which expressions of a test file are the repository's modules, or what these define."""

    local: frozenset[str]
    names: Names
    repaired: Repaired

    def holds(self, node: ast.AST) -> bool:
        """Whether a name leads to the repository's code, and no local variable only sounds like it."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id in self.local:
            return False
        return self.names.is_imported(node) and bool(self.repaired.module_of(self.names.of(node)))


def _shape(node: ast.expr) -> Sign:
    return Sign("source text read", node.lineno, f"{shown(node)} looks at how the code is made up")


def _is_file(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "__file__"


def _is_own_name(node: ast.expr, asked: str, repaired: Repaired) -> bool:
    """`find_spec("shop.cart")`."""
    return asked.endswith(("find_spec", "find_loader")) and folded(node) in repaired.own


def _bound_names(module: ast.Module) -> frozenset[str]:
    """Names that are given a value somewhere, so that they need not be what was imported."""
    stored = {
        part.id for part in ast.walk(module) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    return frozenset(stored | {part.arg for part in ast.walk(module) if isinstance(part, ast.arg)})


def _call(call: ast.Call, names: Names, repaired: Repaired) -> Iterator[Sign]:
    name = names.of(call.func)
    if name in _TEXTS and call.args:
        subject = names.of(call.args[0])
        if repaired.module_of(subject):
            yield Sign("source text read", call.lineno, f"{shown(call)} looks at how the code is written")
        return
    if name == "setattr" or name.endswith(_PATCHES) or name in {"patch", "unittest.mock.patch"}:
        for target in _targets(call, names):
            if repaired.is_under_repair(target) and not _wraps(call):
                yield Sign(
                    "code under repair replaced", call.lineno, f"{shown(call)} puts something else in place"
                )
    if name.endswith((".setitem", "patch.dict")) and call.args and _is_modules(call.args[0], names):
        for constant in literals(ast.Module(body=[ast.Expr(call)], type_ignores=[])):
            if isinstance(constant.value, str) and constant.value in repaired.own:
                text = f"{shown(call)} puts another module in place"
                yield Sign("code under repair replaced", call.lineno, text)


def _is_modules(node: ast.expr, names: Names) -> bool:
    return names.of(node) == "sys.modules" or (isinstance(node, ast.Constant) and node.value == "sys.modules")


def _targets(call: ast.Call, names: Names) -> Iterator[str]:
    """Dotted names that a patch may be meant for."""
    match call.args:
        case [ast.Constant(value=str(target)), *_]:
            yield target
        case [owner, ast.Constant(value=str(attribute)), *_] if names.of(owner):
            yield f"{names.of(owner)}.{attribute}"


def _wraps(call: ast.Call) -> bool:
    return any(
        keyword.arg in {"wraps", "side_effect"} and _is_name(keyword.value) for keyword in call.keywords
    )


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _assignment(target: ast.expr, node: ast.stmt, names: Names, repaired: Repaired) -> Iterator[Sign]:
    match target:
        case ast.Attribute() if repaired.is_under_repair(names.of(target)):
            yield Sign(
                "code under repair replaced", node.lineno, f"{shown(node)} puts something else in place"
            )
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
            if names.of(value) == "sys.modules" and name in repaired.own and isinstance(node, ast.Assign):
                text = f"{shown(node)} puts another module in place"
                yield Sign("code under repair replaced", node.lineno, text)


def _reading(function: Definition, names: Names, repaired: Repaired) -> Iterator[Sign]:
    """A test that opens the file of the code under repair, by its path or its `__file__`."""
    if isinstance(function, ast.ClassDef):
        return
    verbs = _READS | _LOADS
    parts = list(ast.walk(function))
    calls = {
        names.of(part.func).rpartition(".")[2] or _attribute(part)
        for part in parts
        if isinstance(part, ast.Call)
    }
    for part in parts:
        if isinstance(part, ast.Attribute) and part.attr == "__code__" and repaired.module_of(names.of(part)):
            yield Sign("source text read", part.lineno, f"{shown(part)} looks at how the code is written")
        if not calls & verbs:
            continue
        if (
            isinstance(part, ast.Attribute)
            and part.attr == "__file__"
            and repaired.module_of(names.of(part.value))
        ) or (isinstance(part, ast.Constant) and _is_path(part.value, repaired.paths)):
            yield Sign("source text read", part.lineno, f"{function.name}() opens {shown(part)}")


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_path(value: object, paths: Collection[str]) -> bool:
    if not isinstance(value, str) or not value.endswith(".py"):
        return False
    wanted = value.lstrip("./")
    return any(path == wanted or path.endswith("/" + wanted) for path in paths)
