"""`anton chat`, typed by a person and fed by a program, with a model on the loopback."""

from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import pytest

from tests.adapters.model.endpoint import DONE, Answer, call, chunk, serving, sse
from tests.entrypoints.shell import SECONDS, Said, Shell
from tests.office import BUGGY, git, make_repository


def said(text: str) -> Answer:
    return Answer(sse(chunk(content=text), chunk("stop")) + DONE)


def calls(name: str, arguments: str) -> Answer:
    return Answer(sse(chunk(tool_calls=[call(0, "c1", name, arguments)]), chunk("tool_calls")) + DONE)


EDIT = calls("edit_file", '{"path": "todo.py", "old": "not todo.completed", "new": "True"}')


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def shell(tmp_path: Path, base_url: str) -> Shell:
    return Shell(tmp_path / "person", {"API_KEY": "sk-x", "BASE_URL": base_url, "MODEL": "some-model"})


async def fed(anton: Shell, lines: str, *arguments: str) -> Said:
    def run() -> Said:
        done = subprocess.run(
            anton.argv("chat", *arguments),
            input=lines.encode(),
            capture_output=True,
            cwd=anton.cwd,
            env=anton.environment,
            timeout=SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return await asyncio.to_thread(run)


def session_in(text: str) -> str:
    found = re.search(r"--resume ([0-9a-f]{8})", text)
    assert found, text
    return found[1]


async def test_a_change_is_made_on_a_copy_and_saved_as_a_patch(tmp_path: Path, repository: Path) -> None:
    async with serving(EDIT, said("It sets the flag now.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        done = await fed(anton, "Fix it.\n/diff\n/diff fix.patch\n/stats\n/exit\n", "--repo", str(repository))
    assert done.status == 0, done.err
    assert "● edit_file todo.py" in done.out
    assert "It sets the flag now." in done.out
    assert "2 replies" in done.out
    assert (repository / "todo.py").read_text() == BUGGY
    git(repository, "apply", str(anton.cwd / "fix.patch"))
    assert "todo.completed = True" in (repository / "todo.py").read_text()


async def test_a_conversation_is_listed_and_taken_up_where_it_was(tmp_path: Path, repository: Path) -> None:
    async with serving(EDIT, said("Done."), said("As I said.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        first = await fed(anton, "Fix the flag.\n", "--repo", str(repository))
        session = session_in(first.out)
        again = await fed(anton, "And?\n/diff\n", "--resume", session)
        listed = await fed(anton, "", "--list")
        runs = await asyncio.to_thread(anton, "runs")
    assert "As I said." in again.out, again.err
    assert "todo.completed = True" in again.out
    assert listed.out.startswith(session)
    assert "Fix the flag." in listed.out
    assert session not in runs.out
    assert [message["role"] for message in endpoint.bodies[-1]["messages"]][-2:] == ["assistant", "user"]


async def test_an_answer_that_a_kill_cut_short_is_given_later(tmp_path: Path, repository: Path) -> None:
    async with serving(Answer(sse(chunk(content="Wait")), end="silence"), said("Here I am.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        process = await asyncio.create_subprocess_exec(
            *anton.argv("chat", "--repo", str(repository)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=anton.cwd,
            env=anton.environment,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Are you there?\n")
        async with asyncio.timeout(SECONDS):
            await process.stdout.readuntil(b"Wait")
        process.kill()
        await process.communicate()
        session = (await fed(anton, "", "--list")).out.split()[0]
        done = await fed(anton, "", "--resume", session)
    assert "The last answer was interrupted" in done.out, done.err
    assert "Here I am." in done.out
    assert "Are you there?" in str(endpoint.bodies[-1]["messages"])


async def test_a_bug_is_taken_in_as_a_run(tmp_path: Path, repository: Path) -> None:
    anton = shell(tmp_path, "http://127.0.0.1:9/v1")
    done = await fed(
        anton,
        "/oncall To-dos come back.\n/nonsense\n/config\n/mcp\n/tools\n/help\n",
        "--repo",
        str(repository),
    )
    found = re.search(r"anton resume ([0-9a-f]{8})", done.out)
    assert found, done.err
    assert "There is no /nonsense" in done.out
    assert "sk-x" not in done.out
    assert "environment MODEL" in done.out
    assert re.search(r"^edit_file +write$", done.out, re.MULTILINE)
    assert re.search(r"^/exit +leave", done.out, re.MULTILINE)
    assert found[1] in (await asyncio.to_thread(anton, "runs")).out


async def test_at_a_terminal_a_person_talks(tmp_path: Path, repository: Path) -> None:
    def talk(anton: Shell) -> int:
        with anton.terminal("chat", "--repo", str(repository)) as terminal:
            terminal.until("you >")
            terminal.type("Hello")
            terminal.until("Good evening.")
            terminal.until("you >")
            terminal.type("/exit")
            return terminal.end()

    async with serving(said("Good evening.")) as endpoint:
        assert await asyncio.to_thread(talk, shell(tmp_path, endpoint.base_url)) == 0


def test_without_a_model_it_says_so(tmp_path: Path, repository: Path) -> None:
    done = Shell(tmp_path / "person")("chat", "--repo", str(repository))
    assert done.status == 2
    assert "no model is set" in done.err
