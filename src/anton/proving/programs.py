"""Programs of this machine that run tests, and what of the machine they need to read."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anton.core.errors import UsageError

Find = Callable[[str], str | None]
"""The path of a program of this machine, by its name."""


def find_program(name: str) -> str | None:
    """A program on PATH, or one that was installed along with Anton, such as uv."""
    return shutil.which(name) or shutil.which(name, path=sysconfig.get_path("scripts"))


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine has for running tests."""

    python: Path
    """Interpreter that has pytest; environments for Python are built with it."""
    environments: Path | None = None
    """Folder of the environments that are built for repositories; None: none is."""
    find: Find = find_program
    maven_repository: Path | None = None
    """Folder of the packages that Maven has fetched before."""

    @property
    def toolchain(self) -> str:
        """What an environment of this machine depends on."""
        return f"{self.python.resolve()} {sys.version} {sysconfig.get_platform()}"


def interpreter_paths(python: Path) -> tuple[Path, ...]:
    """What an interpreter needs to be readable: itself, its library, its packages.

    A prefix is named whole only where it is an environment; another one might be somebody's home.
    """
    real = python.resolve()
    prefixes = [python.parent.parent, real.parent.parent]
    libraries: list[Path] = []
    if python == Path(sys.executable):
        prefixes += [Path(sys.prefix), Path(sys.base_prefix)]
        libraries = [
            Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
        ]
    found: list[Path] = []
    for prefix in prefixes:
        environment = (prefix / "pyvenv.cfg").is_file() or (prefix / "conda-meta").is_dir()
        found += [prefix] if environment else [prefix / name for name in ("bin", "lib", "lib64")]
    existing = sorted({path for path in (*found, *libraries) if path.is_absolute() and path.exists()})
    return tuple(path for path in existing if not any(other in path.parents for other in existing))


def program(name: str, what: str, machine: Machine) -> tuple[str, tuple[Path, ...]]:
    """A program as the sandbox will find it, and the paths that it needs beyond the system's own.

    Raises:
        UsageError: it is not on this machine.
    """
    found = machine.find(name)
    if found is None:
        raise UsageError(
            f"the repository's tests need {name!r}, which is not on PATH: install {what}, or set [tests] "
            "command and report to another way of running them"
        )
    if str(Path(found).parent) in ("/usr/local/bin", "/usr/bin", "/bin"):
        return name, ()
    prefix = Path(found).resolve().parent.parent
    return found, (Path(found).parent, *((prefix,) if prefix.parent not in Path.home().parents else ()))
