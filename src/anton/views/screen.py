"""The decision screen: what broke, whether the fix is proved, and what to press, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rich.box import HEAVY
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from anton.core.briefing import Briefing
from anton.core.event import BaseResolved, Verb
from anton.core.proof import Fault, Proof
from anton.core.run import Phase, RunState
from anton.views.culprit import culprit_sentence
from anton.views.diff import diff_view
from anton.views.encode import cut, line, revealed, styled_spans
from anton.views.figures import cost, duration
from anton.views.matrix import matrix_table
from anton.views.palette import ACCENT, BAD, CAUTION, FAILED_SIGN, GOOD, MUTED, STRONG
from anton.views.questions import questions_view
from anton.views.timeline import VERBS

PARAGRAPH_WIDTH = 100
"""Columns beyond which prose is hard to read."""

LONG_DIFF_LINES = 20
"""Lines of a diff beyond which the verdict is said again below it, where the eyes are."""

EVIDENCE_CHARACTERS = 1_200
"""Of one fault's evidence; the whole of it stands in the pull request and in the report."""

KEYS: Mapping[str, tuple[Verb | None, str]] = MappingProxyType(
    {
        "a": (Verb.APPROVE, "approve, and open the pull request"),
        "r": (Verb.REQUEST_CHANGES, "request changes: what you say goes to the agents"),
        "d": (Verb.DECLINE, "decline, and close the run"),
        "l": (None, "decide later"),
    }
)
"""Keys of the question under the screen; `a` is offered on green only. No verb: nothing is decided."""


def offered_keys(briefing: Briefing) -> tuple[str, ...]:
    """The keys that may be pressed now."""
    return tuple(key for key, (verb, _) in KEYS.items() if briefing.green or verb is not Verb.APPROVE)


def decision_screen(state: RunState, *, keys: tuple[str, ...] = ()) -> RenderableType:
    """Everything a person needs to decide.

    Args:
        state: a run with a briefing; without one there is nothing to show but a line that says so.
        keys: those that a question under the screen will take; none where commands decide.
    """
    briefing, proof = state.briefing, state.proof
    if briefing is None or proof is None:
        return Text(f"Run {line(state.run_id, 60)} has no briefing yet.", MUTED)
    return Group(
        _verdict(state, briefing),
        Padding(_paragraph(briefing), (1, 2)),
        *_section("Proof", _proof(proof, state.base)),
        *_section("Change", Padding(diff_view(proof.patch.diff), (0, 2))),
        *_section("Look twice", _risks(briefing)),
        *(_section("Questions", Padding(questions_view(state), (0, 2))) if state.questions else ()),
        *_section("Decide", _how(state, proof, briefing, keys)),
    )


def _section(title: str, content: RenderableType) -> Iterator[RenderableType]:
    yield Rule(Text(title, MUTED), style=MUTED, align="left", characters="─")
    yield content
    yield Text()


def _verdict(state: RunState, briefing: Briefing) -> Panel:
    colour = GOOD if briefing.green else BAD
    content = Text.assemble(_bug(state), "\n\n", _headline(briefing))
    return Panel(
        content,
        box=HEAVY,
        border_style=colour,
        padding=(0, 1),
        subtitle=_facts(state, briefing),
        subtitle_align="left",
    )


def _bug(state: RunState) -> Text:
    ticket = state.received.ticket
    return Text(f"{line(ticket.key, 40)}  {line(ticket.title, 200)}", STRONG)


def _headline(briefing: Briefing) -> Text:
    verdict, _, rest = briefing.headline.partition(": ")
    loud = f"{STRONG} reverse {GOOD if briefing.green else BAD}"
    return Text.assemble((f" {line(verdict, 40)} ", loud), "  ", (line(rest, 1_000), STRONG))


def _facts(state: RunState, briefing: Briefing) -> Text:
    spent = duration((state.updated_at - state.started_at).total_seconds())
    words = (briefing.priority, briefing.component, spent, cost(state))
    return Text(" · ".join(line(word, 60) for word in words), MUTED)


def _paragraph(briefing: Briefing) -> RenderableType:
    grid = Table.grid()
    grid.add_column(max_width=PARAGRAPH_WIDTH)
    grid.add_row(styled_spans(briefing.paragraph))
    return grid


def _proof(proof: Proof, base: BaseResolved | None) -> RenderableType:
    matrix = matrix_table(proof.cells) if proof.cells else Text("Nothing was executed.\n", STRONG)
    where = [("sandbox", proof.sandbox), ("base", proof.patch.base[:12]), ("head", proof.patch.head[:12])]
    if base and base.checks:
        where.append(("checks", f"{base.checks}, on base"))
    if base and base.remote:
        where.append(("push to", base.remote))
    if proof.culprit:
        where.append(("culprit", culprit_sentence(proof.culprit)))
    rows = "\n".join(f"{name:<9}{line(text, 800)}" for name, text in where)
    return Padding(Group(matrix, *map(_fault, proof.faults), Text(rows, MUTED)), (0, 2))


def _fault(fault: Fault) -> Text:
    """What was executed and what came of it, as far as it helps to decide."""
    evidence = revealed(cut(fault.evidence, EVIDENCE_CHARACTERS))
    return Text.assemble((f"{FAILED_SIGN} {fault.kind}", f"{STRONG} {BAD}"), f"\n{evidence}\n")


def _risks(briefing: Briefing) -> RenderableType:
    if not briefing.risks:
        return Padding(Text("Nothing was flagged.", MUTED), (0, 2))
    rows = Table.grid(padding=(0, 1))
    for risk in briefing.risks:
        rows.add_row(Text("!", CAUTION), styled_spans(line(risk, 500)))
    return Padding(rows, (0, 2))


def _how(state: RunState, proof: Proof, briefing: Briefing, keys: tuple[str, ...]) -> RenderableType:
    if state.phase is not Phase.DECIDING:
        return Padding(_decided(state), (0, 2))
    parts: list[RenderableType] = []
    if proof.patch.diff.count("\n") > LONG_DIFF_LINES:
        parts += [_bug(state), _headline(briefing), Text()]
    if keys:
        parts += [_keys(keys), Text()]
    parts += _consent(state, briefing)
    parts += [Text("From any terminal:" if keys else "From any terminal, now or later:", MUTED)]
    return Padding(Group(*parts, commands(state, briefing)), (0, 2))


def _consent(state: RunState, briefing: Briefing) -> Iterator[RenderableType]:
    """Who may approve, and who has."""
    if briefing.approval:
        yield Text(line(briefing.approval, 500))
    for given in state.approvals:
        yield Text(f"{line(given.who, 120)} approved; it takes another person as well.", CAUTION)
    if briefing.approval or state.approvals:
        yield Text()


def _keys(keys: tuple[str, ...]) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    for key in keys:
        rows.add_row(Text(key, f"{STRONG} {ACCENT}"), Text(KEYS[key][1]))
    return rows


def _decided(state: RunState) -> Text:
    rows = (
        f"{line(d.who, 80)} {VERBS[d.verb]}{f': {line(d.text)}' if d.text else ''}" for d in state.decisions
    )
    return Text("\n".join(rows) or "Nobody has decided.")


def commands(state: RunState, briefing: Briefing) -> Text:
    """The commands that decide, one a line."""
    run, override = line(state.run_id, 60), "" if briefing.green else " --override-red"
    approve = f"anton approve {run} --digest {briefing.digest[:12]}{override}"
    rows = (approve, f'anton request-changes {run} "…"', f"anton decline {run}")
    return Text("\n".join(f"  {row}" for row in rows), ACCENT)
