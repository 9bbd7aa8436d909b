"""What goes wrong at the keyboard or around it: one clear sentence, an exit status, never a traceback."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from anton.adapters.model.scripted import Reply, Step
from tests.adapters.model.endpoint import DONE, call, chunk, sse
from tests.entrypoints.shell import Said, Shell, run_id_in
from tests.office import BUGGY, HONEST, OLD_TEST, git, make_repository

pytestmark = pytest.mark.timeout(400)

TICKET = "To-dos come back when Done is tapped twice"
NOBODY = "http://127.0.0.1:9/v1"
"""Where no model answers; what is wrong with a repository shows without one."""


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "todo")


def assert_one_sentence(said: Said, *words: str, status: int) -> None:
    """The reason on standard error, as one paragraph for a person."""
    assert said.status == status, said
    assert "Traceback" not in said.out + said.err
    assert said.err.startswith("anton: "), said.err
    assert len(said.err) < 1_000, "nobody reads more than that"
    for word in words:
        assert word in said.err, said.err


# The repository


def test_a_folder_that_is_no_repository_is_named(anton: Shell) -> None:
    assert_one_sentence(
        anton("fix", TICKET, "--repo", str(anton.cwd)), str(anton.cwd), "git repository", status=2
    )
    assert_one_sentence(anton.inside("fix", TICKET, "--repo", "/nonexistent"), "'/nonexistent'", status=2)


def test_a_repository_without_a_commit_is_told_to_make_one(anton: Shell, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "empty")
    assert_one_sentence(anton("fix", TICKET, "--repo", str(tmp_path / "empty")), "commit", status=2)


def test_a_detached_head_needs_a_base_and_a_base_must_be_there(anton: Shell, repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert_one_sentence(anton("fix", TICKET, "--repo", str(repository)), "detached", "--base", status=2)
    said = anton.inside("fix", TICKET, "--repo", str(repository), "--base", "no-such-branch")
    assert_one_sentence(said, "no-such-branch", status=2)
    assert anton.inside("runs").out.startswith("No runs yet")


@pytest.mark.slow
def test_a_repository_without_tests_ends_the_run(anton: Shell, tmp_path: Path) -> None:
    bare = make_repository(tmp_path / "bare", {"todo.py": BUGGY})
    said = anton("fix", TICKET, "--repo", str(bare), "--unsafe-no-sandbox", **with_model(NOBODY))
    assert said.status == 1
    assert "no tests" in said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.slow
def test_a_suite_that_cannot_start_is_shown_in_its_own_words(anton: Shell, tmp_path: Path) -> None:
    broken = make_repository(
        tmp_path / "broken", {"todo.py": BUGGY, "tests/conftest.py": "import nothing_of_the_kind\n"}
    )
    said = anton("fix", TICKET, "--repo", str(broken), "--unsafe-no-sandbox", **with_model(NOBODY))
    assert said.status == 1
    assert "No module named 'nothing_of_the_kind'" in said.out
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_a_suite_that_hangs_is_ended_at_the_limit_that_is_set(anton: Shell, tmp_path: Path) -> None:
    hanging = make_repository(
        tmp_path / "hanging", {"tests/test_hang.py": "def test_hang():\n    while True:\n        pass\n"}
    )
    (anton.cwd / "anton.toml").write_text("[tests]\ntimeout_seconds = 2.0\n")
    said = anton("fix", TICKET, "--repo", str(hanging), "--unsafe-no-sandbox", **with_model(NOBODY))
    assert said.status == 1
    assert "time limit" in said.out
    assert "Traceback" not in said.err


# The ticket


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ("say what the bug is", "--ticket FILE")),
        (["text", "--ticket", "-"], ("say what the bug is",)),
        ([""], ("there is no ticket in the text: the ticket is empty",)),
        ([" \n\t​"], ("the ticket is empty",)),
        (["--ticket", "-"], ("there is no ticket in standard input",)),
        (["--ticket", "missing.md"], ("the ticket cannot be read from 'missing.md': No such file",)),
        (["--ticket", "."], ("the ticket cannot be read from '.': Is a directory",)),
        (["--ticket", "binary"], ("the ticket 'binary' is not text",)),
        (["--ticket", "huge"], ("the ticket 'huge' is larger than 8,000,000 bytes",)),
    ],
)
def test_a_ticket_that_is_none_is_refused(
    anton: Shell, repository: Path, arguments: list[str], words: tuple[str, ...]
) -> None:
    (anton.cwd / "binary").write_bytes(b"\x7fELF\0\0\1")
    (anton.cwd / "huge").write_bytes(b"x" * 8_000_001)
    assert_one_sentence(anton.inside("fix", *arguments, "--repo", str(repository)), *words, status=2)
    assert anton.inside("runs").out.startswith("No runs yet")


@pytest.mark.parametrize("key", ["no/such key", "../../etc", "x" * 101])
def test_a_key_that_can_name_no_ticket_is_refused(anton: Shell, repository: Path, key: str) -> None:
    said = anton.inside("fix", TICKET, "--key", key, "--repo", str(repository))
    assert_one_sentence(said, "cannot be a ticket's key", status=2)


@pytest.mark.slow
def test_bytes_that_are_no_text_are_refused_or_replaced(anton: Shell, repository: Path) -> None:
    said = anton("fix", b"broken \xff here", "--repo", str(repository), "--unsafe-no-sandbox")
    assert_one_sentence(said, "no model is set", status=2)  # the ticket itself was taken
    run = run_id_in(anton("demo").out)
    said = anton("decline", run, b"not \xff so")
    assert said.status == 0, said
    assert "Traceback" not in said.out + said.err


# The settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[agents.code]\nturn = 3\n", ("anton.toml", "agents.code.turn", "turns")),
        ("[agents.code]\nturns = 0\nseconds = 5\n", ("anton.toml", "agents.code.turns", "1")),
        ('[tests]\ntimeout_seconds = "long"\n', ("anton.toml", "tests.timeout_seconds", "number")),
        ("[tests\n", ("anton.toml", "not TOML")),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_file_key_and_what_is_allowed(
    anton: Shell, settings: str, words: tuple[str, ...]
) -> None:
    (anton.cwd / "anton.toml").write_text(settings)
    assert_one_sentence(anton.inside("runs"), *words, status=2)


def test_a_key_without_a_model_is_told_to_name_one(anton: Shell) -> None:
    assert_one_sentence(anton.inside("demo", API_KEY="sk-secret"), "set MODEL", status=2)


def test_a_base_url_that_is_none_is_named(anton: Shell) -> None:
    said = anton.inside("demo", API_KEY="sk-secret", MODEL="m", BASE_URL="api.example.com")
    assert_one_sentence(said, "environment BASE_URL", "https://", status=2)
    assert "sk-secret" not in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_folder_that_cannot_be_written_is_named(anton: Shell) -> None:
    anton.home.mkdir(mode=0o500)
    assert_one_sentence(anton("demo"), str(anton.home), status=1)


def test_a_state_folder_that_cannot_be_made_is_named(anton: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = str(tmp_path / "file" / "home")
    for command in (["demo"], ["runs"]):
        assert_one_sentence(anton.inside(*command, ANTON_HOME=home), home, "ANTON_HOME", status=2)
    assert_one_sentence(anton.inside("runs", ANTON_HOME="/proc/no/such"), "ANTON_HOME", status=2)


def test_a_journal_that_is_none_is_named(anton: Shell) -> None:
    anton.home.mkdir()
    (anton.home / "journal.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    for command in (["runs"], ["show", "00000000"], ["demo"]):
        assert_one_sentence(anton.inside(*command), "journal.db", status=1)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be made here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["16k", "500k"])
def test_a_full_disk_is_named(anton: Shell, size: str) -> None:
    with small_disk(anton.home, size):
        said = anton("demo")
        assert said.status != 0
        assert "Traceback" not in said.out + said.err
        assert said.err.startswith("anton: "), said
        assert "space" in said.err.lower() or "full" in said.err.lower(), said.err


@pytest.mark.parametrize("command", ["approve", "decline", "resume", "show"])
@pytest.mark.parametrize("run", ["00000000", "../../etc/passwd"])
def test_a_run_that_is_none_is_named(anton: Shell, command: str, run: str) -> None:
    said = anton.inside(command, run)
    assert said.status == 2
    assert "Traceback" not in said.err
    assert "anton runs" in said.err


# The model


@contextmanager
def endpoint(answer: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    """Says nothing of its own."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> dict[str, object]:
        question: dict[str, object] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return question


class WrongKey(Quiet):
    def do_POST(self) -> None:
        self.asked()
        self.answer(
            401, b'{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}'
        )


class WrongModel(Quiet):
    def do_POST(self) -> None:
        self.asked()
        self.answer(404, b'{"error":{"message":"The model does not exist","code":"model_not_found"}}')


def with_model(url: str) -> dict[str, str]:
    return {"API_KEY": "sk-secret", "MODEL": "gpt-none", "BASE_URL": url}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "words"), [(WrongKey, ("401", "API_KEY")), (WrongModel, ("404", "MODEL"))]
)
def test_a_model_that_refuses_is_named_with_what_to_check(
    anton: Shell, answer: type[BaseHTTPRequestHandler], words: tuple[str, ...]
) -> None:
    with endpoint(answer) as url:
        said = anton("demo", **with_model(url))
    assert_one_sentence(said, url, "gpt-none", "anton resume", *words, status=1)
    assert "sk-secret" not in said.out + said.err
    finished = anton("resume", run_id_in(said.err), "--yes")
    assert finished.status == 0, finished


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_named(anton: Shell, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (anton.cwd / "anton.toml").write_text(
        "".join(f"[agents.{name}]\nturns = 5\nseconds = 2.0\n" for name in ("triage", "code", "test", "pr"))
    )
    said = anton("demo", **with_model(f"http://127.0.0.1:{port}/v1"))
    assert_one_sentence(said, "BASE_URL", "anton resume", status=1)


@pytest.mark.slow
def test_a_repository_that_was_never_recorded_needs_a_model(anton: Shell, repository: Path) -> None:
    said = anton("fix", TICKET, "--repo", str(repository), "--unsafe-no-sandbox")
    assert_one_sentence(said, "no model is set", "Set API_KEY, BASE_URL and MODEL", status=2)
    assert "No runs yet" in anton("runs").out, "nothing was begun that nobody could go on with"


class Honest(Quiet):
    """Answers as the honest agents of `tests.office` would, whoever asks."""

    script: ClassVar[Mapping[str, Sequence[Step]]] = HONEST

    def do_POST(self) -> None:
        question = self.asked()
        messages, tools = question["messages"], question["tools"]
        assert isinstance(messages, list)
        assert isinstance(tools, list)
        reply = self.script[_agent(tools)][sum(m["role"] == "assistant" for m in messages)]
        assert isinstance(reply, Reply)
        calls = [
            call(index, f"c{len(messages)}-{index}", name, json.dumps(arguments))
            for index, (name, arguments) in enumerate(reply.calls)
        ]
        body = sse(chunk(tool_calls=calls), chunk("tool_calls")) + DONE
        self.answer(200, body, "text/event-stream")


def _agent(tools: list[Any]) -> str:
    """Whose `submit` it is that a request offers."""
    [submit] = [tool["function"] for tool in tools if tool["function"]["name"] == "submit"]
    fields = submit["parameters"]["properties"]
    known = {"how_to_verify": "pr", "priority": "triage", "covered": "test", "solution": "code"}
    return next(agent for field, agent in known.items() if field in fields)


RED = "def test_red():\n    assert 1 == 2\n"


def bytes_below(folder: Path) -> dict[str, str]:
    """Every file's content, mode and link below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        digest = hashlib.sha256(content).hexdigest()
        link = path.readlink() if path.is_symlink() else ""
        found[str(path.relative_to(folder))] = f"{status.st_mode:o} {status.st_mtime_ns} {link} {digest}"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_a_red_suite_a_huge_ticket_and_a_dirty_checkout_are_no_obstacle_and_the_checkout_is_only_read(
    anton: Shell, tmp_path: Path, dirty: bool
) -> None:
    checkout = make_repository(
        tmp_path / "todo", {"todo.py": BUGGY, "tests/test_todo.py": OLD_TEST, "tests/test_red.py": RED}
    )
    if dirty:
        (checkout / "todo.py").write_text("half done\n")
        (checkout / "staged.py").write_text("staged\n")
        git(checkout, "add", "staged.py")
        (checkout / "untracked.txt").write_text("mine\n")
        (checkout / "link").symlink_to("/etc/passwd")
    (anton.cwd / "ticket.md").write_text(f"# {TICKET}\n\n" + "It happens every time. " * 45_000)
    before = bytes_below(checkout)
    with endpoint(Honest) as url:
        arguments = ("--ticket", "ticket.md", "--key", "BUG-7", "--repo", str(checkout))
        said = anton("fix", *arguments, "--yes", "--unsafe-no-sandbox", **with_model(url))
    assert said.status == 0, said
    assert bytes_below(checkout) == before
    [remote] = (anton.home / "remotes").iterdir()
    branch = git(remote, "for-each-ref", "--format=%(refname:short)").strip()
    assert branch.startswith("fix/bug-7-")
    assert "half done" not in git(remote, "show", f"{branch}:todo.py")


# Interruptions


def until_line(process: subprocess.Popen[bytes], number: int) -> str:
    """What a command said up to some line."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(number)]
    return b"".join(lines).decode()


def assert_finishes(anton: Shell, run: str) -> None:
    said = anton("resume", run, "--yes")
    assert said.status == 0, said
    remote = anton.home / "demo" / run / "todo-service.git"
    assert git(remote, "branch", "--format=%(refname:short)").split() == [f"fix/bug-42-{run}", "main"]
    assert len(list((anton.home / "pull_requests").glob("*.md"))) == 1
    assert (anton.cwd / ".oncall_runs" / run / "incident.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "sent"), [(1, signal.SIGINT), (6, signal.SIGINT), (12, signal.SIGINT), (6, signal.SIGTERM)]
)
def test_an_interrupted_run_says_how_to_go_on_and_goes_on(anton: Shell, line: int, sent: int) -> None:
    with anton.started("demo") as process:
        until_line(process, line)
        process.send_signal(sent)
        rest, _ = process.communicate()
        assert process.returncode == 130, rest
    text = rest.decode()
    assert "anton: interrupted; everything is kept. Go on with: anton resume" in text
    assert "Traceback" not in text
    assert_finishes(anton, run_id_in(text))


@pytest.mark.slow
@pytest.mark.parametrize("line", [2, 9])
def test_a_killed_run_goes_on(anton: Shell, line: int) -> None:
    with anton.started("demo") as process:
        until_line(process, line)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    [folder] = (anton.home / "demo").iterdir()
    assert_finishes(anton, folder.name)


@pytest.mark.slow
def test_a_run_that_is_being_worked_on_is_left_alone(anton: Shell) -> None:
    with anton.started("demo") as process:
        until_line(process, 2)
        [folder] = (anton.home / "demo").iterdir()
        said = anton("resume", folder.name)
        assert_one_sentence(said, "is being worked on by process", status=2)
        process.send_signal(signal.SIGINT)
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["end of input", "interrupt"])
def test_leaving_the_question_leaves_the_run_as_it_is(anton: Shell, key: str) -> None:
    with anton.terminal("demo") as terminal:
        terminal.until("Your answer")
        if key == "\x03":
            terminal.interrupt()
        else:
            terminal.type(key)
        terminal.end()
        assert "Traceback" not in terminal.seen
    [folder] = (anton.home / "demo").iterdir()
    assert anton("approve", folder.name).status == 0
