"""A call in a few words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.core.message import ToolCall
from anton.engine.summary import MAX_CHARACTERS, summarise

UNIFIED = "--- a/x.py\n+++ b/x.py\n@@\n-a\n+b\n--- a/gone.py\n+++ /dev/null\n"
UNIFIED += "--- /dev/null\n+++ b/new.py\n@@\n+++ c\n"
BEGUN = "*** Begin Patch\n*** Update File: x.py\n@@\n-a\n*** Add File: new.py\n+a\n*** Delete File: gone.py\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"path": "src/a.py", "old": "x"}, "src/a.py"),
        ({"paths": ["tests/a.py", "tests/b.py"]}, "tests/a.py tests/b.py"),
        ({"commit": "HEAD~1", "path": "src/a.py"}, "HEAD~1"),
        ({"query": "why\nnow"}, "why now"),
        ({"patch": UNIFIED}, "x.py gone.py new.py c"),
        ({"patch": BEGUN}, "x.py new.py gone.py"),
        ({"items": ["[ ] a"]}, ""),
    ],
)
def test_the_most_telling_argument_is_named(arguments: dict[str, object], said: str) -> None:
    assert summarise(ToolCall("1", "tool", json.dumps(arguments))) == said


@given(
    st.text(max_size=200)
    | st.dictionaries(st.sampled_from(["path", "patch", "x"]), st.text()).map(json.dumps)
)
def test_any_arguments_have_a_short_summary(arguments: str) -> None:
    assert len(summarise(ToolCall("1", "tool", arguments))) <= MAX_CHARACTERS
