"""What a repository declares that its tests depend on, and the environment that this asks for.

Sources: docs.npmjs.com/cli/configuring-npm/package-json, go.dev/ref/mod; of Python see `requirements`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from anton.proving.requirements import asked_for, locked_options, named, tidy

MAX_BYTES = 20_000_000
"""Of one declaration: lock files of JavaScript are megabytes long."""
DECLARED = "declared-requirements.txt"
"""Holds what pyproject.toml, setup.cfg and setup.py declare."""

_REQUIREMENTS = re.compile(
    r"requirements(?:[-_.](?:dev|develop|test|tests|testing))?\.txt|(?:dev|test|tests)[-_.]requirements\.txt"
    r"|requirements/(?:base|common|main|prod|requirements|dev|develop|test|tests|testing)\.txt"
)
_INCLUDED = re.compile(
    r"(?:[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in)|requirements/[\w.-]+\.(?:txt|in))"
)
_OWN = ("pyproject.toml", "setup.cfg", "setup.py")
_WHOLE = frozenset(
    {
        "pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", ".pytest.ini", "pytest.toml",
        "tox.ini", "uv.lock", "package.json",
        "package-lock.json", "npm-shrinkwrap.json", "go.mod", "go.sum", "anton.toml",
    }
)  # fmt: skip
_SCRIPT_TEST = re.compile(r"(?:.*/)?(?:test/.*|[^/]*[.-]test|[^/]*\.spec)\.[cm]?js")
_MAX_SCRIPT_TESTS = 3
"""Test files in JavaScript that are read to learn which runner they are for."""


class Kind(StrEnum):
    """Whose packages an environment holds."""

    PYTHON = "python"
    NODE = "node"
    GO = "go"


@dataclass(frozen=True, slots=True)
class Declared:
    """A repository's files, and what those say that declare something."""

    files: tuple[str, ...]
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Content by path, of the files that `worth_reading` names."""

    def json(self, path: str) -> Mapping[str, object]:
        """A file as a JSON object; empty where it is none."""
        try:
            value = json.loads(self.texts.get(path, ""))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Recipe:
    """An environment to build: the same recipe gives the same folder."""

    kind: Kind
    inputs: Mapping[str, str]
    """The declarations, as they are laid out for the build; content by path."""
    toolchain: str
    """Interpreter and platform that it is built for."""
    sources: tuple[str, ...]
    """Files of the repository that it comes from, for a person."""
    options: tuple[str, ...] = ()
    """Of `uv sync`, where there is a uv.lock."""

    @property
    def key(self) -> str:
        """Name of its folder."""
        parts = [self.kind.value, self.toolchain, *self.options]
        for path, text in sorted(self.inputs.items()):
            parts += [path, text]
        digest = hashlib.sha256()
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:%b" % (len(encoded), encoded))
        return f"{self.kind.value}-{digest.hexdigest()[:20]}"


def worth_reading(files: Iterable[str]) -> tuple[str, ...]:
    """Which of a repository's files declare something: those at its root, and a few tests in JavaScript."""
    found = [path for path in files if path in _WHOLE or _INCLUDED.fullmatch(path)]
    tests = (path for path in files if _SCRIPT_TEST.fullmatch(path) and "node_modules/" not in path)
    return (*found, *(path for path, _ in zip(tests, range(_MAX_SCRIPT_TESTS), strict=False)))


def python_recipe(declared: Declared, toolchain: str) -> Recipe | None:
    """The environment of a Python repository; None where it declares nothing beside pytest."""
    texts = declared.texts
    sources = [path for path in sorted(texts) if path in _OWN or _REQUIREMENTS.fullmatch(path)]
    found = {path: asked_for(path, texts[path]) for path in sources}
    if not {named(line) for lines in found.values() for line in lines} - {"", "pytest"}:
        return None
    inputs = {path: tidy(text) for path, text in texts.items() if _INCLUDED.fullmatch(path)}
    if lines := {line: None for path in _OWN for line in found.get(path, ())}:
        inputs[DECLARED] = "\n".join(lines) + "\n"
    if "uv.lock" in texts and "pyproject.toml" in texts:
        names = ("pyproject.toml", "uv.lock")
        options = locked_options(texts["pyproject.toml"])
        return Recipe(Kind.PYTHON, inputs | {n: texts[n] for n in names}, toolchain, names, options)
    return Recipe(Kind.PYTHON, inputs, toolchain, tuple(path for path, asked in found.items() if asked))


def requirement_files(recipe: Recipe) -> tuple[str, ...]:
    """Those of a recipe's inputs that are to be installed; the others are included by them."""
    return tuple(path for path in sorted(recipe.inputs) if path == DECLARED or _REQUIREMENTS.fullmatch(path))


def node_recipe(declared: Declared, toolchain: str) -> Recipe | None:
    """The environment of a Node repository; None where it depends on nothing."""
    package = declared.json("package.json")
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    if not any(package.get(kind) for kind in kinds):
        return None
    names = ("package.json", "package-lock.json", "npm-shrinkwrap.json")
    inputs = {name: declared.texts[name] for name in names if name in declared.texts}
    return Recipe(Kind.NODE, inputs, toolchain, tuple(inputs))


def go_recipe(declared: Declared, toolchain: str) -> Recipe | None:
    """The module cache of a Go repository; None where it depends on nothing, or carries what it needs."""
    vendored = any(path.startswith("vendor/") for path in declared.files)
    if vendored or "go.sum" not in declared.texts or "go.mod" not in declared.texts:
        return None
    inputs = {name: declared.texts[name] for name in ("go.mod", "go.sum")}
    return Recipe(Kind.GO, inputs, toolchain, tuple(inputs))


def unread(declared: Declared) -> tuple[str, ...]:
    """Declarations at the root that Anton cannot make use of."""
    other = {"Pipfile", "Pipfile.lock", "poetry.lock", "environment.yml", "yarn.lock", "pnpm-lock.yaml"}
    return tuple(path for path in declared.files if path in other)
