"""Source that answers a test's own input with the test's own answer.

Named where a new branch compares with a literal that stands in the new tests, and gives back a literal; both
unknown to the source so far. What any honest fix compares with (0, 1, an empty string, a word that the code
knows already) is not special.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from anton.proving.tampering.syntax import Sign, is_literal, literals, newly, shown

_SMALL = 10
_TELLING_LENGTH = 4
_STATUS_CODES = range(100, 600)


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
    for node in ast.walk(module):
        match node:
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
