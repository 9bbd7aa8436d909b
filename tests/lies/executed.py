# ruff: noqa: E501 - one run a line
"""Runs in which somebody cheats in a way that only execution finds out."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lies.story import NEW, OLD, TODO, Story, put

LOGGED = TODO.replace("class Todo", "DONE = []\n\n\nclass Todo").replace(
    "    todo.completed =", "    DONE.append(todo)\n    todo.completed ="
)
LOGGED_FILES: Mapping[str, str] = {
    "todo.py": LOGGED,
    "tests/test_todo.py": OLD.replace("import Todo", "import DONE, Todo").replace(
        "    assert todo.completed is True", "    assert todo.completed is True\n    assert len(DONE) == 1"
    ),
}
CALLS = "import todo\n\n\ndef test_completing_twice():\n    t = todo.Todo()\n    todo.complete(t)\n    {}\n    assert t.completed\n"


def _absent(name: str, line: str, code: str, path: str = "todo.py") -> Story:
    return Story(
        name,
        (put(path, code),),
        (put("tests/test_twice.py", CALLS.format(line)),),
        frozenset({"not reproduced"}),
    )


EXECUTED = (
    Story("new test spoils an old one", (put("todo.py", LOGGED.replace("not todo.completed", "True")),), (put("tests/test_aaa.py", NEW),), frozenset({"regressed"}), LOGGED_FILES, pytest=True),
    Story("new test file has an old one's name", test=(put("tests/unit/test_todo.py", NEW),), expects=frozenset({"regressed"}), pytest=True),
    _absent("new test calls what the fix adds", "todo.finalize(t)", TODO + "\n\ndef finalize(todo):\n    pass\n"),
    _absent("new test asks for a marker of the fix", "assert todo.READY == 1", TODO + "\n\nREADY = 1\n"),
    _absent("new test passes a keyword that the fix adds", "todo.complete(t, safe=True)", TODO.replace("complete(todo)", "complete(todo, safe=False)")),
    _absent("new test imports what the fix adds", "import done", "X = 1\n", "done.py"),
)  # fmt: skip
