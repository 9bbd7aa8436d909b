"""`anton chat`, fed by a program line by line, with a model on the loopback."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from pathlib import Path

import pytest

from anton.adapters.model.scripted import Reply
from tests.adapters.model.endpoint import DONE, Answer, call, chunk, serving, sse
from tests.counterparts.chat_completions import KEY, scripted_endpoint
from tests.entrypoints.shell import SECONDS, Said, Shell, hear_interrupts, run_id_in
from tests.office import BUGGY, HONEST, git, make_repository


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


def piped(anton: Shell, lines: str, *arguments: str) -> Said:
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


async def fed(anton: Shell, lines: str, *arguments: str) -> Said:
    return await asyncio.to_thread(piped, anton, lines, *arguments)


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


async def test_commands_say_what_there_is(tmp_path: Path, repository: Path) -> None:
    anton = shell(tmp_path, "http://127.0.0.1:9/v1")
    lines = "/nonsense\n/config\n/mcp\n/tools\n/help\n/model\n/model other\n/approval\n/approval x\n/oncall\n"
    done = await fed(anton, lines, "--repo", str(repository))
    assert "There is no /nonsense" in done.out
    assert "sk-x" not in done.out
    assert "environment MODEL" in done.out
    assert re.search(r"^edit_file +write$", done.out, re.MULTILINE)
    assert re.search(r"^/exit +leave", done.out, re.MULTILINE)
    assert "some-model. /model NAME takes: some-model" in done.out
    assert "there is no model 'other' in the settings" in done.out
    assert "* auto " in done.out
    assert "there is no policy 'x'" in done.out
    assert "say what the bug is" in done.out


async def test_a_conversation_is_marked_taken_back_and_written_down(tmp_path: Path, repository: Path) -> None:
    async with serving(EDIT, said("It sets the flag now."), said("As you like.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        key = "ghp_" + 9 * "a1B2"
        lines = f"/checkpoint before\nFix it.\n/restore before\n/diff\nIt is {key}.\n" + 2 * "/save talk.md\n"
        done = await fed(anton, lines, "--repo", str(repository))
    assert "Back at checkpoint before" in done.out, done.err
    assert "anton: nothing was changed" in done.out
    assert "Fix it." not in str(endpoint.bodies[-1]["messages"])
    assert "'talk.md' cannot be written" in done.out
    talk = (anton.cwd / "talk.md").read_text()
    assert "## You\n\nFix it.\n" in talk
    assert "*back to checkpoint before*" in talk
    assert "It is " in talk
    assert key not in talk


async def test_another_conversation_is_taken_up_from_within(tmp_path: Path, repository: Path) -> None:
    async with serving(said("It toggles."), said("Still here.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        first = session_in((await fed(anton, "What is wrong?\n", "--repo", str(repository))).out)
        lines = f"/resume nope\n/resume {first}\nAnd now?\n"
        done = await fed(anton, lines, "--repo", str(repository))
    assert "there is no conversation 'nope'" in done.out, done.err
    shown = done.out.partition(f"Conversation {first} about")[2]
    assert "you > What is wrong?\nIt toggles.\n" in shown
    assert session_in(done.out) == first


async def test_a_change_of_policy_and_model_lasts(tmp_path: Path, repository: Path) -> None:
    async with serving(said("Here.")) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        (anton.cwd / "anton.toml").write_text('[agents.chat]\nmodels = ["other-model"]\n')
        lines = "/model other-model\n/approval yolo\nHello\n"
        session = session_in((done := await fed(anton, lines, "--repo", str(repository))).out)
        again = await fed(anton, "/model\n/approval\n", "--resume", session)
    assert "This allows MORE than auto" in done.out, done.err
    assert endpoint.bodies[-1]["model"] == "other-model"
    assert "other-model. /model NAME" in again.out, again.err
    assert "* yolo " in again.out


async def test_a_bug_is_worked_on_beside_until_a_person_decides(tmp_path: Path, repository: Path) -> None:
    async with scripted_endpoint({**HONEST, "chat": [Reply("Go ahead.")]}) as endpoint:
        anton = Shell(
            tmp_path / "person", {"API_KEY": KEY, "BASE_URL": endpoint.base_url, "MODEL": "some-model"}
        )
        done = await fed(anton, "/oncall To-dos come back.\nHello\n", "--repo", str(repository))
        run = run_id_in(done.out)
        runs = await asyncio.to_thread(anton, "show", run)
    assert "Go ahead." in done.out, done.err
    for said_of_it in ("working", "proving", "GREEN"):
        assert f"Run {run}: {said_of_it}" in done.out
    assert f"Waiting for run {run}" in done.out
    assert "waits for a decision" in runs.out


async def test_a_run_that_cannot_go_on_is_left_for_later(tmp_path: Path, repository: Path) -> None:
    down = Answer(b'{"error": {"message": "no such key"}}', 401, {"Content-Type": "application/json"})
    async with serving(down) as endpoint:
        anton = shell(tmp_path, endpoint.base_url)
        done = await fed(anton, "/oncall To-dos come back.\n", "--repo", str(repository))
    run = run_id_in(done.out)
    assert done.status == 0, done.err
    assert re.search(
        rf"(Run {run} is not done|Run {run}: RED).*anton (resume|show) {run}", done.out, re.DOTALL
    )
    assert run in (await asyncio.to_thread(anton, "runs")).out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_while_it_waits_for_a_line(
    tmp_path: Path, repository: Path, number: signal.Signals
) -> None:
    anton = shell(tmp_path, "http://127.0.0.1:9/v1")
    process = await asyncio.create_subprocess_exec(
        *anton.argv("chat", "--repo", str(repository)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=anton.cwd,
        env=anton.environment,
        preexec_fn=hear_interrupts,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"/stats\n")
    async with asyncio.timeout(SECONDS):
        await process.stdout.readuntil(b"0 replies")
        process.send_signal(number)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert session_in(err.decode())
    assert b"Traceback" not in err


def test_without_a_model_it_says_so(tmp_path: Path, repository: Path) -> None:
    done = Shell(tmp_path / "person")("chat", "--repo", str(repository))
    assert done.status == 2
    assert "no model is set" in done.err
