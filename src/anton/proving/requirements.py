"""What a Python repository declares that it and its tests need, read without running anything of it.

The repository itself is no requirement: its code comes from the tree under test. So what it declares as
editable, or by a path, is left out, and so is any index that it names: where packages come from is for
whoever runs Anton to say.

Sources: packaging.python.org/en/latest/specifications/pyproject-toml and …/dependency-groups,
setuptools.pypa.io/en/latest/userguide/declarative_config.html,
pip.pypa.io/en/stable/reference/requirements-file-format.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping

Groups = Mapping[str, tuple[str, ...]]
"""Requirements by the name of the extra or dependency group that asks for them."""

_FOR_TESTS = frozenset({"test", "tests", "testing", "dev", "develop", "development"})
"""Extras and groups that hold what tests need, by custom."""
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?")
_OPTION_OF_AN_INDEX = re.compile(
    r"\s*(?:-[ief]|--(?:editable|index-url|extra-index-url|find-links|no-index|trusted-host|pre|use-feature)\b)"
)
_PATH = re.compile(r"\s*(?:\.|/|~|file:)|[^#;]*@\s*(?:file:|\.|/)")
_MAX_NESTING = 20


def asked_for(path: str, text: str) -> tuple[str, ...]:
    """The requirements that a declaration holds, each as one line; none where it cannot be read.

    Args:
        path: Says what it is: `pyproject.toml`, `setup.cfg`, `setup.py`, else a requirements file.
        text: Its content.
    """
    match path:
        case "pyproject.toml":
            found = _of_pyproject(text)
        case "setup.cfg":
            found = _of_setup_cfg(text)
        case "setup.py":
            found = _of_setup_py(text)
        case _:
            found = [line for line in tidy(text).splitlines() if not line.lstrip().startswith(("#", "-"))]
    lines = (" ".join(line.split()) for line in found)
    return tuple(line for line in lines if line and not _PATH.match(line))


def named(requirement: str) -> str:
    """The normalized name of what a requirement asks for; empty where it has none."""
    found = _NAME.match(requirement)
    return _normal(found[1]) if found else ""


def tidy(text: str) -> str:
    """A requirements file without the repository itself, other paths, and indexes."""
    return "".join(line for line in _logical_lines(text) if not _left_out(line))


def locked_options(pyproject: str) -> tuple[str, ...]:
    """Options of `uv sync` that choose the groups and extras for tests."""
    document = _toml(pyproject)
    groups = [("--group", name) for name in _table(document, "dependency-groups")]
    extras = [("--extra", name) for name in _table(document, "project", "optional-dependencies")]
    return tuple(word for pair in (*groups, *extras) if _for_tests(pair[1]) for word in pair)


def _left_out(line: str) -> bool:
    return bool(_OPTION_OF_AN_INDEX.match(line) or _PATH.match(line))


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with those that they go on in, which end in a backslash."""
    held = ""
    for line in text.splitlines():
        held += line + "\n"
        if not line.endswith("\\"):
            yield held
            held = ""
    yield held


def _of_pyproject(text: str) -> list[str]:
    document = _toml(text)
    project = _table(document, "project")
    extras = {name: _strings(lines) for name, lines in _table(project, "optional-dependencies").items()}
    groups = _table(document, "dependency-groups")
    wanted = list(_strings(project.get("dependencies")))
    for name, lines in extras.items():
        wanted += lines if _for_tests(name) else ()
    for name in groups:
        wanted += _of_group(groups, name, _MAX_NESTING) if _for_tests(name) else ()
    own = project.get("name")
    return list(_without_itself(wanted, _normal(own) if isinstance(own, str) else "", extras, _MAX_NESTING))


def _of_group(groups: Mapping[str, object], name: str, depth: int) -> Iterator[str]:
    """A dependency group's requirements, with those of the groups that it includes."""
    by_name = {_normal(key): value for key, value in groups.items()}
    lines = by_name.get(_normal(name))
    for line in lines if isinstance(lines, list) and depth else ():
        if isinstance(line, str):
            yield line
        elif isinstance(line, dict) and isinstance(included := line.get("include-group"), str):
            yield from _of_group(groups, included, depth - 1)


def _without_itself(lines: Iterable[str], own: str, extras: Groups, depth: int) -> Iterator[str]:
    """Requirements with `itself[extra]` replaced by what that extra asks for."""
    by_name = {_normal(name): asked for name, asked in extras.items()}
    for line in lines:
        found = _NAME.match(line)
        if found is None or not own or _normal(found[1]) != own:
            yield line
        elif depth:
            for name in (found[2] or "").split(","):
                yield from _without_itself(by_name.get(_normal(name.strip()), ()), own, extras, depth - 1)


def _of_setup_cfg(text: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    wanted = [parser.get("options", key, fallback="") for key in ("install_requires", "tests_require")]
    if parser.has_section("options.extras_require"):
        wanted += [lines for name, lines in parser.items("options.extras_require") if _for_tests(name)]
    return [line for lines in wanted for line in lines.splitlines() if not line.startswith("file:")]


def _of_setup_py(text: str) -> list[str]:
    """What a `setup.py` writes out as literals; what it computes stays unknown, as it is never run."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    known = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = {word.arg: word.value for call in calls if _is_setup(call.func) for word in call.keywords}
    wanted: list[str] = []
    for key in ("install_requires", "tests_require"):
        wanted += _strings(_literal(given.get(key), known))
    extras = _literal(given.get("extras_require"), known)
    for name, lines in extras.items() if isinstance(extras, dict) else ():
        wanted += _strings(lines) if _for_tests(str(name)) else ()
    return wanted


def _is_setup(called: ast.expr) -> bool:
    return (isinstance(called, ast.Name) and called.id == "setup") or (
        isinstance(called, ast.Attribute) and called.attr == "setup"
    )


def _literal(node: ast.expr | None, known: Mapping[str, ast.expr]) -> object:
    if isinstance(node, ast.Name):
        node = known.get(node.id)
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _toml(text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _table(above: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    for key in keys:
        inner = above.get(key)
        above = inner if isinstance(inner, dict) else {}
    return above


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.splitlines())
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def _for_tests(name: str) -> bool:
    return name.strip().lower() in _FOR_TESTS


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
