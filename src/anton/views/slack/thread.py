"""The thread of a run's message: progress, questions, and what is too long for the message."""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.proof import Proof
from anton.core.question import Question, QuestionAnswered
from anton.core.run import RunState
from anton.views.encode import line, revealed
from anton.views.slack.blocks import (
    PREFORMATTED_CHARACTERS,
    Block,
    Post,
    actions,
    button,
    context,
    escaped,
    post,
    preformatted,
    said,
    told,
)
from anton.views.slack.message import Links, fits
from anton.views.testimony import testimony

ALLOW, REFUSE, ANSWER = "anton_allow", "anton_refuse", "anton_answer"
"""Action ids."""

MAX_DIFF_PARTS = 20
"""Posts that one diff is spread over, some 1,000 lines; of a longer one the rest is on the page."""


def thread(state: RunState, links: Links) -> tuple[tuple[str, Post], ...]:
    """All that belongs into the thread as of now, oldest first, each by a key that stays.

    A post whose key is there already is edited where its words have changed.
    """
    return (*_progress(state), *_questions(state), *_diff(state, links))


def _progress(state: RunState) -> Iterator[tuple[str, Post]]:
    heard = testimony(state)
    if heard.triage:
        triage = heard.triage
        words = f"*triage*: {escaped(triage.priority.label, 40)}, {escaped(triage.component, 80)}"
        yield "triage", post(words, (said(words), told(triage.summary)))
    for proof in state.proofs:
        if not proof.green:
            kinds = ", ".join(dict.fromkeys(str(fault.kind) for fault in proof.faults))
            words = f"Round {proof.round} is not green: {escaped(kinds)}"
            evidence = "\n\n".join(f"{fault.kind}\n{fault.evidence}" for fault in proof.faults)
            yield f"proof-{proof.round}", post(words, (said(words), preformatted(evidence)))


def _questions(state: RunState) -> Iterator[tuple[str, Post]]:
    for agent in state.agents.values():
        answers = {answer.question: answer for answer in agent.answers}
        for question in agent.questions:
            blocks = [said(f":question: *{escaped(agent.name, 60)}* asks"), told(question.text)]
            if question.call:
                blocks += [preformatted(question.call), context(escaped(question.reason, 400) or "Allow it?")]
            if question in agent.open_questions:
                name = f"anton_question_{question.id}"[:255]
                blocks.append(actions(name, _buttons(state.run_id, question)))
            else:
                blocks.append(context(_settled(answers.get(question.id))))
            said_in_short = f"{escaped(agent.name)} asks: {escaped(question.text, 600)}"
            yield f"question-{question.id}", post(said_in_short, blocks)


def _settled(answer: QuestionAnswered | None) -> str:
    """What became of a question that waits no more."""
    if answer is None:
        return "Nobody waits for an answer any more."
    if not answer.by:
        return "Nobody answered in time."
    return f"Answered by {escaped(answer.by, 80)}: {escaped(answer.text, 600) or _verdict(answer.allowed)}"


def _verdict(allowed: bool | None) -> str:
    return {True: "yes", False: "no", None: "no answer"}[allowed]


def _buttons(run_id: str, question: Question) -> list[Block]:
    value = {"run": run_id, "question": question.id}
    if question.is_permission:
        return [button("Allow once", ALLOW, value, "primary"), button("No", REFUSE, value, "danger")]
    return [button("Answer", ANSWER, value, "primary")]


def _diff(state: RunState, links: Links) -> Iterator[tuple[str, Post]]:
    proof = state.proof
    if state.briefing is None or proof is None or not proof.patch.diff or fits(proof):
        return
    parts = diff_parts(proof)
    for number, part in enumerate(parts[:MAX_DIFF_PARTS], 1):
        words = f"Diff of round {proof.round}, part {number} of {len(parts)}"
        yield f"diff-{proof.patch.head[:12]}-{number}", post(words, (context(words), preformatted(part)))
    if len(parts) > MAX_DIFF_PARTS:
        where = f"<{links.page}|the run's page>" if links.page else f"`anton show {line(state.run_id, 60)}`"
        words = f"{len(parts) - MAX_DIFF_PARTS} more parts of the diff are not shown here; see {where}."
        yield f"diff-{proof.patch.head[:12]}-rest", post(words, (said(words),))


def diff_parts(proof: Proof) -> tuple[str, ...]:
    """The whole diff in parts that one post takes, cut between lines where they are short enough."""
    parts, held = [], ""
    for row in revealed(proof.patch.diff).splitlines(keepends=True):
        for piece in _pieces(row):
            if len((held + piece).encode("utf-16-le")) // 2 > PREFORMATTED_CHARACTERS:
                parts.append(held)
                held = ""
            held += piece
    return (*parts, held) if held else tuple(parts)


def _pieces(row: str) -> Iterator[str]:
    size = PREFORMATTED_CHARACTERS // 2  # characters outside the first plane count twice
    for start in range(0, len(row), size):
        yield row[start : start + size]
