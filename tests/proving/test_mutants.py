"""Mutants are made of changed lines only, are programs, and are the same every time."""

from __future__ import annotations

import ast
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.proof import FileChange
from anton.proving.hunks import FixedFile, Hunk
from anton.proving.mutants import MAX_BYTES, mutations, not_mutated
from anton.proving.python_mutants import python_edits


def fixed(source: str | bytes, *lines: int, path: str = "a.py") -> FixedFile:
    """A file of which these lines changed; all of them where none is named."""
    content = source if isinstance(source, bytes) else source.encode()
    added = lines or tuple(range(1, content.count(b"\n") + 2))
    return FixedFile(FileChange(path, "M"), (Hunk("@@", (0, 0), (0, 0), added),), content)


def mutants(source: str | bytes, *lines: int, path: str = "a.py") -> list[str]:
    return [mutation.after for mutation in mutations([fixed(source, *lines, path=path)])]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x.done = a == b", ["x.done = a != b", "pass"]),
        ("x.done = a <= b", ["x.done = a < b", "pass"]),
        ("x.done = (a) is not (b)", ["x.done = (a) is (b)", "pass"]),
        ("x.done = a not in b", ["x.done = a in b", "pass"]),
        ("x.done = 0 < a < b", None),
        ("x.done = a and not b", ["x.done = a or not b", "x.done = a and  b", "pass"]),
        ("x.done = True", ["x.done = False", "pass"]),
        ("x.done = a + b", ["x.done = a - b", "pass"]),
        ("x.done = a // b", ["x.done = a / b", "pass"]),
        ("x.done += a", ["x.done -= a", "pass"]),
        ("x.done = a[1:n]", ["x.done = a[2:n]", "x.done = a[:n]", "x.done = a[1:]", "pass"]),
        ("x.name = 'Ada'", ["pass", 'x.name = ""']),
        ("x.name = b'Ada'", ["pass", 'x.name = b""']),
        ("x.name = 'Ada' + a", ["pass", 'x.name = "" + a']),
        ("name = a", ["pass"]),
        ("save(a)", ["pass"]),
        ("del a[n]", ["pass"]),
        ("x.done = a if b else c", ["x.done = a if True else c", "x.done = a if False else c",
                                    "x.done = a if not b else c", "pass"]),
        ("x.rows = [a for a in b if a > 1]", ["x.rows = [a for a in b if a >= 1]",
                                              "x.rows = [a for a in b if a > 2]", "pass"]),
    ],
)  # fmt: skip
def test_each_operator(source: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["x.done = 0 <= a < b", "x.done = 0 < a <= b", "x.done = 1 < a < b", "pass"]
    assert mutants(source) == expected


def test_conditions_returns_and_raises() -> None:
    source = (
        "def f(a):\n    if a.ready:\n        raise ValueError('not yet')\n"
        "    while a:\n        a = g(a)\n    return a\n"
    )
    found = [(mutation.line, mutation.after) for mutation in mutations([fixed(source)])]
    assert found == [
        (2, "if True:"),
        (3, "pass"),
        (4, "while False:"),
        (5, "pass"),
        (6, "return None"),
        (2, "if False:"),
        (2, "if not a.ready:"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        '"""Module."""\n',
        'def f(a: "int" = None) -> "str":\n    """Text."""\n',
        "import os\nfrom a import b\n",
        "logger.info('done %d', 1)\n",
        "self._logger.debug('x')\n",
        "print('x')\n",
        "__all__ = ['f']\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    x.y = True\n",
        "if __name__ == '__main__':\n    main()\n",
        "x: int\n",
        "def f():\n    return None\n",
        "def f():\n    global a\n    nonlocal b\n    return\n",
        "@cache(maxsize=10)\nclass A:\n    pass\n",
        "assert a, 'no a'\n",
        "",
        "def f(:\n",
        "x.y = 1\ry = 2\n",
        b"x.y = '\xe9'\n",
    ],
)
def test_what_no_test_is_expected_to_watch_is_left_alone(source: str | bytes) -> None:
    assert mutants(source) == []


def test_only_changed_lines_are_mutated() -> None:
    source = "x.a = True\nx.b = True\nx.c = True\n"
    assert mutants(source, 2) == ["x.b = False", "pass"]


def test_every_line_has_its_turn_before_any_has_a_second() -> None:
    files = [fixed("x.a = True\nx.b = True\n", path="b.py"), fixed("x.c = True\n", path="a.py")]
    found = [(mutation.path, mutation.line, mutation.after) for mutation in mutations(files)]
    assert found == [
        ("a.py", 1, "x.c = False"),
        ("b.py", 1, "x.a = False"),
        ("b.py", 2, "x.b = False"),
        ("a.py", 1, "pass"),
        ("b.py", 1, "pass"),
        ("b.py", 2, "pass"),
    ]


def test_text_before_a_change_may_be_of_any_width() -> None:
    source = "\ufeffx.täg = 'ß' if a == 1 else b\r\n"
    first = next(mutations([fixed(source)]))
    assert first.before == "\ufeffx.täg = 'ß' if a == 1 else b"
    assert first.content.decode() == source.replace("==", "!=")


def test_an_expression_over_several_lines_is_changed_where_it_begins() -> None:
    source = "x.done = (\n    a\n    ==\n    b\n)\n"
    assert mutants(source, 3) == ["!="]
    assert mutants(source, 4) == []


PARTS = ("a", "not a", "a == b", "f(a, -1)", "a[1:b]", "(a and b)", "'t'", "[a for a in b if a < 2]")
OPERATORS = ("+", "or", "if c else", "in")


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4), st.sampled_from(OPERATORS))
def test_every_mutant_of_python_is_another_program(parts: list[str], operator: str) -> None:
    source = f"def f(a, b, c):\n    x.y = {f' {operator} '.join(parts)}\n    return a\n"
    for mutation in mutations([fixed(source)]):
        assert mutation.content != source.encode()
        ast.parse(mutation.content)
        changed = [
            number
            for number, (old, new) in enumerate(
                zip(source.split("\n"), mutation.content.decode().split("\n"), strict=True), 1
            )
            if old != new
        ]
        assert changed == [mutation.line]


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_as_a_file(content: bytes) -> None:
    for path in ("a.py", "a.js"):
        list(islice(mutations([fixed(content, path=path)]), 50))


def test_code_that_is_nested_too_deeply_is_left_alone() -> None:
    assert python_edits(b"x = " + b" + ".join([b"a"] * 5_000), frozenset({1})) == ()


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("a.js", "if (a === b && !c) {", ["if (a !== b && !c) {", "if (a === b || !c) {"]),
        ("a.ts", "const f = (a) => a >= 1;", ["const f = (a) => a > 1;"]),
        ("a.go", "for i := 0; i < n; i++ {", ["for i := 0; i <= n; i++ {"]),
        ("A.java", "List<String> l = a + -1;", ["List<String> l = a - -1;"]),
        ("a.js", "return true; // true", ["return false; // true"]),
        ("a.js", "const s = 'a == b' + \"true\" + `x && ${y}`;", None),
        ("a.js", "/* a == b */", []),
        ("a.go", 'import "a == b"', []),
        ("a.js", "console.log(a == b)", []),
    ],
)
def test_other_languages_by_their_words(path: str, line: str, expected: list[str] | None) -> None:
    if expected is None:
        pieces = ("const s = 'a == b'", '"true"', "`x && ${y}`;")
        expected = [" - ".join(pieces[:2]) + " + " + pieces[2], pieces[0] + " + " + " - ".join(pieces[1:])]
    assert sorted(mutants(line, path=path)) == sorted(expected)


def test_a_comment_that_began_lines_before_is_one() -> None:
    assert mutants("/*\n a == b\n*/ x = a == b;\n", path="a.js") == ["*/ x = a != b;"]


def test_files_that_no_mutants_are_made_of_are_named() -> None:
    huge = fixed(b"#" * MAX_BYTES + b"\nx.y = True\n", path="huge.py")
    files = [fixed("a", path="a.rb"), fixed("x = 1", path="a.py"), huge]
    assert not_mutated(files) == ("a.rb", "huge.py")
    assert [mutation.path for mutation in mutations(files)] == ["a.py", "a.py"]
