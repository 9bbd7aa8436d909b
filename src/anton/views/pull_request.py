"""The pull request as Markdown: a model's prose, marked as such, over figures from git and executed tests."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from anton.core.confidence import confidence
from anton.core.consent import ApprovalGiven
from anton.core.event import Decided
from anton.core.outcomes import outcomes
from anton.core.proof import Cell, FileChange, Opinion, Proof, Suite, Tree
from anton.core.run import RunState
from anton.core.ticket import Ticket
from anton.views.culprit import culprit_sentence
from anton.views.encode import code, cut, fence, inline, line, prose, quoted, subject
from anton.views.figures import models
from anton.views.matrix import matrix_markdown
from anton.views.risks import risks
from anton.views.strength import scores
from anton.views.testimony import Testimony, testimony

TITLE_CHARACTERS = 100
SHOWN_TESTS = 30
"""Tests named in a list; the rest are counted."""
SHOWN_FILES = 100
"""Files named in the table; the rest are counted."""
TICKET_CHARACTERS = 3_000
OPINION_CHARACTERS = 20_000
"""Of the second opinion's diff; forges take bodies of 65,536 characters."""

TRACKERS = frozenset({"jira", "github", "ci"})
"""Sources of tickets whose address is their tracker's own."""
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9._~/-]*")

_STATUS = {"A": "added", "M": "changed", "D": "removed"}


def pull_request_title(state: RunState) -> str:
    """The model's title or the ticket's, with the ticket's key; nothing in it mentions or closes anything."""
    ticket, text = state.received.ticket, testimony(state).pr
    title = text.title.rstrip(".") if text else f"Fix: {ticket.title}"
    return f"{subject(title, TITLE_CHARACTERS)} ({subject(ticket.key, 40)})"


def pull_request_body(state: RunState, proof: Proof, headline: str) -> str:
    """The whole body. What a model wrote stands above a line that says so; all below is from execution.

    The body names base and head commit, but not the digest that an approval is bound to, which covers it.
    """
    heard = testimony(state)
    parts = (
        *_told(state, heard),
        _section("Files changed", _files(proof.patch.files)),
        _section("Tests", _tests(proof, headline)),
        _section("Proof", _proof(proof, state.base.checks if state.base else "")),
        _section("Second opinion", _opinion(proof)),
        _section("Look twice", _list(risks(state, proof)) or "Nothing was flagged."),
        _section("How to verify", _how_to_verify(proof, heard)),
        _section("References", _references(state, heard)),
    )
    return "\n\n".join(parts) + "\n"


def as_approved(body: str, earlier: Sequence[ApprovalGiven], decided: Decided) -> str:
    """The body as it is opened: who approved, and, where the proof is not green, that they said so.

    Args:
        body: as the digest covers it.
        earlier: other people's approvals of the same briefing.
        decided: the one that completed them.
    """
    given: list[ApprovalGiven | Decided] = [*earlier, decided]
    who = " and ".join(code(each.who) for each in given)
    if not decided.override:
        return f"{body}\n## Approved by\n\n{who}\n"
    reasons = "".join(f"\n\n{quoted(each.text)}" for each in given if each.text)
    return (
        f"{body}\n## Approved although the proof is not green\n\n"
        f"{who} saw the faults above and approved all the same.{reasons}\n"
    )


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _told(state: RunState, heard: Testimony) -> Iterator[str]:
    """What the agents say, or, where they brought nothing, the ticket."""
    ticket, text = state.received.ticket, heard.pr
    by = ", ".join(code(model) for model in models(state)) or "a model"
    told = (
        ("Problem", text.problem if text else heard.triage.summary if heard.triage else ""),
        ("Root cause", text.root_cause if text else _cause(heard)),
        ("Solution", text.solution if text else heard.code.solution if heard.code else ""),
    )
    for title, words in told:
        if words:
            yield _section(title, prose(words))
        elif title == "Problem":
            says = f"The ticket says: {inline(ticket.title)}"
            yield _section(title, f"{says}\n\n{quoted(ticket.body, TICKET_CHARACTERS)}")
        else:
            yield _section(title, "No agent brought a description.")
    for sentence in heard.missing:
        yield f"_{inline(sentence)}_"
    yield "---"
    yield f"_Up to here: words of {by} and of the ticket. Below: read from git and from what was executed._"


def _cause(heard: Testimony) -> str:
    return heard.code.root_cause if heard.code else heard.test.diagnosis if heard.test else ""


def _files(files: tuple[FileChange, ...]) -> str:
    if not files:
        return "Nothing was changed."
    rows = [
        f"| {code(file.path)} | {_STATUS.get(file.status, inline(file.status))} "
        f"| {'binary' if file.binary else f'+{file.added} −{file.removed}'} |"
        for file in files[:SHOWN_FILES]
    ]
    more = f"\n\nand {len(files) - SHOWN_FILES} more." if len(files) > SHOWN_FILES else ""
    return "\n".join(("| file | | lines |", "|---|---|---|", *rows)) + more


def _tests(proof: Proof, headline: str) -> str:
    parts = [f"**{inline(headline, 1_000)}**"]
    if proof.cells:
        parts.append(matrix_markdown(proof.cells))
    if proof.reproducing:
        parts.append("Fail on base and pass with the fix:")
        parts.append(_names(proof.reproducing))
    if others := tuple(test for test in proof.new_tests if test not in proof.reproducing):
        parts.append("Other new tests:")
        parts.append(_names(others))
    parts.extend(f"What is wrong: **{fault.kind}**\n\n{fence(fault.evidence)}" for fault in proof.faults)
    return "\n\n".join(parts)


def _names(tests: tuple[str, ...]) -> str:
    more = (f"- and {len(tests) - SHOWN_TESTS} more",) if len(tests) > SHOWN_TESTS else ()
    return "\n".join((*(f"- {code(test)}" for test in tests[:SHOWN_TESTS]), *more))


def _list(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {inline(sentence, 500)}" for sentence in sentences)


def _proof(proof: Proof, checks: str) -> str:
    sure = f"{confidence(proof)} % from this evidence" if proof.green else "none, the proof is not green"
    rows = [
        f"- Base {code(proof.patch.base)}",
        f"- Head {code(proof.patch.head)}",
        f"- Sandbox: {inline(proof.sandbox)}",
        *([f"- Checks on base: {inline(checks)}"] if checks else []),
        f"- Round {proof.round}",
        *([f"- {inline(culprit_sentence(proof.culprit), 800)}"] if proof.culprit else []),
        *(f"- {score.capitalize()}" for score in scores(proof)),
        f"- Confidence: {sure}",
    ]
    return "\n".join(rows)


def _opinion(proof: Proof) -> str:
    match proof.opinion:
        case Opinion.AGREES:
            verdict = "Agrees. It was derived without seeing this fix, and the new tests pass on it."
        case Opinion.DISAGREES:
            verdict = (
                "**Disagrees.** It was derived without seeing this fix, and not all new tests pass on it."
            )
        case Opinion.NONE:
            return "None: no fix of the test agent's own could be tried."
    return (
        f"{verdict}\n\n<details><summary>The test agent's own fix</summary>\n\n"
        f"{fence(cut(proof.patch.second_opinion, OPINION_CHARACTERS), 'diff')}\n\n</details>"
    )


def _how_to_verify(proof: Proof, heard: Testimony) -> str:
    steps = [line(step) for step in heard.pr.how_to_verify] if heard.pr else []
    parts = ["\n".join(f"{number}. {inline(step)}" for number, step in enumerate(steps, 1))] if steps else []
    cell = outcomes(proof.cells, Suite.NEW, Tree.FIX).cells
    if cell:
        parts.append("The changed tests were run with this command, on base and on head:")
        parts.append(fence(_command(cell[0]), "sh"))
        parts.append(
            "Every run is recorded in `proof.tar.gz`, which is kept beside the incident report. "
            "This executes it again, without model, settings or network:"
        )
        parts.append(fence("anton verify proof.tar.gz", "sh"))
    return "\n\n".join(parts) or "Nothing was executed; read the diff."


def _command(cell: Cell) -> str:
    """As a reviewer would type it: the program by its name, whatever folder it lay in here."""
    program, *arguments = cell.command
    words = (program.rpartition("/")[2], *arguments)
    return shlex.join(line(word, 1_000) for word in words)


def _linked(ticket: Ticket) -> str:
    """The ticket's key, as a link where its tracker made the address; into others anybody may write one."""
    if ticket.source in TRACKERS and _ADDRESS.fullmatch(ticket.url):
        return f"[{code(ticket.key)}]({ticket.url})"
    return f"{code(ticket.key)} ({code(ticket.url)})" if ticket.url else code(ticket.key)


def _references(state: RunState, heard: Testimony) -> str:
    ticket = state.received.ticket
    listed = [f"- Ticket {_linked(ticket)}", f"- Anton run {code(state.run_id)}"]
    if heard.pr:
        listed.extend(f"- {inline(text)}" for text in heard.pr.references if text != ticket.key)
    return "\n".join(listed)
