"""How questions are shown: to be answered, while they wait, and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot
from markdown_it import MarkdownIt
from rich.console import RenderableType

from anton.core.event import Entry, Event, ReplyReceived
from anton.core.message import Usage
from anton.core.question import Question, QuestionAnswered, QuestionAsked
from anton.core.run import fold
from anton.views.incident import incident_report
from anton.views.lanes import lanes
from anton.views.questions import question_card, questions_markdown, questions_view
from anton.views.runs import run_page
from anton.views.timeline import progress_line

Run = tuple[Entry, ...]
Render = Callable[[RenderableType], str]
NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
OWN = Question("q1", "code", "Is Done a switch?")
CALL = Question("q2", "test", "May this call be made?", "rm -rf build", "it is dangerous (rm: removes trees)")
HOSTILE = "</details>\n# Approved @octocat [x](http://evil) \x1b[2J\u202e `"


REPLIED = ReplyReceived("test", 1, "", (), Usage(), 0.0, "small-coder", "tool_calls", 2.0)


def later(run: Run, *events: Event) -> Run:
    """The run with more of it, a second apart."""
    last = run[-1]
    more = (
        Entry(last.run_id, last.number + n, last.at + timedelta(seconds=n), event)
        for n, event in enumerate(events, 1)
    )
    return (*run, *more)


@pytest.fixture
def waiting(midway: Run) -> Run:
    """The code agent has asked, and the test agent waits for leave."""
    return later(midway, REPLIED, QuestionAsked("code", OWN), QuestionAsked("test", CALL))


@pytest.fixture
def answered(waiting: Run) -> Run:
    """One is answered, one was not in time, and a third has nobody yet."""
    return later(
        waiting,
        QuestionAnswered("code", "q1", "terminal:kim", "No."),
        QuestionAnswered("test", "q2", "", "", allowed=False),
        QuestionAsked("code", Question("q3", "code", "And Undo?")),
    )


def test_a_question_to_be_answered_shows_the_exact_call_and_why(render: Render) -> None:
    assert render(question_card(CALL)) == snapshot("""\
? q2  test asks: May this call be made?

rm -rf build

It is asked because it is dangerous (rm: removes trees).\
""")


def test_open_questions_stand_in_the_live_view_with_how_to_answer(waiting: Run, render: Render) -> None:
    *_, first, second, third, fourth = render(lanes(fold(waiting), NOW)).splitlines()
    assert [first, second, third, fourth] == snapshot(
        [
            "  ? q1 code asks: Is Done a switch?",
            '       anton answer bug-42-k3f9 --question q1 "…"',
            "  ? q2 test asks: May this call be made? rm -rf build",
            "       anton answer bug-42-k3f9 --question q2 --yes|--no",
        ]
    )


def test_open_questions_stand_on_the_page_of_the_run(waiting: Run, render: Render) -> None:
    page = render(run_page(fold(waiting), waiting))
    assert "anton answer bug-42-k3f9 --question q2 --yes|--no" in page
    assert "q1 code: Is Done a switch?\n      waits for an answer" in page


def test_questions_are_listed_with_what_came_of_them(answered: Run, render: Render) -> None:
    assert render(questions_view(fold(answered))) == snapshot("""\
q1 code: Is Done a switch?
    terminal:kim: No.
q2 test: May this call be made? rm -rf build
    was answered by nobody in time, which is a no
q3 code: And Undo?
    waits for an answer\
""")


def test_the_incident_report_lists_questions_and_answers(answered: Run, midway: Run) -> None:
    state = fold(answered)
    assert f"## Questions\n\n{questions_markdown(state)}\n\n## Decisions" in incident_report(state, answered)
    assert questions_markdown(state) == snapshot("""\
- q1 code: Is Done a switch?
  terminal:kim: No.
- q2 test: May this call be made? rm -rf build
  was answered by nobody in time, which is a no
- q3 code: And Undo?
  waits for an answer\
""")
    assert "## Questions" not in incident_report(fold(midway), midway)


def test_away_from_a_terminal_a_question_comes_with_the_command_that_answers_it(waiting: Run) -> None:
    lines = [progress_line(entry, fold(waiting)) for entry in waiting[-2:]]
    assert lines == snapshot(
        [
            '   0:29  code    asks: Is Done a switch?  [anton answer bug-42-k3f9 --question q1 "…"]',
            "   0:30  test    asks: May this call be made? rm -rf build  "
            "[anton answer bug-42-k3f9 --question q2 --yes|--no]",
        ]
    )


def test_nothing_that_an_agent_or_a_person_writes_leaves_its_place(midway: Run, render: Render) -> None:
    question = Question("q1", "code", HOSTILE, HOSTILE, HOSTILE)
    state = fold(
        later(midway, QuestionAsked("code", question), QuestionAnswered("code", "q1", HOSTILE, HOSTILE))
    )
    for text in (render(question_card(question)), render(questions_view(state)), questions_markdown(state)):
        assert not {"\x1b", "\u202e"} & set(text)
    document = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(questions_markdown(state))
    tokens = {token.type for block in document for token in (block, *(block.children or ()))}
    assert not {"html_block", "html_inline", "heading_open", "link_open"} & tokens
    loud = [t.content for block in document for t in block.children or () if t.type == "text"]
    assert not any("@" in text for text in loud), "outside of code a name would be called"


def test_an_exact_call_is_shown_with_every_character_named_that_cannot_be_seen(render: Render) -> None:
    call = Question("q1", "code", "May this call be made?", "echo a\u202eb\x1b[2J", "why")
    assert "echo a⟨U+202E⟩b⟨U+001B⟩[2J" in render(question_card(call))
