"""Diffs are shown whole and with nothing hidden in them."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType

from anton.views.diff import DiffKind, DiffLine, diff_lines, diff_view
from anton.views.encode import revealed

DIFF = """\
diff --git a/a.sql b/a.sql
index 1..2 100644
--- a/a.sql
+++ b/a.sql
@@ -1,2 +1,2 @@
--- old comment
+++ counter
 same
\\ No newline at end of file
diff --git a/new.py b/new.py
deleted file mode 100644
"""


def test_signs_in_a_hunk_are_not_taken_for_headers() -> None:
    assert [line for line in diff_lines(DIFF) if line.kind is not DiffKind.OTHER] == [
        DiffLine(DiffKind.FILE, "diff --git a/a.sql b/a.sql", "a.sql"),
        DiffLine(DiffKind.HUNK, "@@ -1,2 +1,2 @@", "a.sql"),
        DiffLine(DiffKind.REMOVED, "--- old comment", "a.sql"),
        DiffLine(DiffKind.ADDED, "+++ counter", "a.sql"),
        DiffLine(DiffKind.CONTEXT, " same", "a.sql"),
        DiffLine(DiffKind.FILE, "diff --git a/new.py b/new.py", "new.py"),
    ]


def test_a_hunk_that_promises_too_much_ends_where_the_next_file_begins() -> None:
    diff = "diff --git a/a b/a\n@@ -1,9 +1,9 @@\n+one\ndiff --git a/b b/b\n@@ -0,0 +1 @@\n+two\n"
    assert [(line.path, line.text) for line in diff_lines(diff) if line.kind is DiffKind.ADDED] == [
        ("a", "+one"),
        ("b", "+two"),
    ]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40).map(lambda t: f"+{t}"))
def test_no_added_line_is_lost_or_keeps_a_hidden_character(added: str) -> None:
    shown = diff_view(f"diff --git a/x b/x\n@@ -0,0 +1 @@\n{added}\n").plain
    assert shown.rstrip() == f"x\n@@ -0,0 +1 @@\n{revealed(added)}".rstrip()


def test_trojan_source_is_named(render: Callable[[RenderableType], str]) -> None:
    assert "⟨U+202E⟩" in render(diff_view("diff --git a/x b/x\n@@ -0,0 +1 @@\n+ok = '\u202e'\n"))


def test_a_long_diff_is_not_cut() -> None:
    rows = "".join(f"+line {number}\n" for number in range(5_000))
    assert diff_view(f"diff --git a/x b/x\n@@ -0,0 +1,5000 @@\n{rows}").plain.count("\n") == 5_001


def test_an_empty_diff_says_so() -> None:
    assert diff_view("").plain == "Nothing was changed."
