"""What every sandbox owes its caller, on every one that works on this machine."""

import asyncio
import os
import re
import socket
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from anton.adapters.sandbox.bubblewrap import BubblewrapSandbox
from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import UnconfinedSandbox
from anton.adapters.sandbox.landlock import LandlockSandbox
from anton.adapters.sandbox.process import NICENESS
from anton.adapters.sandbox.selftest import interpreter_paths, self_test
from anton.core.errors import SandboxError
from anton.ports import Command, Execution, Sandbox, SandboxLevel

PYTHON = (sys.executable, "-I", "-B", "-c")


@cache
def chosen(kind: Kind) -> Sandbox:
    return asyncio.run(choose(kind))


def working(kind: Kind) -> Sandbox:
    if not chosen(kind).usable:
        pytest.skip(chosen(kind).description)
    return chosen(kind)


@pytest.fixture(params=[Kind.BUBBLEWRAP, Kind.LANDLOCK])
def confined(request: pytest.FixtureRequest) -> Sandbox:
    return working(request.param)


@pytest.fixture(params=[Kind.BUBBLEWRAP, Kind.LANDLOCK, Kind.NONE])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if request.param is Kind.NONE:
        return UnconfinedSandbox("a test asked for it")
    return working(request.param)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


@pytest.fixture
def marker() -> Iterator[str]:
    """A word to be found in the command line of whatever a test leaves behind; fails where something is."""
    word = f"marker-{uuid.uuid4().hex}"
    yield word
    assert processes_with(word) == []


def processes_with(word: str) -> list[str]:
    def command_line(path: Path) -> str:
        try:
            return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            return ""

    return [line for path in Path("/proc").glob("[0-9]*/cmdline") if word in (line := command_line(path))]


def command(tree: Path, *argv: str, seconds: float = 20) -> Command:
    return Command(argv, tree, seconds)


def shell(tree: Path, script: str, *arguments: str, seconds: float = 20) -> Command:
    return command(tree, "bash", "-c", script, "bash", *arguments, seconds=seconds)


def python(tree: Path, script: str, *arguments: str, seconds: float = 20) -> Command:
    plain = command(tree, *PYTHON, script, *arguments, seconds=seconds)
    return replace(plain, readable=interpreter_paths())


def ended(execution: Execution) -> tuple[int | None, str, bool]:
    return execution.exit_code, execution.output, execution.timed_out


async def test_it_says_how_strong_it_is(confined: Sandbox) -> None:
    assert confined.level in (SandboxLevel.LIMITED, SandboxLevel.FULL)
    assert confined.description.startswith(("full (bubblewrap", "limited (Landlock"))


async def test_every_attempt_to_get_out_is_held(confined: Sandbox) -> None:
    assert [finding for finding in await self_test(confined) if not finding.held] == []


async def test_exit_code_and_both_streams_come_back(sandbox: Sandbox, tree: Path) -> None:
    execution = await sandbox.run(shell(tree, "echo out; echo err >&2; exit 7"))
    assert ended(execution) == (7, "out\nerr\n", False)


async def test_what_runs_inside_gives_way_to_what_runs_outside(sandbox: Sandbox, tree: Path) -> None:
    script = "import os, time; time.sleep(0.2); print(os.nice(0))"
    assert int((await sandbox.run(python(tree, script))).output) >= min(19, NICENESS + os.nice(0))


TAKES_MEMORY = "held = b'x' * (int(sys.argv[1]) << 20)"
BY_AN_ORPHAN = """
if os.fork():
    os.wait()
    time.sleep(60)
elif os.fork():
    os._exit(0)
"""


def limited(sandbox: Sandbox, mib: int) -> Sandbox:
    """The same kind of sandbox, with so much memory for a command."""
    match sandbox:
        case BubblewrapSandbox():
            return replace(sandbox, memory_bytes=mib << 20)
        case UnconfinedSandbox():
            return replace(sandbox, memory_bytes=mib << 20)
    return LandlockSandbox(memory_bytes=mib << 20)


SHARES_MEMORY = """import mmap
held = mmap.mmap(-1, int(sys.argv[1]) << 20)
for place in range(0, len(held), mmap.PAGESIZE):
    held[place] = 1
"""


@pytest.mark.parametrize(
    "taking",
    [TAKES_MEMORY, BY_AN_ORPHAN + TAKES_MEMORY, SHARES_MEMORY],
    ids=["itself", "an orphan of it", "to share"],
)
async def test_what_takes_too_much_memory_is_ended_with_all_that_it_started(
    sandbox: Sandbox, tree: Path, marker: str, taking: str
) -> None:
    name = "ctypes.CDLL(None).prctl(15, b'\\xff: RssAnon: 1 kB')"
    script = f"import ctypes, os, sys, time\n{name}\n{taking}\ntime.sleep(60)"
    execution = await limited(sandbox, 256).run(python(tree, script, "500", marker, seconds=50))
    assert (execution.exit_code, execution.timed_out) == (-9, False)
    said = r"\[ended: it took [2-5]\d\d MiB .* may take 256 \(sandbox\.memory_mib\)\]"
    assert re.search(said, execution.output)


async def test_memory_that_forks_share_is_counted_once(sandbox: Sandbox, tree: Path) -> None:
    script = f"""import os, sys, time
{TAKES_MEMORY}
for _ in range(3):
    if not os.fork():
        time.sleep(1)
        os._exit(0)
print(*(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(3)))"""
    execution = await limited(sandbox, 400).run(python(tree, script, "200"))
    assert ended(execution) == (0, "0 0 0\n", False)


async def test_a_signal_is_a_negative_exit_code(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(shell(tree, "kill -SEGV $$"))).exit_code == -11


async def test_wrong_usage_of_git_is_no_signal(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(shell(tree, "exit 129"))).exit_code == 129


async def test_an_unknown_command_ends_as_in_a_shell(sandbox: Sandbox, tree: Path) -> None:
    execution = await sandbox.run(command(tree, "no-such-command"))
    assert execution.exit_code == 127
    assert "no-such-command" in execution.output


async def test_a_tree_that_is_not_there_is_an_error(sandbox: Sandbox, tree: Path) -> None:
    with pytest.raises(SandboxError, match="missing"):
        await sandbox.run(command(tree / "missing", "true"))


async def test_arguments_that_no_process_can_have_are_an_error(sandbox: Sandbox, tree: Path) -> None:
    with pytest.raises(SandboxError, match="null byte"):
        await sandbox.run(command(tree, "true", "a\0b"))


async def test_the_tree_can_be_written_and_is_called_repo(sandbox: Sandbox, tree: Path) -> None:
    execution = await sandbox.run(
        shell(tree, 'echo kept > file; mkdir -p a/b; mv file a/b/; pwd; echo "$PWD/a"')
    )
    assert ended(execution) == (0, "/repo\n/repo/a\n", False)
    assert (tree / "a/b/file").read_text() == "kept\n"


async def test_a_tree_behind_a_symbolic_link_is_called_repo_too(sandbox: Sandbox, tree: Path) -> None:
    link = tree.parent / "link"
    link.symlink_to(tree)
    execution = await sandbox.run(shell(link, "pwd -P; pwd -L; touch made"))
    assert execution.output == "/repo\n/repo\n"
    assert (tree / "made").exists()


async def test_nothing_can_be_read_from_the_terminal(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(shell(tree, "read line || echo nobody there"))).output == "nobody there\n"


async def test_the_environment_is_a_list_of_what_goes_in(sandbox: Sandbox, tree: Path) -> None:
    execution = await sandbox.run(replace(command(tree, "env"), env={"FOR_THE_SUITE": "1", "CI": "0"}))
    variables = dict(line.split("=", 1) for line in execution.output.splitlines())
    home, temporary = variables.pop("HOME"), variables.pop("TMPDIR")
    assert home != temporary
    assert str(Path.home()) != home
    variables.pop("PWD", None)  # bubblewrap's own
    assert variables == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "anton",
        "LOGNAME": "anton",
        "LANG": "C.UTF-8",
        "CI": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "FOR_THE_SUITE": "1",
    }


async def test_home_and_temporary_folder_are_empty_and_writable(sandbox: Sandbox, tree: Path) -> None:
    script = 'for d in "$HOME" "$TMPDIR"; do ls -A "$d"; touch "$d/x" && echo made; done'
    first, second = [await sandbox.run(shell(tree, script)) for _ in range(2)]
    assert first.output == second.output == "made\nmade\n"


async def test_programs_of_a_readable_prefix_are_found_first(sandbox: Sandbox, tree: Path) -> None:
    tool = tree.parent / "prefix/bin/ls"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\necho from the prefix\n")
    tool.chmod(0o755)
    readable = (tree.parent / "prefix", Path("/no/such"))
    execution = await sandbox.run(replace(command(tree, "ls"), readable=readable))
    assert ended(execution) == (0, "from the prefix\n", False)


async def test_what_is_readable_cannot_be_written(confined: Sandbox, tree: Path) -> None:
    prefix = tree.parent / "prefix"
    prefix.mkdir()
    (prefix / "file").write_text("content")
    script = f"cat {prefix}/file; echo changed > {prefix}/file; touch {prefix}/new; rm -f {prefix}/file"
    execution = await confined.run(replace(shell(tree, script), readable=(prefix,)))
    assert execution.output.startswith("content")
    assert [path.read_text() for path in prefix.iterdir()] == ["content"]


async def test_the_python_that_anton_runs_on_runs(sandbox: Sandbox, tree: Path) -> None:
    script = "import ssl, sqlite3, subprocess, asyncio; asyncio.run(asyncio.sleep(0)); print('alive')"
    assert ended(await sandbox.run(python(tree, script))) == (0, "alive\n", False)


async def test_git_runs(sandbox: Sandbox, tree: Path) -> None:
    git = "git -c user.name=a -c user.email=b"
    script = f"git init -q . && {git} commit -q --allow-empty -m subject && git log --format=%s"
    assert ended(await sandbox.run(shell(tree, script))) == (0, "subject\n", False)


async def test_a_flood_of_output_is_drained_and_bounded(sandbox: Sandbox, tree: Path) -> None:
    script = "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last"
    execution = await sandbox.run(replace(shell(tree, script), max_output_bytes=1000))
    assert execution.exit_code == 0
    assert execution.output.startswith("first\nxxx")
    assert execution.output.endswith("xxx\nlast\n")
    assert "\n[… 19999012 bytes left out …]\n" in execution.output
    assert len(execution.output) < 1100


async def test_output_that_is_no_text_comes_back_as_text(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(shell(tree, r"printf '\xff\xfe ok'"))).output.endswith(" ok")


async def test_the_time_limit_ends_a_busy_loop(sandbox: Sandbox, tree: Path, marker: str) -> None:
    execution = await sandbox.run(shell(tree, "while true; do :; done", marker, seconds=0.3))
    assert ended(execution) == (None, "", True)


async def test_the_time_limit_ends_an_endless_flood(sandbox: Sandbox, tree: Path, marker: str) -> None:
    execution = await sandbox.run(replace(shell(tree, "yes", marker, seconds=0.3), max_output_bytes=1000))
    assert (execution.exit_code, execution.timed_out) == (None, True)
    assert len(execution.output) < 1100


DAEMON = (
    '(setsid sh -c \'trap "" TERM HUP INT; while :; do sleep 7; done\' "$1" </dev/null {} &) ; echo started'
)


@pytest.mark.parametrize("streams", ["", ">/dev/null 2>&1"], ids=["holds the pipe", "lets go of the pipe"])
async def test_no_daemon_outlives_its_command(
    sandbox: Sandbox, tree: Path, marker: str, streams: str
) -> None:
    execution = await sandbox.run(shell(tree, DAEMON.format(streams), marker))
    assert ended(execution) == (0, "started\n", False)


async def test_no_daemon_outlives_the_time_limit(sandbox: Sandbox, tree: Path, marker: str) -> None:
    execution = await sandbox.run(shell(tree, DAEMON.format("") + "; sleep 60", marker, seconds=0.3))
    assert (execution.exit_code, execution.timed_out) == (None, True)


async def test_cancellation_ends_everything_before_it_passes_on(
    sandbox: Sandbox, tree: Path, marker: str
) -> None:
    os.mkfifo(tree / "up")
    running = asyncio.create_task(
        sandbox.run(shell(tree, DAEMON.format("") + "; echo > up; sleep 60", marker))
    )
    await asyncio.to_thread((tree / "up").read_text)
    assert processes_with(marker)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert processes_with(marker) == []


async def test_cancellation_at_once_leaves_nothing(sandbox: Sandbox, tree: Path, marker: str) -> None:
    for turns in range(12):
        running = asyncio.create_task(sandbox.run(shell(tree, "sleep 60", marker)))
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert processes_with(marker) == []


async def test_no_scratch_folder_is_left(sandbox: Sandbox, tree: Path) -> None:
    script = 'made="$TMPDIR/$1"; mkdir "$made" && touch "$made/x" "$HOME/x" && echo "$made"'
    execution = await sandbox.run(shell(tree, script, uuid.uuid4().hex))
    assert execution.exit_code == 0
    assert not Path(execution.output.strip()).exists()


async def test_commands_run_side_by_side(sandbox: Sandbox, tree: Path) -> None:
    executions = await asyncio.gather(*(sandbox.run(shell(tree, f"echo {n}")) for n in range(8)))
    assert [execution.output for execution in executions] == [f"{n}\n" for n in range(8)]


async def test_no_descriptor_is_left_open(sandbox: Sandbox, tree: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    await sandbox.run(command(tree, "true"))
    before = descriptors()
    for seconds in (20, 0.05):
        await sandbox.run(command(tree, "sleep", "0.1", seconds=seconds))
    assert descriptors() == before


FORKS = """
import os, time
made = 0
try:
    for _ in range(2500):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
print(made)
"""


@pytest.mark.skipif(os.getuid() == 0, reason="the kernel does not count root's processes against a limit")
async def test_the_number_of_processes_is_limited(confined: Sandbox, tree: Path) -> None:
    assert int((await confined.run(python(tree, FORKS))).output) < 1500


async def test_what_a_fork_bomb_started_is_gone_with_it(sandbox: Sandbox, tree: Path, marker: str) -> None:
    bomb = "import os\nfor _ in range(8): os.fork()\nwhile True: os.wait() if os.fork() else os._exit(0)"
    execution = await sandbox.run(python(tree, bomb, marker, seconds=0.6))
    assert execution.timed_out


@pytest.mark.parametrize("move", ["", "os.setsid()"], ids=["in its group", "always a new session"])
async def test_no_chain_of_forks_outlives_its_command(
    sandbox: Sandbox, tree: Path, marker: str, move: str
) -> None:
    chain = f"import os\nprint('begun', flush=True)\nwhile True:\n  if os.fork(): os._exit(0)\n  {move}"
    assert ended(await sandbox.run(python(tree, chain, marker, seconds=20))) == (0, "begun\n", False)


async def test_a_file_cannot_grow_without_end(sandbox: Sandbox, tree: Path) -> None:
    execution = await sandbox.run(shell(tree, "truncate -s 2G big || echo too large"))
    assert execution.output.endswith("too large\n")


async def test_no_core_is_dumped(sandbox: Sandbox, tree: Path) -> None:
    assert (await sandbox.run(shell(tree, "ulimit -c"))).output == "0\n"


async def test_files_outside_can_neither_be_read_nor_changed(confined: Sandbox, tree: Path) -> None:
    canary = tree.parent / "canary"
    canary.write_text("secret")
    attempts = "cat $1; echo x > $1; truncate -s 0 $1; rm -f $1; mv $1 .; ln $1 . && cat canary; cp -r $2 ."
    execution = await confined.run(shell(tree, attempts, str(canary), str(tree.parent)))
    assert "secret" not in execution.output
    assert canary.read_text() == "secret"
    assert [path.name for path in tree.parent.iterdir() if path.name not in ("canary", "tree")] == []


async def test_a_link_in_the_tree_leads_nowhere(confined: Sandbox, tree: Path) -> None:
    (tree.parent / "canary").write_text("secret")
    (tree / "link").symlink_to(tree.parent / "canary")
    execution = await confined.run(shell(tree, "cat link; echo x > link"))
    assert "secret" not in execution.output
    assert (tree.parent / "canary").read_text() == "secret"


async def test_other_trees_are_out_of_reach(confined: Sandbox, tree: Path) -> None:
    other = tree.parent / "tree-of-another-agent"
    other.mkdir()
    (other / "file").write_text("secret")
    execution = await confined.run(shell(tree, "cat $1/file $1/../tree-of-another-agent/file", str(other)))
    assert "secret" not in execution.output


async def test_the_home_of_the_user_is_out_of_reach(confined: Sandbox, tree: Path) -> None:
    script = "ls -A $1 /root /var/log; cat /etc/shadow"
    execution = await confined.run(shell(tree, script, str(Path.home())))
    assert [line for line in execution.output.splitlines() if not line.startswith(("ls: ", "cat: "))] == []


async def test_no_process_of_the_host_can_be_seen_or_signalled(confined: Sandbox, tree: Path) -> None:
    script = "kill -0 $1 && echo signalled; cat /proc/$1/cmdline /proc/$1/environ /proc/1/environ"
    execution = await confined.run(shell(tree, script, str(os.getppid())))
    assert "signalled" not in execution.output
    assert [line for line in execution.output.splitlines() if not line.startswith(("bash: ", "cat: "))] == []


@pytest.mark.parametrize(("network", "expected"), [(False, "held\nheld\n"), (True, "reached\nheld\n")])
async def test_nothing_on_the_host_can_be_reached_but_by_tcp_where_a_command_fetches(
    confined: Sandbox, tree: Path, network: bool, expected: str
) -> None:
    abstract = f"\0anton-{uuid.uuid4().hex}"
    tcp = socket.create_server(("127.0.0.1", 0))
    with tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(abstract)
        unix.listen()
        script = (
            "import socket, sys\n"
            "for family, address in (\n"
            "    (socket.AF_INET, ('127.0.0.1', int(sys.argv[1]))), (socket.AF_UNIX, '\\0' + sys.argv[2])):\n"
            "    try:\n"
            "        socket.socket(family).connect(address)\n"
            "        print('reached')\n"
            "    except OSError:\n"
            "        print('held')\n"
        )
        plain = python(tree, script, str(tcp.getsockname()[1]), abstract[1:])
        execution = await confined.run(replace(plain, network=network))
    assert execution.output == expected


REFUSED = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = {
    "user namespace": lambda: libc.unshare(0x10000000),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "ptrace": lambda: libc.ptrace(16, 1, 0, 0),
    "chroot": lambda: libc.chroot(b"."),
    "vsock": lambda: libc.socket(40, 1, 0),
    "packet": lambda: libc.socket(17, 3, 0),
    "setuid": lambda: libc.setuid(65533),
    "io_uring": lambda: libc.syscall(425, 1, None),
    "terminal": lambda: libc.ioctl(0, 0x5412, b"x"),
}
print(sorted(name for name, call in calls.items() if call() >= 0))
"""


async def test_what_would_widen_the_sandbox_is_refused(confined: Sandbox, tree: Path) -> None:
    assert ended(await confined.run(python(tree, REFUSED))) == (0, "[]\n", False)


async def test_the_kernel_cannot_be_configured(confined: Sandbox, tree: Path) -> None:
    script = "find /proc -path '/proc/[0-9]*' -prune -o -not -type l -writable -print"
    execution = await confined.run(shell(tree, script))
    assert [line for line in execution.output.splitlines() if not line.startswith("find: ")] == []
