"""run_tests hands on only paths that are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tools.conftest import Call

from anton.core.errors import ToolError


@pytest.fixture(autouse=True)
def _tests(root: Path) -> None:
    (root / "tests").mkdir()
    (root / "tests/test_a.py").touch()
    (root / "-p").touch()


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        ("{}", ()),
        ('{"paths": null}', ()),
        ('{"paths": []}', ()),
        ('{"paths": ["."]}', ()),
        ('{"paths": ["/repo/tests/test_a.py", "tests"]}', ("tests/test_a.py", "tests")),
        ('{"paths": ["tests/test_a.py::test_x[1]", "tests/test_a.py"]}', ("tests/test_a.py",)),
        ('{"paths": "tests/test_a.py"}', ("tests/test_a.py",)),
        ('{"paths": "[\\"tests\\"]"}', ("tests",)),
    ],
)
async def test_paths_are_handed_on_as_they_are_in_the_tree(
    call: Call, arguments: str, handed_on: tuple[str, ...]
) -> None:
    assert await call("run_tests", arguments) == f"ran {handed_on}"


@pytest.mark.parametrize(
    "arguments",
    [
        '{"paths": ["tests/none.py"]}',
        '{"paths": ["../secret"]}',
        '{"paths": ["-p"]}',
        '{"paths": ["./-p"]}',
        '{"paths": [1]}x',
        '{"paths": "[[["}',
        '{"paths": {}}',
    ],
)
async def test_anything_else_is_refused(call: Call, arguments: str) -> None:
    with pytest.raises(ToolError):
        await call("run_tests", arguments)
