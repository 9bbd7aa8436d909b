"""Data that tests are driven by and that lies outside their folders: whoever empties it empties the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import PurePosixPath

from anton.ports import Repository
from anton.proving.plan import TestPlan

_DATA = frozenset(
    {".json", ".jsonl", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".txt", ".xml", ".ini", ".html", ".sql"}
    | {".golden", ".snap", ".expected", ".out", ".dat", ".bin"}
)
_TEXT = _DATA | {".py", ".pyi", ".js", ".cjs", ".mjs", ".jsx", ".ts", ".tsx", ".go", ".java", ".kt", ".cfg"}
_TEXT |= {".md", ".rst", ".sh", ".in", ""}
MAX_FILES = 2_000
MAX_FILE_BYTES = 200_000
"""Of one file; what comes after is not read."""
_AT_ONCE = 50


async def only_tests_name(
    repository: Repository, tree: str, path: str, files: Collection[str], plan: TestPlan
) -> bool:
    """Whether a data file is named by tests and by nothing else.

    In doubt it is not: source may find it by its folder, or by a name that it puts together.

    Args:
        repository: Holds the tree.
        tree: Where the file is looked for, before it was changed.
        path: The file.
        files: All paths of the tree.
        plan: Tells tests from source.
    """
    named = PurePosixPath(path)
    if named.suffix.lower() not in _DATA:
        return False
    others = [other for other in files if other != path and PurePosixPath(other).suffix.lower() in _TEXT]
    tests = [other for other in others if plan.is_test(other)]
    source = [other for other in others if not plan.is_test(other)]
    if len(others) > MAX_FILES or not await _says(repository, tree, tests, (named.name,)):
        return False
    words = (named.name, named.stem, *named.parts[:-1], f"*{named.suffix}")
    return not await _says(repository, tree, source, words)


async def _says(repository: Repository, tree: str, paths: list[str], words: tuple[str, ...]) -> bool:
    """Whether any of these files has any of these words."""
    wanted = [word.encode("utf-8", "surrogateescape") for word in words]
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        texts = await asyncio.gather(*(repository.read(tree, one, MAX_FILE_BYTES) for one in some))
        if any(word in (text or b"") for text in texts for word in wanted):
            return True
    return False
