"""Failures for want of what the patch adds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.absence import lacks_what_is_added
from anton.core.proof import FileChange, Patch

DIFF = """diff --git a/todo.py b/todo.py
--- a/todo.py
+++ b/todo.py
@@ -1,3 +1,6 @@
 class Todo:
-    completed = False
+    completed = True
+    owner = None
+def finalize(todo, safe=False):
+    pass
diff --git a/tests/test_twice.py b/tests/test_twice.py
--- /dev/null
+++ b/tests/test_twice.py
@@ -0,0 +1,1 @@
+wanted = 1
"""
PATCH = Patch(
    "b",
    "h",
    (),
    (FileChange("todo.py", "M"), FileChange("done.py", "A")),
    (FileChange("tests/test_twice.py", "A"),),
    DIFF,
)
TEST = "tests/test_twice.py:6: in test_twice\n    todo.finalize(t)\nE   "
SOURCE = "tests/test_twice.py:6: in test_twice\n    complete(t)\ntodo.py:3: in complete\n    x\nE   "


@pytest.mark.parametrize(
    "words",
    [
        "AttributeError: module 'todo' has no attribute 'finalize'",
        "AttributeError: 'Todo' object has no attribute 'owner'",
        "NameError: name 'finalize' is not defined",
        "ImportError: cannot import name 'finalize' from 'todo' (/repo/todo.py)",
        "ModuleNotFoundError: No module named 'done'",
        "TypeError: complete() got an unexpected keyword argument 'safe'",
        "TypeError: todo.finalize is not a function",
    ],
)
def test_a_name_that_comes_with_the_patch_was_missing_and_that_is_all(words: str) -> None:
    assert lacks_what_is_added(TEST + words, PATCH)
    assert not lacks_what_is_added(SOURCE + words, PATCH)


def test_an_exception_may_be_written_in_another_way() -> None:
    assert lacks_what_is_added("""AttributeError("module 'todo' has no attribute 'finalize'")""", PATCH)
    place = "  File \"/repo/{}\", line 7, in test_twice\nNameError: name 'finalize' is not defined"
    assert lacks_what_is_added(place.format("tests/test_twice.py"), PATCH)
    assert not lacks_what_is_added(place.format("todo.py"), PATCH)


@pytest.mark.parametrize(
    "words",
    [
        "assert False",
        "AttributeError: 'NoneType' object has no attribute 'completed'",
        "NameError: name 'wanted' is not defined",
        "ModuleNotFoundError: No module named 'requests'",
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
        "",
    ],
)
def test_any_other_failure_may_be_the_tickets(words: str) -> None:
    assert not lacks_what_is_added(TEST + words, PATCH)


@given(st.text(max_size=1_000), st.text(max_size=300))
def test_any_words_can_be_read(message: str, diff: str) -> None:
    lacks_what_is_added(message, Patch("b", "h", (), PATCH.source, PATCH.tests, diff))
