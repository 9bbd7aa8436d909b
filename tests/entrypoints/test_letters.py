"""Questions of a run at a real terminal, and what any other terminal says to a run at work."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from anton.adapters.model.scripted import Reply
from tests.entrypoints.shell import NO_PLUGINS, Shell, Terminal
from tests.entrypoints.test_bad_input import Honest, endpoint, with_model
from tests.office import CODE_DONE, FIX, HONEST, make_repository

pytestmark = pytest.mark.timeout(400)

ASKS = "Your answer (y or n, with a reason if you like) > "


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    """A person who wants to be asked before anything is changed or run."""
    shell = Shell(tmp_path)
    settings = tmp_path / ".config" / "anton" / "anton.toml"
    settings.write_text(f'[permissions]\npolicy = "on_request"\n{NO_PLUGINS}')
    return shell


def only_run(anton: Shell) -> str:
    """The run of the one demo that was laid out."""
    [folder] = (anton.home / "demo").iterdir()
    return folder.name


def allow_all(terminal: Terminal) -> str:
    """Say yes to whatever is asked, up to the briefing; all that was shown on the way."""
    shown = ""
    while not shown.endswith("(a, r, d, l) > "):
        shown += terminal.until("> ")
        if shown.endswith(ASKS):
            terminal.type("y")
    return shown


@pytest.mark.slow
def test_a_call_is_put_before_the_person_at_the_terminal(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        shown = allow_all(terminal)
        assert "May this call be made?" in shown
        assert 'edit_file {"path"' in shown
        assert "It is asked because it changes files of the worktree" in shown
        terminal.type("l")
        assert terminal.end() == 0
    page = anton("show", only_run(anton)).out
    assert "Questions" in page
    assert ": yes" in page


@pytest.mark.slow
def test_what_was_typed_before_the_question_stood_there_does_not_answer_it(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        terminal.type("y")
        terminal.until(ASKS)
        assert "waits for an answer" in anton("show", only_run(anton)).out


@pytest.mark.slow
def test_any_other_terminal_answers_tells_and_cancels(anton: Shell) -> None:
    with anton.terminal("demo") as terminal:
        terminal.until(ASKS)
        run = only_run(anton)
        page = anton("show", run).out
        assert f"anton answer {run} --question q1 --yes|--no" in page
        assert anton("answer", run, "--question", "q1", "Go on.").status == 2
        said = anton("answer", run, "--question", "q1", "--yes")
        assert (said.status, said.out) == (0, "Answered.\n")
        terminal.until("It is settled without you.")
        said = anton("answer", run, "--question", "q1", "--no")
        assert said.status == 2
        assert "was already answered by" in said.err
        assert f"To stop it all the same: anton cancel {run}" in anton("decline", run).err
        assert anton("tell", run, "Mind the edge.").out == "The agents are told.\n"
        said = anton("cancel", run, "Known upstream.")
        assert said.status == 0
        terminal.until("declined")
        terminal.end()
    said = anton("tell", run, "Hello?")
    assert said.status == 2
    assert f"run {run} is closed" in said.err
    page = anton("show", run).out
    assert "declined: Known upstream." in page


SETTLED = threading.Event()
"""Both questions are dealt with: the code agent may go on."""


class Asking(Honest):
    """Agents of whom one has two questions."""

    script = {  # noqa: RUF012 - declared as it is in the class above
        **HONEST,
        "code": [
            Reply(calls=(("ask_person", {"question": "Is Done a switch?"}),)),
            Reply(calls=(("ask_person", {"question": "And is Undo one?"}),)),
            FIX,
            CODE_DONE,
            CODE_DONE,
            CODE_DONE,
        ],
    }

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        """As the others, but the fix is not before both questions are dealt with."""
        if b"not todo.completed" in body and b"root_cause" not in body:
            SETTLED.wait()
        super().answer(status, body, kind)


@pytest.mark.slow
def test_an_agents_question_is_answered_in_words_or_left_open(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path / "todo")
    with endpoint(Asking) as url:
        anton = Shell(tmp_path, with_model(url))
        with anton.terminal(
            "fix", "To-dos come back", "--repo", str(checkout), "--unsafe-no-sandbox"
        ) as terminal:
            try:
                assert "Is Done a switch?" in terminal.until("(Enter alone leaves it open) > ")
                terminal.type("It is not.")
                assert "And is Undo one?" in terminal.until("(Enter alone leaves it open) > ")
                terminal.type("")
                terminal.until("Left open. From any terminal: anton answer")
            finally:
                SETTLED.set()
            briefing = terminal.until("(a, r, d, l) > ")
            terminal.type("l")
            assert terminal.end() == 0
    assert "q1 code: Is Done a switch?" in briefing
    assert ": It is not." in briefing
    assert "was answered by nobody" in briefing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("answer", "nosuchrun", "Yes."), "there is no run 'nosuchrun'; see which there are: anton runs"),
        (("tell", "nosuchrun", "Hello."), "there is no run 'nosuchrun'; see which there are: anton runs"),
        (("cancel", "nosuchrun"), "there is no run 'nosuchrun'; see which there are: anton runs"),
        (("answer", "nosuchrun"), 'say what the answer is: anton answer nosuchrun "…", or --yes, or --no'),
    ],
)
def test_what_cannot_be_said_ends_in_a_sentence(anton: Shell, arguments: tuple[str, ...], said: str) -> None:
    answer = anton.inside(*arguments)
    assert answer.status == 2
    assert said in answer.err
