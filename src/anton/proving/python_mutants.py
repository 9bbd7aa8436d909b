"""Mutants of Python, by its syntax tree; each is still a program.

    ====================  ========================================================
    comparison            `==` ↔ `!=`, `<` ↔ `<=`, `>` ↔ `>=`, `in` ↔ `not in`, …
    condition             `True`, `False`, negated
    logic                 `and` ↔ `or`, `not` removed
    constants             `True` ↔ `False`, an integer one larger, a text emptied
    arithmetic            `+` ↔ `-`, `*` ↔ `/`, …, also in `+=`
    return                of `None`
    slice                 without its beginning, without its end
    statement             call, assignment or `raise` removed
    ====================  ========================================================

Left alone is what no test is expected to watch: docstrings, annotations, imports, logging, the wording of
errors, `__all__`, and what is under `TYPE_CHECKING` or `__name__ == "__main__"`.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import TypeAlias

from anton.proving.edit import Edit

_Position: TypeAlias = ast.expr | ast.stmt
_BOM = b"\xef\xbb\xbf"
_LARGEST = 10**18
"""Larger integers are keys and masks, whose neighbours mean nothing."""

_COMPARISONS: dict[type[ast.cmpop], tuple[bytes, bytes]] = {
    ast.Eq: (rb"==", b"!="),
    ast.NotEq: (rb"!=", b"=="),
    ast.Lt: (rb"<", b"<="),
    ast.LtE: (rb"<=", b"<"),
    ast.Gt: (rb">", b">="),
    ast.GtE: (rb">=", b">"),
    ast.Is: (rb"\bis\b", b"is not"),
    ast.IsNot: (rb"\bis\s+not\b", b"is"),
    ast.In: (rb"\bin\b", b"not in"),
    ast.NotIn: (rb"\bnot\s+in\b", b"in"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[bytes, bytes]] = {
    ast.Add: (rb"\+", b"-"),
    ast.Sub: (rb"-", b"+"),
    ast.Mult: (rb"\*", b"/"),
    ast.Div: (rb"/", b"*"),
    ast.FloorDiv: (rb"//", b"/"),
    ast.Mod: (rb"%", b"*"),
    ast.Pow: (rb"\*\*", b"*"),
    ast.BitOr: (rb"\|", b"&"),
    ast.BitAnd: (rb"&", b"|"),
    ast.LShift: (rb"<<", b">>"),
    ast.RShift: (rb">>", b"<<"),
}
_LOGGERS = frozenset({"log", "logger", "logging", "_log", "_logger", "LOG", "LOGGER", "warnings"})
_GUARDS = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")
_NAMES_ONLY = frozenset({"__all__", "__version__", "__author__", "__slots__"})


def python_edits(source: bytes, lines: frozenset[int]) -> tuple[Edit, ...]:
    """Edits that begin on the given lines (counted from 1), the most telling ones first.

    A few of them may break the syntax, see `compiles`. None for a file that does not compile itself, is not
    UTF-8, or is nested too deeply.
    """
    tree = _parsed(source)
    if tree is None:
        return ()
    mutator = _Mutator(source, lines)
    try:
        mutator.statements(tree.body)
    except RecursionError:
        return ()
    found = sorted(mutator.found, key=lambda ranked: (ranked.rank, ranked.edit.start))
    return tuple(ranked.edit for ranked in found)


def compiles(source: bytes) -> bool:
    """Whether a file is a Python program."""
    return _parsed(source) is not None


def _parsed(source: bytes) -> ast.Module | None:
    if b"\r" in source.replace(b"\r\n", b"\n"):  # a line end to Python and none to git
        return None
    try:
        source.decode("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of an invalid escape in somebody's code
            return ast.parse(source)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: int
    edit: Edit


class _Mutator:
    """Goes through the changed lines' statements and expressions."""

    def __init__(self, source: bytes, lines: frozenset[int]) -> None:
        self.found: list[_Ranked] = []
        self._source = source
        self._lines = lines
        self._starts = [len(_BOM) if source.startswith(_BOM) else 0]
        self._starts += [end.end() for end in re.finditer(rb"\n", source)]

    def statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call() as call) if _is_logging(call):
                return
            case ast.If(test=test) if ast.unparse(test) in _GUARDS:
                self.statements(node.orelse)
                return
            case ast.Assign(targets=[ast.Name(id=name)]) if name in _NAMES_ONLY:
                return
            case ast.AnnAssign(value=value):
                if value is not None:
                    self._expression(value)
                return
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                    self._expression(default)
                self.statements(node.body)
                return
            case ast.ClassDef():
                self.statements(node.body)
                return
            case ast.Assert(test=test):
                self._expression(test)
                return
            case ast.Raise():
                self._replace(9, node, b"pass")
                return
        self._whole(node)
        self._parts(node)

    def _whole(self, node: ast.stmt) -> None:
        """What may become of a statement as such."""
        match node:
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                self._replace(6, value, b"None")
            case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete():
                self._replace(9, node, b"pass")
            case ast.Assign(targets=targets):
                # without its only assignment a name is not there, which is noticed by whatever runs the line
                local = all(isinstance(target, ast.Name) for target in targets)
                self._replace(11 if local else 9, node, b"pass")
        if isinstance(node, ast.AugAssign) and not _is_text(node.value):
            self._operator(4, node.target, node.value, *_ARITHMETIC.get(type(node.op), (b"", b"")))
        if isinstance(node, ast.If):
            self._condition(node.test)
        if isinstance(node, ast.While):
            self._replace(2, node.test, b"False")  # the contrary would not end

    def _parts(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
            elif isinstance(child, ast.expr):
                self._expression(child)
            elif not isinstance(child, ast.arguments):  # handlers, cases, keywords, comprehensions
                self._parts(child)

    def _expression(self, node: ast.expr) -> None:
        match node:
            case ast.JoinedStr():
                return
            case ast.Compare():
                operands = (node.left, *node.comparators)
                for left, right, op in zip(operands, operands[1:], node.ops, strict=False):
                    self._operator(1, left, right, *_COMPARISONS[type(op)])
            case ast.BoolOp():
                words = (rb"\band\b", b"or") if isinstance(node.op, ast.And) else (rb"\bor\b", b"and")
                for left, right in zip(node.values, node.values[1:], strict=False):
                    self._operator(3, left, right, *words)
            case ast.UnaryOp(op=ast.Not()):
                start = self._start(node)
                self._edit(3, start, start + len(b"not"), b"")
            case ast.BinOp() if not (_is_text(node.left) or _is_text(node.right)):
                self._operator(4, node.left, node.right, *_ARITHMETIC.get(type(node.op), (b"", b"")))
            case ast.IfExp():
                self._condition(node.test)
            case ast.Slice():
                for bound in (node.lower, node.upper):
                    if bound is not None:
                        self._replace(7, bound, b"")
            case ast.Constant():
                self._constant(node)
        self._parts(node)

    def _condition(self, node: ast.expr) -> None:
        self._replace(2, node, b"True")
        self._replace(2, node, b"False")
        if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            start, end = self._start(node), self._end(node)
            self._edit(8, start, end, b"not " + self._source[start:end])

    def _constant(self, node: ast.Constant) -> None:
        match node.value:
            case bool(value):
                self._replace(0, node, b"False" if value else b"True")
            case int(value) if value < _LARGEST:
                self._replace(5, node, str(value + 1).encode())
            case str(value) if value:
                self._replace(10, node, b'""')
            case bytes(value) if value:
                self._replace(10, node, b'b""')

    def _operator(self, rank: int, left: ast.expr, right: ast.expr, pattern: bytes, instead: bytes) -> None:
        """Change the operator between two operands, beside which there may be brackets and line ends."""
        start, end = self._end(left), self._start(right)
        between = self._source[start:end]
        found = re.search(pattern, between) if pattern and b"#" not in between else None
        if found is not None:
            self._edit(rank, start + found.start(), start + found.end(), instead)

    def _replace(self, rank: int, node: _Position, text: bytes) -> None:
        self._edit(rank, self._start(node), self._end(node), text)

    def _edit(self, rank: int, start: int, end: int, text: bytes) -> None:
        if self._source.count(b"\n", 0, start) + 1 in self._lines:
            self.found.append(_Ranked(rank, Edit(start, end, text)))

    def _start(self, node: _Position) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: _Position) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: S101, PT018 - parsed
        return self._starts[node.end_lineno - 1] + node.end_col_offset


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _is_logging(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="print"):
            return True
        case ast.Attribute(value=ast.Name(id=name)):
            return name in _LOGGERS
        case ast.Attribute(value=ast.Attribute(attr=name)):
            return name in _LOGGERS
        case _:
            return False
