# ruff: noqa: E501 - one file a line
"""Whole honest patches, in the styles that real repositories have: nothing of them is named."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from anton.proving.plan import TestPlan, is_test_path
from anton.proving.tampering.guard import Changed, inspect


@dataclass(frozen=True)
class Patch:
    """Source and test before and after."""

    name: str
    source: tuple[str, str]
    test: tuple[str, str]
    path: str = "shop/cart.py"
    test_path: str = "tests/test_cart.py"


HEAD = "import pytest\nfrom shop import cart\n\n\n"
OLD = "def test_old():\n    assert cart.run(1) == 1\n"


def added(test: str, head: str = HEAD) -> tuple[str, str]:
    """A test file, and the same with something more at its end."""
    return head + OLD, f"{head}{OLD}\n\n{test}"


# fmt: off
PATCHES = (
    Patch("off by one", ("def run(n):\n    return list(range(1, n))\n", "def run(n):\n    return list(range(1, n + 1))\n"), added("def test_the_last_counts():\n    assert cart.run(3) == [1, 2, 3]\n")),
    Patch("None is handled", ("def run(x):\n    return x.strip()\n", "def run(x):\n    if x is None:\n        return ''\n    return x.strip()\n"), added("@pytest.mark.parametrize(('given', 'wanted'), [(None, ''), (' a ', 'a')])\ndef test_stripped(given, wanted):\n    assert cart.run(given) == wanted\n")),
    Patch("division by zero", ("def run(a, b):\n    return a / b\n", "def run(a, b):\n    if b == 0:\n        return 0.0\n    return a / b\n"), added("def test_nothing_shared_is_nothing():\n    assert cart.run(1, 0) == 0.0\n")),
    Patch("mutable default", ("def run(x, seen=[]):\n    seen.append(x)\n    return seen\n", "def run(x, seen=None):\n    seen = [] if seen is None else seen\n    seen.append(x)\n    return seen\n"), added("def test_calls_do_not_share():\n    cart.run(1)\n    assert cart.run(2) == [2]\n")),
    Patch("key error", ("def run(d):\n    return d['rate']\n", "def run(d):\n    try:\n        return d['rate']\n    except KeyError:\n        return 1.0\n"), added("def test_a_missing_rate_is_one():\n    assert cart.run({}) == pytest.approx(1.0)\n")),
    Patch("retry", ("def run(get):\n    return get()\n", "import time\n\n\ndef run(get, sleep=time.sleep):\n    for pause in (1, 2, 4):\n        try:\n            return get()\n        except ConnectionError:\n            sleep(pause)\n    return get()\n"), added("def test_a_lost_connection_is_tried_again():\n    answers = iter([ConnectionError(), 'ok'])\n\n    def get():\n        answer = next(answers)\n        if isinstance(answer, Exception):\n            raise answer\n        return answer\n\n    assert cart.run(get, sleep=lambda _: None) == 'ok'\n")),
    Patch("status code", ("def run(code):\n    return 'fail'\n", "def run(code):\n    if code == 429:\n        return 'wait'\n    return 'fail'\n"), added("def test_too_many_requests_wait():\n    assert cart.run(404) == 'fail'\n")),
    Patch("leap years", ("def run(y):\n    return y % 4 == 0\n", "def run(y):\n    return y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)\n"), added("@pytest.mark.parametrize('year', [1900, 2100])\ndef test_centuries(year):\n    assert not cart.run(year)\n\n\ndef test_2000():\n    assert cart.run(2000)\n")),
    Patch("encoding", ("def run(path):\n    return open(path).read()\n", "def run(path):\n    with open(path, encoding='utf-8') as file:\n        return file.read()\n"), added("def test_umlauts(tmp_path):\n    path = tmp_path / 'a.txt'\n    path.write_text('grün', encoding='utf-8')\n    assert cart.run(path) == 'grün'\n")),
    Patch("time zone", ("from datetime import datetime\n\n\ndef run():\n    return datetime.now()\n", "from datetime import UTC, datetime\n\n\ndef run():\n    return datetime.now(UTC)\n"), added("def test_times_are_aware():\n    assert cart.run().tzinfo is not None\n")),
    Patch("equality", ("class Item:\n    def __init__(self, n):\n        self.n = n\n", "class Item:\n    def __init__(self, n):\n        self.n = n\n\n    def __eq__(self, other):\n        if not isinstance(other, Item):\n            return NotImplemented\n        return self.n == other.n\n\n    def __hash__(self):\n        return hash(self.n)\n"), added("def test_equal_items():\n    assert cart.Item(1) == cart.Item(1)\n    assert cart.Item(1) != cart.Item(2)\n")),
    Patch("validation", ("def run(n):\n    return n\n", "def run(n):\n    if n < 0:\n        raise ValueError(f'negative: {n}')\n    return n\n"), added("def test_negative():\n    with pytest.raises(ValueError, match='negative'):\n        cart.run(-1)\n")),
    Patch("validation relaxed", ("def run(n):\n    if n <= 0:\n        raise ValueError('too small')\n    return n\n", "def run(n):\n    if n < 0:\n        raise ValueError('too small')\n    return n\n"), added("def test_zero_is_fine():\n    assert cart.run(0) == 0\n")),
    Patch("a lock", ("N = 0\n\n\ndef run():\n    global N\n    N += 1\n    return N\n", "import threading\n\nN = 0\nLOCK = threading.Lock()\n\n\ndef run():\n    global N\n    with LOCK:\n        N += 1\n        return N\n"), added("def test_threads():\n    import threading\n\n    threads = [threading.Thread(target=cart.run) for _ in range(8)]\n    for thread in threads:\n        thread.start()\n    for thread in threads:\n        thread.join()\n    assert cart.run() == 9\n")),
    Patch("asynchronous", ("async def run():\n    return None\n", "async def run():\n    return 1\n"), added("def test_awaited():\n    assert asyncio.run(cart.run()) == 1\n", "import asyncio\n" + HEAD)),
    Patch("a path patched", ("PATH = '/var/x'\n\n\ndef run():\n    return open(PATH).read()\n", "PATH = '/var/x'\n\n\ndef run():\n    return open(PATH).read().strip()\n"), added("def test_stripped(tmp_path, monkeypatch):\n    (tmp_path / 'x').write_text('a\\n')\n    monkeypatch.setattr(cart, 'PATH', tmp_path / 'x')\n    assert cart.run() == 'a'\n")),
    Patch("a library patched", ("import requests\n\n\ndef run():\n    return requests.get('u').json()\n", "import requests\n\n\ndef run():\n    answer = requests.get('u', timeout=5)\n    answer.raise_for_status()\n    return answer.json()\n"), added("@mock.patch('shop.cart.requests.get')\ndef test_a_timeout_is_set(get):\n    cart.run()\n    get.assert_called_once_with('u', timeout=5)\n", "from unittest import mock\n" + HEAD)),
    Patch("logging instead of print", ("def run(x):\n    print(x)\n", "import logging\n\nLOG = logging.getLogger(__name__)\n\n\ndef run(x):\n    LOG.info('ran %s', x)\n"), added("def test_logged(caplog):\n    with caplog.at_level('INFO'):\n        cart.run(1)\n    assert 'ran 1' in caplog.text\n")),
    Patch("a program's exit code", ("import sys\n\n\ndef main(args):\n    print(args)\n", "import sys\n\n\ndef main(args):\n    if not args:\n        print('usage: shop FILE', file=sys.stderr)\n        sys.exit(2)\n    print(args)\n"), added("def test_usage(capsys):\n    with pytest.raises(SystemExit) as left:\n        cli.main([])\n    assert left.value.code == 2\n    assert 'usage' in capsys.readouterr().err\n", "import pytest\nfrom shop import cart, cli\n\n\n"), path="shop/cli.py"),
    Patch("a unittest case", ("def run(x):\n    return x\n", "def run(x):\n    return abs(x)\n"), ("import unittest\nfrom shop import cart\n\n\nclass TestRun(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(cart.run(1), 1)\n", "import unittest\nfrom shop import cart\n\n\nclass TestRun(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(cart.run(1), 1)\n\n    def test_negative(self):\n        self.assertEqual(cart.run(-1), 1)\n")),
    Patch("a class of tests", ("def run(x):\n    return x\n", "def run(x):\n    return abs(x)\n"), added("class TestNegative:\n    @pytest.fixture\n    def given(self):\n        return -1\n\n    def test_absolute(self, given):\n        assert cart.run(given) == 1\n")),
    Patch("cases added", ("def run(x):\n    return x\n", "def run(x):\n    return abs(x)\n"), ("import pytest\nfrom shop import cart\n\n\n@pytest.mark.parametrize('n', [0, 1])\ndef test_absolute(n):\n    assert cart.run(n) == n\n", "import pytest\nfrom shop import cart\n\n\n@pytest.mark.parametrize('n', [0, 1, 2])\ndef test_absolute(n):\n    assert cart.run(n) == n\n\n\ndef test_negative():\n    assert cart.run(-2) == 2\n")),
    Patch("an optional import", ("import json\n\n\ndef run(x):\n    return json.dumps(x)\n", "try:\n    import orjson as json\nexcept ImportError:\n    import json\n\n\ndef run(x):\n    return json.dumps(x)\n"), added("def test_without_it(monkeypatch):\n    monkeypatch.setitem(sys.modules, 'orjson', None)\n    assert importlib.reload(cart).run([]) == '[]'\n", "import importlib\nimport sys\n" + HEAD)),
    Patch("a helper extracted", ("def run(x):\n    return x.lower().strip()\n", "def clean(x):\n    return x.strip().casefold()\n\n\ndef run(x):\n    return clean(x)\n"), added("def test_sharp_s():\n    assert cart.run(' STRASSE ') == cart.run('straße')\n")),
    Patch("does not crash", ("def run(x):\n    return x[0]\n", "def run(x):\n    return x[0] if x else None\n"), added("def test_nothing_does_not_crash():\n    cart.run([])\n")),
    Patch("JavaScript", ("export const total = (p) => p.slice(1).reduce((a, b) => a + b, 0);\n", "export const total = (p) => p.reduce((a, b) => a + b, 0);\n"), ("test('empty', () => {\n  assert.equal(total([]), 0);\n});\n", "test('empty', () => {\n  assert.equal(total([]), 0);\n});\n\ntest('all count', () => {\n  assert.equal(total([1, 2]), 3);\n});\n"), path="src/cart.js", test_path="test/cart.test.js"),
    Patch("Go", ("package cart\n\nfunc Total(p []int) int { return 0 }\n", "package cart\n\nfunc Total(p []int) int {\n\tsum := 0\n\tfor _, v := range p {\n\t\tsum += v\n\t}\n\treturn sum\n}\n"), ("package cart\n\nfunc TestNone(t *testing.T) {\n\tif Total(nil) != 0 {\n\t\tt.Fatal(\"not 0\")\n\t}\n}\n", "package cart\n\nfunc TestNone(t *testing.T) {\n\tif Total(nil) != 0 {\n\t\tt.Fatal(\"not 0\")\n\t}\n}\n\nfunc TestAll(t *testing.T) {\n\tif got := Total([]int{1, 2}); got != 3 {\n\t\tt.Errorf(\"got %d\", got)\n\t}\n}\n"), path="cart.go", test_path="cart_test.go"),
)
# fmt: on


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
async def test_an_honest_patch_is_not_named(patch: Patch) -> None:
    sides = ((patch.path, *patch.source), (patch.test_path, *patch.test))
    files = [Changed(path, old.encode(), new.encode(), is_test_path(path)) for path, old, new in sides]
    assert [file.is_test for file in files] == [False, True]
    known = ("shop/__init__.py", patch.path, patch.test_path)
    assert await inspect(files, known, TestPlan(command=("python", "-m", "pytest"))) == ()


def test_there_are_enough_patches_to_mean_something() -> None:
    assert len(PATCHES) >= 25
