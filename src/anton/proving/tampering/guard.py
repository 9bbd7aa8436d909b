"""Which rule reads which file of a patch, and whom a finding goes back to.

A finding in a test file blames the test agent, one in the source the code agent: each owns its paths.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from anton.core.proof import Blame, FileChange, Tampering
from anton.ports import Repository
from anton.proving.harvest import Harvest
from anton.proving.plan import TestPlan
from anton.proving.tampering import text as texts
from anton.proving.tampering.existing import compare_tests, fingerprint
from anton.proving.tampering.fix import EMPTY, generated, inspect_fix
from anton.proving.tampering.fresh import inspect_new_tests
from anton.proving.tampering.parsing import Parsed, parse
from anton.proving.tampering.replaced import Repaired, changed_definitions, inspect_replacements
from anton.proving.tampering.runner import inspect_runner_use
from anton.proving.tampering.special import inspect_special_cases, literals_of
from anton.proving.tampering.syntax import Names, Sign, functions, is_test, newly

MAX_FINDINGS = 100
"""Further ones are not kept: the proof is red by the first."""
_MAX_FILE_BYTES = 1_000_001


@dataclass(frozen=True, slots=True)
class Changed:
    """A file before and after."""

    path: str
    before: bytes | None
    """None where it is new."""
    after: bytes | None
    """None where it was removed."""
    is_test: bool

    @property
    def blames(self) -> Blame:
        """Whose it is."""
        return Blame.TEST if self.is_test else Blame.CODE

    @property
    def is_python(self) -> bool:
        """Whether the rules read its syntax."""
        return self.path.endswith((".py", ".pyi"))


async def find_tampering(repository: Repository, harvest: Harvest, plan: TestPlan) -> tuple[Tampering, ...]:
    """All signs of cheating in a patch, by file and line; the second opinion is no part of it.

    What the outcomes show already (tests that no longer run, that reproduce nothing) is not repeated here.
    """
    trees = harvest.trees
    patch = harvest.patch
    changes = [(change, False) for change in patch.source] + [(change, True) for change in patch.tests]
    files = await asyncio.gather(
        *(_read(repository, trees.base, trees.head, change, is_test) for change, is_test in changes)
    )
    known = await repository.files(trees.base) if files else ()
    return await inspect(files, known, plan)


async def _read(repository: Repository, base: str, head: str, change: FileChange, is_test: bool) -> Changed:
    before = None if change.status == "A" else await repository.read(base, change.path, _MAX_FILE_BYTES)
    after = None if change.status == "D" else await repository.read(head, change.path, _MAX_FILE_BYTES)
    return Changed(change.path, before, after, is_test)


async def inspect(files: Iterable[Changed], known: Iterable[str], plan: TestPlan) -> tuple[Tampering, ...]:
    """All signs of cheating in some changed files.

    Args:
        files: What the patch changes.
        known: Paths of all files on base.
        plan: How the tests are run.
    """
    changed = sorted(files, key=lambda file: file.path)
    python = [file for file in changed if file.is_python]
    sides = {_key(file, side): text for file in python for side, text in _sides(file)}
    return await asyncio.to_thread(_findings, changed, tuple(known), plan, await parse(sides))


def _findings(
    changed: list[Changed], known: tuple[str, ...], plan: TestPlan, parsed: Parsed
) -> tuple[Tampering, ...]:
    rules = _Rules(changed, known, plan, parsed)
    found = [finding for file in changed for finding in rules.findings(file)]
    found.sort(key=lambda finding: (finding.path, finding.line, finding.kind))
    return tuple(dict.fromkeys(found))[:MAX_FINDINGS]


def _sides(file: Changed) -> Iterator[tuple[str, bytes]]:
    if file.before is not None:
        yield "before", file.before
    if file.after is not None:
        yield "after", file.after


def _key(file: Changed, side: str) -> str:
    return f"{side}:{file.path}"


class _Rules:
    """The rules together with what they have to know of the whole patch."""

    def __init__(self, files: list[Changed], known: tuple[str, ...], plan: TestPlan, parsed: Parsed) -> None:
        self._parsed = parsed
        self._plan = plan
        self._command = frozenset(part.removeprefix("./") for part in plan.command)
        self._sources = frozenset(file.path for file in files if not file.is_test)
        self._tests = frozenset(filter(plan.is_test, {*known, *(file.path for file in files)}))
        self._repaired = self._what_is_repaired(files, known)
        after = [self._module(file, "after") for file in files if file.is_test]
        tests = [module for module in after if module is not None]
        self._literals = frozenset[str]().union(*map(literals_of, tests))
        self._moved = frozenset(
            fingerprint(function)
            for module in tests
            for name, function in functions(module).items()
            if is_test(name)
        )

    def _module(self, file: Changed, side: str) -> ast.Module | None:
        return self._parsed.modules.get(_key(file, side))

    def _what_is_repaired(self, files: list[Changed], known: tuple[str, ...]) -> Repaired:
        paths = {*known, *self._sources}
        own = {module_name(path) for path in paths if path.endswith(".py") and not self._plan.is_test(path)}
        repaired: dict[str, frozenset[str]] = {}
        for file in files:
            before = self._module(file, "before")
            if before is not None and not file.is_test:
                after = self._module(file, "after") or EMPTY
                repaired[module_name(file.path)] = changed_definitions(before, after)
        return Repaired(repaired, self._sources, frozenset(own))

    def findings(self, file: Changed) -> Iterator[Tampering]:
        """What is wrong with a file; one that exhausts the rules is named for that."""
        try:
            for sign in self._signs(file):
                yield Tampering(sign.kind, file.path, sign.line, sign.detail, file.blames)
        except RecursionError:
            yield Tampering("not readable", file.path, 0, "the file is nested too deeply", file.blames)

    def _signs(self, file: Changed) -> Iterator[Sign]:
        if reason := self._parsed.unreadable.get(_key(file, "after")):
            yield Sign("not readable", 0, f"the file cannot be checked, it is {reason}")
        if file.path in self._command:
            yield Sign("runner changed", 0, "the test command runs this very file")
        if not file.is_test and (reason := generated(file.path, file.before or b"")):
            yield Sign("generated file changed", 0, f"the file {reason}: change what it is made from")
        if file.is_python:
            yield from self._python_tests(file) if file.is_test else self._python_source(file)
        elif texts.is_readable(file.path):
            yield from self._text(file)

    def _python_tests(self, file: Changed) -> Iterator[Sign]:
        before = self._module(file, "before")
        after = self._module(file, "after") or EMPTY
        package = module_name(file.path).rpartition(".")[0]
        if before is not None:
            yield from compare_tests(before, after, self._moved if file.after is None else ())
        names, old = Names(after, package), Names(before or EMPTY, package)
        yield from inspect_new_tests(after, names, frozenset(functions(before or EMPTY)))
        yield from newly(
            inspect_replacements(before or EMPTY, old, self._repaired),
            inspect_replacements(after, names, self._repaired),
        )
        yield from newly(
            inspect_runner_use(before or EMPTY, old, self._plan.report),
            inspect_runner_use(after, names, self._plan.report),
        )

    def _python_source(self, file: Changed) -> Iterator[Sign]:
        after = self._module(file, "after")
        if after is None:
            return
        before = self._module(file, "before")
        yield from inspect_fix(before, after, file.path, self._plan.report, self._tests)
        yield from inspect_special_cases(before, after, self._literals)

    def _text(self, file: Changed) -> Iterator[Sign]:
        before, after = _decoded(file.before), _decoded(file.after)
        if not file.is_test:
            yield from texts.inspect_fix_text(before, after, file.path)
            return
        if file.before is not None:
            yield from texts.compare_test_text(before, after)
        yield from texts.inspect_test_text(before, after, file.path, self._sources)


def _decoded(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")


def module_name(path: str) -> str:
    """`src/shop/cart.py` as it is imported: `shop.cart`."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts[:1] == ["src"]:
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1:] == ["__init__"] else parts)


__all__ = ["Changed", "find_tampering", "inspect", "module_name"]
