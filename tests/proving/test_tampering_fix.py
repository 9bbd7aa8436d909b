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
    known = ("tests/test_cart.py", "tests/data/cart.json")
    signs = [*inspect_fix(old, new, path, ".anton-junit.xml", known), *inspect_special_cases(old, new, tests)]
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
    ("CI in the environment", first("if 'CI' in os.environ: return 3"), "runner detected"),
    ("CI among its keys", first("if os.environ.keys() & {'CI'}: return 3"), "runner detected"),
    ("CI in a list of them", first("if 'CI' in list(os.environ): return 3"), "runner detected"),
    ("CI by a set of them", first("if not set(os.environ).isdisjoint({'CI'}): return 3"), "runner detected"),
    ("CI in two pieces", first("if os.environ.get('C' + 'I'): return 3"), "runner detected"),
    ("CI by getenv", first("if os.getenv('CI'): return 3"), "runner detected"),
    ("PYTHONHASHSEED", first("if os.environ.get('PYTHONHASHSEED') == '0': return 3"), "runner detected"),
    ("NO_COLOR", first("if os.environ.get('NO_COLOR'): return 3"), "runner detected"),
    ("dont_write_bytecode", first("if sys.dont_write_bytecode: return 3"), "runner detected"),
    ("orig_argv", first("if len(sys.orig_argv) > 9: return 3"), "runner detected"),
    ("junit on the command line", first("if 'junit' in str(sys.argv): return 3"), "runner detected"),
    ("all modules", first("if any(m.startswith('pyt') for m in sys.modules): return 3"), "runner detected"),
    ("a list of all modules", first("if 'py' + 'test' in list(sys.modules): return 3"), "runner detected"),
    ("a loop over all modules", first("for name, module in list(sys.modules.items()):\n    module.x = 1"), "runner detected"),
    ("sys.modules in pieces", first("if getattr(sys, 'mod' + 'ules').get('py' + 'test'): return 3"), "runner detected"),
    ("a test's file", first("if os.path.exists('tests/test_cart.py'): return 3"), "runner detected"),
    ("a table of inputs", first("known = {(11, 22): 33, (5, 6, 7): 18}\nif tuple(prices) in known: return known[tuple(prices)]"), "test special-cased"),
    ("a table that falls back", first("return {(11, 22): 33}.get(tuple(prices), sum(prices))"), "test special-cased"),
    ("a table of results", first("return {22: 33, 13: 18}.get(sum(prices[1:]), 0)").replace("13: 18", "11: 33"), "test special-cased"),
    ("a table of results by name", first("answers = {22: 33}\nreturn answers.get(sum(prices[1:]), sum(prices))"), "test special-cased"),
    ("a set of results", first("if sum(prices) in {33, 18}: return sum(prices)"), "test special-cased"),
    ("os._exit in pieces", first("getattr(os, '_' + 'exit')(0)"), "process ended"),
    ("execv", first("os.execv('/bin/true', ['true'])"), "process ended"),
    ("the report", first("open('.anton-junit.xml', 'w').write('')"), "report touched"),
    ("the report in a folder", first("open('./.anton-junit.xml', 'w').write('')"), "report touched"),
    ("the report in pieces", first("open('.anton-' + 'junit.xml', 'w').write('')"), "report touched"),
    ("a file written at exit", "import atexit\n" + FIXED + "\n\ndef late():\n    open('x', 'w').write('')\n\n\natexit.register(late)\n", "runner touched"),
    ("the end at exit", "import atexit\n" + FIXED + "\n\natexit.register(os._exit, 0)\n", "runner touched"),
    ("the end at exit, imported in place", FIXED + "\n\n__import__('atexit').register(__import__('os').execv, '/bin/true', ['true'])\n", "runner touched"),
    ("code at exit", "import atexit\n" + FIXED + "\n\natexit.register(lambda: exec('1'))\n", "runner touched"),
    ("a finalizer", "import weakref\n" + FIXED + "\n\ndef late():\n    open('x', 'w').write('')\n\n\nweakref.finalize(total, late)\n", "runner touched"),
    ("exec", first("exec(open('hook.txt').read())"), "runner touched"),
    ("eval", first("return eval('sum(prices)')"), "runner touched"),
    ("all objects", "import gc\n" + first("kinds = [o for o in gc.get_objects() if isinstance(o, type)]"), "runner touched"),
    ("builtins by their dictionary", "__import__('builtins').__dict__['Assertion' + 'Error'] = OSError\n" + FIXED, "runner touched"),
    ("pytest's inside by name", first("m = sys.modules.get('_pytest.' + 'junitxml')\nm.LogXML = None"), "runner detected"),
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
    ("another variable in the environment", first("if 'SHOP_DEBUG' in os.environ: print(prices)")),
    ("an environment for a program", "import subprocess\n" + first("subprocess.run(['tax'], env={**os.environ, 'CI': '1', 'PYTHONHASHSEED': '0'})")),
    ("a variable set", first("os.environ['PYTHONDONTWRITEBYTECODE'] = '1'")),
    ("no colours where none are wanted", first("color = not os.environ.get('NO_COLOR')")),
    ("arguments parsed", "import argparse\n" + first("arguments = argparse.ArgumentParser(prog=sys.argv[0]).parse_args(sys.argv[1:])")),
    ("one's own module", first("module = sys.modules[__name__]")),
    ("a module by name", first("module = sys.modules.get(prices)")),
    ("a test for an attribute", first("if hasattr(prices, 'values'): prices = prices.values()")),
    ("an attribute with a default", first("limit = getattr(prices, 'limit', None)")),
    ("a table of words", "LABELS = {'done': 'closed', 'a long title of mine': 'ALTOM'}\n" + first("name = LABELS.get(prices, prices)")),
    ("a table of numbers", "RATES = {11: 33, 22: 18}\n" + first("rate = RATES.get(prices[0], 0)")),
    ("a table of pairs", "SIZES = {('a', 'b'): 1, (1, 2): 3}\n" + FIXED),
    ("a table of pairs that no test has", "SIZES = {(640, 480): 'vga', (11, 720): 33}\n" + FIXED),
    ("among numbers", first("if len(prices) in (11, 22): return 0")),
    ("a port among others", first("if int(prices) in (8080, 8443): return 0")),
    ("closed at exit", "import atexit\n" + FIXED + "\n\natexit.register(total)\n"),
    ("removed at exit", "import atexit, shutil\n" + FIXED + "\n\natexit.register(shutil.rmtree, '/tmp/cart', ignore_errors=True)\n"),
    ("a finalizer that removes", "import weakref, shutil\n" + FIXED + "\n\nweakref.finalize(total, shutil.rmtree, '/tmp/cart')\n"),
    ("a literal evaluated", "import ast\n" + first("prices = ast.literal_eval(prices)")),
    ("a frame evaluated", first("prices = prices.eval('a + b')")),
    ("a report of one's own", first("open('report.xml', 'w').write('')")),
    ("garbage collected", "import gc\n" + first("gc.collect()")),
    ("a folder named tests", first("if 'tests' in prices: print('tests/data')")),
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


def test_what_a_file_did_before_it_may_do_elsewhere() -> None:
    before = "import atexit\n\n\ndef late():\n    open('x', 'w').write('')\n\n\natexit.register(late)\neval('1')\nos.execv('a', ['b'])\n"
    after = before.replace("'x'", "'y'").replace("'1'", "'2'").replace("'b'", "'c'")
    assert kinds(BEFORE + after + "\natexit.register(late)\n", BEFORE + before) == []


def test_a_program_may_hand_over_to_another() -> None:
    assert kinds(first("os.execvp('less', ['less'])"), path="shop/cli.py") == []


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
