# ruff: noqa: E501 - one case a line
"""Tests that were there before: what may not be done to them, and what may."""

from __future__ import annotations

import ast

import pytest

from anton.proving.tampering.existing import compare_tests, fingerprint
from anton.proving.tampering.syntax import functions

HEAD = """import pytest
import unittest
from contextlib import suppress
from shop.cart import total
"""

PLAIN = """
def test_total():
    result = total([1, 2])
    assert result == 3
"""


def kinds(before: str, after: str, head: str = HEAD) -> list[str]:
    signs = compare_tests(ast.parse(head + before), ast.parse(head + after))
    return sorted({sign.kind for sign in signs})


CHEATS: list[tuple[str, str, str, str]] = [
    ("removed", PLAIN, "", "test removed"),
    ("renamed away", PLAIN, PLAIN.replace("test_total", "check_total"), "test removed"),
    ("renamed to another test", PLAIN, PLAIN.replace("test_total", "test_sum"), "test removed"),
    ("commented out", PLAIN, PLAIN.replace("\n", "\n# "), "test removed"),
    ("under if False", PLAIN, "if False:" + PLAIN.replace("\n", "\n    "), "test removed"),
    ("skip mark", PLAIN, f"\n@pytest.mark.skip{PLAIN}", "test skipped"),
    ("skip mark with a reason", PLAIN, f"\n@pytest.mark.skip(reason='later'){PLAIN}", "test skipped"),
    ("skipif", PLAIN, f"\n@pytest.mark.skipif(True, reason='x'){PLAIN}", "test skipped"),
    ("marked xfail", PLAIN, f"\n@pytest.mark.xfail{PLAIN}", "test skipped"),
    ("unittest.skip", PLAIN, f"\n@unittest.skip('later'){PLAIN}", "test skipped"),
    ("expectedFailure", PLAIN, f"\n@unittest.expectedFailure{PLAIN}", "test skipped"),
    (
        "skip under another name",
        PLAIN,
        f"\nfrom unittest import skip as ready\n@ready('ok'){PLAIN}",
        "test skipped",
    ),
    ("pytestmark", PLAIN, f"pytestmark = pytest.mark.skip\n{PLAIN}", "test skipped"),
    ("pytestmark list", PLAIN, f"pytestmark = [pytest.mark.xfail(strict=False)]\n{PLAIN}", "test skipped"),
    ("module skip", PLAIN, f"pytest.skip('x', allow_module_level=True)\n{PLAIN}", "test skipped"),
    ("importorskip", PLAIN, f"pytest.importorskip('nothing_of_the_kind')\n{PLAIN}", "test skipped"),
    ("skip call", PLAIN, PLAIN.replace("    result", "    pytest.skip('x')\n    result"), "test skipped"),
    ("xfail call", PLAIN, PLAIN.replace("    result", "    pytest.xfail('x')\n    result"), "test skipped"),
    (
        "SkipTest",
        PLAIN,
        PLAIN.replace("    result", "    raise unittest.SkipTest('x')\n    result"),
        "test skipped",
    ),
    ("__test__", PLAIN, f"__test__ = False\n{PLAIN}", "test skipped"),
    ("pass", PLAIN, "\ndef test_total():\n    pass\n", "test emptied"),
    ("ellipsis", PLAIN, "\ndef test_total():\n    ...\n", "test emptied"),
    ("docstring only", PLAIN, "\ndef test_total():\n    'Totals.'\n", "test emptied"),
    ("redefined", PLAIN, f"{PLAIN}\ndef test_total():\n    pass\n", "test emptied"),
    ("only calls", PLAIN, "\ndef test_total():\n    total([1, 2])\n", "test emptied"),
    (
        "early return",
        PLAIN,
        PLAIN.replace("    result", "    return\n    result"),
        "assertion unreachable",
    ),
    (
        "early return under if True",
        PLAIN,
        PLAIN.replace("    result", "    if 1 == 1:\n        return\n    result"),
        "assertion unreachable",
    ),
    (
        "if False around the assertion",
        PLAIN,
        PLAIN.replace("    assert", "    if False:\n        assert"),
        "assertion unreachable",
    ),
    (
        "loop over nothing",
        PLAIN,
        PLAIN.replace("    assert", "    for _ in []:\n        assert"),
        "assertion unreachable",
    ),
    (
        "one assertion out of reach",
        PLAIN + "    assert total([]) == 0\n",
        PLAIN + "    return\n    assert total([]) == 0\n",
        "assertion unreachable",
    ),
    ("one of two removed", PLAIN + "    assert total([]) == 0\n", PLAIN, "assertion removed"),
    ("assert True", PLAIN, PLAIN.replace("result == 3", "True"), "assertion removed"),
    ("== to in", PLAIN, PLAIN.replace("== 3", "in (3, 2)"), "assertion weakened"),
    ("== to is not None", PLAIN, PLAIN.replace("== 3", "is not None"), "assertion weakened"),
    ("== to >=", PLAIN, PLAIN.replace("== 3", ">= 2"), "assertion weakened"),
    ("== to truth", PLAIN, PLAIN.replace("result == 3", "result"), "assertion weakened"),
    (
        "== to isinstance",
        PLAIN,
        PLAIN.replace("result == 3", "isinstance(result, int)"),
        "assertion weakened",
    ),
    ("== to !=", PLAIN, PLAIN.replace("== 3", "!= 4"), "assertion weakened"),
    ("or", PLAIN, PLAIN.replace("result == 3", "result == 3 or result == 2"), "assertion weakened"),
    ("expected changed", PLAIN, PLAIN.replace("== 3", "== 2"), "expected value changed"),
    ("negated", PLAIN, PLAIN.replace("== 3", "== -3"), "expected value changed"),
    (
        "expected variable changed",
        "\ndef test_total():\n    wanted = 3\n    assert total([1, 2]) == wanted\n",
        "\ndef test_total():\n    wanted = 2\n    assert total([1, 2]) == wanted\n",
        "expected value changed",
    ),
    (
        "expected constant changed",
        "\nWANTED = 3\ndef test_total():\n    assert total([1, 2]) == WANTED\n",
        "\nWANTED = 2\ndef test_total():\n    assert total([1, 2]) == WANTED\n",
        "expected value changed",
    ),
    (
        "input in the assertion changed",
        "\ndef test_total():\n    assert total([1, 2]) == 3\n",
        "\ndef test_total():\n    assert total([0, 3]) == 3\n",
        "expected value changed",
    ),
    ("input changed", PLAIN, PLAIN.replace("[1, 2]", "[0, 3]"), "tested value replaced"),
    ("result written out", PLAIN, PLAIN.replace("total([1, 2])", "3"), "tested value replaced"),
    ("approx", PLAIN, PLAIN.replace("== 3", "== pytest.approx(3, abs=1)"), "tolerance widened"),
    (
        "abs widened",
        PLAIN.replace("== 3", "== pytest.approx(3, abs=0.1)"),
        PLAIN.replace("== 3", "== pytest.approx(3, abs=1)"),
        "tolerance widened",
    ),
    (
        "rel added",
        PLAIN.replace("== 3", "== pytest.approx(3)"),
        PLAIN.replace("== 3", "== pytest.approx(3, rel=0.5)"),
        "tolerance widened",
    ),
    (
        "isclose",
        "\nimport math\ndef test_total():\n    assert math.isclose(total([1]), 1)\n",
        "\nimport math\ndef test_total():\n    assert math.isclose(total([1]), 1, abs_tol=2)\n",
        "tolerance widened",
    ),
    (
        "raises Exception",
        "\ndef test_bad():\n    with pytest.raises(ValueError):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises(Exception):\n        total(None)\n",
        "raises broadened",
    ),
    (
        "raises among others",
        "\ndef test_bad():\n    with pytest.raises(ValueError):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises((ValueError, BaseException)):\n        total(None)\n",
        "raises broadened",
    ),
    (
        "match removed",
        "\ndef test_bad():\n    with pytest.raises(ValueError, match='price'):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises(ValueError):\n        total(None)\n",
        "raises broadened",
    ),
    (
        "raises another",
        "\ndef test_bad():\n    with pytest.raises(ValueError):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises(TypeError):\n        total(None)\n",
        "expected value changed",
    ),
    (
        "raises removed",
        "\ndef test_bad():\n    with pytest.raises(ValueError):\n        total(None)\n",
        "\ndef test_bad():\n    with suppress(ValueError):\n        total(None)\n",
        "test emptied",
    ),
    (
        "case removed",
        "\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "\n@pytest.mark.parametrize('n', [2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "test case removed",
    ),
    (
        "case marked",
        "\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "\n@pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.xfail), 2])\n"
        "def test_one(n):\n    assert total([n]) == n\n",
        "test case removed",
    ),
    (
        "case of a constant removed",
        "\nCASES = [1, 2]\n@pytest.mark.parametrize('n', CASES)\ndef test_one(n):\n    assert total([n]) == n\n",
        "\nCASES = [2]\n@pytest.mark.parametrize('n', CASES)\ndef test_one(n):\n    assert total([n]) == n\n",
        "test case removed",
    ),
    (
        "case of a loop removed",
        "\ndef test_one():\n    for n in [1, 2]:\n        assert total([n]) == n\n",
        "\ndef test_one():\n    for n in [2]:\n        assert total([n]) == n\n",
        "test case removed",
    ),
    (
        "try around",
        PLAIN,
        PLAIN.replace(
            "    assert result == 3",
            "    try:\n        assert result == 3\n    except Exception:\n        pass",
        ),
        "failure swallowed",
    ),
    (
        "bare except around",
        PLAIN,
        PLAIN.replace(
            "    assert result == 3", "    try:\n        assert result == 3\n    except:\n        print('x')"
        ),
        "failure swallowed",
    ),
    (
        "suppress around",
        PLAIN,
        PLAIN.replace("    assert", "    with suppress(AssertionError):\n        assert"),
        "failure swallowed",
    ),
    (
        "helper weakened",
        f"\ndef check(result):\n    assert result == 3\n{PLAIN.replace('assert result == 3', 'check(result)')}",
        f"\ndef check(result):\n    assert result\n{PLAIN.replace('assert result == 3', 'check(result)')}",
        "assertion weakened",
    ),
    (
        "helper emptied",
        f"\ndef check(result):\n    assert result == 3\n{PLAIN.replace('assert result == 3', 'check(result)')}",
        f"\ndef check(result):\n    pass\n{PLAIN.replace('assert result == 3', 'check(result)')}",
        "test emptied",
    ),
]

CASE_BEFORE = """
class TestCart(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)
        self.assertAlmostEqual(total([0.1]), 0.1, places=7)
"""
CASES: list[tuple[str, str, str, str]] = [
    ("class skipped", "class TestCart", "@unittest.skip('x')\nclass TestCart", "test skipped"),
    ("method skipped", "    def test", "    @unittest.skipIf(True, 'x')\n    def test", "test skipped"),
    (
        "skipTest",
        "        self.assertEqual",
        "        self.skipTest('x')\n        self.assertEqual",
        "test skipped",
    ),
    ("class not a test", "    def test", "    __test__ = False\n    def test", "test skipped"),
    (
        "assertEqual to assertTrue",
        "assertEqual(total([1, 2]), 3)",
        "assertTrue(total([1, 2]))",
        "assertion weakened",
    ),
    (
        "assertEqual to assertIn",
        "assertEqual(total([1, 2]), 3)",
        "assertIn(total([1, 2]), (2, 3))",
        "assertion weakened",
    ),
    (
        "assertTrue with a message",
        "assertEqual(total([1, 2]), 3)",
        "assertTrue(total([1, 2]), 3)",
        "assertion weakened",
    ),
    ("another value", ", 3)", ", 2)", "expected value changed"),
    ("places", "places=7", "places=0", "tolerance widened"),
    ("delta", "places=7", "delta=1", "tolerance widened"),
    ("method removed", "test_total", "total_later", "test removed"),
]


@pytest.mark.parametrize(
    ("before", "after", "kind"), [case[1:] for case in CHEATS], ids=[c[0] for c in CHEATS]
)
def test_a_test_that_was_harmed_is_named(before: str, after: str, kind: str) -> None:
    assert kind in kinds(before, after)


@pytest.mark.parametrize(("old", "new", "kind"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_a_test_case_of_unittest_that_was_harmed_is_named(old: str, new: str, kind: str) -> None:
    assert old in CASE_BEFORE
    assert kind in kinds(CASE_BEFORE, CASE_BEFORE.replace(old, new))


HONEST: list[tuple[str, str, str]] = [
    ("untouched", PLAIN, PLAIN),
    ("another test beside it", PLAIN, PLAIN + "\ndef test_empty():\n    assert total([]) == 0\n"),
    (
        "a new test that is skipped elsewhere",
        PLAIN,
        PLAIN + "\n@pytest.mark.skipif(False, reason='x')\ndef test_x():\n    assert total([]) == 0\n",
    ),
    ("another assertion", PLAIN, PLAIN + "    assert total([]) == 0\n"),
    ("a message", PLAIN, PLAIN.replace("== 3", "== 3, 'adds up'")),
    ("a docstring", PLAIN, PLAIN.replace("    result", "    'Adds up.'\n    result")),
    ("another name for a variable", PLAIN, PLAIN.replace("result", "found")),
    (
        "the variable inlined elsewhere",
        PLAIN,
        PLAIN.replace("    assert", "    other = total([])\n    assert other == 0\n    assert"),
    ),
    ("formatting", PLAIN, PLAIN.replace("[1, 2]", "[\n        1,\n        2,\n    ]")),
    ("sides swapped", PLAIN, PLAIN.replace("result == 3", "3 == result")),
    ("stronger: truth to ==", PLAIN.replace("result == 3", "result"), PLAIN),
    ("stronger: >= to ==", PLAIN.replace("== 3", ">= 1"), PLAIN),
    ("stronger: in to ==", PLAIN.replace("== 3", "in (3, 2)"), PLAIN),
    (
        "stronger: tolerance",
        PLAIN.replace("== 3", "== pytest.approx(3, abs=1)"),
        PLAIN.replace("== 3", "== pytest.approx(3, abs=0.1)"),
    ),
    ("stronger: exact", PLAIN.replace("== 3", "== pytest.approx(3, abs=1)"), PLAIN),
    ("== None to is None", PLAIN.replace("== 3", "== None"), PLAIN.replace("== 3", "is None")),
    (
        "not to is False",
        PLAIN.replace("result == 3", "not result"),
        PLAIN.replace("result == 3", "result is False"),
    ),
    (
        "an and in two",
        PLAIN.replace("== 3", "== 3 and total([]) == 0"),
        PLAIN + "    assert total([]) == 0\n",
    ),
    (
        "unittest to assert",
        PLAIN.replace("assert result == 3", "unittest.TestCase().assertEqual(result, 3)"),
        PLAIN,
    ),
    (
        "narrower raises",
        "\ndef test_bad():\n    with pytest.raises(Exception):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises(TypeError):\n        total(None)\n",
    ),
    (
        "match added",
        "\ndef test_bad():\n    with pytest.raises(TypeError):\n        total(None)\n",
        "\ndef test_bad():\n    with pytest.raises(TypeError, match='iter'):\n        total(None)\n",
    ),
    (
        "cases added",
        "\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "\n@pytest.mark.parametrize('n', [0, 1, 2, pytest.param(3, id='three')])\ndef test_one(n):\n    assert total([n]) == n\n",
    ),
    (
        "case given an id",
        "\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "\n@pytest.mark.parametrize('n', [pytest.param(1, id='one'), 2])\ndef test_one(n):\n    assert total([n]) == n\n",
    ),
    (
        "column added",
        "\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n):\n    assert total([n]) == n\n",
        "\n@pytest.mark.parametrize(('n', 'm'), [(1, 1), (2, 2)])\ndef test_one(n, m):\n    assert total([n]) == n\n",
    ),
    (
        "case added to a constant",
        "\nCASES = [1, 2]\n@pytest.mark.parametrize('n', CASES)\ndef test_one(n):\n    assert total([n]) == n\n",
        "\nCASES = [1, 2, 3]\n@pytest.mark.parametrize('n', CASES)\ndef test_one(n):\n    assert total([n]) == n\n",
    ),
    (
        "fixture in place of setup",
        "\ndef test_total():\n    cart = [1, 2]\n    assert total(cart) == 3\n",
        "\n@pytest.fixture\ndef cart():\n    return [1, 2]\n\ndef test_total(cart):\n    assert total(cart) == 3\n",
    ),
    (
        "a try that lets other failures through",
        PLAIN,
        PLAIN + "    try:\n        total(None)\n    except TypeError:\n        pass\n",
    ),
    (
        "a skip that was there",
        PLAIN.replace("    result", "    pytest.skip('x')\n    result"),
        PLAIN.replace("    result", "    pytest.skip('x')\n    result")
        + "\ndef test_empty():\n    assert total([]) == 0\n",
    ),
    ("an unused helper removed", PLAIN + "\ndef helper():\n    return 1\n", PLAIN),
    ("imports sorted", PLAIN, "import math\n" + PLAIN),
    (
        "moved into a loop",
        PLAIN,
        "\ndef test_total():\n    for _ in range(2):\n        result = total([1, 2])\n        assert result == 3\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in HONEST], ids=[c[0] for c in HONEST])
def test_an_honest_change_of_a_test_is_not_named(before: str, after: str) -> None:
    assert list(compare_tests(ast.parse(HEAD + before), ast.parse(HEAD + after))) == []


def test_a_test_that_moved_to_another_file_was_not_removed() -> None:
    before, elsewhere = ast.parse(HEAD + PLAIN), ast.parse(HEAD + PLAIN)
    moved = {fingerprint(test) for test in functions(elsewhere).values()}
    assert list(compare_tests(before, ast.parse(""), moved)) == []


def test_a_finding_says_where_and_what() -> None:
    [sign] = compare_tests(ast.parse(HEAD + PLAIN), ast.parse(HEAD + PLAIN.replace("== 3", "== 2")))
    assert (sign.line, sign.detail) == (8, "test_total(): `result == 3` has become `result == 2`")
