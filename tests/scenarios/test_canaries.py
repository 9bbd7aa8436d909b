"""Secrets are planted wherever Anton reads, and a model leaks them wherever it writes: nothing keeps them.

The whole command line with a real endpoint, a Slack, git and test runs. Afterwards everything that the run
left behind, and everything that it said to anybody, is searched for every canary.
"""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from anton.adapters.model.scripted import Reply, Step
from tests.counterparts.slack import CHANNEL, TOKEN, slack_server
from tests.entrypoints.server.test_process import serving
from tests.entrypoints.shell import Shell
from tests.entrypoints.test_bad_input import Honest, endpoint
from tests.office import BUGGY, FIX, OLD_TEST, TRIAGED, git, make_repository

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SHAPED = "0a1B2c3D4e5F6g7H8i9J"
CONFIGURED = {
    "API_KEY": "canary-of-the-model-7Qx",
    "SLACK_BOT_TOKEN": TOKEN,
    "PAYMENT_SECRET": "canary/of the+environment?&<7Qx>",
    "MCP_TOKEN": "canary-of-a-tool-server-7Qx",
    "SUITE_TOKEN": "canary-of-the-tests-7Qx",
}
SHAPES = {
    "ticket": "ghp_" + SHAPED + SHAPED[:16],
    "repository": "AKIA" + "Q3EGRZ7TWXYZ2345",
    "output": "glpat-" + SHAPED,
    "model": "xoxb-" + "1234567890-" + SHAPED,
}
CANARIES = (*CONFIGURED.values(), *SHAPES.values())
LEAK = " and ".join(CANARIES)

SETTINGS = f"""
[tests]
env = {{ PYTEST_DISABLE_PLUGIN_AUTOLOAD = "1", SUITE_TOKEN = "{CONFIGURED["SUITE_TOKEN"]}" }}

[proof]
mutation_seconds = 0
culprit_seconds = 0

[mcp.servers.notes]
command = "/nonexistent/notes"
agents = ["code"]
env = {{ MCP_TOKEN = "{CONFIGURED["MCP_TOKEN"]}" }}
"""
RED = f"""import os


def test_that_was_red_before_and_tells_all():
    print({SHAPES["output"]!r}, dict(os.environ), open(".env").read())
    raise AssertionError(os.environ["SUITE_TOKEN"] + {SHAPES["output"]!r})
"""
NEW_TEST = f"""from todo import Todo, complete

KNOWN = {LEAK!r}


def test_completing_twice_stays_completed():
    todo = Todo()
    complete(todo)
    complete(todo)
    assert todo.completed, KNOWN
"""


def write(path: str, content: str) -> Reply:
    return Reply(calls=(("write_file", {"path": path, "content": content}),))


READ = Reply(text=LEAK, calls=(("read_file", {"path": ".env"}), ("grep", {"pattern": LEAK}), (LEAK, {})))
RUN_TESTS = Reply(calls=(("run_tests", {"paths": []}),))
CODE_DONE = Reply(
    text=LEAK,
    calls=(
        (
            "submit",
            {
                "root_cause": f"It toggles. {LEAK}",
                "solution": f"It sets. {LEAK}",
                "files": [{"path": "todo.py", "why": f"Keep what is done {SHAPES['model']}"}],
            },
        ),
    ),
)
TESTS_DONE = Reply(
    calls=(
        (
            "submit",
            {
                "covered": [f"Twice. {LEAK}"],
                "files": [{"path": "tests/test_twice.py", "why": "Show it"}],
                "diagnosis": LEAK,
            },
        ),
    )
)
WRITTEN_UP = Reply(
    calls=(
        (
            "submit",
            {
                "title": f"Keep {SHAPES['ticket']}",
                "problem": LEAK,
                "root_cause": LEAK,
                "solution": LEAK,
                "how_to_verify": [LEAK],
            },
        ),
    )
)


class Leaking(Honest):
    """Says all it knows in everything that it says."""

    script: ClassVar[Mapping[str, Sequence[Step]]] = {
        "triage": [TRIAGED],
        "code": [READ, RUN_TESTS, FIX, write("leak.py", f"KEYS = {LEAK!r}\n"), CODE_DONE],
        "test": [READ, write("tests/test_twice.py", NEW_TEST), FIX, TESTS_DONE],
        "pr": [WRITTEN_UP, WRITTEN_UP, WRITTEN_UP],
    }
    heard: ClassVar[list[str]] = []

    def asked(self) -> dict[str, Any]:
        question = super().asked()
        self.heard.append(json.dumps(question, ensure_ascii=False))
        return question


def texts_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, archives unpacked; what git has compressed is looked at by `objects_of`."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or "objects" in path.parts:
            continue
        content = path.read_bytes()
        yield str(path), content
        if path.suffix == ".gz":
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                for member in archive.getmembers():
                    file = archive.extractfile(member)
                    if file is not None and not member.name.endswith(".pack"):
                        yield f"{path}/{member.name}", file.read()


def objects_of(repository: Path, own: set[str]) -> Iterator[tuple[str, bytes]]:
    """Every object of a git repository but those that were in the checkout before."""
    listed = git(repository, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    for line in listed.splitlines():
        name, kind = line.split()
        if name not in own and kind != "tree":
            yield f"{repository}:{name}", git(repository, "cat-file", kind, name).encode()


def assert_clean(what: str, text: str | bytes) -> None:
    content = text.encode() if isinstance(text, str) else text
    for canary in CANARIES:
        for written in (canary, json.dumps(canary)[1:-1], canary.replace("&", "&amp;").replace("<", "&lt;")):
            assert written.encode() not in content, f"{written!r} is in {what}"


async def test_no_canary_is_left_anywhere(tmp_path: Path) -> None:
    environment = f"AWS_ACCESS_KEY_ID={SHAPES['repository']}\nPAYMENT={CONFIGURED['PAYMENT_SECRET']}\n"
    files = {"todo.py": BUGGY, "tests/test_todo.py": OLD_TEST, "tests/test_red.py": RED, ".env": environment}
    checkout = make_repository(tmp_path / "todo", files)
    own = set(git(checkout, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())
    variables = {name: CONFIGURED[name] for name in ("API_KEY", "SLACK_BOT_TOKEN", "PAYMENT_SECRET")}
    shell = Shell(tmp_path / "person", {**variables, "SLACK_CHANNEL": CHANNEL, "MODEL": "leaking"})
    Leaking.heard.clear()
    ticket = f"To-dos come back\n\nMy key is {SHAPES['ticket']}, ours {CONFIGURED['PAYMENT_SECRET']}"
    async with slack_server() as slack:
        (shell.cwd / "anton.toml").write_text(f'{SETTINGS}\n[slack]\nbase_url = "{slack.url.rstrip("/")}"\n')
        with endpoint(Leaking) as url:
            arguments = ("--key", "BUG-7", "--repo", str(checkout), "--yes", "--unsafe-no-sandbox")
            said = await asyncio.to_thread(shell, "fix", ticket, *arguments, BASE_URL=url)
        assert said.status == 0, said
        await asyncio.to_thread(look_everywhere, shell, said.out + said.err)
        assert slack.messages
        assert_clean("Slack", json.dumps([*slack.messages, *slack.said], ensure_ascii=False))
    assert len(Leaking.heard) >= 10
    for request in Leaking.heard:
        assert_clean("a request to the model", request)
    assert any("[masked: AWS access key]" in request for request in Leaking.heard), "the file was read"
    for name, content in texts_below(shell.folder):
        if not name.endswith((".config/anton/anton.toml", "here/anton.toml")):
            assert_clean(name, content)
    repositories = [path.parent for path in shell.home.rglob("HEAD")]
    assert len(repositories) >= 2, "a mirror, and what was pushed to"
    for repository in repositories:
        for name, content in objects_of(repository, own):
            assert_clean(name, content)


def look_everywhere(shell: Shell, said: str) -> None:
    """What the terminal, the page and the API show."""
    assert_clean("the terminal", said)
    [folder] = (shell.cwd / ".oncall_runs").iterdir()
    run = folder.name
    for command in (("show", run), ("runs",), ("doctor",)):
        shown = shell(*command)
        assert_clean(" ".join(command), shown.out + shown.err)
    with serving(shell) as up, up.client as client:
        for path in (f"/runs/{run}", "/runs", f"/runs/{run}/transcripts", "/health"):
            for kind in ("application/json", "text/html"):
                assert_clean(path, client.get(path, headers={"Accept": kind}).content)
        with client.stream("GET", f"/runs/{run}/events") as stream:
            for line in stream.iter_lines():
                assert_clean("the events", line)
                if line == "event: run_closed":
                    break
        assert_clean("the server's log", up.said)
