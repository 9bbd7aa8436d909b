"""What a test asserts, and what became of an assertion that was there before.

`assert a == b`, `self.assertEqual(a, b)` and both operands of an `and` are one claim each: an operation on a
subject. A claim that is gone is compared with those that came: it may be as strong in other words, stronger,
weaker, or about something else.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from anton.proving.tampering.syntax import (
    Names,
    Sign,
    constant_truth,
    is_literal,
    outline,
    own_expressions,
    same,
    shown,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a test asserts."""

    operation: str
    """`==`, `in`, `true`, `raises` …, or `call` of a function that asserts."""
    subject: ast.expr
    against: ast.expr | None
    node: ast.expr
    """As it stands in the test."""

    @property
    def line(self) -> int:
        """Where it stands."""
        return self.node.lineno

    @property
    def key(self) -> str:
        """Equal for two claims that say the same."""
        other = ast.dump(self.against) if self.against else ""
        return f"{self.operation}|{ast.dump(self.subject)}|{other}"

    @property
    def strength(self) -> int:
        """How much it leaves open: 4 nothing … 1 almost everything."""
        if self.operation == "==" and _approximation(self.against) is not None:
            return 3
        return _STRENGTH.get(self.operation, 3)


_MANY = 50
"""Claims that are gone from one test; more are counted and not looked at one by one."""
_STRENGTH = {
    "==": 4,
    "is": 4,
    "false": 3,
    "raises": 3,
    "call": 3,
    "in": 2,
    "not in": 2,
    "<": 2,
    "<=": 2,
    ">": 2,
    ">=": 2,
    "isinstance": 2,
    "true": 2,
    "!=": 1,
    "is not": 1,
    "or": 1,
}
_OPERATIONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_UNITTEST = {
    "assertEqual": "==",
    "assertEquals": "==",
    "assertListEqual": "==",
    "assertDictEqual": "==",
    "assertTupleEqual": "==",
    "assertSetEqual": "==",
    "assertSequenceEqual": "==",
    "assertMultiLineEqual": "==",
    "assertNotEqual": "!=",
    "assertIs": "is",
    "assertIsNot": "is not",
    "assertIn": "in",
    "assertNotIn": "not in",
    "assertLess": "<",
    "assertLessEqual": "<=",
    "assertGreater": ">",
    "assertGreaterEqual": ">=",
}
_SWAPPED = {
    "==": "==",
    "!=": "!=",
    "is": "is",
    "is not": "is not",
    "<": ">",
    ">": "<",
    "<=": ">=",
    ">=": "<=",
}
_ASSERTS = re.compile(
    r"_*(assert|expect|check|verify|ensure|should|must|compare|raises|warns)", re.IGNORECASE
)
_RAISES = frozenset({"pytest.raises", "pytest.warns", "pytest.deprecated_call", "raises"})
BROAD = frozenset({"Exception", "BaseException"})


def claims(statements: Iterable[ast.stmt], names: Names) -> list[Claim]:
    """All claims of these statements, in order; of compound statements only what their heads say."""
    found: list[Claim] = []
    for statement in statements:
        if isinstance(statement, ast.Assert):
            found.extend(_of_condition(statement.test, statement.test))
            continue
        for expression in own_expressions(statement):
            for call in (part for part in ast.walk(expression) if isinstance(part, ast.Call)):
                found.extend(_of_call(call, names))
    return found


def _of_call(call: ast.Call, names: Names) -> Iterator[Claim]:
    name = names.of(call.func) or (call.func.attr if isinstance(call.func, ast.Attribute) else "")
    last = name.rpartition(".")[2]
    arguments = call.args
    if name in _RAISES or last in {"assertRaises", "assertRaisesRegex", "assertWarns", "assertWarnsRegex"}:
        yield Claim("raises", arguments[0] if arguments else call.func, _match(call, last), call)
    elif last in _UNITTEST and len(arguments) >= 2:
        yield _compared(arguments[0], _UNITTEST[last], arguments[1], call)
    elif last in {"assertTrue", "assert_"} and arguments:
        yield from _of_condition(arguments[0], call)
    elif last == "assertFalse" and arguments:
        yield Claim("false", arguments[0], None, call)
    elif last == "assertIsNone" and arguments:
        yield Claim("is", arguments[0], ast.Constant(value=None), call)
    elif last == "assertIsNotNone" and arguments:
        yield Claim("is not", arguments[0], ast.Constant(value=None), call)
    elif last == "assertIsInstance" and len(arguments) >= 2:
        yield Claim("isinstance", arguments[0], arguments[1], call)
    elif last == "assertAlmostEqual" and len(arguments) >= 2:
        places = [ast.keyword(arg="places", value=value) for value in arguments[2:3]]
        given = [*places, *_without_message(call).keywords]
        near = ast.Call(func=ast.Name(id="approx"), args=[arguments[1]], keywords=given)
        yield Claim("==", arguments[0], near, call)
    elif _ASSERTS.match(last):
        yield Claim("call", _without_message(call), None, call)


def _match(call: ast.Call, last: str) -> ast.expr | None:
    """What the message of an exception has to match, if anything."""
    if last.endswith("Regex"):
        return call.args[1] if len(call.args) > 1 else None
    return next((keyword.value for keyword in call.keywords if keyword.arg == "match"), None)


def _without_message(call: ast.Call) -> ast.Call:
    kept = [keyword for keyword in call.keywords if keyword.arg not in {"msg", "err_msg"}]
    return ast.Call(func=call.func, args=call.args, keywords=kept)


def _of_condition(test: ast.expr, node: ast.expr) -> Iterator[Claim]:
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _of_condition(value, value)
        case ast.BoolOp(op=ast.Or()):
            yield Claim("or", test, None, node)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield Claim("false", operand, None, node)
        case ast.Compare(left=left, ops=[operation], comparators=[right]):
            yield _compared(left, _OPERATIONS[type(operation)], right, node)
        case ast.Call(func=ast.Name(id="isinstance"), args=[subject, kinds]):
            yield Claim("isinstance", subject, kinds, node)
        case ast.Call(func=ast.Name(id="isclose") | ast.Attribute(attr="isclose"), args=[left, right, *more]):
            near = ast.Call(func=ast.Name(id="isclose"), args=[right, *more], keywords=test.keywords)
            yield Claim("==", left, near, node)
        case _:
            yield Claim("true", test, None, node)


def _compared(left: ast.expr, operation: str, right: ast.expr, node: ast.expr) -> Claim:
    if is_literal(left) and not is_literal(right) and operation in _SWAPPED:
        left, operation, right = right, _SWAPPED[operation], left
    if operation in {"==", "is"} and isinstance(right, ast.Constant) and right.value is False:
        return Claim("false", left, None, node)
    return Claim(operation, left, right, node)


def fate(before: Sequence[Claim], after: Sequence[Claim]) -> Iterator[Sign]:
    """What became of the claims that are gone; those that are as strong in other words are not named."""
    came = Counter(claim.key for claim in after)
    gone: list[Claim] = []
    for claim in before:
        if came[claim.key]:
            came[claim.key] -= 1
        else:
            gone.append(claim)
    if len(gone) > _MANY:
        yield Sign("assertion removed", 0, f"{len(gone)} assertions are gone or changed")
        return
    new = [claim for claim in after if came[claim.key] > 0][:_MANY]
    for claim in gone:
        successor = _successor(claim, new)
        if successor is None:
            yield Sign("assertion removed", 0, f"{shown(claim.node)} is gone")
            continue
        new = [other for other in new if other is not successor]
        if kind := _worse(claim, successor):
            change = f"{shown(claim.node)} has become {shown(successor.node)}"
            yield Sign(kind, successor.line, change)


def _successor(claim: Claim, new: Sequence[Claim]) -> Claim | None:
    """The claim that stands in the place of one that is gone: same subject, else same outline."""
    for other in new:
        if same(claim.subject, other.subject):
            return other
        if other.operation == "or" and any(
            claim.key == inner.key
            for value in getattr(other.subject, "values", ())
            for inner in _of_condition(value, value)
        ):
            return other
    if claim.operation == "raises":
        return next((other for other in new if other.operation == "raises"), None)
    form = outline(claim.node)
    return next((other for other in new if outline(other.node) == form), None)


def _worse(before: Claim, after: Claim) -> str | None:
    """What is worse about the later of two claims; None where it says as much or more."""
    if before.operation == after.operation == "raises":
        return _worse_raises(before, after)
    if not same(before.subject, after.subject):
        return "assertion weakened" if after.operation == "or" else "expected value changed"
    old, new = _approximation(before.against), _approximation(after.against)
    if new is not None and before.operation in {"==", "is"}:
        return _worse_tolerance(before, old, new)
    if after.strength < before.strength:
        return "assertion weakened"
    if after.strength == before.strength:
        return None if _as_strong(before, after) else "expected value changed"
    return None


def _as_strong(before: Claim, after: Claim) -> bool:
    """`x == None` and `x is None` are as good; so is `x == True` for a plain `x`."""
    if {before.operation, after.operation} <= {"==", "is"} and before.against and after.against:
        return same(before.against, after.against)
    return {before.operation, after.operation} == {"true", "in"}


def _worse_tolerance(before: Claim, old: ast.Call | None, new: ast.Call) -> str | None:
    expected = old.args[:1] if old is not None else [before.against]
    if not (expected and new.args and expected[0] is not None and same(expected[0], new.args[0])):
        return "expected value changed"
    if old is None:
        return "tolerance widened"
    wider = any(_reach_of(new, name) > _reach_of(old, name) for name in ("rel", "abs", "places"))
    return "tolerance widened" if wider else None


_DEFAULTS = {"rel": 1e-6, "abs": 1e-12, "places": -7.0}
_SPELLINGS = {"rel": ("rel", "rel_tol"), "abs": ("abs", "abs_tol", "delta"), "places": ("places",)}
_POSITIONS = {"rel": 1, "abs": 2}


def _reach_of(near: ast.Call, name: str) -> float:
    """How wide a tolerance is; one that is not written out is as wide as can be."""
    given = {keyword.arg: keyword.value for keyword in near.keywords}
    found = next((given[spelling] for spelling in _SPELLINGS[name] if spelling in given), None)
    position = _POSITIONS.get(name, len(near.args))
    if found is None and position < len(near.args):
        found = near.args[position]
    if found is None:
        return _DEFAULTS[name]
    value = _value(found)
    if value is None:
        return float("inf")
    return -value if name == "places" else value


def _value(node: ast.expr) -> float | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int | float) else None


def _approximation(node: ast.expr | None) -> ast.Call | None:
    match node:
        case ast.Call(func=ast.Name(id="approx" | "isclose") | ast.Attribute(attr="approx")):
            return node
        case _:
            return None


def _worse_raises(before: Claim, after: Claim) -> str | None:
    if _is_broad(after.subject) and not _is_broad(before.subject):
        return "raises broadened"
    if before.against is not None and after.against is None:
        return "raises broadened"
    if not same(before.subject, after.subject):
        return None if _is_broad(before.subject) else "expected value changed"
    if before.against is None or after.against is None:
        return None
    return None if same(before.against, after.against) else "expected value changed"


def _is_broad(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_is_broad, node.elts))
    return isinstance(node, ast.Name) and node.id in BROAD


def trivially_true(claim: Claim) -> bool:
    """Whether a claim holds whatever the code does."""
    subject, against = claim.subject, claim.against
    if against is None:
        truth = constant_truth(subject)
        return truth is not None and truth is (claim.operation != "false")
    if isinstance(against, ast.Name | ast.Attribute) and _last(against) == "ANY":
        return claim.operation == "=="
    if is_literal(subject) and is_literal(against):
        return claim.operation not in {"==", "is"} or same(subject, against)
    runs = any(isinstance(part, ast.Call | ast.Await) for part in ast.walk(subject))
    return claim.operation in {"==", "is", "<=", ">="} and same(subject, against) and not runs


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr
