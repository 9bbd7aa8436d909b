"""What a model's changes do to a file, and what it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.tools.conftest import Call

from anton.core.errors import ToolError
from anton.tools.syntax import MAX_BYTES, python_problem


async def edit(call: Call, path: str, old: str, new: str, **more: bool) -> str:
    return await call("edit_file", json.dumps({"path": path, "old": old, "new": new, **more}))


async def write(call: Call, path: str, content: str) -> str:
    return await call("write_file", json.dumps({"path": path, "content": content}))


async def test_an_edit_shows_the_lines_around_it(call: Call, root: Path) -> None:
    (root / "a.py").write_text("".join(f"x{n} = {n}\n" for n in range(1, 20)))
    assert await edit(call, "./a.py", "x9 = 9\n", "x9 = 90\nnine = x9\n") == snapshot(
        """\
edited a.py at lines 9-10
     6\tx6 = 6
     7\tx7 = 7
     8\tx8 = 8
     9\tx9 = 90
    10\tnine = x9
    11\tx10 = 10
    12\tx11 = 11
    13\tx12 = 12\
"""
    )
    assert (root / "a.py").read_text().count("\n") == 20


async def test_all_occurrences_are_replaced_when_asked(call: Call, root: Path) -> None:
    (root / "a.txt").write_text("one\ntwo\none\n")
    assert await edit(call, "a.txt", "one", "1", replace_all=True) == snapshot(
        """\
edited a.txt in 2 places, first line 1
     1\t1
     2\ttwo
     3\t1\
"""
    )


async def test_a_long_change_is_shown_in_part(call: Call, root: Path) -> None:
    (root / "a").write_text("start\nend\n")
    shown = await edit(call, "a", "start", "\n".join(f"n{n}" for n in range(300)))
    assert "[261 lines not shown]" in shown
    assert shown.endswith("   299\tn298\n   300\tn299\n   301\tend")


async def test_bytes_that_are_not_utf8_and_line_ends_survive_an_edit(call: Call, root: Path) -> None:
    (root / "latin.txt").write_bytes(b"\xef\xbb\xbfcaf\xe9\r\nold\r\n")
    await edit(call, "latin.txt", "old\n", "new\nnewer\n")
    assert (root / "latin.txt").read_bytes() == b"\xef\xbb\xbfcaf\xe9\r\nnew\r\nnewer\r\n"


async def test_a_failed_edit_names_the_file_and_changes_nothing(call: Call, root: Path) -> None:
    (root / "a.py").write_text("a = 1\na = 1\n")
    with pytest.raises(ToolError, match=r"^a\.py: 'old' occurs 2 times, at lines 1, 2;"):
        await edit(call, "a.py", "a = 1", "a = 2")
    with pytest.raises(ToolError, match=r"^a\.py: 'old' and 'new' are the same"):
        await edit(call, "a.py", "a", "a")
    with pytest.raises(ToolError, match=r"there is no 'b\.py'"):
        await edit(call, "b.py", "a", "b")
    assert (root / "a.py").read_text() == "a = 1\na = 1\n"


async def test_python_that_no_longer_parses_is_kept_and_named(call: Call, root: Path) -> None:
    (root / "a.py").write_text("def f():\n    return 1\n")
    shown = await edit(call, "a.py", "def f():", "def f()")
    assert "warning: a.py does not parse as Python 3." in shown
    assert ": line 1: expected ':'" in shown
    assert (root / "a.py").read_text().startswith("def f()\n")
    assert "line 1: " in await write(call, "b.py", "print(")
    assert "warning" not in await write(call, "b.py", "x = '\\d'\n")


@pytest.mark.parametrize(
    "source", [b"(" * 100_000, b"-" * 400_000 + b"1", b"x" + b".y" * 200_000, b"\xff", b"#" * MAX_BYTES]
)
async def test_hostile_source_harms_nobody(source: bytes) -> None:
    problem = await python_problem(source)
    assert problem is None or problem.startswith("line 1: ")


async def test_a_file_is_created_with_its_folders_and_replaced(call: Call, root: Path) -> None:
    results = [
        await write(call, "tests/new/test_a.py", "import a\n\n\ndef test_a():\n    assert a\n"),
        await write(call, "tests/new/test_a.py", "import a\n\n\ndef test_b():\n    assert a\n    assert 1\n"),
        await write(call, "tests/new/test_a.py", "import a\n\n\ndef test_b():\n    assert a\n    assert 1\n"),
        await write(call, "one.txt", "one"),
    ]
    assert results == snapshot(
        [
            "created tests/new/test_a.py: 5 lines",
            "replaced tests/new/test_a.py: +2 -1 lines",
            "tests/new/test_a.py has exactly this content already; nothing was written",
            "created one.txt: 1 line",
        ]
    )
    assert (root / "one.txt").read_text() == "one"


async def test_a_replaced_file_keeps_line_ends_and_byte_order_mark(call: Call, root: Path) -> None:
    (root / "a").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert await write(call, "a", "one\nthree\n") == "replaced a: +1 -1 lines"
    assert (root / "a").read_bytes() == b"\xef\xbb\xbfone\r\nthree\r\n"


async def test_paths_of_others_are_refused_with_the_reason(call: Call, root: Path) -> None:
    (root / "locked").mkdir()
    (root / "locked/a").write_text("a")
    (root / "open").symlink_to("locked")
    for path in ("locked/a", "/repo/locked/a", "x/../locked/a"):
        with pytest.raises(ToolError, match=r"^'locked/a' is not yours to write: locked/ is read-only$"):
            await write(call, path, "b")
        with pytest.raises(ToolError, match="is not yours to write"):
            await edit(call, path, "a", "b")
    with pytest.raises(ToolError, match="'open' is a symbolic link to 'locked'"):
        await edit(call, "open/a", "a", "b")
    assert (root / "locked/a").read_text() == "a"


async def test_binary_and_oversized_text_is_refused(call: Call, root: Path) -> None:
    (root / "binary").write_bytes(b"a\0b")
    (root / "huge").write_bytes(b"a" * 2_500_000)
    for path, content in (("binary", "x"), ("huge", "x"), ("new", "a\0b"), ("new", "x" * 1_000_001)):
        with pytest.raises(ToolError):
            await write(call, path, content)
    for path in ("binary", "huge"):
        with pytest.raises(ToolError):
            await edit(call, path, "a", "b")
    assert not (root / "new").exists()
