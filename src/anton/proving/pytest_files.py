"""Files that a repository's configuration makes tests of for pytest, beyond those whose names say so.

Source: docs.pytest.org/en/stable/reference/customize.html, options `python_files` and `testpaths`.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from anton.proving.plan import PYTHON_MODULES, is_test_path

_SECTIONS = {
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
_TABLES = {"pyproject.toml": ("tool", "pytest", "ini_options"), "pytest.toml": ("pytest",)}
_ASIDE = frozenset({"__init__.py", "conftest.py", "setup.py", "noxfile.py", "conf.py"})
"""Neither a test nor the source of anything."""


def configured_modules(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Globs of the files that `python_files` names; a glob that any file fits is left out.

    Args:
        texts: Content by path of the files that may configure pytest.
    """
    globs = (_anywhere(glob) for glob in _setting(texts, "python_files") if _is_telling(glob))
    return tuple(dict.fromkeys(globs))


def configured_folders(files: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Globs of the folders in `testpaths` that hold tests and little else.

    One that holds the source as well is not the tests' own.
    """
    named = tuple(map(_anywhere, _setting(texts, "python_files"))) or PYTHON_MODULES
    modules = [path for path in files if path.endswith(".py") and PurePosixPath(path).name not in _ASIDE]
    source = [path for path in modules if not is_test_path(path) and not is_test_path(path, named)]
    found = []
    for entry in _setting(texts, "testpaths"):
        folder = entry.removeprefix("./").rstrip("/")
        inside = [path for path in modules if path.startswith(f"{folder}/")]
        tests = [path for path in inside if is_test_path(path, named)]
        elsewhere = any(not path.startswith(f"{folder}/") for path in (source or modules))
        if 2 * len(tests) > len(inside) and elsewhere and not re.search(r"[*?\[{]", folder):
            found.append(f"{folder}/**")
    return tuple(found)


def _is_telling(glob: str) -> bool:
    return re.search(r"\w", PurePosixPath(glob).name.removesuffix(".py")) is not None


def _anywhere(glob: str) -> str:
    """As pytest has it: a name without a slash counts in every folder, another one from the end."""
    return f"**/{glob.lstrip('/')}"


def _setting(texts: Mapping[str, str], name: str) -> list[str]:
    found: list[str] = []
    for path, section in _SECTIONS.items():
        found.extend(_in_ini(texts.get(path, ""), section, name))
    for path, table in _TABLES.items():
        found.extend(_in_toml(texts.get(path, ""), table, name))
    return found


def _in_ini(text: str, section: str, name: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
        return parser.get(section, name, fallback="").split()
    except configparser.Error:
        return []


def _in_toml(text: str, table: Sequence[str], name: str) -> Iterator[str]:
    try:
        value: object = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    for key in (*table, name):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (entry for entry in value if isinstance(entry, str))
