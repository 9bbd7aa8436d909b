"""Who may import whom, as a table; and that the check bites."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "anton"

ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "system": set(),
    "ports": {"core"},
    "views": {"core"},
    "tools": {"core", "ports", "system"},
    "agents": {"core", "tools"},
    "engine": {"core", "ports"},
    "proving": {"core", "ports", "system"},
    "runs": {"core", "ports", "engine", "proving", "views", "system"},
    "adapters": {"core", "ports", "views", "system"},
    "demo": {"core", "system"},
    "settings": {"core"},
    "entrypoints": {"core", "runs", "views", "ports"},
    "plugins": {"core", "ports", "tools"},
    "app": {
        "core",
        "system",
        "ports",
        "views",
        "tools",
        "agents",
        "engine",
        "proving",
        "runs",
        "adapters",
        "demo",
        "settings",
        "entrypoints",
        "plugins",
    },
    "__main__": {"app", "entrypoints"},
    "__init__": set(),
}
"""Room → the rooms that it may import from, besides itself."""

PURE = {"core", "views"}
IMPURE_MODULES = {"asyncio", "os", "socket", "subprocess", "pathlib", "shutil", "tempfile", "time", "sqlite3"}


BY_NAME = {
    "__main__.py": {"anton.app", "anton.app.listing"},
    "entrypoints/cli.py": {"anton.entrypoints.…"},
    "app/outside.py": {
        "anton.adapters.chat.slack",
        "anton.adapters.tracker.jira",
        "anton.adapters.web.guarded",
        "anton.adapters.web.searxng",
    },
    "app/github.py": {
        "anton.adapters.ci.github",
        "anton.adapters.forge.github",
        "anton.adapters.github.connect",
        "anton.adapters.occurrences.github",
        "anton.adapters.tracker.github",
    },
    "app/models.py": {"anton.adapters.model.chat_completions"},
    "app/shared.py": {"anton.adapters.journal.objects", "anton.adapters.queue.dbos"},
    "app/telemetry.py": {"anton.adapters.telemetry.otlp"},
    "adapters/journal/location.py": {"anton.adapters.journal.postgres"},
    "adapters/mcp/servers.py": {"anton.adapters.mcp.connection"},
    "adapters/journal/schema.py": {"anton.adapters.journal.migration"},
}
"""File → what it may import when it is first needed, so that `anton --help` stays quick; nobody else may."""


def breaches(source: str, room: str, where: str) -> Iterator[str]:
    """What a module of a room must not do and does."""
    tree = ast.parse(source)
    inside = {
        id(n)
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
        for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if by_name := imported_by_name(node) - BY_NAME.get(where, set()):
            yield f"{where}: imports {', '.join(by_name)} by its name, past every rule here"
        for module in imported(node):
            top, _, rest = module.partition(".")
            target = rest.partition(".")[0] if top == "anton" else ""
            if top == "anton" and id(node) in inside:
                yield f"{where}: imports {module} inside a function"
            if target and target != room and target not in ALLOWED[room] and rest != "__version__":
                yield f"{where}: {room} imports {module}"
            if room in PURE and top in IMPURE_MODULES:
                yield f"{where}: {room} is pure and imports {module}"
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"environ", "getenv"}
            and room not in {"settings", "app"}
        ):
            yield f"{where}: reads the environment"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open" and room in PURE:
            yield f"{where}: {room} is pure and opens a file"


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [
            f"{node.module}.{name.name}" if node.module == "anton" else node.module for name in node.names
        ]
    return []


def imported_by_name(node: ast.AST) -> set[str]:
    """What of ours a call imports by a string; … stands for what is not written down."""
    if not isinstance(node, ast.Call):
        return set()
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called not in {"import_module", "__import__"}:
        return set()
    names = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "name")][:1]
    return {name for name in map(spelled, names) if name.startswith(("anton", ".", "…"))}


def spelled(name: ast.expr) -> str:
    """A string as far as it is written down."""
    if isinstance(name, ast.JoinedStr):
        return "".join(spelled(part) for part in name.values)
    return str(name.value) if isinstance(name, ast.Constant) else "…"


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_every_module_keeps_to_its_room() -> None:
    found = [
        breach
        for path in sorted(SOURCE.rglob("*.py"))
        for breach in breaches(path.read_text(), room_of(path), str(path.relative_to(SOURCE)))
    ]
    assert found == []


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")}
    assert rooms == set(ALLOWED)


@pytest.mark.parametrize(
    ("room", "planted"),
    [
        ("core", "from anton.ports import Model"),
        ("core", "import asyncio"),
        ("core", "import os"),
        ("views", "from anton.runs.world import World"),
        ("views", "text = open('x').read()"),
        ("engine", "from anton.tools.catalogue import TOOLS"),
        ("engine", "import anton.adapters.model.scripted"),
        ("system", "from anton.core.errors import OutsideError"),
        ("engine", "from anton.system.child import child"),
        ("proving", "from anton.adapters.repository.git import GitRepository"),
        ("adapters", "from anton.runs.runner import advance"),
        ("runs", "from anton import app"),
        ("tools", "def f():\n    from anton.core.tool import Tool"),
        ("engine", "import os\nkey = os.environ['API_KEY']"),
        ("entrypoints", "from os import getenv\nimport os\nos.getenv('X')"),
        ("engine", "from importlib import import_module\nimport_module('anton.app')"),
        ("engine", "import importlib\n\ndef f():\n    importlib.import_module(f'anton.{room}')"),
        ("engine", "from importlib import import_module\nimport_module(name='anton.app')"),
        ("engine", "from importlib import import_module\nimport_module('.app', 'anton')"),
        ("engine", "from importlib import import_module\nimport_module(name)"),
        ("engine", "__import__('anton.app')"),
    ],
)
def test_a_planted_breach_is_found(room: str, planted: str) -> None:
    assert list(breaches(planted, room, "planted.py")) != []


@pytest.mark.parametrize(("where", "modules"), BY_NAME.items())
def test_what_may_be_imported_by_its_name_is(where: str, modules: set[str]) -> None:
    nodes = ast.walk(ast.parse((SOURCE / where).read_text()))
    assert set[str]().union(*map(imported_by_name, nodes)) == modules


def test_what_is_allowed_is_not_found() -> None:
    assert list(breaches("from anton.core.tool import Tool\nimport asyncio", "engine", "x.py")) == []
