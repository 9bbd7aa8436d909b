"""What a person is asked while a run goes on, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from anton.core.question import Question, QuestionAnswered
from anton.core.run import RunState
from anton.views.encode import inline, line, revealed
from anton.views.palette import ACCENT, CAUTION, MUTED, STRONG

CALL_CHARACTERS = 160
"""Of a call, in a list."""


def question_card(question: Question) -> RenderableType:
    """One question to be answered: who asks, what, and the exact call where it is about one."""
    parts = [
        Text.assemble(
            (f"? {question.id}  ", f"{STRONG} {CAUTION}"),
            (f"{line(question.agent, 40)} asks: ", STRONG),
            revealed(question.text),
        )
    ]
    if question.is_permission:
        parts += [Text.assemble("\n", (revealed(question.call), ACCENT), "\n")]
        parts += [Text(f"It is asked because {line(question.reason, 800)}.", MUTED)]
    return Group(*parts)


def how_to_answer(question: Question, run_id: str) -> str:
    """The command that answers it from any terminal."""
    answer = "--yes|--no" if question.is_permission else '"…"'
    return f"anton answer {line(run_id, 60)} --question {question.id} {answer}"


def open_question_lines(state: RunState) -> Iterator[Text]:
    """For each open question two lines: what is asked, and how it is answered."""
    for question in state.open_questions:
        yield Text.assemble(
            (f"  ? {question.id} ", f"{STRONG} {CAUTION}"),
            f"{line(question.agent, 40)} asks: {line(_asked(question), 300)}",
        )
        yield Text(f"       {how_to_answer(question, state.run_id)}", ACCENT)


def questions_view(state: RunState) -> RenderableType:
    """All questions with their answers, oldest first."""
    return Group(*(Text(f"{asked}\n    {answered}") for asked, answered in _pairs(state)))


def questions_markdown(state: RunState) -> str:
    """The same for a document; empty where nothing was asked."""
    return "\n".join(
        f"- {inline(asked, 1_000)}\n  {inline(answered, 5_000)}" for asked, answered in _pairs(state)
    )


def _pairs(state: RunState) -> Iterator[tuple[str, str]]:
    for question in state.questions:
        asked = f"{question.id} {line(question.agent, 40)}: {line(_asked(question), 1_000)}"
        yield (
            asked,
            line(_settled(state.answer_to(question.id), waits=question in state.open_questions), 5_000),
        )


def _asked(question: Question) -> str:
    """The question on one line; a long call is cut, for it stands whole where it is asked about."""
    if not question.is_permission:
        return question.text
    return f"{question.text} {line(question.call, CALL_CHARACTERS)}"


def _settled(answer: QuestionAnswered | None, *, waits: bool) -> str:
    if answer is None:
        return "waits for an answer" if waits else "was answered by nobody"
    if not answer.by:
        return "was answered by nobody in time, which is a no"
    said = {True: "yes", False: "no", None: ""}[answer.allowed]
    return f"{answer.by}: {', '.join(filter(None, (said, answer.text)))}"
