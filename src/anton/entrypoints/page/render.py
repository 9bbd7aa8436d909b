"""HTML of the pages. Templates escape everything; what they are given is plain data from `views`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from anton.core.event import Entry
from anton.core.proof import Suite, Tree
from anton.core.run import Phase, RunState
from anton.views.culprit import culprit_sentence
from anton.views.encode import line, paragraphs, revealed, spans
from anton.views.figures import agent_cost, agent_tokens, cost, duration, tokens, utc
from anton.views.matrix import squares
from anton.views.page.changes import file_diffs
from anton.views.page.history import STANDINGS, days, standing_of, standing_words
from anton.views.page.plot import plot
from anton.views.page.transcript import transcripts
from anton.views.testimony import ending
from anton.views.timeline import VERBS, moments

REGIONS = (
    "standing",
    "decide",
    "questions",
    "proof",
    "changes",
    "timeline",
    "story",
    "cost",
    "delivery",
)
"""Parts of a run's page that change while it is looked at: each is a template and an element's id."""

_STEPS = {
    "branch": "Branch",
    "pull_request": "Pull request",
    "ticket": "Ticket",
    "report": "Incident report",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the page."""

    name: str
    """As whom they are logged in."""
    token: str
    """Goes with every form, so that no other site can send one."""
    may_decide: str = ""
    """Why they may not decide on this run; empty where they may."""


def run_page(
    state: RunState, entries: Sequence[Entry], viewer: Viewer, now: datetime, notice: str = ""
) -> str:
    """The whole page of a run.

    Args:
        state: The run.
        entries: Its journal.
        viewer: Who looks.
        now: Aware.
        notice: What came of what the viewer just did.
    """
    parts = regions(state, entries, viewer, now)
    return _template("run.html").render(
        **_of_run(state, entries, viewer, now),
        parts=parts,
        seen=seen(parts),
        transcripts=transcripts(entries),
        notice=paragraphs(notice, 2_000),
    )


def regions(state: RunState, entries: Sequence[Entry], viewer: Viewer, now: datetime) -> Mapping[str, str]:
    """The inside of each part of the page that changes, by its name."""
    given = _of_run(state, entries, viewer, now)
    return {name: _template(f"parts/{name}.html").render(**given) for name in REGIONS}


def seen(parts: Mapping[str, str]) -> str:
    """What a browser has that shows these parts, as one word: it comes back when the browser reconnects."""
    return "-".join(hashlib.sha256(parts[name].encode()).hexdigest()[:8] for name in REGIONS)


def changed(parts: Mapping[str, str], before: str) -> str:
    """The parts that a browser does not have yet, each to be put into its place; empty where it has all."""
    known = before.split("-")
    known = known if len(known) == len(REGIONS) else [""] * len(REGIONS)
    now = seen(parts).split("-")
    return "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="innerHTML">{parts[name]}</hx-partial>'
        for name, old, new in zip(REGIONS, known, now, strict=True)
        if old != new
    )


def runs_page(states: Iterable[RunState], wanted: str, words: str, viewer: Viewer, now: datetime) -> str:
    """The list of runs, newest first.

    Args:
        states: All of them.
        wanted: Of what standing; empty for any.
        words: That ticket or run have to hold; empty for any.
        viewer: Who looks.
        now: Aware.
    """
    known = sorted(states, key=lambda state: state.started_at, reverse=True)
    shown = [
        state
        for state in known
        if (not wanted or standing_of(state) == wanted) and words.lower() in _searched(state)
    ]
    rows = [
        {
            "id": line(state.run_id, 80),
            "key": line(state.received.ticket.key, 40),
            "title": line(state.received.ticket.title, 200),
            "standing": standing_of(state),
            "verdict": ("green" if state.proofs[-1].green else "red") if state.proofs else "",
            "since": utc(state.started_at),
            "took": duration((state.updated_at - state.started_at).total_seconds()),
        }
        for state in shown
    ]
    return _template("runs.html").render(
        rows=rows,
        total=len(known),
        days=days(known, now.date()),
        standings=STANDINGS,
        wanted=wanted,
        words=line(words, 100),
        viewer=viewer,
    )


def login_page(notice: str, next_path: str) -> str:
    """Where somebody says who they are."""
    return _template("login.html").render(notice=line(notice, 500), next_path=next_path)


def problem_page(title: str, detail: str) -> str:
    """What went wrong, in words."""
    return _template("problem.html").render(title=line(title), detail=paragraphs(detail, 2_000))


def _searched(state: RunState) -> str:
    ticket = state.received.ticket
    return f"{state.run_id} {ticket.key} {ticket.title}".lower()


def _of_run(state: RunState, entries: Sequence[Entry], viewer: Viewer, now: datetime) -> Mapping[str, object]:
    """What every template of a run is given."""
    proof, ticket = state.proof, state.received.ticket
    return {
        "run_id": line(state.run_id, 80),
        "key": line(ticket.key, 40),
        "title": line(ticket.title, 200),
        "ticket": paragraphs(ticket.body, 8_000),
        "reporter": line(ticket.reporter, 80),
        "standing": standing_of(state),
        "shown_standing": standing_words(standing_of(state)),
        "state": state,
        "briefing": state.briefing,
        "headline": _headline(state),
        "proof": proof,
        "faults": [(str(fault.kind), revealed(fault.evidence)) for fault in proof.faults] if proof else [],
        "matrix": _matrix(state),
        "culprit": culprit_sentence(proof.culprit) if proof and proof.culprit else "",
        "files": file_diffs(proof.patch.diff) if proof else (),
        "plot": plot(state, entries, now),
        "moments": [(duration((m.at - state.started_at).total_seconds()), m) for m in moments(entries)],
        "agents": _agents(state),
        "cost": cost(state),
        "took": duration((state.updated_at - state.started_at).total_seconds()),
        "since": utc(state.started_at),
        "decisions": [
            (line(decided.who, 80), VERBS[decided.verb], paragraphs(decided.text, 2_000))
            for decided in state.decisions
        ],
        "approvals": [(line(given.who, 80), paragraphs(given.text, 2_000)) for given in state.approvals],
        "steps": [
            (_STEPS.get(s.step, line(s.step, 80)), line(s.result, 1_000)) for s in state.steps.values()
        ],
        "questions": [question for agent in state.agents.values() for question in agent.open_questions],
        "deciding": state.phase is Phase.DECIDING,
        "closed": state.closed,
        "viewer": viewer,
    }


def _headline(state: RunState) -> tuple[str, str]:
    """The verdict's first word, and the rest of it."""
    if state.briefing is None:
        return "", ""
    verdict, _, rest = state.briefing.headline.partition(": ")
    return line(verdict, 40), line(rest, 1_500)


def _matrix(state: RunState) -> Sequence[tuple[str, Sequence[tuple[str, str, str] | None]]]:
    """A row for each suite: standing, counts and meaning of each of its squares."""
    filled = squares(state.proof.cells if state.proof else state.cells)
    rows = []
    for suite in (Suite.NEW, Suite.OLD):
        found = [filled.get((suite, tree)) for tree in Tree]
        rows.append((str(suite), [(s.standing.value, s.counts, s.meaning) if s else None for s in found]))
    return rows


def _agents(state: RunState) -> Sequence[Mapping[str, object]]:
    return [
        {
            "name": line(agent.name, 60),
            "model": line(agent.stand_in or agent.model, 80),
            "turns": agent.turn,
            "tokens": tokens(agent_tokens(agent)),
            "cost": agent_cost(agent),
            "standing": ending(agent.ended) if agent.ended else "at work",
        }
        for agent in state.agents.values()
    ]


def static_file(name: str) -> tuple[bytes, str] | None:
    """Content and media type of a file that pages refer to; None where there is none of that name."""
    kind = _STATIC.get(name.rpartition(".")[2])
    if kind is None or name not in _static_names():
        return None
    return resources.files(__package__).joinpath("static", name).read_bytes(), kind


_STATIC = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}


@cache
def _static_names() -> frozenset[str]:
    return frozenset(entry.name for entry in resources.files(__package__).joinpath("static").iterdir())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"spans": spans, "standing": standing_words}
    return environment


def _template(name: str) -> Template:
    return _environment().get_template(name)
