"""Glob patterns mean what the field is used to, and cost no more than their length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.errors import ToolError
from anton.tools.pattern import PathPattern


def matches(pattern: PathPattern, path: str) -> bool:
    states = pattern.start
    for name in path.split("/"):
        states = pattern.step(states, name)
    return pattern.accepts(states)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.py", "a.py", True),
        ("*.py", "src/deep/a.py", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**/*.py", "src/a.py", True),
        ("src/**/*.py", "src/x/y/a.py", True),
        ("src/**/*.py", "lib/a.py", False),
        ("**/test_*.py", "test_a.py", True),
        ("src/**", "src/x/y", True),
        ("src/**", "src", False),
        ("**", "a/b/c", True),
        ("./src/a.py", "src/a.py", True),
        ("/repo/src/a.py", "src/a.py", True),
        ("a?.[ch]", "ab.c", True),
        ("a?.[ch]", "ab.d", False),
        ("*.{yml,yaml}", "ci/x.yaml", True),
        ("{src,lib}/**/{a,b}.py", "lib/q/b.py", True),
        ("{src,lib}/**/{a,b}.py", "lib/q/c.py", False),
        ("x{1}.py", "x{1}.py", True),
        ("[", "[", True),
        ("A.py", "a.py", False),
        ("**/a/**/b/**/c", "a/x/b/y/z/c", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(PathPattern.parse(pattern), path) is expected


@pytest.mark.parametrize("pattern", ["", "/etc/*", "../*", "a/../../b", "~/x", " "])
def test_patterns_that_look_outside_are_refused(pattern: str) -> None:
    with pytest.raises(ToolError, match="not a pattern for paths inside"):
        PathPattern.parse(pattern)


def test_braces_are_bounded() -> None:
    with pytest.raises(ToolError, match="more than 50 patterns"):
        PathPattern.parse("{a,b}" * 40)


def test_a_pattern_that_ruins_a_backtracking_matcher_ends() -> None:
    pattern = PathPattern.parse("**/*a*a*a*a*a*a*a*a*a*a/" * 8 + "x")
    assert not matches(pattern, "/".join(["a" * 200] * 60))


@given(st.text(st.sampled_from("ab*?[]{},/.!-"), max_size=20), st.text(st.sampled_from("ab/{["), max_size=10))
def test_any_pattern_is_matched_or_refused(pattern: str, path: str) -> None:
    try:
        matches(PathPattern.parse(pattern), path)
    except ToolError:
        return


@given(st.text(min_size=1, max_size=10).filter(lambda name: "/" not in name))
def test_a_literal_name_matches_itself(name: str) -> None:
    assert matches(PathPattern.literal_name(name), f"some/where/{name}")
