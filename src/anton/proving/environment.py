"""Builds a repository's own environment, once for the same declarations, interpreter and platform.

    <folder>/<key>/         the environment, and the declarations that it was built from
    <folder>/<key>.log      what the tools said while it was built, or why it was not
    <folder>/<key>.lock     held by the process that builds it; others wait

It is built in a draft, inside the sandbox, and renamed when it is whole; no tree can write it afterwards. The
network is there while it is built and at no other time. What is trusted:

- That a package does nothing by being installed. Wheels and npm packages are unpacked, and none of their
  scripts runs. A package without a wheel is built from its source, which runs its author's code, in the
  sandbox but with the network. That is done only where wheels do not do, and never where the address of an
  index holds a password, which such code could read.
- The registries, as whoever runs Anton names them, and the addresses that a lock file holds.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import assert_never

from anton.core.errors import OutsideError
from anton.core.text import without_userinfo
from anton.ports import Command, Execution, Sandbox
from anton.proving.declarations import Kind, Recipe, requirement_files
from anton.proving.programs import Machine, interpreter_paths, program
from anton.proving.scratch import remove_folder
from anton.system.locks import try_lock

BUILD_SECONDS = 900.0
"""For a whole environment."""
SHOWN_OUTPUT = 4_000
"""Characters of a tool's own words in an error, from their end."""

_PATIENCE_SECONDS = 0.2
"""Between two looks at a lock that another process holds."""
_SURROUNDINGS = """
mkdir -p tmp home
export HOME="$PWD/home" TMPDIR="$PWD/tmp" XDG_CACHE_HOME="$PWD/tmp"
export UV_CACHE_DIR="$PWD/tmp/uv" PIP_CACHE_DIR="$PWD/tmp/pip" npm_config_cache="$PWD/tmp/npm"
export GOMODCACHE="$PWD/modules" GOFLAGS=-modcacherw
exec "$@"
"""
"""Everything that tools keep goes into the draft, whose path only the sandbox knows."""
_SETTINGS = MappingProxyType(
    {
        "UV_PROJECT_ENVIRONMENT": "python",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PROGRESS_BAR": "off",
        "NO_COLOR": "1",
        "npm_config_update_notifier": "false",
        "GOTOOLCHAIN": "local",
    }
)
_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
}
_WHEELS_ONLY = ("--only-binary", ":all:")
_PORTABLE_SCRIPTS = (
    "find python/bin -type f -exec sed -i '1s|^#!.*/python/bin/python.*$|#!/usr/bin/env python3|' {} +"
)


class EnvironmentUnbuildable(OutsideError):
    """A repository's environment could not be built; the text ends with the tool's own words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a build."""

    argv: tuple[str, ...]
    instead: tuple[str, ...] = ()
    """Run where the first one failed: it runs code of packages' authors."""
    readable: tuple[Path, ...] = ()


class Environments:
    """The environments of this machine, built when they are first needed.

    Args:
        folder: Where they are kept.
        sandbox: Where they are built.
        machine: The interpreter and programs that they are built with.
        sources: Environment variables that say where packages come from, such as PIP_INDEX_URL.
        timeout_seconds: For a whole environment.
    """

    def __init__(
        self,
        folder: Path,
        sandbox: Sandbox,
        machine: Machine,
        sources: Mapping[str, str] = MappingProxyType({}),
        timeout_seconds: float = BUILD_SECONDS,
    ) -> None:
        self._folder = folder
        self._sandbox = sandbox
        self._machine = machine
        self._sources = sources
        self._timeout_seconds = timeout_seconds

    async def ensure(self, recipe: Recipe | None) -> None:
        """Return when the environment is there; nothing is to be done for None.

        Whoever comes while it is built waits.

        Raises:
            EnvironmentUnbuildable: it cannot be built.
            SandboxError: there is no sandbox to build it in.
            UsageError: the program that builds it is not on this machine.
        """
        if recipe is None or await asyncio.to_thread(_used, self._folder / recipe.key):
            return
        async with _locked(self._folder, recipe.key):
            if not await asyncio.to_thread((self._folder / recipe.key).is_dir):
                await self._build(recipe)

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self._folder

    def unused_since(self, limit: datetime) -> Iterator[str]:
        """Keys of those that no run has asked for since then; each run asks before it runs tests."""
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if path.is_dir() and path.suffix != ".draft" and path.stat().st_mtime < limit.timestamp():
                yield path.name

    async def remove(self, key: str, limit: datetime) -> bool:
        """Remove one, unless it was used after all; it is built anew when it is needed."""
        async with _locked(self._folder, key):
            if key not in await asyncio.to_thread(lambda: list(self.unused_since(limit))):
                return False
            discarded = self._folder / f"{key}.draft"
            await remove_folder(discarded)
            await asyncio.to_thread((self._folder / key).rename, discarded)
            await remove_folder(discarded)
            return True

    async def _build(self, recipe: Recipe) -> None:
        draft = self._folder / f"{recipe.key}.draft"
        told: list[str] = []
        await remove_folder(draft)  # of a process that was killed
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await asyncio.to_thread(_lay_out, draft, recipe)
                for step in (*steps(recipe, self._machine), Step(("rm", "-rf", "tmp", "home"))):
                    await self._take(step, draft, recipe, told)
            await asyncio.to_thread(_put, draft, self._folder / recipe.key)
        except TimeoutError:
            words = f"it was not done after {self._timeout_seconds:g} seconds"
            raise _unbuildable(recipe, words, "\n".join(told)) from None
        finally:
            await remove_folder(draft)
            log = self._folder / f"{recipe.key}.log"
            await asyncio.to_thread(log.write_text, "\n".join(told), encoding="utf-8", errors="replace")

    async def _take(self, step: Step, draft: Path, recipe: Recipe, told: list[str]) -> None:
        execution = await self._run(step.argv, step, draft, told)
        if execution.exit_code != 0 and step.instead and not self._secret_sources:
            execution = await self._run(step.instead, step, draft, told)
        if execution.exit_code != 0:
            how = "was stopped" if execution.timed_out else f"ended with exit code {execution.exit_code}"
            ended = f"`{_shown(step.argv)}` {how}"
            raise _unbuildable(recipe, ended, without_userinfo(execution.output))

    async def _run(self, argv: Sequence[str], step: Step, draft: Path, told: list[str]) -> Execution:
        command = Command(
            ("sh", "-c", _SURROUNDINGS, "sh", *argv),
            draft,
            self._timeout_seconds,
            env={**_SETTINGS, **_for_all_tools(self._sources)},
            readable=(*step.readable, *_local(self._sources)),
            network=True,
        )
        execution = await self._sandbox.run(command)
        told += [f"$ {_shown(argv)}", without_userinfo(execution.output)]
        return execution

    @property
    def _secret_sources(self) -> bool:
        return any(without_userinfo(value) != value for value in self._sources.values())


def steps(recipe: Recipe, machine: Machine) -> tuple[Step, ...]:
    """The commands that build an environment in a folder that holds the recipe's inputs.

    Raises:
        UsageError: a program that they need is not on this machine.
    """
    match recipe.kind:
        case Kind.PYTHON:
            return tuple(_python_steps(recipe, machine))
        case Kind.NODE:
            npm, readable = program("npm", "Node.js with npm", machine)
            locked = "package-lock.json" in recipe.inputs or "npm-shrinkwrap.json" in recipe.inputs
            how = ("ci",) if locked else ("install", "--no-package-lock")
            return (Step((npm, *how, "--ignore-scripts", "--no-audit", "--no-fund"), readable=readable),)
        case Kind.GO:
            go, readable = program("go", "Go", machine)
            return (Step((go, "mod", "download"), readable=readable),)
        case _:
            assert_never(recipe.kind)


def _python_steps(recipe: Recipe, machine: Machine) -> Iterator[Step]:
    """With uv, which is fast and makes environments that can be moved, or else with what Python brings."""
    base = interpreter_paths(machine.python)
    uv = machine.find("uv")
    if uv is None:
        yield Step((str(machine.python), "-m", "venv", "python"), readable=base)
        installer: tuple[str, ...] = ("python/bin/python", "-m", "pip", "install")
    else:
        base = (Path(uv), *base)
        yield Step(
            (uv, "venv", "--no-config", "--relocatable", "--python", str(machine.python), "python"),
            readable=base,
        )
        installer = (uv, "pip", "install", "--no-config", "--python", "python")
    if "uv.lock" in recipe.inputs and uv is not None:
        sync: tuple[str, ...] = (
            uv,
            "sync",
            "--frozen",
            "--inexact",
            "--no-install-project",
            "--no-install-workspace",
        )
        sync += ("--python", str(machine.python), *recipe.options)
        yield Step((*sync, "--no-build"), instead=sync, readable=base)
    else:
        named = tuple(word for path in requirement_files(recipe) for word in ("-r", path))
        yield Step((*installer, *_WHEELS_ONLY, *named), instead=(*installer, *named), readable=base)
    yield Step((*installer, *_WHEELS_ONLY, "pytest"), readable=base)
    if uv is None:
        yield Step(("sh", "-c", _PORTABLE_SCRIPTS))


def _lay_out(draft: Path, recipe: Recipe) -> None:
    for path, text in recipe.inputs.items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text(text, encoding="utf-8", errors="surrogateescape")


def _put(draft: Path, environment: Path) -> None:
    """Let it be found, once its thousands of files are on the disk: a power cut must leave no hollow one."""
    os.sync()
    draft.rename(environment)


def _unbuildable(recipe: Recipe, what: str, words: str) -> EnvironmentUnbuildable:
    text = f"the environment for the tests could not be built from {' and '.join(recipe.sources)}: {what}"
    return EnvironmentUnbuildable(f"{text}\n\nIts own words:\n{words.strip()[-SHOWN_OUTPUT:]}")


def _shown(argv: Sequence[str]) -> str:
    return " ".join((Path(argv[0]).name, *argv[1:]))


def _for_all_tools(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, with those of pip also under the names that uv has for them."""
    translated = {_PIP_TO_UV[name]: value for name, value in sources.items() if name in _PIP_TO_UV}
    return {**translated, **sources}


def _local(sources: Mapping[str, str]) -> tuple[Path, ...]:
    """Files and folders of this machine that packages or certificates come from."""
    words = [
        word.removeprefix("file://") for value in sources.values() for word in re.split(r"[\s,]+", value)
    ]
    return tuple(
        path for path in map(Path, words) if path.is_absolute() and path != Path("/") and path.exists()
    )


def _used(environment: Path) -> bool:
    """Whether it is there; it bears the time at which it was asked for last."""
    try:
        os.utime(environment)
    except FileNotFoundError:
        return False
    except PermissionError:
        return environment.is_dir()
    return True


@asynccontextmanager
async def _locked(folder: Path, key: str) -> AsyncIterator[None]:
    """Hold a lock among all processes; the kernel lets go of it when its holder ends, however it ends.

    Raises:
        EnvironmentUnbuildable: the folder cannot be written.
    """
    try:
        descriptor = await asyncio.to_thread(_open_lock, folder, key)
    except OSError as error:
        raise EnvironmentUnbuildable(
            f"environments cannot be kept in {str(folder)!r}: {error.strerror}"
        ) from error
    try:
        while not try_lock(descriptor):  # noqa: ASYNC110 - it is another process that lets go
            await asyncio.sleep(_PATIENCE_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _open_lock(folder: Path, key: str) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
