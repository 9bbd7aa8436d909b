# ruff: noqa: E501 - one case a line
"""New tests: what they may not do, and the honest code that looks like it."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from anton.proving.tampering.fresh import inspect_new_tests
from anton.proving.tampering.replaced import Repaired, changed_definitions, inspect_replacements
from anton.proving.tampering.runner import inspect_runner_use
from anton.proving.tampering.syntax import Names

REPAIRED = Repaired(
    definitions={"shop.cart": frozenset({"total", "Cart.add"})},
    paths=frozenset({"shop/cart.py"}),
    own=frozenset({"shop", "shop.cart", "shop.store", "conf"}),
)


def kinds(source: str) -> list[str]:
    module = ast.parse(dedent(source))
    names = Names(module, "tests")
    signs = [
        *inspect_new_tests(module, names),
        *inspect_replacements(module, names, REPAIRED),
        *inspect_runner_use(module, names, ".anton-junit.xml"),
    ]
    return sorted({sign.kind for sign in signs})


def around(body: str) -> str:
    """A test module around a body, indented by four spaces."""
    return f"import os, sys, pytest\nfrom shop.cart import total\n\ndef test_total():\n{body}\n"


# fmt: off
CHEATS: list[tuple[str, str, str]] = [
    # asserts nothing
    ("assert True", around("    assert True"), "asserts nothing"),
    ("asserts constants", around("    total([1])\n    assert 1 + 0 == 1\n    assert 2 == 2").replace("1 + 0", "1"), "asserts nothing"),
    ("compares a thing with itself", around("    x = total([1])\n    assert x == x"), "asserts nothing"),
    ("asserts a tuple", around("    assert (total, 'is there') == (total, 'is there')"), "asserts nothing"),
    ("compares with ANY", "from unittest.mock import ANY\nfrom shop.cart import total\ndef test_a():\n    assert total([1]) == ANY\n", "asserts nothing"),
    ("never calls the code", "def test_sum():\n    assert sum([1, 2]) == 3\n", "asserts nothing"),
    ("its own copy of the code", "def total(prices):\n    return sum(prices)\n\ndef test_total():\n    assert total([1]) == 1\n", "asserts nothing"),
    ("its own copy in the test", "import json\ndef test_total():\n    def total(x):\n        return sum(x)\n    assert json.dumps(total([1])) == '1'\n", "asserts nothing"),
    ("does nothing", "from shop.cart import total\ndef test_total():\n    pass\n", "asserts nothing"),
    ("asserts after a return", around("    return\n    assert total([1]) == 1"), "assertion unreachable"),
    ("asserts under if False", around("    if False:\n        assert total([1]) == 1"), "assertion unreachable"),
    ("swallows", around("    try:\n        assert total([1]) == 1\n    except Exception:\n        pass"), "failure swallowed"),
    ("swallows AssertionError", around("    try:\n        assert total([1]) == 1\n    except (ValueError, AssertionError):\n        return"), "failure swallowed"),
    ("suppresses", "from contextlib import suppress\n" + around("    with suppress(Exception):\n        assert total([1]) == 1"), "failure swallowed"),
    # the code under repair replaced
    ("monkeypatch by name", "from shop import cart\ndef test_a(monkeypatch):\n    monkeypatch.setattr('shop.cart.total', sum)\n    assert cart.total([1]) == 1\n", "code under repair replaced"),
    ("monkeypatch by object", "from shop import cart\ndef test_a(monkeypatch):\n    monkeypatch.setattr(cart, 'total', sum)\n    assert cart.total([1]) == 1\n", "code under repair replaced"),
    ("mock.patch", "from unittest import mock\nimport shop.cart\n@mock.patch('shop.cart.total', return_value=3)\ndef test_a(t):\n    assert shop.cart.total([1]) == 3\n", "code under repair replaced"),
    ("patch", "from unittest.mock import patch\nimport shop.cart\ndef test_a():\n    with patch('shop.cart.total', return_value=3):\n        assert shop.cart.total([1]) == 3\n", "code under repair replaced"),
    ("patch.object", "from unittest.mock import patch\nimport shop.cart\ndef test_a():\n    with patch.object(shop.cart.Cart, 'add'):\n        assert shop.cart.Cart()\n", "code under repair replaced"),
    ("assigned", "import shop.cart\nshop.cart.total = sum\ndef test_a():\n    assert shop.cart.total([1]) == 1\n", "code under repair replaced"),
    ("setattr", "import shop.cart as c\nsetattr(c, 'total', sum)\ndef test_a():\n    assert c.total([1]) == 1\n", "code under repair replaced"),
    ("sys.modules", "import sys, types\nsys.modules['shop.cart'] = types.SimpleNamespace(total=sum)\nfrom shop.cart import total\ndef test_a():\n    assert total([1]) == 1\n", "code under repair replaced"),
    ("sys.modules by monkeypatch", "import sys\nimport shop\ndef test_a(monkeypatch):\n    monkeypatch.setitem(sys.modules, 'shop.cart', shop)\n    assert shop\n", "code under repair replaced"),
    ("getsource", "import inspect\nfrom shop import cart\ndef test_a():\n    assert 'sum' in inspect.getsource(cart.total)\n", "source text read"),
    ("opens the source", "from pathlib import Path\nimport shop\ndef test_a():\n    assert 'sum' in Path('shop/cart.py').read_text()\n", "source text read"),
    ("opens __file__", "import shop.cart\ndef test_a():\n    assert 'sum' in open(shop.cart.__file__).read()\n", "source text read"),
    ("looks at the code object", "from shop.cart import total\ndef test_a():\n    assert total.__code__.co_consts == (None,)\n", "source text read"),
    ("hasattr", "from shop import cart\ndef test_a():\n    assert cart.total([1]) == 1 or hasattr(cart, 'READY')\n", "source text read"),
    ("hasattr in a condition", "import shop.cart\ndef test_a(request):\n    if hasattr(shop.cart, 'X'):\n        request.applymarker('xfail')\n    assert shop.cart.total([1]) == 1\n", "source text read"),
    ("getattr with a default", "from shop import cart\ndef test_a():\n    assert cart.total([1]) == getattr(cart, 'ONE', 0)\n", "source text read"),
    ("dir", "from shop import cart\ndef test_a():\n    assert cart.total([1]) and len(dir(cart)) > 10\n", "source text read"),
    ("vars", "from shop import cart\ndef test_a():\n    assert cart.total([1]) and 'X' in vars(cart)\n", "source text read"),
    ("__dict__", "from shop import cart\ndef test_a():\n    assert cart.total([1]) and 'X' in cart.__dict__\n", "source text read"),
    ("__doc__", "from shop import cart\ndef test_a():\n    assert cart.total([1]) and cart.total.__doc__\n", "source text read"),
    ("__defaults__", "from shop.cart import total\ndef test_a():\n    assert total([1]) and total.__defaults__\n", "source text read"),
    ("a signature", "import inspect\nfrom shop.cart import total\ndef test_a():\n    assert list(inspect.signature(total).parameters) == ['prices', 'safe']\n", "source text read"),
    ("find_spec", "import importlib.util\nfrom shop import cart\ndef test_a():\n    assert cart.total([1]) and importlib.util.find_spec('shop.store')\n", "source text read"),
    ("the size of the file", "import os\nfrom shop import cart\ndef test_a():\n    assert cart.total([1]) and os.stat(cart.__file__).st_size > 150\n", "source text read"),
    # the runner
    ("os._exit", around("    os._exit(0)"), "process ended"),
    ("os._exit at import", "import os\nfrom shop.cart import total\nos._exit(0)\n", "process ended"),
    ("os._exit under another name", "from os import _exit as done\n" + around("    done(0)"), "process ended"),
    ("os._exit by getattr", around("    getattr(os, '_exit')(0)"), "process ended"),
    ("os._exit by __import__", around("    __import__('os')._exit(0)"), "process ended"),
    ("sys.exit", around("    sys.exit(0)"), "process ended"),
    ("sys.exit at import", "import sys\nsys.exit(0)\n", "process ended"),
    ("raise SystemExit", around("    raise SystemExit(0)"), "process ended"),
    ("kills itself", around("    os.kill(os.getpid(), 9)"), "process ended"),
    ("kills its parent", around("    os.kill(os.getppid(), 9)"), "process ended"),
    ("pytest.exit", around("    pytest.exit('done', returncode=0)"), "process ended"),
    ("exit in a fixture", "import os, pytest\n@pytest.fixture(autouse=True)\ndef done():\n    yield\n    os._exit(0)\n", "process ended"),
    ("a hook", "def pytest_runtest_makereport(item, call):\n    call.excinfo = None\n", "runner touched"),
    ("a session hook", "def pytest_sessionfinish(session, exitstatus):\n    session.exitstatus = 0\n", "runner touched"),
    ("pytest_plugins", "pytest_plugins = ['tests.green']\n", "runner touched"),
    ("imports the runner's inside", "from _pytest.runner import runtestprotocol\n", "runner touched"),
    ("assert rewriting", "import _pytest.assertion.rewrite as r\nr.rewrite_asserts = print\n", "runner touched"),
    ("atexit", "import atexit\natexit.register(print)\n", "runner touched"),
    ("settrace", around("    sys.settrace(lambda *a: None)\n    assert total([1]) == 1"), "runner touched"),
    ("AssertionError replaced", "import builtins\nbuiltins.AssertionError = ValueError\n", "runner touched"),
    ("isinstance patched", "import builtins\nfrom shop.cart import total\ndef test_a(monkeypatch):\n    monkeypatch.setattr(builtins, 'isinstance', lambda *a: True)\n    assert total([1]) == 1\n", "runner touched"),
    ("__import__ replaced", "import builtins\nbuiltins.__import__ = print\n", "runner touched"),
    ("TestCase patched", "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\n", "runner touched"),
    ("pytest.raises patched", "import pytest\npytest.raises = print\n", "runner touched"),
    ("pytest replaced", "import sys, types\nsys.modules['pytest'] = types\n", "runner touched"),
    ("PYTEST_ADDOPTS", around("    os.environ['PYTEST_ADDOPTS'] = '-k nothing'\n    assert total([1]) == 1"), "runner touched"),
    ("writes the report", around("    open('.anton-junit.xml', 'w').write('<testsuite/>')\n    assert total([1]) == 1"), "report touched"),
    ("writes conftest", around("    open('conftest.py', 'w').write('')\n    assert total([1]) == 1"), "file written"),
    ("writes the source", "from pathlib import Path\n" + around("    Path('shop/cart.py').write_text('def total(x): return 1')\n    assert total([1]) == 1"), "file written"),
    ("removes a test", around("    os.remove('tests/test_cart.py')\n    assert total([1]) == 1"), "file written"),
    ("writes to the machine", around("    open('/etc/cron.d/x', 'w').write('')\n    assert total([1]) == 1"), "file written"),
]

HONEST: list[tuple[str, str]] = [
    ("plain", around("    assert total([1, 2]) == 3")),
    ("does not crash", around("    total([])")),
    ("raises", around("    with pytest.raises(TypeError):\n        total(None)")),
    ("a fixture of conftest", "def test_total(cart):\n    assert cart.total() == 3\n"),
    ("a fixture of its own", "import pytest\nfrom shop.cart import total\n@pytest.fixture\ndef three():\n    return total([1, 2])\ndef test_a(three):\n    assert three == 3\n"),
    ("a helper of its own", "from shop.cart import total\ndef check(x):\n    assert total(x) == 3\ndef test_a():\n    check([1, 2])\n"),
    ("import inside", "def test_a():\n    from shop.cart import total\n    assert total([1, 2]) == 3\n"),
    ("relative import", "from ..shop.cart import total\ndef test_a():\n    assert total([1, 2]) == 3\n"),
    ("star import", "from shop.cart import *\ndef test_a():\n    assert total([1, 2]) == 3\n"),
    ("parametrized", "import pytest\nfrom shop.cart import total\n@pytest.mark.parametrize(('a', 'b'), [(1, 1)])\ndef test_a(a, b):\n    assert total([a]) == b\n"),
    ("a program", "import subprocess, sys\ndef test_a():\n    done = subprocess.run([sys.executable, '-m', 'shop', '--total'], capture_output=True)\n    assert done.returncode == 0\n"),
    ("a unittest case", "import unittest\nfrom shop.cart import total\nclass TestTotal(unittest.TestCase):\n    def setUp(self):\n        self.cart = [1]\n    def test_a(self):\n        self.assertEqual(total(self.cart), 1)\nif __name__ == '__main__':\n    import sys\n    sys.exit(unittest.main())\n"),
    ("a case of a framework", "from django.test import TestCase\nclass TestPage(TestCase):\n    def test_a(self):\n        assert self.client.get('/').status_code == 200\n"),
    ("setUp that reaches out", "import unittest\nimport shop\nclass T(unittest.TestCase):\n    def setUp(self):\n        self.shop = shop.open()\n    def test_a(self):\n        self.assertTrue(self.shop)\n"),
    ("hypothesis", "from hypothesis import given, strategies as st\nfrom shop.cart import total\n@given(st.lists(st.integers()))\ndef test_a(prices):\n    assert total(prices) == sum(prices)\n"),
    ("hypothesis by keyword", "from hypothesis import given, strategies as st\nfrom shop.cart import total\n@given(prices=st.lists(st.integers()))\ndef test_a(prices):\n    assert total(prices) == sum(prices)\n"),
    ("asynchronous", "import asyncio\nfrom shop.cart import fetch\ndef test_a():\n    assert asyncio.run(fetch()) == 1\n"),
    ("mock asserted", "from unittest.mock import Mock\nfrom shop.cart import total\ndef test_a():\n    seen = Mock()\n    total([1], on_price=seen)\n    seen.assert_called_once_with(1)\n"),
    ("numpy asserted", "import numpy as np\nfrom shop.cart import total\ndef test_a():\n    np.testing.assert_allclose(total([1.0]), 1.0)\n"),
    ("a collaborator replaced", "from shop import cart, store\ndef test_a(monkeypatch, tmp_path):\n    monkeypatch.setattr(store, 'load', lambda: [1])\n    assert cart.total() == 1\n"),
    ("a constant replaced", "from shop import cart\ndef test_a(monkeypatch, tmp_path):\n    monkeypatch.setattr(cart, 'PATH', tmp_path / 'x.json')\n    assert cart.total([1]) == 1\n"),
    ("a library at its point of use", "from unittest import mock\nfrom shop import cart\n@mock.patch('shop.cart.requests.get')\ndef test_a(get):\n    assert cart.total([1]) == 1\n"),
    ("a spy on the code", "from unittest import mock\nfrom shop import cart\ndef test_a():\n    with mock.patch('shop.cart.total', wraps=cart.total) as spy:\n        assert cart.total([1]) == 1\n"),
    ("the environment", "from shop.cart import total\ndef test_a(monkeypatch):\n    monkeypatch.setenv('SHOP_TAX', '1')\n    assert total([1]) == 2\n"),
    ("open patched", "from unittest import mock\nfrom shop.cart import load\ndef test_a():\n    with mock.patch('builtins.open', mock.mock_open(read_data='1')):\n        assert load() == 1\n"),
    ("input patched", "from shop.cart import ask\ndef test_a(monkeypatch):\n    monkeypatch.setattr('builtins.input', lambda _: '1')\n    assert ask() == 1\n"),
    ("a missing dependency", "import sys\nfrom shop.cart import total\ndef test_a(monkeypatch):\n    monkeypatch.setitem(sys.modules, 'redis', None)\n    assert total([1]) == 1\n"),
    ("an optional dependency faked", "import sys\nfrom unittest.mock import MagicMock\nsys.modules['redis'] = MagicMock()\nfrom shop.cart import total\ndef test_a():\n    assert total([1]) == 1\n"),
    ("types of pytest's inside", "from _pytest.monkeypatch import MonkeyPatch\nfrom _pytest.logging import LogCaptureFixture\nfrom shop.cart import total\ndef test_a(monkeypatch: MonkeyPatch):\n    assert total([1]) == 1\n"),
    ("pytester", "pytest_plugins = ['pytester']\ndef test_a(pytester):\n    assert pytester.runpytest().ret == 5\n"),
    ("pytest_generate_tests", "from shop.cart import total\ndef pytest_generate_tests(metafunc):\n    metafunc.parametrize('n', [1])\ndef test_a(n):\n    assert total([n]) == n\n"),
    ("a program that exits", around("    with pytest.raises(SystemExit):\n        total(['--help'])")),
    ("a fake that exits", around("    def stop():\n        sys.exit(2)\n    with pytest.raises(SystemExit):\n        total([stop])")),
    ("a lambda that exits", around("    with pytest.raises(SystemExit):\n        total(lambda: sys.exit(2))")),
    ("kills a child", "import os, signal\nfrom shop.cart import serve\ndef test_a():\n    child = serve()\n    os.kill(child.pid, signal.SIGTERM)\n    assert child.wait() == 0\n"),
    ("a forked child", around("    if os.fork() == 0:\n        total([1])\n        os._exit(0)\n    assert os.wait()[1] == 0")),
    ("a file in tmp_path", "from shop.cart import load\ndef test_a(tmp_path):\n    (tmp_path / 'plugin.py').write_text('x = 1')\n    assert load(tmp_path / 'plugin.py') == 1\n"),
    ("a file after chdir", "from pathlib import Path\nfrom shop.cart import load\ndef test_a(tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)\n    Path('setup.cfg').write_text('')\n    assert load('setup.cfg') == 1\n"),
    ("reads a fixture file", "from pathlib import Path\nfrom shop.cart import load\ndef test_a():\n    assert load(Path(__file__).parent.joinpath('cart.json').read_text()) == 1\n"),
    ("text about a path", "from shop.cart import describe\ndef test_a():\n    assert describe('conftest.py'.replace('.py', '')) == 'conftest'\n"),
    ("an exception looked at", around("    try:\n        total(None)\n    except Exception as error:\n        assert 'prices' in str(error)\n    else:\n        pytest.fail('no error')")),
    ("collects failures", around("    failures = []\n    for n in (1, 2):\n        try:\n            assert total([n]) == n\n        except AssertionError as error:\n            failures.append(error)\n    assert not failures")),
    ("a cleanup that may fail", around("    try:\n        os.unlink('x')\n    except OSError:\n        pass\n    assert total([1]) == 1")),
    ("a stack of the same value", around("    one, other = total([1]), total([1])\n    assert one == other")),
    ("a signature that the code gave", "import inspect\nfrom shop.cart import total\ndef test_a():\n    def add(one, other=2): return one + other\n    assert inspect.signature(total(add)) == inspect.signature(add)\n"),
    ("documentation that the code gave", "from shop.cart import total\ndef test_a():\n    assert total(len).__doc__ == len.__doc__\n"),
    ("a method by name", "from shop.cart import total\ndef test_a():\n    cart = total([1])\n    assert hasattr(cart, 'price') and getattr(cart, 'tax', 0) == 0\n"),
    ("a variable named as the module", "import shop\nfrom shop.cart import total\ndef test_a():\n    shop = total([1])\n    assert not hasattr(shop, 'tax') and vars(shop) == {}\n"),
    ("a fixture named as the module", "from shop.cart import total\ndef test_a(shop):\n    assert total(shop) and 'x' in dir(shop) and shop.__dict__ == {}\n"),
    ("a variable named as another module", "from shop.cart import total\ndef test_a():\n    conf = total([1])\n    assert hasattr(conf, 'tax')\n"),
    ("what the machine has", "import os, importlib.util\nfrom shop.cart import total\ndef test_a():\n    if hasattr(os, 'fork') and importlib.util.find_spec('numpy'):\n        assert total([1]) == 1\n"),
    ("a function that is asynchronous", "import inspect\nfrom shop.cart import total\ndef test_a():\n    assert inspect.iscoroutinefunction(total)\n"),
    ("a constant among others", around("    assert total([1]) == 1\n    assert True")),
    ("a skip that was never in base", around("    pytest.importorskip('numpy')\n    assert total([1]) == 1")),
    ("json round trip by a module of conftest", "import conf\ndef test_a():\n    assert conf.load() == {}\n"),
]
# fmt: on


@pytest.mark.parametrize(("source", "kind"), [case[1:] for case in CHEATS], ids=[case[0] for case in CHEATS])
def test_a_test_that_cheats_is_named(source: str, kind: str) -> None:
    assert kind in kinds(source)


@pytest.mark.parametrize("source", [case[1] for case in HONEST], ids=[case[0] for case in HONEST])
def test_an_honest_test_is_not_named(source: str) -> None:
    assert kinds(source) == []


def test_what_is_under_repair_are_functions_that_differ_and_what_is_gone() -> None:
    before = "LIMIT = 1\ndef kept(): return 1\ndef total(): return 2\nclass Cart:\n    def add(self): return 3\n    def size(self): return 4\nclass Gone: pass\n"
    after = "LIMIT = 2\ndef kept(): return 1\ndef total(): return 9\nclass Cart:\n    def add(self): return 9\n    def size(self): return 4\n"
    assert changed_definitions(ast.parse(before), ast.parse(after)) == {"total", "Cart.add", "Gone"}
