"""Small changes to the lines of a fix, which tests that mean something notice.

Python is changed by its syntax tree, JavaScript, Go and Java word by word. The same fix always gives the same
mutants in the same order: one for every changed line first, then a second for each, and so on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from anton.proving.edit import Edit
from anton.proving.hunks import FixedFile
from anton.proving.python_mutants import compiles, python_edits
from anton.proving.text_mutants import text_edits

MAX_MUTANTS = 40
MAX_BYTES = 200_000
"""Of a file that mutants are made of."""

_Edits = Callable[[bytes, frozenset[int]], Iterable[Edit]]
_LANGUAGES: Mapping[str, _Edits] = {
    "py": python_edits,
    **dict.fromkeys(("js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx", "go", "java"), text_edits),
}
"""By a file's extension."""
COMPILED = frozenset({"go", "java", "ts", "cts", "mts", "tsx"})
"""Languages whose compiler may refuse a mutant, so that no test ever sees it."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutant to be made."""

    path: str
    line: int
    """In the fixed file, counted from 1."""
    before: str
    """The line without the change, without indentation."""
    fixed: bytes = field(repr=False)
    """The whole file without the change."""
    edit: Edit

    @property
    def content(self) -> bytes:
        """The whole file with the change."""
        return self.fixed[: self.edit.start] + self.edit.text + self.fixed[self.edit.end :]

    @property
    def after(self) -> str:
        """The line with the change."""
        return _shown(self.content.split(b"\n")[self.line - 1])

    @property
    def may_not_compile(self) -> bool:
        """Whether a run without a report may mean that there is no such program."""
        return _extension(self.path) in COMPILED


def mutations(files: Iterable[FixedFile]) -> Iterator[Mutation]:
    """All mutants of a fix, in the order in which they are worth running; those of Python compile."""
    by_line: dict[tuple[str, int], list[Mutation]] = {}
    for file in files:
        for mutation in _of_file(file):
            by_line.setdefault((mutation.path, mutation.line), []).append(mutation)
    for row in itertools.zip_longest(*(by_line[place] for place in sorted(by_line))):
        yield from (mutation for mutation in row if mutation is not None and _is_program(mutation))


def not_mutated(files: Iterable[FixedFile]) -> tuple[str, ...]:
    """Paths of files with changed lines that no mutants can be made of."""
    return tuple(file.change.path for file in files if file.added and not _can_be_mutated(file))


def _of_file(file: FixedFile) -> Iterator[Mutation]:
    edits = _language(file.change.path)
    if edits is None or not _can_be_mutated(file):
        return
    lines = file.fixed.split(b"\n")
    for edit in dict.fromkeys(edits(file.fixed, file.added)):
        number = file.fixed.count(b"\n", 0, edit.start)
        yield Mutation(file.change.path, number + 1, _shown(lines[number]), file.fixed, edit)


def _is_program(mutation: Mutation) -> bool:
    return _extension(mutation.path) != "py" or compiles(mutation.content)


def _can_be_mutated(file: FixedFile) -> bool:
    return _language(file.change.path) is not None and len(file.fixed) <= MAX_BYTES


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()


def _language(path: str) -> _Edits | None:
    return _LANGUAGES.get(_extension(path))


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()
