# ruff: noqa: E501 - one case a line
"""Tests and source in other languages than Python."""

from __future__ import annotations

import pytest

from anton.proving.tampering.text import (
    compare_test_text,
    inspect_fix_text,
    inspect_test_text,
    is_readable,
    uncommented,
)

JS = """import { total } from "../src/cart";

describe("cart", () => {
  it("adds up", () => {
    expect(total([1, 2])).toBe(3);
    expect(total([])).toBe(0); // see https://shop.example/rules
  });
});
"""
GO = """package cart

func TestTotal(t *testing.T) {
	if got := Total(1, 2); got != 3 {
		t.Errorf("got %d", got)
	}
	assert.Equal(t, 0, Total())
}
"""
JAVA = """class CartTest {
  @Test
  void addsUp() {
    assertEquals(3, cart.total(1, 2));
  }
}
"""


def named(before: str, after: str) -> list[str]:
    repaired = frozenset({"src/cart.js"})
    path = "test/cart.test.js"
    signs = [*compare_test_text(before, after), *inspect_test_text(before, after, path, repaired)]
    return sorted({sign.kind for sign in signs})


# fmt: off
CHEATS: list[tuple[str, str, str, str]] = [
    ("it.skip", JS, JS.replace("it(", "it.skip("), "test skipped"),
    ("xit", JS, JS.replace("it(", "xit("), "test skipped"),
    ("describe.skip", JS, JS.replace("describe(", "describe.skip("), "test skipped"),
    ("only another", JS, JS.replace("});\n});", "});\n  it.only('x', () => { expect(total([2])).toBe(2); });\n});"), "test skipped"),
    ("test.todo", JS, JS.replace("it(", "it.todo("), "test skipped"),
    ("node option", JS, JS.replace('"adds up", ', '"adds up", { skip: true }, '), "test skipped"),
    ("removed", JS, JS.replace('it("adds up"', 'it("does not"'), "test removed"),
    ("file removed", JS, "", "test removed"),
    ("commented out", JS, JS.replace("    expect(total([1", "    // expect(total([1"), "assertion removed"),
    ("commented out as a block", JS, JS.replace("expect(total([1, 2])).toBe(3);", "/* expect(total([1, 2])).toBe(3); */"), "assertion removed"),
    ("assertion removed", JS, JS.replace("    expect(total([1, 2])).toBe(3);\n", ""), "assertion removed"),
    ("expected changed", JS, JS.replace("toBe(3)", "toBe(2)"), "assertion changed"),
    ("weakened", JS, JS.replace("toBe(3)", "toBeDefined()"), "assertion changed"),
    ("process.exit", "", JS + "process.exit(0);\n", "process ended"),
    ("exit code", "", JS + "process.exitCode = 0;\n", "process ended"),
    ("asserts nothing", "", "test('x', () => { total([1]); });\n", "asserts nothing"),
    ("true is true", "", "test('x', () => { expect(true).toBe(true); });\n", "asserts nothing"),
    ("one is one", "", "test('x', () => { expect(1).toEqual(1); });\n", "asserts nothing"),
    ("assert true", "", "test('x', () => { assert(true); });\n", "asserts nothing"),
    ("replaces an assertion", "", "const assert = require('node:assert');\nassert.equal = () => {};\n" + JS, "runner touched"),
    ("mocks the code", "", 'jest.mock("../src/cart", () => ({ total: () => 3 }));\n' + JS, "code under repair replaced"),
    ("mocks the code with vitest", "", "vi.mock('../src/cart.js');\n" + JS, "code under repair replaced"),
    ("t.Skip", GO, GO.replace("\tif got", '\tt.Skip("later")\n\tif got'), "test skipped"),
    ("Go test removed", GO, GO.replace("TestTotal", "total"), "test removed"),
    ("Go assertion removed", GO, GO.replace("\tassert.Equal(t, 0, Total())\n", ""), "assertion removed"),
    ("os.Exit", GO, GO.replace("\tif got", "\tos.Exit(0)\n\tif got"), "process ended"),
    ("@Disabled", JAVA, JAVA.replace("  @Test", "  @Disabled\n  @Test"), "test skipped"),
    ("@Ignore", JAVA, JAVA.replace("  @Test", '  @Ignore("later") @Test'), "test skipped"),
    ("@Test removed", JAVA, JAVA.replace("  @Test\n", ""), "test removed"),
    ("Java value changed", JAVA, JAVA.replace("assertEquals(3", "assertEquals(2"), "assertion changed"),
    ("System.exit", JAVA, JAVA.replace("    assert", "    System.exit(0);\n    assert"), "process ended"),
]
HONEST: list[tuple[str, str, str]] = [
    ("untouched", JS, JS),
    ("a test beside it", JS, JS.replace("});\n});", "});\n  it('is empty', () => { expect(total([])).toBe(0); });\n});")),
    ("an assertion beside it", JS, JS.replace("toBe(3);", "toBe(3);\n    expect(total([2])).toBe(2);")),
    ("other quotes", JS, JS.replace('"', "'")),
    ("no semicolons", JS, JS.replace(";", "")),
    ("line breaks", JS, JS.replace("expect(total([1, 2])).toBe(3);", "expect(\n      total([1, 2]),\n    ).toBe(3);")),
    ("a comment", JS, JS.replace("    expect(total([1", "    // it.skip(...) is for later\n    expect(total([1")),
    ("a string", JS, JS.replace("it(", "const url = 'http://x/it.skip(';\n  it(")),
    ("a new file", "", JS),
    ("a new test that throws", "", "test('x', () => { assert.throws(() => total(null)); });\n"),
    ("mocks a collaborator", "", 'jest.mock("../src/store");\n' + JS),
    ("mocks a part", "", 'jest.mock("../src/cart", () => ({ ...jest.requireActual("../src/cart"), rate: () => 1 }));\n' + JS),
    ("a field named only", JS, JS.replace("it(", "const only = { skip: 3 };\n  it(")),
    ("a skip that was there", JS.replace("it(", "it.skip("), JS.replace("it(", "it.skip(") + "test('x', () => { expect(total([2])).toBe(2); });\n"),
    ("Go", GO, GO + "\nfunc TestEmpty(t *testing.T) {\n\tif Total() != 0 {\n\t\tt.Fatal(1)\n\t}\n}\n"),
    ("Java", JAVA, JAVA.replace("  @Test", "  @Test\n  void empty() {\n    assertEquals(0, cart.total());\n  }\n\n  @Test", 1)),
]
FIX = "export function total(prices) {\n  return prices.slice(1).reduce((a, b) => a + b, 0);\n}\n"
FIX_CHEATS: list[tuple[str, str, str]] = [
    ("jest", "if (process.env.JEST_WORKER_ID) return 3;", "runner detected"),
    ("NODE_ENV", "if (process.env.NODE_ENV === 'test') return 3;", "runner detected"),
    ("node:test", "if (process.env.NODE_TEST_CONTEXT) return 3;", "runner detected"),
    ("typeof", "if (typeof describe === 'function') return 3;", "runner detected"),
    ("CI", "if (process.env.CI) return 3;", "runner detected"),
    ("swallows", "try { check(prices); } catch (e) {}", "failure swallowed"),
    ("swallows and returns", "try { check(prices); } catch { return 0; }", "failure swallowed"),
    ("exits", "process.exit(0);", "process ended"),
    ("an assertion replaced", "require('node:assert').strictEqual = () => {};", "runner touched"),
    ("a strict assertion replaced", 'require("assert").strict.equal = () => {};', "runner touched"),
    ("an assertion replaced by name", "const assert = require('assert/strict'); assert.equal = () => {};", "runner touched"),
    ("an imported assertion replaced", "import assert from 'node:assert'; assert.deepEqual = () => {};", "runner touched"),
    ("assertions overlaid", "const a = require('node:assert'); Object.assign(a, { equal() {} });", "runner touched"),
    ("the runner replaced", "const test = require('node:test'); test.it = () => {};", "runner touched"),
    ("the runner imported", "const { mock } = require('node:test');", "runner detected"),
    ("a method of arrays replaced", "Array.prototype.reduce = function () { return 3 };", "runner touched"),
    ("a method defined", "Object.defineProperty(Object.prototype, 'total', { get() { return 3 } });", "runner touched"),
    ("a global assertion replaced", "globalThis.expect = () => ({ toBe() {} });", "runner touched"),
]
FIX_HONEST: list[tuple[str, str]] = [
    ("plain", "if (!prices) return 0;"),
    ("catch that reports", "try { check(prices); } catch (e) { console.error(e); throw e; }"),
    ("production", "if (process.env.NODE_ENV === 'production') log(prices);"),
    ("a comment", "// process.exit(0) if NODE_ENV === 'test'"),
    ("a string", "log('process.exit(0)');"),
    ("an invariant", "const assert = require('node:assert'); assert.ok(prices.length >= 0); const strict = assert.strict;"),
    ("a comparison", "const assert = require('node:assert'); if (assert.equal === prices.equal) return 1;"),
    ("a polyfill", "if (!Array.prototype.at) Array.prototype.at = function (n) { return this[n] };"),
    ("a method called", "Array.prototype.slice.call(prices); const own = Object.prototype.hasOwnProperty;"),
    ("a class of one's own", "Cart.prototype.total = () => 3; CartError.prototype.name = 'x'; test.total = 3;"),
    ("an old name", "const latest = prices.at(-1);"),
]
# fmt: on


@pytest.mark.parametrize(
    ("before", "after", "kind"), [case[1:] for case in CHEATS], ids=[case[0] for case in CHEATS]
)
def test_a_test_that_was_harmed_or_cheats_is_named(before: str, after: str, kind: str) -> None:
    if before:
        assert kind in named(before, after)
    else:
        signs = inspect_test_text("", after, "test/cart.test.js", frozenset({"src/cart.js"}))
        assert kind in {sign.kind for sign in signs}


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in HONEST], ids=[case[0] for case in HONEST])
def test_an_honest_test_is_not_named(before: str, after: str) -> None:
    assert named(before, after) == []


@pytest.mark.parametrize(
    ("line", "kind"), [case[1:] for case in FIX_CHEATS], ids=[case[0] for case in FIX_CHEATS]
)
def test_a_fix_that_cheats_is_named(line: str, kind: str) -> None:
    after = FIX.replace("  return", f"  {line}\n  return")
    assert kind in {sign.kind for sign in inspect_fix_text(FIX, after, "src/cart.js")}
    assert list(inspect_fix_text(after, after, "src/cart.js")) == []


@pytest.mark.parametrize("line", [case[1] for case in FIX_HONEST], ids=[case[0] for case in FIX_HONEST])
def test_an_honest_fix_is_not_named(line: str) -> None:
    after = FIX.replace("  return", f"  {line}\n  return")
    assert list(inspect_fix_text(FIX, after, "src/cart.js")) == []


def test_a_program_may_exit() -> None:
    assert list(inspect_fix_text(FIX, FIX + "process.exit(2);\n", "bin/shop.js")) == []


def test_comments_are_blanked_and_lines_keep_their_numbers() -> None:
    assert uncommented("a // b\n'// c' /* d\n e */ f") == "a     \n'// c'     \n      f"


@pytest.mark.parametrize(
    ("path", "known"), [("a.test.ts", True), ("a_test.go", True), ("a.py", False), ("a.json", False)]
)
def test_which_languages_are_read(path: str, known: bool) -> None:
    assert is_readable(path) is known
