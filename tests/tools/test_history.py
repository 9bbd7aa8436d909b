"""What an agent is told of the past."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from tests.adapters.repository.conftest import run_git
from tests.tools.conftest import Call

from anton.adapters.repository.git import GitRepository
from anton.core.errors import ToolError
from anton.tools.catalogue import TOOLS
from anton.tools.context import BaseHistory, ToolContext


@pytest.fixture
async def past(context: ToolContext, root: Path, tmp_path: Path) -> Call:
    """The tools on a repository of two commits, whose worktree has changed since."""
    run_git(root, "init", "-q", "-b", "main")
    (root / "app.py").write_text("def double(x):\n    return x + x\n\n\nprint(double(2))\n")
    (root / "notes.txt").write_text("n\n")
    run_git(root, "add", "-A")
    run_git(root, "commit", "-q", "-m", "Double a number")
    (root / "app.py").write_text("def double(x):\n    return 2 * x\n\n\nprint(double(2))\n")
    run_git(root, "commit", "-q", "-am", "Multiply\n\nAdding is slow.", "--author=Zoë \x1b[1m <z@e>")
    repository = GitRepository(root, tmp_path / "mirror")
    base = await repository.resolve("")
    (root / "app.py").write_text("changed by the agent\n")
    on_base = replace(context, base=BaseHistory(repository.past, base.commit))

    async def by_name(name: str, arguments: str) -> str:
        told = await TOOLS[name].bind(on_base).call(arguments)
        for commit, known in ((base.commit, "SECOND"), (run_git(root, "rev-parse", "HEAD~"), "FIRST")):
            told = told.replace(commit, known).replace(commit[:10], known)
        return told.replace("+00:00", "Z")

    return by_name


async def test_the_log_is_of_all_or_of_one_path(past: Call) -> None:
    assert await past("git_log", "{}") == snapshot("""\
SECOND 2023-11-14 Zoë \\x1b[1m: Multiply
FIRST 2023-11-14 Ada: Double a number\
""")
    assert await past("git_log", '{"path": "./notes.txt"}') == snapshot(
        "FIRST 2023-11-14 Ada: Double a number"
    )
    assert await past("git_log", '{"limit": 1}') == snapshot("""\
SECOND 2023-11-14 Zoë \\x1b[1m: Multiply
[the first 1; there may be more]\
""")
    with pytest.raises(ToolError, match=r"no commit has changed 'none'"):
        await past("git_log", '{"path": "none"}')


async def test_a_commit_is_shown(past: Call) -> None:
    assert await past("git_show", '{"commit": "HEAD"}') == snapshot("""\
commit SECOND
parents FIRST
author Zoë \x1b[1m
date 2023-11-14T22:13:20Z

Multiply

Adding is slow.

---
 app.py | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/app.py b/app.py
index 4962096..91d3d1b 100644
--- a/app.py
+++ b/app.py
@@ -1,5 +1,5 @@
 def double(x):
-    return x + x
+    return 2 * x
 \n\
 \n\
 print(double(2))\
""")
    assert "diff --git" not in await past("git_show", '{"commit": "HEAD", "path": "notes.txt"}')


async def test_a_stretch_of_lines_stands_below_its_commit(past: Call) -> None:
    told = await past("git_blame", '{"path": "/repo/app.py", "start_line": 1, "end_line": 3}')
    assert told == snapshot("""\
FIRST 2023-11-14 Ada: Double a number
     1	def double(x):
SECOND 2023-11-14 Zoë \\x1b[1m: Multiply
     2	    return 2 * x
FIRST 2023-11-14 Ada: Double a number
     3	\
""")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("git_show", {"commit": "main"}, "no commit 'main' in the history"),
        ("git_show", {"commit": "--output=/tmp/x"}, "no commit"),
        ("git_show", {"commit": "HEAD", "path": "../x"}, "leads outside"),
        ("git_log", {"path": "/etc"}, "not a path inside the repository"),
        ("git_log", {"limit": 1000}, "'limit' should be less than or equal to 200"),
        ("git_blame", {"path": "app.py", "start_line": 9, "end_line": 9}, "there is no line 9 of 'app.py'"),
        ("git_blame", {"path": "gone", "start_line": 1, "end_line": 1}, "there is no line 1 of 'gone'"),
    ],
)
async def test_what_is_not_there_is_named(
    past: Call, name: str, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(ToolError, match=said):
        await past(name, json.dumps(arguments))


async def test_a_large_commit_is_cut_and_says_so(past: Call, root: Path, context: ToolContext) -> None:
    (root / "large.txt").write_text("".join(f"line {n}\n" for n in range(20_000)))
    run_git(root, "add", "-A")
    run_git(root, "commit", "-q", "-m", "Large")
    repository = GitRepository(root, root.parent / "other-mirror")
    base = await repository.resolve("")
    on_base = replace(context, base=BaseHistory(repository.past, base.commit))
    shown = await TOOLS["git_show"].bind(on_base).call('{"commit": "HEAD"}')
    assert shown.endswith("[cut after 60,000 bytes; give a path]")
    assert len(shown) < 33_000
    blamed = (
        await TOOLS["git_blame"]
        .bind(on_base)
        .call('{"path": "large.txt", "start_line": 5, "end_line": 20000}')
    )
    assert blamed.splitlines()[-1] == "   204\tline 203"


async def test_without_a_history_the_tools_say_so(call: Call) -> None:
    with pytest.raises(ToolError, match="there is no history here"):
        await call("git_log", "{}")
