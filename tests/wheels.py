"""A folder of packages for tests that install some without a network."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

OF_PYTEST = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")


def add_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> None:
    """A pure wheel with these modules."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    _pack(folder / f"{name}-{version}-py3-none-any.whl", content, f"{info}/RECORD")


def add_installed(folder: Path, *names: str) -> None:
    """Wheels of what is installed here, such as pytest."""
    for name in names:
        found = distribution(name)
        content = {}
        for path in found.files or ():
            if ".." not in path.parts and path.suffix != ".pyc" and path.name != "RECORD":
                content[str(path)] = Path(str(path.locate())).read_text("utf-8", "surrogateescape")
        info = next(path for path in content if path.endswith(".dist-info/WHEEL")).rpartition("/")[0]
        _pack(folder / f"{name}-{found.version}-py3-none-any.whl", content, f"{info}/RECORD")


def add_source(folder: Path, name: str, version: str, backend: str) -> None:
    """A package without a wheel, which its own code builds."""
    files = {
        "pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            f'[project]\nname = "{name}"\nversion = "{version}"\n'
        ),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "backend.py": backend,
    }
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


def _pack(path: Path, files: Mapping[str, str], record: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text.encode("utf-8", "surrogateescape"))
        archive.writestr(record, "".join(f"{name},,\n" for name in (*files, record)))
