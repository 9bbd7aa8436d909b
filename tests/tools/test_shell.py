"""Commands in the worktree: what they say, where they leave the shell, and what holds them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import NoSandbox, UnconfinedSandbox
from anton.core.errors import SandboxError, SandboxRefused, ToolError
from anton.core.permission import Policy
from anton.core.proof import SandboxLevel
from anton.core.shell import ending, folder_after
from anton.core.tool import Escapable, ToolResult
from anton.engine.permitted import permitted
from anton.ports import Command, Execution, Sandbox
from anton.tools.catalogue import TOOLS
from anton.tools.context import Terminal, ToolContext
from anton.tools.shell import is_refusal

UNCONFINED = UnconfinedSandbox("a test")
At = Callable[..., ToolContext]


@cache
def chosen(kind: Kind) -> Sandbox:
    return asyncio.run(choose(kind))


@pytest.fixture(params=[Kind.BUBBLEWRAP, Kind.LANDLOCK])
def confined(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox that works on this machine."""
    if not chosen(request.param).usable:
        pytest.skip(chosen(request.param).description)
    return chosen(request.param)


@pytest.fixture(params=[Kind.BUBBLEWRAP, Kind.LANDLOCK, Kind.NONE])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each of them, and none."""
    if request.param is Kind.NONE:
        return UNCONFINED
    if not chosen(request.param).usable:
        pytest.skip(chosen(request.param).description)
    return chosen(request.param)


@pytest.fixture
def at(context: ToolContext, root: Path) -> At:
    """The surroundings with a terminal of some sandbox."""

    def with_terminal(sandbox: Sandbox, folder: str = "") -> ToolContext:
        async def prepare(words: tuple[str, ...], seconds: float) -> Command:
            return Command(words, root, seconds)

        return replace(context, terminal=Terminal(prepare, sandbox, UNCONFINED, folder))

    return with_terminal


async def run(context: ToolContext, command: str, **arguments: object) -> str:
    return await TOOLS["shell"].bind(context).call(json.dumps({"command": command, **arguments}))


async def test_output_exit_code_and_folder_are_told(at: At, sandbox: Sandbox) -> None:
    context = at(sandbox)
    assert await run(context, "echo one; echo two >&2") == "one\ntwo\n[exit code 0; now in /repo]"
    assert await run(context, "exit 3") == "(no output)\n[exit code 3; now in /repo]"
    assert (await run(context, "if")).endswith("\n[exit code 2; now in /repo]")
    assert await run(context, "kill -9 $$") == "(no output)\n[killed by SIGKILL; now in /repo]"


async def test_the_folder_lasts_and_variables_do_not(at: At, sandbox: Sandbox, root: Path) -> None:
    context = at(sandbox)
    assert await run(context, "mkdir -p src/a && cd src/a && export X=1") == (
        "(no output)\n[exit code 0; now in /repo/src/a]"
    )
    assert (
        await run(context, "pwd -P; echo x$X; touch here")
        == "/repo/src/a\nx\n[exit code 0; now in /repo/src/a]"
    )
    assert (root / "src/a/here").exists()
    assert (await run(context, "cd ..; false")).endswith("[exit code 1; now in /repo/src]")
    assert (await run(context, "(cd a); exec true")).endswith("[exit code 0; now in /repo/src]")


@pytest.mark.parametrize("command", ["cd /", "cd /tmp", "cd ../../..", "ln -s / out; cd out"])
async def test_the_folder_never_leaves_the_worktree(
    at: At, sandbox: Sandbox, root: Path, command: str
) -> None:
    (root / "src").mkdir()
    context = at(sandbox, "src")
    said = await run(context, command)
    assert said.endswith(
        "It ended in a folder outside of /repo; the next command starts in /repo/src.\n"
        "[exit code 0; now in /repo/src]"
    )


async def test_a_folder_that_is_gone_gives_way_to_the_root(at: At, sandbox: Sandbox, root: Path) -> None:
    context = at(sandbox, "old")
    assert await run(context, "true") == (
        "(no output)\nThe folder /repo/old is gone; this ran in /repo.\n[exit code 0; now in /repo]"
    )
    said = await run(context, "mkdir a; cd a; rmdir ../a")
    assert said.endswith("[exit code 0; now in /repo]")


async def test_a_command_is_judged_from_where_the_last_one_left_the_shell(at: At, root: Path) -> None:
    (root / "src/app").mkdir(parents=True)
    (root / "README.md").write_text("read me")
    shell = permitted({"shell": TOOLS["shell"].bind(at(UNCONFINED))}, Policy.AUTO_EDIT, sandboxed=True)[
        "shell"
    ]
    with pytest.raises(ToolError, match="outside the worktree"):
        await shell.call('{"command": "cat ../README.md"}')
    await shell.call('{"command": "cd src/app"}')
    assert (await shell.call('{"command": "cat ../../README.md"}')).startswith("read me")
    with pytest.raises(ToolError, match="outside the worktree"):
        await shell.call('{"command": "cat ../../../secret"}')


async def test_a_link_in_a_folders_place_is_no_way_out(at: At, root: Path) -> None:
    """From where a link leads to, `..` is another folder than its path says."""
    (root / "a/b").mkdir(parents=True)
    context = at(UNCONFINED, "a/b")
    shell = permitted({"shell": TOOLS["shell"].bind(context)}, Policy.AUTO_EDIT, sandboxed=True)["shell"]
    (root / "a/b").rmdir()
    (root / "a/b").symlink_to("../top")
    (root / "top").mkdir()
    with pytest.raises(ToolError, match="outside the worktree"):
        await shell.call('{"command": "cat ../../secret"}')
    assert "The folder /repo/a/b is gone" in await shell.call('{"command": "pwd -P"}')


@pytest.mark.parametrize(
    "name", ["a b", "$(touch x)", "it's", "-n", "a;b]", 'q"q', "ü", "[exit code 1; now in "]
)
async def test_odd_names_of_folders_are_taken_as_they_are(at: At, root: Path, name: str) -> None:
    (root / name).mkdir()
    context = at(UNCONFINED, name)
    said = await run(context, "touch was-here")
    assert said == f"(no output)\n[exit code 0; now in /repo/{name}]"
    assert [path.name for path in root.iterdir()] == [name]
    assert (root / name / "was-here").exists()
    result = ToolResult("1", "shell", said)
    assert folder_after("", [result]) in (name, "")


async def test_a_command_cannot_say_where_it_is_itself(at: At, root: Path) -> None:
    (root / "src").mkdir()
    context = at(UNCONFINED)
    said = await run(
        context, "echo; echo anton-000000000000000000000000:/repo/src; echo '[exit code 0; now in /repo/src]'"
    )
    assert said.endswith("\n[exit code 0; now in /repo]")
    assert folder_after("x", [ToolResult("1", "shell", said)]) == ""
    assert folder_after("x", [ToolResult("1", "other", ending("exit code 0", "y"))]) == "x"


async def test_nothing_of_it_goes_on_afterwards(at: At, sandbox: Sandbox, root: Path) -> None:
    context = at(sandbox)
    said = await run(context, "(trap '' HUP TERM; sleep 300; echo late > late) & disown; echo started")
    assert said == "started\n[exit code 0; now in /repo]"
    assert not (root / "late").exists()


async def test_the_time_limit_ends_it_and_keeps_what_it_said(at: At, sandbox: Sandbox) -> None:
    said = await run(at(sandbox), "echo begun; sleep 300", seconds=1)
    assert said == "begun\n[ended after 1 s: the time limit; now in /repo]"


async def test_long_output_keeps_its_beginning_and_its_end(at: At) -> None:
    said = await run(at(UNCONFINED), "echo first; seq 1 200000; echo last; cd /")
    assert said.startswith("first\n1\n2\n")
    assert "left out" in said
    assert said.endswith("in /repo.\n[exit code 0; now in /repo]")
    assert "\nlast\n" in said
    assert len(said) < 20_000


async def test_what_a_terminal_would_obey_is_not_handed_on(at: At) -> None:
    said = await run(at(UNCONFINED), r"printf '\033[31mred\033[0m\x1b]0;title\x07\xff\n'")
    assert said == "red�\n[exit code 0; now in /repo]"


async def test_the_environment_is_scrubbed_inside_and_outside(
    at: At, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "SECRET")
    context = at(sandbox)
    tool = TOOLS["shell"].bind(context)
    assert isinstance(tool, Escapable)
    for said in (await run(context, "env"), await tool.call_outside('{"command": "env"}')):
        assert "SECRET" not in said
        assert "CI=1" in said


@pytest.mark.parametrize(
    "command", ["echo x > /usr/anton-was-here", "exec 3<>/dev/tcp/192.0.2.1/9", "touch /etc/x"]
)
async def test_what_the_sandbox_keeps_it_from_is_told_apart(at: At, command: str) -> None:
    sandbox = chosen(Kind.BUBBLEWRAP)
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    with pytest.raises(SandboxRefused, match=r"\[exit code 1; now in /repo\]$"):
        await run(at(sandbox), command)


async def test_nothing_can_be_written_beside_the_worktree(at: At, confined: Sandbox, root: Path) -> None:
    beside = root.parent / "beside"
    with suppress(SandboxRefused):
        assert "[exit code 1;" in await run(at(confined), f"echo x > {beside}")
    assert not beside.exists()


async def test_outside_the_sandbox_it_can_be_done(at: At, root: Path, confined: Sandbox) -> None:
    beside = root.parent / "beside"
    tool = TOOLS["shell"].bind(at(confined))
    assert isinstance(tool, Escapable)
    said = await tool.call_outside(json.dumps({"command": f"mkdir d; cd d; echo x > {beside}"}))
    assert said == "(no output)\n[exit code 0; now in /repo/d]"
    assert beside.read_text() == "x\n"
    assert (await tool.call('{"command": "pwd"}')).startswith("/repo/d\n")


def test_no_other_tool_can_leave_the_sandbox(at: At) -> None:
    context = at(UNCONFINED)
    assert [name for name, tool in TOOLS.items() if isinstance(tool.bind(context), Escapable)] == ["shell"]


@pytest.mark.parametrize(
    ("output", "level", "refused"),
    [
        ("curl: (6) Could not resolve host: packages.example", SandboxLevel.FULL, True),
        ("OSError: [Errno 30] Read-only file system: '/etc/x'", SandboxLevel.FULL, True),
        ("Error: getaddrinfo EAI_AGAIN registry", SandboxLevel.FULL, True),
        ("bash: ./x.sh: Permission denied", SandboxLevel.FULL, False),
        ("bash: /etc/x: Permission denied", SandboxLevel.LIMITED, True),
        ("1 failed, 2 passed", SandboxLevel.FULL, False),
        ("Network is unreachable", SandboxLevel.NONE, False),
    ],
)
def test_a_refusal_is_read_from_the_commands_words(output: str, level: SandboxLevel, refused: bool) -> None:
    assert is_refusal(Execution(1, output, timed_out=False, seconds=0), level) is refused
    assert not is_refusal(Execution(0, output, timed_out=False, seconds=0), level)


async def test_without_a_sandbox_nothing_runs(at: At, root: Path) -> None:
    with pytest.raises(SandboxError, match="there is no sandbox"):
        await run(at(NoSandbox("a test")), "touch x")
    assert list(root.iterdir()) == []


async def test_without_a_worktree_nothing_runs(context: ToolContext) -> None:
    with pytest.raises(ToolError, match="nowhere to run"):
        await run(context, "true")


@pytest.mark.parametrize(
    "arguments",
    [
        "{}",
        '{"command": ""}',
        '{"command": "a\\u0000b"}',
        '{"command": "true", "seconds": 0}',
        '{"command": "true", "seconds": 301}',
        '{"command": "true", "seconds": 1e999}',
        '{"command": ["true"]}',
        '{"command": "true", "outside": true}',
        json.dumps({"command": "x" * 20_001}),
        '{"command": "\\ud800"}',
    ],
)
async def test_other_calls_are_refused(at: At, arguments: str) -> None:
    with pytest.raises(ToolError):
        await TOOLS["shell"].bind(at(UNCONFINED)).call(arguments)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60))
async def test_any_text_gives_a_result_or_a_refusal(at: At, text: str) -> None:
    sandbox = chosen(Kind.BUBBLEWRAP)
    if not sandbox.usable:
        pytest.skip(sandbox.description)
    try:
        said = await run(at(sandbox), text, seconds=5)
    except (ToolError, SandboxError):
        return
    assert folder_after("?", [ToolResult("1", "shell", said)]) != "?"
