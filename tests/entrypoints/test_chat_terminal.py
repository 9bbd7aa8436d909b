"""`anton chat` at a terminal, as a person sees it: streaming, questions, keys, and what a kill leaves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.model.endpoint import Answer, chunk, serving, sse
from tests.entrypoints.shell import Shell, Terminal
from tests.entrypoints.test_chat import EDIT, calls, piped, said, session_in, shell
from tests.office import make_repository

CTRL_C = "\x03"
TAB = "\t"
SILENT = Answer(sse(chunk(content="Let me think")), end="silence")
DANGEROUS = calls("shell", '{"command": "rm -rf tests"}')


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


async def at_a_terminal(
    tmp_path: Path, repository: Path, answers: tuple[Answer, ...], talk: Callable[[Shell, Terminal], None]
) -> int:
    """What `anton chat` ends with, once a person has done what they do."""

    def sit(anton: Shell) -> int:
        with anton.terminal("chat", "--repo", str(repository)) as terminal:
            terminal.until("you >")
            talk(anton, terminal)
            return terminal.end()

    async with serving(*answers) as endpoint:
        return await asyncio.to_thread(sit, shell(tmp_path, endpoint.base_url))


def asked(terminal: Terminal, line: str, answer: str) -> str:
    """Say something and wait for the prompt after its answer; what was seen."""
    terminal.type(line)
    return terminal.until(answer) + terminal.until("you >")


async def test_a_reply_is_seen_as_it_comes_and_a_change_as_a_diff(tmp_path: Path, repository: Path) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        seen = asked(terminal, "Fix it", "It sets the flag.")
        assert "+    todo.completed = True" in seen
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (EDIT, said("It sets the flag.")), talk) == 0


@pytest.mark.parametrize(("word", "outcome"), [("y", "exit code 0"), ("n not now", "not now")])
async def test_a_person_is_asked_inline(tmp_path: Path, repository: Path, word: str, outcome: str) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        terminal.type("Clean up")
        assert "rm -rf tests" in terminal.until("y or n")
        terminal.type("maybe")
        terminal.until("y or n")
        terminal.type(word)
        seen = terminal.until("Well.")
        assert outcome in seen
        terminal.until("you >")
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (DANGEROUS, said("Well.")), talk) == 0


async def test_what_was_typed_before_a_question_was_seen_is_no_answer_to_it(
    tmp_path: Path, repository: Path
) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        terminal.press("Clean up\ry\r")
        terminal.until("y or n")
        terminal.type("n not that")
        assert "not that" in terminal.until("Well.")
        terminal.until("you >")
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (DANGEROUS, said("Well.")), talk) == 0


async def test_a_question_that_a_kill_left_open_is_put_again(tmp_path: Path, repository: Path) -> None:
    def talk(anton: Shell, terminal: Terminal) -> None:
        terminal.type("Clean up")
        terminal.until("y or n")
        terminal.process.kill()
        terminal.process.wait()
        session = anton("chat", "--list").out.split()[0]
        with anton.terminal("chat", "--resume", session) as again:
            assert "rm -rf tests" in again.until("y or n")
            again.type("n not now")
            assert "not now" in again.until("Well.")
            again.until("you >")
            again.type("/exit")
            assert again.end() == 0

    assert await at_a_terminal(tmp_path, repository, (DANGEROUS, said("Well.")), talk) < 0


async def test_without_a_terminal_a_question_that_a_kill_left_open_is_a_no(
    tmp_path: Path, repository: Path
) -> None:
    def talk(anton: Shell, terminal: Terminal) -> None:
        terminal.type("Clean up")
        terminal.until("y or n")
        terminal.process.kill()
        terminal.process.wait()
        session = anton("chat", "--list").out.split()[0]
        seen = piped(anton, "y\n", "--resume", session).out
        assert "nobody is there to answer" in seen
        assert "? q1" not in seen
        assert seen.index("Not then.") < seen.index("You said y."), "the line is words to the agent"

    answers = (DANGEROUS, said("Not then."), said("You said y."))
    assert await at_a_terminal(tmp_path, repository, answers, talk) < 0


async def test_ctrl_c_ends_an_answer_and_the_conversation_goes_on(tmp_path: Path, repository: Path) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        terminal.type("Think")
        terminal.until("Let me think")
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("Interrupted.")
        terminal.until("you >")
        asked(terminal, "Then stop", "Stopped.")
        terminal.press(CTRL_C)

    answers = (SILENT, said("Stopped."))
    assert await at_a_terminal(tmp_path, repository, answers, talk) == 0


async def test_ctrl_c_at_a_question_ends_the_answer(tmp_path: Path, repository: Path) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        terminal.type("Clean up")
        terminal.until("y or n")
        terminal.press(CTRL_C)
        terminal.until("Interrupted.")
        terminal.until("you >")
        assert "tests/" not in asked(terminal, "/diff", "nothing was changed")
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (DANGEROUS, said("Well.")), talk) == 0


async def test_ctrl_c_empties_a_line_and_leaves_at_an_empty_one(tmp_path: Path, repository: Path) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        terminal.press("never mind")
        terminal.until("never mind")
        terminal.press(CTRL_C)
        terminal.until("you >")
        terminal.press(CTRL_C)
        terminal.until("Go on with: anton chat --resume")

    assert await at_a_terminal(tmp_path, repository, (said("What?"),), talk) == 0


async def test_commands_and_checkpoints_are_completed(tmp_path: Path, repository: Path) -> None:
    def talk(_: Shell, terminal: Terminal) -> None:
        asked(terminal, "/checkpoint before-all", "Checkpoint before-all")
        terminal.press("/resto" + TAB)
        terminal.until("/restore")
        terminal.press(" bef" + TAB)
        terminal.until("before-all")
        terminal.type("")
        terminal.until("Back at checkpoint before-all")
        terminal.until("you >")
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (said("Well."),), talk) == 0


async def test_a_kill_loses_neither_checkpoint_nor_what_was_said(tmp_path: Path, repository: Path) -> None:
    def talk(anton: Shell, terminal: Terminal) -> None:
        asked(terminal, "/checkpoint before", "Checkpoint before")
        asked(terminal, "Fix it", "It sets the flag.")
        terminal.process.kill()
        terminal.process.wait()
        session = anton("chat", "--list").out.split()[0]
        with anton.terminal("chat", "--resume", session) as again:
            again.until("It sets the flag.")
            again.until("you >")
            assert "todo.completed = True" in asked(again, "/diff", "todo.completed = True")
            asked(again, "/restore before", "Back at checkpoint before")
            again.process.kill()
            again.process.wait()
        with anton.terminal("chat", "--resume", session) as last:
            last.until("you >")
            asked(last, "/diff", "nothing was changed")
            last.type("/exit")
            assert last.end() == 0
            assert session_in(last.seen) == session

    assert await at_a_terminal(tmp_path, repository, (EDIT, said("It sets the flag.")), talk) < 0


async def test_a_conversation_that_is_open_elsewhere_stays_there(tmp_path: Path, repository: Path) -> None:
    def talk(anton: Shell, terminal: Terminal) -> None:
        first = anton("chat", "--list").out.split()[0]
        busy = anton("chat", "--resume", first)
        assert (busy.status, busy.err) == (2, f"anton: conversation {first} is open elsewhere\n")
        with anton.terminal("chat", "--repo", str(repository)) as other:
            other.until("you >")
            asked(other, f"/resume {first}", "is open elsewhere; you are still in")
            asked(other, "Hello?", "Here.")
            other.type("/exit")
            assert other.end() == 0
        terminal.type("/exit")

    assert await at_a_terminal(tmp_path, repository, (said("Here."),), talk) == 0


async def test_who_leaves_while_a_run_works_is_told_how_it_goes_on(tmp_path: Path, repository: Path) -> None:
    def talk(anton: Shell, terminal: Terminal) -> None:
        terminal.type("/oncall To-dos come back.")
        terminal.until(": working")
        terminal.type("/exit")
        left = terminal.until("Go on with: anton chat")
        assert "nothing is lost. Go on with: anton resume" in left
        assert "working" in anton("runs").out

    assert await at_a_terminal(tmp_path, repository, (SILENT,), talk) == 0
