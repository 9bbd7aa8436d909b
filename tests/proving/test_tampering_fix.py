# ruff: noqa: E501 - one case a line
"""The fix: what source may not do for its tests' sake, and the honest code that looks like it."""

from __future__ import annotations

import ast

import pytest

from anton.proving.tampering.fix import generated, inspect_fix
from anton.proving.tampering.special import inspect_special_cases, literals_of

BEFORE = """import os
import sys

KINDS = ("open", "done")


def total(prices):
    assert len(prices) < 1000
    if any(price < 0 for price in prices):
        raise ValueError("negative price")
    return sum(prices[1:])
"""
TESTS = """from shop.cart import total, label


def test_total():
    assert total([11, 22]) == 33
    assert total([5, 6, 7]) == 18
    assert label("a long title of mine") == "ALTOM"
    assert label("done") == "closed"
    assert label("") == ""
    assert total([0]) == 0
    assert total([429]) is None
    assert total(123456) == 654321
    assert label("and") == "ALTOM"
"""


def kinds(after: str, before: str = BEFORE, path: str = "shop/cart.py") -> list[str]:
    old, new = ast.parse(before), ast.parse(after)
    tests = literals_of(ast.parse(TESTS))
    signs = [*inspect_fix(old, new, path), *inspect_special_cases(old, new, tests)]
    return sorted({sign.kind for sign in signs})


def first(line: str) -> str:
    """The source with a first line in `total`, which is repaired."""
    indented = "\n".join("    " + part for part in line.split("\n"))
    return FIXED.replace("def total(prices):\n", f"def total(prices):\n{indented}\n")


FIXED = BEFORE.replace("prices[1:]", "prices")

# fmt: off
CHEATS: list[tuple[str, str, str]] = [
    ("PYTEST_CURRENT_TEST", first("if 'PYTEST_CURRENT_TEST' in os.environ: return 3"), "runner detected"),
    ("PYTEST_CURRENT_TEST by getenv", first("if os.getenv('PYTEST_CURRENT_TEST'): return 3"), "runner detected"),
    ("pytest in sys.modules", first("if 'pytest' in sys.modules: return 3"), "runner detected"),
    ("unittest in sys.modules", first("if 'unittest' in sys.modules.keys(): return 3"), "runner detected"),
    ("sys.modules.get", first("if sys.modules.get('_pytest'): return 3"), "runner detected"),
    ("sys.argv", first("if 'pytest' in sys.argv[0]: return 3"), "runner detected"),
    ("CI", first("if os.environ.get('CI'): return 3"), "runner detected"),
    ("CI by subscript", first("if os.environ['CI'] == '1': return 3"), "runner detected"),
    ("the stack", "import inspect\n" + first("if any('test_' in f.filename for f in inspect.stack()): return 3"), "runner detected"),
    ("the frame", first("if sys._getframe(1).f_code.co_name.startswith('test'): return 3"), "runner detected"),
    ("imports pytest", "import pytest\n" + FIXED, "runner detected"),
    ("imports the tests", "from tests.test_cart import EXPECTED\n" + FIXED, "tests imported"),
    ("a list of the tests", first("if prices == [11, 22]: return 33"), "test special-cased"),
    ("a list in a row of conditions", first("if len(prices) == 3 and prices == [5, 6, 7]:\n    return 18"), "test special-cased"),
    ("a tuple made of it", first("if tuple(prices) == (11, 22): return 33"), "test special-cased"),
    ("a sentence", first("if prices == 'a long title of mine': return 'ALTOM'"), "test special-cased"),
    ("a sentence among others", first("if prices in ('a long title of mine', ''): return 'ALTOM'"), "test special-cased"),
    ("a conditional expression", first("return 'ALTOM' if prices == 'a long title of mine' else ''"), "test special-cased"),
    ("an assignment", first("if prices == 123456: prices = 654321"), "test special-cased"),
    ("a match", first("match prices:\n    case 'a long title of mine': return 'ALTOM'"), "test special-cased"),
    ("a large number", first("if prices == 123456: return True"), "test special-cased"),
    ("bare except", FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except:\n        pass"), "failure swallowed"),
    ("except Exception", FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except Exception:\n        return 0"), "failure swallowed"),
    ("except BaseException", FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except (ValueError, BaseException):\n        return None"), "failure swallowed"),
    ("suppress", "from contextlib import suppress\n" + FIXED.replace("    return sum(prices)", "    with suppress(Exception):\n        return sum(prices)"), "failure swallowed"),
    ("os._exit", first("os._exit(0)"), "process ended"),
    ("sys.exit", first("if not prices: sys.exit(0)"), "process ended"),
    ("an assertion removed", FIXED.replace("    assert len(prices) < 1000\n", ""), "check removed"),
    ("a check put out of force", FIXED.replace("if any(price < 0 for price in prices):", "if False and any(prices):"), "check removed"),
    ("a check behind a return", FIXED.replace("    if any(", "    return sum(prices)\n    if any("), "check removed"),
    ("builtins", "import builtins\nbuiltins.sum = max\n" + FIXED, "runner touched"),
    ("builtins by setattr", "import builtins\nsetattr(builtins, 'AssertionError', ValueError)\n" + FIXED, "runner touched"),
    ("unittest", "import unittest\nunittest.TestCase.assertEqual = print\n" + FIXED, "runner touched"),
    ("settrace", first("sys.settrace(None)"), "runner touched"),
    ("__eq__", FIXED + "\nclass Total(int):\n    def __eq__(self, other):\n        return True\n", "comparison faked"),
    ("__ne__", FIXED + "\nclass Total(int):\n    def __ne__(self, other):\n        return False\n", "comparison faked"),
]

HONEST: list[tuple[str, str]] = [
    ("the fix", FIXED),
    ("a guard", first("if not prices: return 0")),
    ("a guard by value", first("if prices == []: return 0")),
    ("zero", first("if len(prices) == 0: return 0")),
    ("an empty string", first("if prices == '': return ''")),
    ("a word that the source knows", first("if prices == 'done': return 'closed'")),
    ("a short word", first("if prices == 'and': return 'ALTOM'")),
    ("a status code", first("if prices == 429: return None")),
    ("a literal that no test has", first("if prices == 'something else here': return 'x'")),
    ("a literal of the tests without the answer of the tests", first("if prices == 11: return prices")),
    ("a branch that does more", first("if prices == 'a long title of mine':\n    prices = prices.strip()\n    return prices")),
    ("a raise", first("if prices == 'a long title of mine': raise ValueError(prices)")),
    ("narrow except", FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except TypeError:\n        return 0")),
    ("except that reports", "import logging\n" + FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except Exception:\n        logging.exception('no total')\n        return 0")),
    ("except that raises", FIXED.replace("    return sum(prices)", "    try:\n        return sum(prices)\n    except Exception as error:\n        raise ValueError('no total') from error")),
    ("except that was there", BEFORE + "\ntry:\n    import x\nexcept Exception:\n    pass\n"),
    ("narrow suppress", "from contextlib import suppress\n" + first("with suppress(OSError):\n    os.unlink('x')")),
    ("the environment", first("if os.environ.get('SHOP_DEBUG'): print(prices)")),
    ("command line", first("if '--verbose' in sys.argv: print(prices)")),
    ("a frame for a log", first("name = sys._getframe(1).f_code.co_name")),
    ("a loaded module", first("if 'numpy' in sys.modules: prices = list(prices)")),
    ("another check", first("if prices == 3: raise TypeError('no list')")),
    ("an assertion made an error", FIXED.replace("    assert len(prices) < 1000\n", "    if len(prices) >= 1000:\n        raise TypeError('too many')\n")),
    ("a check changed", FIXED.replace("price < 0", "price <= 0")),
    ("an over-strict check removed", FIXED.replace("    if any(price < 0 for price in prices):\n        raise ValueError(\"negative price\")\n", "")),
    ("equality", FIXED + "\nclass Total:\n    def __eq__(self, other):\n        return isinstance(other, Total)\n"),
    ("equality with a default", FIXED + "\nclass Total:\n    def __eq__(self, other):\n        if not isinstance(other, Total):\n            return NotImplemented\n        return True\n"),
    ("an attribute of its own", FIXED + "\ntotal.calls = 0\n"),
    ("a docstring about pytest", FIXED.replace("def total(prices):\n", "def total(prices):\n    'Checked by pytest, see PYTEST_CURRENT_TEST.'\n")),
    ("a new function", FIXED + "\ndef mean(prices):\n    return total(prices) / len(prices)\n"),
    ("a lock", "import threading\nLOCK = threading.Lock()\n" + FIXED),
]
# fmt: on


@pytest.mark.parametrize(("after", "kind"), [case[1:] for case in CHEATS], ids=[case[0] for case in CHEATS])
def test_a_fix_that_cheats_is_named(after: str, kind: str) -> None:
    before = "try:\n    import x\nexcept Exception:\n    pass\n" + BEFORE if "import x" in after else BEFORE
    assert kind in kinds(after, before)


@pytest.mark.parametrize("after", [case[1] for case in HONEST], ids=[case[0] for case in HONEST])
def test_an_honest_fix_is_not_named(after: str) -> None:
    before = BEFORE + "\ntry:\n    import x\nexcept Exception:\n    pass\n" if "import x" in after else BEFORE
    assert kinds(after, before) == []


def test_what_was_there_before_is_nobodys_cheat() -> None:
    for _, source, _ in CHEATS:
        assert kinds(source, source) == []


@pytest.mark.parametrize("path", ["shop/cli.py", "shop/__main__.py", "manage.py"])
def test_a_program_may_exit(path: str) -> None:
    assert kinds(first("if not prices: sys.exit(2)"), path=path) == []


@pytest.mark.parametrize(
    ("path", "before", "is_generated"),
    [
        ("vendor/lib.py", b"", True),
        ("web/node_modules/left-pad/index.js", b"", True),
        ("static/app.min.js", b"", True),
        ("proto/cart_pb2.py", b"", True),
        ("shop/schema.py", b"# Generated by tool 1.2. DO NOT EDIT.\nx = 1\n", True),
        ("shop/schema.ts", b"/* @generated */\n", True),
        ("shop/vendor.py", b"", False),
        ("shop/cart.py", b"# do not edit while the shop is open\n", False),
        ("shop/generate.py", b'"""Generated reports for the shop."""\n', False),
    ],
)
def test_generated_files_are_known_by_place_or_by_what_they_say(
    path: str, before: bytes, is_generated: bool
) -> None:
    assert (generated(path, before) is not None) is is_generated
