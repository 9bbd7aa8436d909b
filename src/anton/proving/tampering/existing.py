"""Tests that were there before: none may be removed, skipped, emptied or loosened.

Adding to them is welcome: more assertions, more cases, stronger assertions, other words for the same.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from anton.proving.tampering.claims import Claim, claims, fate
from anton.proving.tampering.syntax import (
    Definition,
    Function,
    Names,
    Sign,
    assigned,
    classes,
    functions,
    inner_statements,
    is_literal,
    is_test,
    newly,
    outline,
    own_expressions,
    reachable,
    same,
    shown,
)


def compare_tests(
    before: ast.Module, after: ast.Module, moved: Collection[str] = frozenset()
) -> Iterator[Sign]:
    """What was done to the tests of a file.

    Args:
        before: The file on base.
        after: The file with the patch; an empty module where it was removed.
        moved: `fingerprint` of every test of the patch: what stands elsewhere now was not removed.
    """
    old_names, names = Names(before), Names(after)
    old, new = functions(before), functions(after)
    for name, function in old.items():
        if name in new:
            yield from _compare(name, function, new[name], old_names, names)
        elif is_test(name) and fingerprint(function) not in moved:
            yield Sign("test removed", 0, f"{name}() was there before and is gone")
    yield from newly(_module_skips(before), _module_skips(after))
    were, are = classes(before), classes(after)
    for name in sorted(were.keys() & are.keys()):
        yield from newly(_marks(name, were[name], old_names), _marks(name, are[name], names))
    yield from _constants(before, after)


def fingerprint(function: Function) -> str:
    """Equal for two tests with the same name and body."""
    return "\n".join([function.name, *map(ast.dump, function.body)])


def _compare(name: str, before: Function, after: Function, old: Names, new: Names) -> Iterator[Sign]:
    if same(before, after):
        return
    was, now = reachable(before.body, old), reachable(after.body, new)
    asserted = claims(was, old)
    if is_test(name):
        yield from newly(_marks(name, before, old), _marks(name, after, new))
        skipped = list(newly(_skips(name, was, old), _skips(name, now, new)))
        yield from skipped
        yield from _cases(before, after, old, new)
        if skipped:
            return
    if not asserted:
        return
    asserts = claims(now, new)
    if not asserts:
        yield _silenced(name, after, new)
        return
    rename = _renamed(before, after)
    yield from _placed(fate(_as(rename, asserted), asserts), name, after, new)
    yield from newly(swallowed(before, old), swallowed(after, new))
    used = _names_in(asserted)
    yield from _inputs(_assigned(rename, was), assigned(now), {rename.get(name, name) for name in used})


def _silenced(name: str, after: Function, names: Names) -> Sign:
    """A test that asserts nothing any more: emptied, or its assertions can no longer be reached."""
    if dead := claims(inner_statements(after), names):
        return Sign("assertion unreachable", dead[0].line, f"{name}() never reaches {shown(dead[0].node)}")
    return Sign("test emptied", after.lineno, f"{name}() asserts nothing any more")


def _placed(signs: Iterable[Sign], name: str, after: Function, names: Names) -> Iterator[Sign]:
    """Findings of a test with its name and a line; an assertion that is still there may be out of reach."""
    dead = {shown(claim.node): claim.line for claim in claims(inner_statements(after), names)}
    for sign in signs:
        gone = sign.detail.removesuffix(" is gone")
        if sign.kind == "assertion removed" and gone in dead:
            yield Sign("assertion unreachable", dead[gone], f"{name}() never reaches {gone}")
        else:
            yield Sign(sign.kind, sign.line or after.lineno, f"{name}(): {sign.detail}")


_MANY = 50
"""Values of one variable that are looked at one by one."""


# Renamed variables


def _renamed(before: Function, after: Function) -> Mapping[str, str]:
    """Local variables that only got another name: old one gone, new one came, both given the same values."""
    old, new = assigned(inner_statements(before)), assigned(inner_statements(after))
    here, there = _all_names(after), _all_names(before)
    came = {_values(values): name for name, values in new.items() if name not in there}
    gone = {name: _values(values) for name, values in old.items() if name not in here}
    return {name: came.pop(values) for name, values in gone.items() if values in came}


def _values(values: Iterable[ast.expr]) -> str:
    return "\n".join(map(ast.dump, values))


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(id=self._names.get(node.id, node.id), ctx=node.ctx), node)


def _as(rename: Mapping[str, str], asserted: Sequence[Claim]) -> Sequence[Claim]:
    if not rename:
        return asserted
    change: Callable[[ast.expr], ast.expr] = _Renaming(rename).visit
    return [
        Claim(
            claim.operation,
            change(claim.subject),
            change(claim.against) if claim.against else None,
            change(claim.node),
        )
        for claim in asserted
    ]


def _assigned(rename: Mapping[str, str], statements: Iterable[ast.stmt]) -> Mapping[str, list[ast.expr]]:
    return {rename.get(name, name): values for name, values in assigned(statements).items()}


def _all_names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _names_in(asserted: Iterable[Claim]) -> set[str]:
    return {name for claim in asserted for name in _all_names(claim.node)}


# What is compared, and with what


def _inputs(
    before: Mapping[str, list[ast.expr]], after: Mapping[str, list[ast.expr]], used: Collection[str]
) -> Iterator[Sign]:
    """Variables of an assertion that are given something else now."""
    for name in sorted(used & before.keys() & after.keys()):
        left, known = Counter(map(ast.dump, after[name])), set(map(ast.dump, before[name]))
        came = [value for value in after[name] if ast.dump(value) not in known][:_MANY]
        for value in before[name]:
            if left[ast.dump(value)]:
                left[ast.dump(value)] -= 1
            elif came:
                successor = came.pop(0)
                if kind := _exchanged(value, successor):
                    change = f"`{name}` was {shown(value)} and is {shown(successor)} now"
                    yield Sign(kind, successor.lineno, change)


def _exchanged(before: ast.expr, after: ast.expr) -> str | None:
    if is_literal(before):
        grown = is_literal(after) and _elements(before) and not _elements(before) - _elements(after)
        if grown:
            return None
        return "test case removed" if _elements(before) and is_literal(after) else "expected value changed"
    if is_literal(after) or outline(before) == outline(after):
        return "tested value replaced"
    return None


def _constants(before: ast.Module, after: ast.Module) -> Iterator[Sign]:
    """Constants of the file that its tests assert with, or take their cases from."""
    every = [function for name, function in functions(before).items() if is_test(name)]
    used = {name for function in every for name in _all_names(function)}
    yield from _inputs(assigned(before.body), assigned(after.body), used)


def _cases(before: Function, after: Function, old: Names, new: Names) -> Iterator[Sign]:
    """Cases of `parametrize`, and of loops over a written-out list, that are gone."""
    was, now = Counter[str](), Counter[str]()
    for found, function, names in ((was, before, old), (now, after, new)):
        for listed in _lists(function, names):
            found.update(_elements(listed))
    loops = len(list(_lists(before, old))) - len(list(_lists(after, new)))
    gone = list((was - now).elements())
    if gone and (sum(now.values()) <= sum(was.values()) or not loops):
        columns = [call.args[0] for call in _parametrized(before, old) if call.args]
        widened = columns and not any(
            same(column, call.args[0]) for column in columns for call in _parametrized(after, new)
        )
        if not widened or sum(now.values()) < sum(was.values()):
            text = f"{before.name}() is no longer run with {gone[0]}"
            yield Sign("test case removed", after.lineno, text)


def _lists(function: Function, names: Names) -> Iterator[ast.expr]:
    for call in _parametrized(function, names):
        if len(call.args) >= 2:
            yield call.args[1]
    for node in ast.walk(function):
        if isinstance(node, ast.For) and is_literal(node.iter):
            yield node.iter


def _parametrized(function: Function, names: Names) -> Iterator[ast.Call]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and names.of(decorator.func).endswith("mark.parametrize"):
            yield decorator


def _elements(node: ast.expr) -> set[str]:
    """Elements of a written-out container, each as source; a `pytest.param` without its id."""
    if isinstance(node, ast.Dict):
        return {
            f"{ast.unparse(key)}: {ast.unparse(value)}"
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        }
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []
    return {ast.unparse(_bare(element)) for element in elements}


def _bare(element: ast.expr) -> ast.expr:
    match element:
        case ast.Call(func=ast.Attribute(attr="param"), args=[one], keywords=keywords) if not _marked(
            keywords
        ):
            return one
        case ast.Call(func=ast.Attribute(attr="param"), args=args, keywords=keywords) if not _marked(
            keywords
        ):
            return ast.Tuple(elts=args, ctx=ast.Load())
        case _:
            return element


def _marked(keywords: Sequence[ast.keyword]) -> bool:
    return any(keyword.arg == "marks" for keyword in keywords)


# Skipped


_SKIPS = frozenset({"skip", "skipif", "skipIf", "skipUnless", "xfail", "expectedFailure"})


def _marks(name: str, definition: Definition, names: Names) -> Iterator[Sign]:
    """Decorators, and `pytestmark` or `__test__` of a class, that keep a test from counting."""
    for decorator in definition.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if names.of(called).rpartition(".")[2] in _SKIPS:
            yield Sign("test skipped", decorator.lineno, f"{name}() is under {shown(decorator)}")
    if isinstance(definition, ast.ClassDef):
        yield from _skip_statements(definition.body, names, f"{name}: ")


def _module_skips(module: ast.Module) -> Iterator[Sign]:
    names = Names(module)
    yield from _skip_statements(module.body, names, "")
    yield from _skips("the module", reachable(module.body, names), names, inside=False)


def _skip_statements(body: Iterable[ast.stmt], names: Names, where: str) -> Iterator[Sign]:
    for statement in body:
        match statement:
            case ast.Assign(targets=[target], value=value):
                last = names.of(target).rpartition(".")[2]
                marked = {names.of(part).rpartition(".")[2] for part in ast.walk(value)} & _SKIPS
                if (last == "pytestmark" and marked) or (
                    last == "__test__" and not getattr(value, "value", 1)
                ):
                    yield Sign("test skipped", statement.lineno, f"{where}{shown(statement)}")


_SKIPPING = frozenset({"pytest.skip", "pytest.xfail", "pytest.importorskip", "unittest.SkipTest"})


def _skips(name: str, body: Iterable[ast.stmt], names: Names, *, inside: bool = True) -> Iterator[Sign]:
    for statement in body:
        if not inside and isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for expression in own_expressions(statement):
            for part in ast.walk(expression):
                called = names.of(part.func) if isinstance(part, ast.Call) else ""
                if called in _SKIPPING or called.endswith(".skipTest"):
                    yield Sign("test skipped", statement.lineno, f"{name}() calls {shown(part)}")
        if isinstance(statement, ast.Raise) and names.of(statement.exc or statement) == "unittest.SkipTest":
            yield Sign("test skipped", statement.lineno, f"{name}() ends in {shown(statement)}")


# Failures that nobody hears of


_QUIET = frozenset({"Exception", "BaseException", "AssertionError"})


def swallowed(function: Function, names: Names) -> Iterator[Sign]:
    """Assertions inside a `try` or `suppress` that lets their failure pass."""
    for node in ast.walk(function):
        inside: list[ast.stmt] = []
        match node:
            case ast.Try(body=body, handlers=handlers) if any(_lets_pass(one, names) for one in handlers):
                inside = reachable(body, names)
            case ast.With(body=body, items=items) if any(
                _suppresses(one.context_expr, names) for one in items
            ):
                inside = reachable(body, names)
        for claim in claims(inside, names)[:1]:
            text = f"{function.name}(): whether {shown(claim.node)} holds makes no difference"
            yield Sign("failure swallowed", claim.line, text)


def _lets_pass(handler: ast.ExceptHandler, names: Names) -> bool:
    if handler.type is not None and not _catches_assertions(handler.type, names):
        return False
    return not any(
        isinstance(part, ast.Raise | ast.Assert) or (isinstance(part, ast.Call) and _fails(part, names))
        for part in ast.walk(handler)
    )


def _fails(call: ast.Call, names: Names) -> bool:
    last = names.of(call.func).rpartition(".")[2].lower()
    return last.startswith(("fail", "assert")) or last == "append"


def _catches_assertions(node: ast.expr, names: Names) -> bool:
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(names.of(kind).rpartition(".")[2] in _QUIET for kind in kinds)


def _suppresses(node: ast.expr, names: Names) -> bool:
    if not isinstance(node, ast.Call) or names.of(node.func).rpartition(".")[2] != "suppress":
        return False
    return any(_catches_assertions(argument, names) for argument in node.args)
