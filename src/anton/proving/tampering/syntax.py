"""Python syntax as the rules read it: names without their aliases, definitions, reachable statements."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Definition: TypeAlias = Function | ast.ClassDef

_SHOWN = 90


@dataclass(frozen=True, slots=True)
class Sign:
    """One finding within a file; two of one kind and detail are the same finding, wherever they stand."""

    kind: str
    line: int
    detail: str


def newly(before: Iterable[Sign], after: Iterable[Sign]) -> Iterator[Sign]:
    """What `after` holds more often than `before`."""
    left = Counter((sign.kind, sign.detail) for sign in before)
    for sign in after:
        key = (sign.kind, sign.detail)
        if left[key]:
            left[key] -= 1
        else:
            yield sign


def shown(node: ast.AST) -> str:
    """A piece of source on one line, shortened, between backticks."""
    text = " ".join(ast.unparse(node).split())
    return f"`{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}`"


def same(one: ast.AST, other: ast.AST) -> bool:
    """Whether two pieces of source mean the same, wherever they stand."""
    return ast.dump(one) == ast.dump(other)


class Names:
    """What the names of a module stand for: `p` is `os._exit` after `from os import _exit as p`."""

    def __init__(self, module: ast.Module, package: str = "") -> None:
        """Read the imports, wherever in the module they stand.

        Args:
            module: The parsed file.
            package: Dotted package of the file, for its relative imports.
        """
        self._stands_for: dict[str, str] = {}
        self.imported: dict[str, int] = {}
        """Dotted name of everything imported → line."""
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._add(alias.asname or alias.name.partition(".")[0], alias, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                parent = _absolute(node, package)
                for alias in node.names:
                    self._add(alias.asname or alias.name, alias, f"{parent}.", node.lineno)

    def _add(self, name: str, alias: ast.alias, prefix: str, line: int) -> None:
        whole = prefix + alias.name
        self.imported.setdefault(whole, line)
        self._stands_for[name] = whole if alias.asname or prefix else name

    def of(self, node: ast.AST) -> str:
        """`os._exit` for whatever way of writing it; empty for what is no name."""
        match node:
            case ast.Name(id=name):
                return self._stands_for.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                inner = self.of(value)
                return f"{inner}.{attr}" if inner else ""
            case ast.Call(func=ast.Name(id="getattr"), args=[value, attribute, *_]):
                inner, asked = self.of(value), folded(attribute)
                return f"{inner}.{asked}" if inner and asked else ""
            case ast.Call(func=func, args=[module, *_]):
                imports = self.of(func) in {"__import__", "importlib.import_module", "sys.modules.get"}
                return (folded(module) or "") if imports else ""
            case ast.Subscript(value=value, slice=module):
                return (folded(module) or "") if self.of(value) == "sys.modules" else ""
            case _:
                return ""

    def is_imported(self, node: ast.AST) -> bool:
        """Whether what a name or attribute begins with was imported; a local name may only sound like it."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if isinstance(node, ast.Name):
            return node.id in self._stands_for
        return bool(self.of(node))


def folded(node: ast.AST) -> str | None:
    """A text that is written out, in one piece or as a sum of pieces; None for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = folded(left), folded(right)
            return None if one is None or other is None else one + other
        case _:
            return None


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def definitions(body: Sequence[ast.stmt], within: str = "") -> Iterator[tuple[str, Definition]]:
    """Functions, methods and classes by qualified name, not those inside functions or under `if False`."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield within + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield within + node.name, node
            yield from definitions(node.body, f"{within}{node.name}.")
        elif isinstance(node, ast.If):
            truth = constant_truth(node.test)
            if truth is not False:
                yield from definitions(node.body, within)
            if truth is not True:
                yield from definitions(node.orelse, within)
        elif isinstance(node, ast.With | ast.Try):
            yield from definitions(node.body, within)


def functions(module: ast.Module) -> dict[str, Function]:
    """All functions and methods; of several with one name the last, as Python has it."""
    found = definitions(module.body)
    return {name: node for name, node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def classes(module: ast.Module) -> dict[str, ast.ClassDef]:
    """All classes by qualified name."""
    return {name: node for name, node in definitions(module.body) if isinstance(node, ast.ClassDef)}


def is_test(name: str) -> bool:
    """Whether a runner takes a function of this qualified name for a test."""
    return name.rpartition(".")[2].startswith("test")


def constant_truth(node: ast.expr) -> bool | None:
    """What a condition always is; None where it depends on anything."""
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return False
        case ast.Tuple() | ast.List() if not any(isinstance(part, ast.Starred) for part in node.elts):
            return True
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return None
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = constant_truth(operand)
            return None if truth is None else not truth
        case ast.BoolOp(op=ast.And(), values=values):
            return _joined([constant_truth(value) for value in values], decisive=False)
        case ast.BoolOp(op=ast.Or(), values=values):
            return _joined([constant_truth(value) for value in values], decisive=True)
        case ast.Compare(left=ast.Constant(), comparators=[ast.Constant()]):
            return _compared(node)
        case _:
            return None


def _joined(truths: Sequence[bool | None], *, decisive: bool) -> bool | None:
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def _compared(node: ast.Compare) -> bool | None:
    match node:
        case ast.Compare(left=ast.Constant(value=one), ops=[ast.Eq() | ast.Is()], comparators=[other]):
            return isinstance(other, ast.Constant) and one == other.value
        case ast.Compare(left=ast.Constant(value=one), ops=[ast.NotEq() | ast.IsNot()], comparators=[other]):
            return isinstance(other, ast.Constant) and one != other.value
        case _:
            return None


_ENDS = frozenset({"pytest.skip", "pytest.exit", "pytest.xfail", "sys.exit", "os._exit", "exit", "quit"})


def reachable(body: Sequence[ast.stmt], names: Names) -> list[ast.stmt]:
    """Statements that can run: not those after a `return`, under `if False`, in a loop over nothing."""
    found: list[ast.stmt] = []
    _reach(body, names, found)
    return found


def _reach(body: Sequence[ast.stmt], names: Names, found: list[ast.stmt]) -> bool:
    """Collect; True where what follows the block is never reached."""
    for statement in body:
        found.append(statement)
        if _leaves(statement, names):
            return True
        if _reach_inside(statement, names, found):
            return True
    return False


def _leaves(statement: ast.stmt, names: Names) -> bool:
    match statement:
        case ast.Return() | ast.Raise() | ast.Continue() | ast.Break():
            return True
        case ast.Expr(value=ast.Call(func=func)):
            name = names.of(func)
            return name in _ENDS or name.endswith(".skipTest")
        case _:
            return False


def _reach_inside(statement: ast.stmt, names: Names, found: list[ast.stmt]) -> bool:
    match statement:
        case ast.If(test=test, body=body, orelse=orelse):
            truth = constant_truth(test)
            ends = truth is not False and _reach(body, names, found)
            other = truth is not True and _reach(orelse, names, found)
            return (ends and other) or (ends and truth is True) or (other and truth is False)
        case ast.While(test=test, body=body, orelse=orelse):
            if constant_truth(test) is not False:
                _reach(body, names, found)
            _reach(orelse, names, found)
        case (
            ast.For(iter=iterated, body=body, orelse=orelse)
            | ast.AsyncFor(iter=iterated, body=body, orelse=orelse)
        ):
            if constant_truth(iterated) is not False:
                _reach(body, names, found)
            _reach(orelse, names, found)
        case ast.Match(cases=cases):
            for case in cases:
                _reach(case.body, names, found)
        case _:
            for block in _blocks(statement):
                _reach(block, names, found)
    return False


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if isinstance(block := getattr(statement, name, None), list):
            yield block
    for handler in getattr(statement, "handlers", ()):
        yield handler.body


def inner_statements(function: Function) -> list[ast.stmt]:
    """All statements inside a function, those out of reach included."""
    return [node for node in ast.walk(function) if isinstance(node, ast.stmt) and node is not function]


def own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """A statement's expressions, whole, without those of the statements inside it."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.withitem):
            yield child.context_expr


def literals(node: ast.AST) -> Iterator[ast.Constant]:
    """All constants in a piece of source, docstrings left out."""
    documentation = {
        id(part.body[0].value)
        for part in ast.walk(node)
        if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and part.body
        and isinstance(part.body[0], ast.Expr)
    }
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and id(part) not in documentation:
            yield part


def is_literal(node: ast.expr) -> bool:
    """Whether a value is written out: constants and containers of them."""
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=operand):
            return is_literal(operand)
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return all(map(is_literal, elements))
        case ast.Dict(keys=keys, values=values):
            return all(key is not None and is_literal(key) for key in keys) and all(map(is_literal, values))
        case _:
            return False


def outline(node: ast.AST) -> str:
    """A piece of source with every constant blotted out, to tell `f(1) == 2` and `f(1) == 3` are alike."""
    return ast.dump(_Blotted().visit(ast.parse(ast.unparse(node), mode="eval")))


class _Blotted(ast.NodeTransformer):
    def visit_Constant(self, _node: ast.Constant) -> ast.AST:
        return ast.Name(id="_", ctx=ast.Load())

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        return self.visit(node.operand) if isinstance(node.op, ast.USub) else self.generic_visit(node)


def assigned(body: Iterable[ast.stmt]) -> Mapping[str, list[ast.expr]]:
    """Values that plain names are given, in order."""
    found: dict[str, list[ast.expr]] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.setdefault(name, []).append(value)
    return found
