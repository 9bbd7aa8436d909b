"""What a model reads when it looks around."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.tools.conftest import Call

from anton.core.errors import ToolError


async def test_a_file_is_shown_with_line_numbers(call: Call, root: Path) -> None:
    (root / "a.py").write_text("def f():\n\treturn 1\x0c\n# end\n")
    assert await call("read_file", '{"path": "/repo/a.py"}') == snapshot(
        """\
a.py: lines 1-3 of 3
     1\tdef f():
     2\t\treturn 1\x0c
     3\t# end\
"""
    )


async def test_a_part_of_a_file_says_how_to_go_on(call: Call, root: Path) -> None:
    (root / "a").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    assert await call("read_file", '{"path": "a", "start_line": 9, "max_lines": 2}') == snapshot(
        """\
a: lines 9-10 of 100
     9\tline 9
    10\tline 10
[90 more lines; go on with start_line=11]\
"""
    )
    with pytest.raises(ToolError, match=r"^'a' has 100 lines; line 101 is past its end$"):
        await call("read_file", '{"path": "a", "start_line": 101}')


async def test_what_an_editor_would_show_in_its_status_bar_is_said(call: Call, root: Path) -> None:
    (root / "a").write_bytes(b"\xef\xbb\xbfcaf\xe9\r\nend")
    assert await call("read_file", '{"path": "a"}') == snapshot(
        """\
a: lines 1-2 of 2 (CRLF line ends, byte order mark, no newline at the end, not valid UTF-8: \ufffd stands for\
 each byte that is not)
     1\tcaf\ufffd
     2\tend\
"""
    )


async def test_binary_huge_and_empty_files_are_described(call: Call, root: Path) -> None:
    (root / "logo").write_bytes(b"\x89PNG\0" * 400)
    (root / "huge").write_text("x\n" * 1_500_000)
    (root / "empty").write_text("")
    assert [await call("read_file", json.dumps({"path": p})) for p in ("logo", "huge", "empty")] == snapshot(
        [
            "logo: binary file of 2.0 kB, not shown",
            "huge: 3.0 MB, too large to read (limit 2.0 MB); search in it with grep",
            "empty: empty file",
        ]
    )


async def test_long_lines_and_long_files_stay_within_one_result(call: Call, root: Path) -> None:
    (root / "wide").write_text(("x" * 5_000 + "\n") * 100)
    shown = await call("read_file", '{"path": "wide"}')
    first, *_, last = shown.split("\n")
    assert first == "wide: lines 1-30 of 100"
    assert last == "[70 more lines; go on with start_line=31]"
    assert "x [4,000 more characters]\n" in shown
    assert len(shown) < 32_000


async def test_a_missing_file_is_met_with_files_of_that_name(call: Call, root: Path) -> None:
    (root / "src/deep").mkdir(parents=True)
    (root / "src/deep/a.py").touch()
    with pytest.raises(ToolError) as caught:
        await call("read_file", '{"path": "a.py"}')
    assert str(caught.value) == "there is no 'a.py'; files of that name: 'src/deep/a.py'"
    with pytest.raises(ToolError, match=r"^there is no 'b\.py'$"):
        await call("read_file", '{"path": "b.py"}')


async def test_a_folder_is_listed_as_a_tree(call: Call, root: Path) -> None:
    for path in (
        "src/pkg/deep/x.py",
        "src/a.py",
        "README.md",
        "node_modules/m/i.js",
        ".git/config",
        ".github/ci.yml",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x" * 1_234)
    (root / "link").symlink_to("../outside")
    (root / "odd\nname").touch()
    os.mkfifo(root / "pipe")
    assert await call("list_dir", "{}") == snapshot(
        """\
./
  .github/
    ci.yml  1.2 kB
  src/
    pkg/
    a.py  1.2 kB
  README.md  1.2 kB
  link -> ../outside
  odd\\x0aname  0 B
  pipe  special file\
"""
    )
    assert await call("list_dir", '{"path": "src/pkg", "depth": 1}') == "src/pkg/\n  deep/"
    assert await call("list_dir", '{"path": ""}') == await call("list_dir", "{}")


async def test_a_listing_is_bounded_and_says_so(call: Call, root: Path) -> None:
    for folder in range(7):
        (root / str(folder)).mkdir()
        for file in range(103):
            (root / str(folder) / f"{file:03}").touch()
    lines = (await call("list_dir", "{}")).split("\n")
    assert "    [3 more in this folder]" in lines
    assert lines[-1] == "[more than 500 entries; list a folder further down, or use glob]"
    assert len(lines) == 502


async def test_an_empty_or_missing_folder_is_said_plainly(call: Call, root: Path) -> None:
    (root / "empty").mkdir()
    assert await call("list_dir", '{"path": "empty"}') == "empty/ is empty"
    with pytest.raises(ToolError, match="there is no 'none'"):
        await call("list_dir", '{"path": "none"}')


async def test_files_are_found_by_pattern_and_links_not_followed(call: Call, root: Path) -> None:
    for path in ("src/a.py", "src/x/b.py", "tests/test_a.py", ".venv/lib/c.py", "src/x/c.txt"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "loop").symlink_to(".")
    (root / "out").symlink_to("..")
    assert await call("glob", '{"pattern": "**/*.py"}') == "src/a.py\nsrc/x/b.py\ntests/test_a.py"
    assert await call("glob", '{"pattern": "src/*.py"}') == "src/a.py"
    assert await call("glob", '{"pattern": "secret"}') == "no file matches 'secret'"


async def test_found_files_are_bounded(call: Call, root: Path) -> None:
    for number in range(501):
        (root / f"{number:03}").touch()
    lines = (await call("glob", '{"pattern": "*"}')).split("\n")
    assert lines[-1] == "[more than 500 files match; narrow the pattern]"
    assert len(lines) == 501
