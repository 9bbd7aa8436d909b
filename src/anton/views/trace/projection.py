"""The spans of a run, from its journal.

    run ┬ prepare
        ├ invoke_agent ┬ turn ┬ chat
        │              │      ├ execute_tool
        │              │      └ invoke_agent (a delegate) …
        │              └ question
        ├ proof ─ cell
        ├ decision
        └ delivery ─ deliver

A span's number follows from the run and from the event that began it, its times are the journal's own. So
whoever reads the same entries finds the same spans: a run that goes on after a crash, or on another machine,
goes on with its trace. What a crash cut off ends where it is begun again, with the error `interrupted`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anton.core.agent import principal
from anton.core.consent import BaseMoved
from anton.core.ended import RESTED
from anton.core.event import (
    AgentEnded,
    AgentStarted,
    BaseResolved,
    BriefingPrepared,
    CellFinished,
    ConversationCompressed,
    Decided,
    Entry,
    ProofFinished,
    ProofStarted,
    ReplyReceived,
    RoundStarted,
    RunClosed,
    RunOutcome,
    RunReceived,
    StepDelivered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Verb,
)
from anton.core.question import QuestionAnswered, QuestionAsked
from anton.core.report import Priority
from anton.core.work import WorkStopped
from anton.views.trace import names
from anton.views.trace.span import Happening, Span, Value, span_id, trace_id

INTERRUPTED = "interrupted"
MOST_HAPPENINGS = 100
"""Of a run."""

_BAD_ENDS = frozenset({RunOutcome.FAILED, RunOutcome.UNUSABLE})

Key = tuple[str, ...]
"""Which span is open: its kind and, where there may be several, whose it is."""
RUN: Key = ("run",)
PROOF: Key = ("proof",)
DECISION: Key = ("decision",)
DELIVERY: Key = ("delivery",)


@dataclass(slots=True)
class _Open:
    name: str
    id: int
    parent: int | None
    started_at: datetime
    attributes: dict[str, Value]


@dataclass(slots=True)
class RunSpans:
    """Follows one run's entries, and hands out each span once it has ended."""

    _trace: int = 0
    _run_id: str = ""
    _round: int = 1
    _open: dict[Key, _Open] = field(default_factory=dict)
    _models: dict[str, str] = field(default_factory=dict)
    _delivered_at: datetime | None = None
    _happenings: list[Happening] = field(default_factory=list)

    def see(self, entry: Entry) -> tuple[Span, ...]:
        """The spans that an entry ends, the inner ones first."""
        return tuple(self._seen(entry))

    def _seen(self, entry: Entry) -> Iterator[Span]:
        match entry.event:
            case RunReceived() as event:
                self._receive(entry, event)
            case BaseResolved() if run := self._open.get(RUN):
                yield self._span(entry, "prepare", run.id, run.started_at, {})
            case RunClosed() as event:
                yield from self._close_run(entry, event)
            case WorkStopped() as event if len(self._happenings) < MOST_HAPPENINGS:
                stopped = Happening("work_stopped", entry.at, {names.AWAITS: event.awaits})
                self._happenings.append(stopped)
            case RoundStarted(number) | BaseMoved(round=number):
                self._round = number
                yield from self._end(DELIVERY, entry, error="base_moved")
            case ProofStarted() | CellFinished() | ProofFinished():
                yield from self._seen_of_proof(entry)
            case BriefingPrepared() | Decided() | StepDelivered():
                yield from self._seen_of_decision(entry)
            case _:
                yield from self._seen_of_agent(entry)

    def _seen_of_agent(self, entry: Entry) -> Iterator[Span]:
        match entry.event:
            case AgentStarted() as event:
                self._models[event.agent] = event.model
                self._begin_agent(entry, event.agent)
            case TurnStarted() as event:
                yield from self._begin_turn(entry, event)
            case ReplyReceived() as event:
                yield self._reply(entry, event)
            case ConversationCompressed() as event if event.summary:
                yield self._compression(entry, event)
            case ToolStarted() as event:
                called, parent = ("tool", event.agent, event.call_id), self._within_turn(event.agent)
                self._begin(called, entry, f"{names.EXECUTE_TOOL} {event.name}", parent, {})
            case TurnEnded() as event:
                yield from self._end_turn(entry, event)
            case QuestionAsked() as event:
                asked = ("question", event.question.id)
                self._begin(asked, entry, "question", self._within_agent(event.agent), {})
            case QuestionAnswered() as event:
                said: dict[str, Value] = {} if event.allowed is None else {names.ALLOWED: event.allowed}
                yield from self._end(("question", event.question), entry, said)
            case AgentEnded() as event:
                yield from self._end_agent(entry, event)

    # The run

    def _receive(self, entry: Entry, event: RunReceived) -> None:
        self._run_id, self._trace = entry.run_id, trace_id(entry.run_id, entry.at)
        ticket = event.ticket
        attributes: dict[str, Value] = {
            names.TICKET: ticket.key,
            names.SOURCE: ticket.source,
            names.REPOSITORY: event.repository.rstrip("/").rpartition("/")[2],
        }
        self._begin(RUN, entry, "run", None, attributes)

    def _close_run(self, entry: Entry, event: RunClosed) -> Iterator[Span]:
        yield from self._end(DELIVERY, entry)
        run = self._open.pop(RUN, None)
        for key in tuple(reversed(self._open)):
            yield from self._end(key, entry, error=INTERRUPTED)
        if run is not None:
            run.attributes |= {names.OUTCOME: event.outcome.value, names.ROUND: self._round}
            error = event.outcome.value if event.outcome in _BAD_ENDS else ""
            yield self._ended(run, entry.at, error, happenings=tuple(self._happenings))

    # Agents

    def _begin_agent(self, entry: Entry, agent: str) -> None:
        attributes: dict[str, Value] = {
            names.OPERATION: names.INVOKE_AGENT,
            names.AGENT: role(agent),
            names.REQUEST_MODEL: self._models.get(agent, ""),
            names.ROUND: self._round,
        }
        owner = principal(agent)
        parent = self._within_turn(owner) if owner != agent else self._of(RUN)
        self._begin(("agent", agent), entry, f"{names.INVOKE_AGENT} {role(agent)}", parent, attributes)

    def _begin_turn(self, entry: Entry, event: TurnStarted) -> Iterator[Span]:
        yield from self._break_off(entry, event.agent)
        if ("agent", event.agent) not in self._open:  # a note has woken it
            self._begin_agent(entry, event.agent)
        parent, attributes = self._within_agent(event.agent), {names.TURN: event.turn}
        self._begin(("turn", event.agent), entry, "turn", parent, {**attributes}, part="turn")

    def _end_turn(self, entry: Entry, event: TurnEnded) -> Iterator[Span]:
        turn = self._open.get(("turn", event.agent))
        for result in event.results:
            call = self._open.pop(("tool", event.agent, result.call_id), None)
            offset = timedelta(seconds=result.started_after_seconds)
            begun = call.started_at if call else (turn.started_at if turn else entry.at) + offset
            attributes: dict[str, Value] = {
                names.OPERATION: names.EXECUTE_TOOL,
                names.TOOL: result.name,
                names.TOOL_CALL: result.call_id,
                names.TOOL_TYPE: names.FUNCTION,
                names.AGENT: role(event.agent),
            }
            yield self._span(
                entry,
                f"{names.EXECUTE_TOOL} {result.name}",
                self._within_turn(event.agent),
                begun,
                attributes,
                ended_at=begun + timedelta(seconds=result.seconds),
                error="tool_error" if result.failed else "",
                known_as=call.id if call else span_id(self._trace, entry.number, result.call_id),
            )
        yield from self._end(("turn", event.agent), entry)

    def _end_agent(self, entry: Entry, event: AgentEnded) -> Iterator[Span]:
        yield from self._break_off(entry, event.agent)
        error = "" if event.outcome in RESTED else event.outcome.value
        yield from self._end(("agent", event.agent), entry, {names.OUTCOME: event.outcome.value}, error)

    def _break_off(self, entry: Entry, agent: str) -> Iterator[Span]:
        """End a turn, and its calls, that came to nothing."""
        for key in [key for key in self._open if key[:2] == ("tool", agent)]:
            yield from self._end(key, entry, error=INTERRUPTED)
        yield from self._end(("turn", agent), entry, error=INTERRUPTED)

    def _reply(self, entry: Entry, event: ReplyReceived) -> Span:
        asked = event.instead_of or self._models.get(event.agent) or event.model
        attributes = {
            **_of_model(event, asked),
            names.CONVERSATION: f"{self._run_id}/{event.agent}",
            names.FINISH_REASONS: (event.finish_reason,),
            names.RESTARTS: event.restarts,
        }
        return self._request(entry, event, attributes, f"{names.CHAT} {asked}")

    def _compression(self, entry: Entry, event: ConversationCompressed) -> Span:
        asked = self._models.get(event.agent) or event.model
        attributes = {**_of_model(event, asked), names.COMPRESSION: True}
        return self._request(entry, event, attributes, f"{names.CHAT} {asked}")

    def _request(
        self,
        entry: Entry,
        event: ReplyReceived | ConversationCompressed,
        attributes: Mapping[str, Value],
        name: str,
    ) -> Span:
        begun = entry.at - timedelta(seconds=event.seconds)
        return self._span(
            entry, name, self._within_turn(event.agent), begun, attributes, part="chat", calls_out=True
        )

    # Proof, decision, delivery

    def _seen_of_proof(self, entry: Entry) -> Iterator[Span]:
        match entry.event:
            case ProofStarted(number):
                self._begin(PROOF, entry, "proof", self._of(RUN), {names.ROUND: number})
            case CellFinished(cell):
                attributes: dict[str, Value] = {
                    names.SUITE: cell.suite.value,
                    names.TREE: cell.tree.value,
                    names.STATUS: cell.status.value,
                    names.TESTS: len(cell.cases),
                    names.ATTEMPT: cell.attempt,
                }
                begun = entry.at - timedelta(seconds=cell.seconds)
                parent = self._of(RUN) if cell.is_baseline else self._of(PROOF, RUN)
                yield self._span(entry, f"cell {cell.suite} on {cell.tree}", parent, begun, attributes)
            case ProofFinished(proof):
                faults = tuple(dict.fromkeys(str(fault.kind) for fault in proof.faults))
                verdict = "green" if proof.green else "red"
                yield from self._end(PROOF, entry, {names.VERDICT: verdict, names.FAULTS: faults})

    def _seen_of_decision(self, entry: Entry) -> Iterator[Span]:
        match entry.event:
            case BriefingPrepared(briefing):
                if run := self._open.get(RUN):
                    run.attributes[names.PRIORITY] = Priority.named(briefing.priority)
                self._begin(DECISION, entry, "decision", self._of(RUN), {})
            case Decided() as event:
                yield from self._end(DECISION, entry, {names.VERB: event.verb.value})
                if event.verb is not Verb.REQUEST_CHANGES:
                    self._delivered_at = entry.at
                    self._begin(DELIVERY, entry, "delivery", self._of(RUN), {}, part="delivery")
            case StepDelivered(step):
                begun, self._delivered_at = self._delivered_at or entry.at, entry.at
                parent = self._of(DELIVERY, RUN)
                yield self._span(entry, f"deliver {step}", parent, begun, {names.STEP: step}, calls_out=True)

    # Spans

    def _of(self, *keys: Key) -> int | None:
        """The id of the first of these that is open."""
        return next((found.id for key in keys if (found := self._open.get(key))), None)

    def _within_agent(self, agent: str) -> int | None:
        return self._of(("agent", agent), RUN)

    def _within_turn(self, agent: str) -> int | None:
        return self._of(("turn", agent), ("agent", agent), RUN)

    def _begin(
        self,
        key: Key,
        entry: Entry,
        name: str,
        parent: int | None,
        attributes: dict[str, Value],
        part: str = "",
    ) -> None:
        known = span_id(self._trace, entry.number, part)
        self._open[key] = _Open(name, known, parent, entry.at, attributes)

    def _end(
        self, key: Key, entry: Entry, attributes: Mapping[str, Value] | None = None, error: str = ""
    ) -> Iterator[Span]:
        """The span if it is open, which it is no longer."""
        found = self._open.pop(key, None)
        if found is not None:
            found.attributes |= attributes or {}
            yield self._ended(found, entry.at, error)

    def _ended(self, found: _Open, at: datetime, error: str, happenings: tuple[Happening, ...] = ()) -> Span:
        attributes = self._completed(found.attributes, error)
        return Span(
            found.name,
            self._trace,
            found.id,
            found.parent,
            found.started_at,
            max(at, found.started_at),
            attributes,
            error,
            happenings=happenings,
        )

    def _span(
        self,
        entry: Entry,
        name: str,
        parent: int | None,
        begun: datetime,
        attributes: Mapping[str, Value],
        *,
        part: str = "",
        ended_at: datetime | None = None,
        error: str = "",
        known_as: int | None = None,
        calls_out: bool = False,
    ) -> Span:
        """A span that is known as a whole, from the entry at its end."""
        ended = min(ended_at or entry.at, entry.at)
        return Span(
            name,
            self._trace,
            known_as or span_id(self._trace, entry.number, part),
            parent,
            min(begun, ended),
            ended,
            self._completed(attributes, error),
            error,
            calls_out,
        )

    def _completed(self, attributes: Mapping[str, Value], error: str) -> dict[str, Value]:
        failed: dict[str, Value] = {names.ERROR: error} if error else {}
        return {names.RUN: self._run_id, **attributes, **failed}


def role(agent: str) -> str:
    """An agent's name without a delegate's number: `code/investigator` for `code/investigator-3`."""
    return re.sub(r"-[0-9]+$", "", agent) if "/" in agent else agent


def _of_model(event: ReplyReceived | ConversationCompressed, asked: str) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: names.OPENAI,
        names.AGENT: role(event.agent),
        names.REQUEST_MODEL: asked,
        names.RESPONSE_MODEL: event.model,
        names.INPUT_TOKENS: event.usage.input_tokens,
        names.CACHED_TOKENS: event.usage.cached_tokens,
        names.OUTPUT_TOKENS: event.usage.output_tokens,
    }
    return attributes if event.cost_dollars is None else {**attributes, names.COST: event.cost_dollars}
