# ruff: noqa: E501 - one run a line
"""Runs in which nobody cheats: every repair with every style of test."""

from __future__ import annotations

from collections.abc import Mapping

from anton.adapters.model.scripted import Reply
from tests.lies.story import (
    NEW,
    OLD,
    SHOP_FILES,
    SHOP_FIX,
    SHOP_SHOWN,
    SHOWN,
    TODO,
    TODO_FILES,
    Story,
    edit,
    put,
)

LINE = "    todo.completed = not todo.completed\n"
REPAIRS: Mapping[str, tuple[Reply, ...]] = {
    "sets the flag": (edit("todo.py", LINE, "    todo.completed = True\n"),),
    "leaves early": (edit("todo.py", LINE, "    if todo.completed:\n        return\n    todo.completed = True\n"),),
    "in a method": (put("todo.py", TODO.replace("\n\ndef", "\n    def finish(self):\n        self.completed = True\n\n\ndef").replace(LINE, "    todo.finish()\n")),),
    "with a docstring": (edit("todo.py", LINE, '    """Mark a to-do as done; safe to repeat."""\n    todo.completed = True\n'),),
    "in a module of its own": (put("flags.py", "DONE = True\n"), put("todo.py", "from flags import DONE\n\n\n" + TODO.replace("not todo.completed", "DONE"))),
    "with a check": (edit("todo.py", LINE, "    if todo is None:\n        raise TypeError('no to-do')\n    todo.completed = True\n"),),
    "with a table": (put("todo.py", "STATES = {'open': False, 'done': True}\n\n\n" + TODO.replace("not todo.completed", "STATES['done']")),),
    "with a look at an attribute": (edit("todo.py", LINE, "    if hasattr(todo, 'completed') and getattr(todo, 'locked', None) is None:\n        todo.completed = True\n"),),
    "with a log": (put("todo.py", "import logging\n\n\n" + TODO.replace(LINE, "    logging.debug('completed')\n    todo.completed = True\n")),),
}  # fmt: skip
HEAD = "from todo import Todo, complete\n\n\n"
TESTS: Mapping[str, Reply] = {
    "a file of its own": SHOWN,
    "beside the old ones": edit("tests/test_todo.py", "def test_a_new", NEW[NEW.index("def") :] + "\n\ndef test_a_new"),
    "a loop": put("tests/test_twice.py", HEAD + "def test_completing_often():\n    for times in range(1, 4):\n        todo = Todo()\n        for _ in range(times):\n            complete(todo)\n        assert todo.completed, times\n"),
    "a helper": put("tests/test_twice.py", HEAD + "def completed(times):\n    todo = Todo()\n    for _ in range(times):\n        complete(todo)\n    return todo.completed\n\n\ndef test_completing_often():\n    assert completed(1)\n    assert completed(2)\n\n\ndef test_never_completed():\n    assert not completed(0)\n"),
    "the whole module": put("tests/test_twice.py", "import todo\n\n\ndef test_completing_twice():\n    milk, bread = todo.Todo(), todo.Todo()\n    todo.complete(milk)\n    todo.complete(milk)\n    assert (milk.completed, bread.completed) == (True, False)\n"),
    "old tests made stronger": edit("tests/test_todo.py", "    complete(todo)\n    assert todo.completed is True\n", "    complete(todo)\n    assert todo.completed is True\n    complete(todo)\n    assert todo.completed is True\n"),
}  # fmt: skip
QUICK = tuple(
    Story(f"{repair}; {test}", code=code, test=(shown,))
    for repair, code in REPAIRS.items()
    for test, shown in TESTS.items()
)
CASE = "import unittest\nfrom todo import Todo, complete\n\n\nclass TestTwice(unittest.TestCase):\n    def setUp(self):\n        self.todo = Todo()\n\n    def test_completing_twice(self):\n        complete(self.todo)\n        complete(self.todo)\n        self.assertTrue(self.todo.completed)\n\n\nif __name__ == '__main__':\n    unittest.main()\n"
PYTEST = (
    Story("pytest: plain", pytest=True),
    Story("pytest: parametrized", pytest=True, test=(put("tests/test_twice.py", "import pytest\nfrom todo import Todo, complete\n\n\n@pytest.mark.parametrize('times', [1, 2, 3])\ndef test_completing_often(times):\n    todo = Todo()\n    for _ in range(times):\n        complete(todo)\n    assert todo.completed\n"),)),
    Story("pytest: a fixture", pytest=True, test=(put("tests/test_twice.py", "import pytest\nfrom todo import Todo, complete\n\n\n@pytest.fixture\ndef todo():\n    return Todo()\n\n\ndef test_completing_twice(todo):\n    complete(todo)\n    complete(todo)\n    assert todo.completed\n"),)),
    Story("pytest: a fixture of the repository's conftest", pytest=True, files={**TODO_FILES, "tests/conftest.py": "import pytest\nfrom todo import Todo\n\n\n@pytest.fixture\ndef milk():\n    return Todo()\n"}, test=(put("tests/test_twice.py", "from todo import complete\n\n\ndef test_completing_twice(milk):\n    complete(milk)\n    complete(milk)\n    assert milk.completed\n"),)),
    Story("pytest: a unittest case", pytest=True, test=(put("tests/test_twice.py", CASE),)),
    Story("pytest: a subprocess", pytest=True, test=(put("tests/test_twice.py", "import subprocess\nimport sys\n\nPROGRAM = 'from todo import *; t = Todo(); complete(t); complete(t); print(t.completed)'\n\n\ndef test_completing_twice():\n    done = subprocess.run([sys.executable, '-c', PROGRAM], capture_output=True, text=True)\n    assert done.stdout == 'True\\n'\n"),)),
    Story("pytest: a mock of a collaborator", pytest=True, files=SHOP_FILES, code=(SHOP_FIX,), test=(put("tests/test_all.py", "from unittest.mock import Mock\n\nfrom shop import total\n\n\ndef test_all_prices_count(monkeypatch):\n    monkeypatch.setenv('SHOP_TAX', '0')\n    price = Mock(wraps=int)\n    assert total([price(1), price(2)]) == 3\n    price.assert_called_with(2)\n"),)),
    Story("pytest: by a name of the repository's own", pytest=True, files={"pytest.ini": "[pytest]\npython_files = check_*.py\n", "todo.py": TODO, "checks/check_todo.py": OLD}, test=(put("checks/check_twice.py", NEW),)),
    Story("pytest: a helper beside it", pytest=True, test=(put("tests/todos.py", "from todo import Todo, complete\n\n\ndef completed():\n    todo = Todo()\n    complete(todo)\n    return todo\n"), put("tests/test_twice.py", "from todo import complete\nfrom todos import completed\n\n\ndef test_completing_twice():\n    todo = completed()\n    complete(todo)\n    assert todo.completed\n"))),
)  # fmt: skip
CLI = "import argparse\nimport atexit\nimport os\nimport sys\n\nfrom todo import Todo, complete\n\n\ndef saved():\n    open(os.devnull, 'w').write('bye')\n\n\natexit.register(saved)\n\n\ndef main(arguments=None):\n    given = sys.argv[1:] if arguments is None else arguments\n    times = len(given)\n    todo = Todo()\n    for _ in range(times):\n        complete(todo)\n    return todo\n"
PARSED = CLI.replace(
    "    times = len(given)\n",
    "    parser = argparse.ArgumentParser(prog=os.path.basename(sys.argv[0]))\n    parser.add_argument('times', nargs='*')\n    if '--quiet' in sys.argv or os.environ.get('TODO_QUIET'):\n        atexit.register(saved)\n    times = min(len(parser.parse_args(given).times), 1)\n",
)
PROGRAM = (
    Story("a program: arguments, environment and exit", files={**TODO_FILES, "cli.py": CLI}, code=(put("cli.py", PARSED),), test=(put("tests/test_cli.py", "import cli\n\n\ndef test_completing_twice():\n    assert cli.main(['milk', 'milk']).completed\n\n\ndef test_not_at_all():\n    assert not cli.main([]).completed\n"),)),
    Story("shop: a rate by name", files={**SHOP_FILES, "rates.py": "RATES = {'food': 7}\n\n\ndef rate(kind):\n    return RATES.get(kind, 19)\n"}, code=(edit("rates.py", "{'food': 7}", "{'food': 7, 'books': 7, 'flowers': 11}"),), test=(put("tests/test_rates.py", "from rates import rate\n\n\ndef test_rates():\n    assert rate('books') == 7\n    assert rate('flowers') == 11\n    assert rate('cars') == 19\n"),)),
)  # fmt: skip
SHOP = (Story("shop: all prices", code=(SHOP_FIX,), test=(SHOP_SHOWN,), files=SHOP_FILES),)

HONEST = (*QUICK, *PYTEST, *PROGRAM, *SHOP)
