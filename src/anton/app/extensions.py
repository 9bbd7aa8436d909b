"""Plugins that the settings enable: found among installed packages, imported, checked, and chosen from.

A folder of the repository under repair is no place where packages are looked for, and neither is the current
folder: `python -m` puts it first of all, and a repository could bring a package by an enabled name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import TypeVar

from anton.core.errors import UsageError
from anton.core.text import one_line
from anton.entrypoints.composition import Check
from anton.plugins import GROUP, FunctionTool, Plugin, Surroundings
from anton.settings import Settings
from anton.tools.catalogue import FOR_A_PERSON, TOOLS

T = TypeVar("T")

FOLDER = "plugins"
"""In Anton's state; each plugin has a folder of its own in it."""
_FIELDS = {"tracker": "trackers", "forge": "forges", "chat": "chats", "model": "models"}


@dataclass(frozen=True, slots=True)
class Extension:
    """An enabled plugin, loaded or not."""

    name: str
    package: str
    """Name and version of what it was installed with; empty where there is none."""
    plugin: Plugin | None
    problem: str = ""


class Extensions:
    """The enabled plugins of one process."""

    def __init__(self, settings: Settings, found: Sequence[Extension]) -> None:
        self._settings = settings
        self._found = tuple(found)

    @property
    def notices(self) -> tuple[str, ...]:
        """One sentence for each plugin that cannot be used."""
        return tuple(each.problem for each in self._found if each.problem)

    @property
    def tools(self) -> Mapping[str, FunctionTool]:
        """All tools that plugins add."""
        return {tool.spec.name: tool for each in self._found if each.plugin for tool in each.plugin.tools}

    def chosen(self, port: str) -> object | None:
        """The adapter of a port whose kind the settings name; None where they name none.

        Raises:
            UsageError: no enabled plugin adds that kind, or it refuses its options.
        """
        kind = getattr(self._settings.plugins, port)
        if kind is None:
            return None
        known: dict[str, tuple[str, Callable[[Surroundings], object]]] = {}
        for each in self._found:
            makers = getattr(each.plugin, _FIELDS[port]) if each.plugin else {}
            known |= {name: (each.name, maker) for name, maker in makers.items()}
        if kind not in known:
            there = ", ".join(sorted(known)) or "none"
            problems = "".join(f". {notice}" for notice in self.notices)
            raise UsageError(
                f"plugins.{port} is {kind!r}, which no enabled plugin adds; there are: {there}{problems}"
            )
        name, maker = known[kind]
        return maker(self._surroundings(name))

    def checks(self) -> Iterator[Check]:
        """One line a plugin for `anton doctor`."""
        for each in self._found:
            added = ", ".join(_added(each.plugin)) if each.plugin else ""
            yield Check(f"plugin {each.name}", not each.problem, each.problem or f"{each.package}: {added}")

    def _surroundings(self, name: str) -> Surroundings:
        return Surroundings(self._settings.home / FOLDER / name, self._settings.plugins.options.get(name, {}))


def extensions_of(settings: Settings, repository: Path | None) -> Extensions:
    """The enabled plugins. One that cannot be used is told of in a sentence, and the others go on."""
    if not settings.plugins.enable:
        return Extensions(settings, ())
    with _without(repository or settings.repo_cwd):
        installed = _installed()
        found: list[Extension] = []
        for name in dict.fromkeys(settings.plugins.enable):
            taken = {tool for each in found if each.plugin for tool in _names(each.plugin)}
            taken |= TOOLS.keys() | FOR_A_PERSON.keys()
            found.append(_extension(name, installed, taken))
    return Extensions(settings, found)


def installed_plugins(repository: Path | None) -> tuple[tuple[str, str], ...]:
    """Name and package of each plugin that is installed; none is imported."""
    with _without(repository):
        return tuple((name, package) for name, (_, package) in sorted(_installed().items()))


@contextmanager
def _without(repository: Path | None) -> Iterator[None]:
    """The path of modules without the repository under repair and the current folder."""
    here, before = Path.cwd().resolve(), list(sys.path)
    inside = repository.resolve() if repository else None

    def trusted(entry: str) -> bool:
        folder = Path(entry or ".").resolve()
        return folder != here and (inside is None or not folder.is_relative_to(inside))

    sys.path[:] = [entry for entry in before if trusted(entry)]
    try:
        yield
    finally:
        sys.path[:] = before


def _installed() -> dict[str, tuple[EntryPoint, str]]:
    found: dict[str, tuple[EntryPoint, str]] = {}
    for package in distributions():
        for entry in package.entry_points:
            if entry.group == GROUP:
                found.setdefault(entry.name, (entry, f"{package.name} {package.version}"))
    return found


def _extension(name: str, installed: Mapping[str, tuple[EntryPoint, str]], taken: set[str]) -> Extension:
    if name not in installed:
        there = ", ".join(sorted(installed)) or "none"
        return Extension(name, "", None, f"The plugin {name!r} is not installed; there are: {there}")
    entry, package = installed[name]
    try:
        plugin = entry.load()
    except Exception as error:  # noqa: BLE001 - importing somebody's package can raise anything
        why = f"{type(error).__name__}: {one_line(str(error))[:300]}"
        return Extension(name, package, None, f"The plugin {name!r} of {package} cannot be imported: {why}")
    if wrong := _wrong(plugin, taken):
        return Extension(name, package, None, f"The plugin {name!r} of {package} is not used: {wrong}")
    return Extension(name, package, plugin)


def _wrong(plugin: object, taken: set[str]) -> str:
    """What keeps a plugin from being used; empty where nothing does."""
    if not isinstance(plugin, Plugin):
        return f"its entry point names a {type(plugin).__name__}, and has to name an anton.plugins.Plugin"
    if not all(isinstance(each, FunctionTool) for each in plugin.tools):
        return "its tools must be made by anton.plugins.tool"
    names = _names(plugin)
    if double := [name for i, name in enumerate(names) if name in taken or name in names[:i]]:
        return f"it adds the tool {double[0]!r}, and there is one of that name"
    for field in _FIELDS.values():
        makers = getattr(plugin, field)
        if not isinstance(makers, Mapping) or not all(map(callable, makers.values())):
            return f"its {field} must be a mapping from kinds to functions that make them"
    return ""


def _names(plugin: Plugin) -> list[str]:
    return [tool.spec.name for tool in plugin.tools]


def _added(plugin: Plugin) -> Iterator[str]:
    yield from (f"tool {name}" for name in _names(plugin))
    for port, field in _FIELDS.items():
        yield from (f"{port} {kind}" for kind in getattr(plugin, field))
