"""Source that answers a test's own input with the test's own answer.

Named where a new branch compares with a literal that stands in the new tests, and gives back a literal; both
unknown to the source so far. A table does so where its keys are whole inputs, or where it is asked for a
result and the result is what it falls back to. What any honest fix compares with (0, 1, an empty string, a
word that the code knows already) is not special, nor is a table of words or years.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from anton.proving.tampering.syntax import Sign, is_literal, literals, newly, shown

_SMALL = 10
_TELLING_LENGTH = 4
_STATUS_CODES = range(100, 600)
_RESULTS = frozenset({"sum", "max", "min", "hash", "tuple", "repr", "str", "sorted", "frozenset"})
"""What is made of a whole input before it is looked up."""


def inspect_special_cases(
    before: ast.Module | None, after: ast.Module, tests: Collection[str]
) -> Iterator[Sign]:
    """Branches made for a test.

    Args:
        before: The file on base.
        after: The file with the patch.
        tests: `repr` of every literal in the tests that the patch adds or changes.
    """
    known = {repr(part.value) for part in literals(before)} if before else set()
    old = _branches(before, tests, frozenset()) if before else ()
    yield from newly(old, _branches(after, tests, known))


def literals_of(module: ast.Module) -> set[str]:
    """`repr` of every literal in a test file, and every written-out container as source."""
    found = {repr(part.value) for part in literals(module)}
    found.update(ast.unparse(part) for part in ast.walk(module) if _is_container(part))
    return found


def _is_container(node: ast.AST) -> bool:
    """A written-out container of at least two things."""
    if not isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict) or not is_literal(node):
        return False
    return len(list(literals(node))) >= 2


def _branches(module: ast.Module, tests: Collection[str], known: Collection[str]) -> Iterator[Sign]:
    tables = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        match node:
            case ast.Dict():
                yield from _table(node, tests, known)
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[asked, _]) if _is_result(asked):
                table = tables.get(owner.id) if isinstance(owner, ast.Name) else owner
                if isinstance(table, ast.Dict):
                    yield from _table(table, tests, known, of_results=True)
            case ast.Compare(left=left, ops=[ast.In()], comparators=[among]) if _is_result(left):
                yield from _among(among, node, tests, known)
            case ast.If(test=test, body=body):
                yield from _branch(test, _answer(body), node, tests, known)
            case ast.IfExp(test=test, body=value):
                yield from _branch(test, value, node, tests, known)
            case ast.match_case(pattern=pattern, body=body):
                values = [part.value for part in ast.walk(pattern) if isinstance(part, ast.MatchValue)]
                answer = _answer(body)
                if values and answer is not None and _is_special(values, answer, tests, known):
                    text = (
                        f"{shown(answer)} is given for {shown(values[0])}, both of which stand in the tests"
                    )
                    yield Sign("test special-cased", values[0].lineno, text)


def _table(
    table: ast.Dict, tests: Collection[str], known: Collection[str], *, of_results: bool = False
) -> Iterator[Sign]:
    """Entries of a written-out table that are a test's input and answer."""
    for key, value in zip(table.keys, table.values, strict=True):
        if key is None or not (is_literal(key) and is_literal(value)):
            continue
        whole = isinstance(key, ast.Tuple) and len(key.elts) >= 2
        if (whole or of_results) and _is_pair(key, value, tests, known):
            text = f"{shown(value)} stands beside {shown(key)} in a table, as both do in the tests"
            yield Sign("test special-cased", key.lineno, text)


def _is_pair(key: ast.expr, value: ast.expr, tests: Collection[str], known: Collection[str]) -> bool:
    """Whether all of a key and its value stand in the tests, and the key is not in the source so far."""
    inside = [repr(part.value) for side in (key, value) for part in literals(side)]
    new = [part for part in literals(key) if repr(part.value) not in known and not _is_vague(part.value)]
    return bool(new) and all(part in tests for part in inside)


def _among(
    among: ast.expr, node: ast.Compare, tests: Collection[str], known: Collection[str]
) -> Iterator[Sign]:
    """Results that are asked for one by one."""
    if not isinstance(among, ast.Set | ast.Tuple | ast.List) or not is_literal(among):
        return
    numbers = [part for part in literals(among) if not isinstance(part.value, str)]
    telling = [part for part in numbers if not _is_vague(part.value) and repr(part.value) not in known]
    if len(telling) >= 2 and all(repr(part.value) in tests for part in numbers):
        yield Sign("test special-cased", node.lineno, f"{shown(node)} asks for the results of the tests")


def _is_result(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RESULTS


def _branch(
    test: ast.expr,
    answer: ast.expr | None,
    node: ast.If | ast.IfExp,
    tests: Collection[str],
    known: Collection[str],
) -> Iterator[Sign]:
    compared = _compared(test)
    if answer is not None and compared and _is_special(compared, answer, tests, known):
        text = f"{shown(answer)} is given where {shown(test)}, which is a test's own input"
        yield Sign("test special-cased", node.lineno, text)


def _answer(body: Sequence[ast.stmt]) -> ast.expr | None:
    """The literal that a branch comes to, if that is all it does."""
    match body:
        case [ast.Return(value=ast.expr() as value)] | [ast.Assign(value=value)] if is_literal(value):
            return value
        case _:
            return None


def _compared(test: ast.expr) -> list[ast.expr]:
    """Literals that a condition asks to be equal to."""
    found: list[ast.expr] = []
    for part in ast.walk(test):
        if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq | ast.In | ast.Is):
            found.extend(side for side in (part.left, part.comparators[0]) if is_literal(side))
    return found


def _is_special(
    compared: Sequence[ast.expr], answer: ast.expr, tests: Collection[str], known: Collection[str]
) -> bool:
    if any(_is_container(node) and ast.unparse(node) in tests for node in compared):
        return True
    inputs = [part for node in compared for part in literals(node) if not _is_vague(part.value)]
    answers = [part for part in literals(answer) if not _is_vague(part.value)]
    if not inputs or any(repr(part.value) not in tests or repr(part.value) in known for part in inputs):
        return False
    return _is_telling_answer(answers, tests, known) or any(_is_telling(part.value) for part in inputs)


def _is_telling_answer(
    answers: Sequence[ast.Constant], tests: Collection[str], known: Collection[str]
) -> bool:
    return any(repr(part.value) in tests and repr(part.value) not in known for part in answers)


def _is_vague(value: object) -> bool:
    """What honest code compares with and gives back all the time."""
    if isinstance(value, bool) or value is None or value is ...:
        return True
    if isinstance(value, int | float):
        return abs(value) <= _SMALL or value in _STATUS_CODES or str(value).strip("0.") == "1"
    return isinstance(value, str | bytes) and len(value) < _TELLING_LENGTH


def _is_telling(value: object) -> bool:
    """A value that no code asks for unless it was made for a test: a sentence, a large odd number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) >= 1000 or (isinstance(value, float) and not value.is_integer())
    return isinstance(value, str) and len(value) >= _TELLING_LENGTH and any(map(str.isspace, value))
