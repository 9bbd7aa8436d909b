"""A run as spans of OpenTelemetry's own SDK: the tree, the numbers, the times, and what is not in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, TICKET, Office

from anton.adapters.model.scripted import Reply
from anton.adapters.telemetry.tracing import Tracing
from anton.core.decision import Answer
from anton.core.event import Entry, Verb
from anton.core.run import Phase
from anton.runs.runner import advance, answer
from anton.runs.world import World
from anton.views.trace import names
from anton.views.trace.projection import RunSpans
from anton.views.trace.span import Span


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)


async def decided(world: World, verb: Verb = Verb.APPROVE) -> None:
    """Take the run to a person, have it decided, and on to its end."""
    state = await advance(world, RUN)
    assert state.briefing is not None
    await answer(world, RUN, Answer(verb, "terminal:tester", state.briefing.digest))
    assert (await advance(world, RUN)).phase is Phase.CLOSED


async def traced(office: Office) -> tuple[ReadableSpan, ...]:
    """All spans of a run that is delivered."""
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter, "here")
    await office.receive()
    await decided(world_with(office, tracing))
    await tracing.close()
    return exporter.get_finished_spans()


def world_with(office: Office, tracing: Tracing) -> World:
    return replace(office.world(HONEST), observers=(tracing.follow,))


def tree(spans: Sequence[ReadableSpan], parent: int | None = None, depth: int = 0) -> Iterator[str]:
    """Names, indented below what they are a part of; equal sisters once, with their number."""
    inside = [span for span in spans if (span.parent.span_id if span.parent else None) == parent]
    blocks: list[tuple[str, ...]] = []
    for span in sorted(inside, key=lambda span: span.name):
        assert span.context is not None
        blocks.append(("  " * depth + span.name, *tree(spans, span.context.span_id, depth + 1)))
    yield from (line for block in sorted(blocks) for line in block)


async def test_a_run_is_one_tree_of_spans(office: Office) -> None:
    spans = await traced(office)
    assert "\n".join(tree(spans)) == snapshot("""\
run
  cell old suite on base
  decision
  delivery
    deliver branch
    deliver pull_request
    deliver report
    deliver ticket
  invoke_agent code
    turn
      chat scripted
      execute_tool edit_file
    turn
      chat scripted
      execute_tool read_file
    turn
      chat scripted
      execute_tool submit
  invoke_agent pr
    turn
      chat scripted
      execute_tool submit
  invoke_agent pr
    turn
      chat scripted
      execute_tool submit
  invoke_agent test
    turn
      chat scripted
      execute_tool edit_file
    turn
      chat scripted
      execute_tool list_dir
    turn
      chat scripted
      execute_tool submit
    turn
      chat scripted
      execute_tool write_file
  invoke_agent triage
    turn
      chat scripted
      execute_tool submit
  prepare
  proof
    cell new tests on base
    cell new tests on base
    cell new tests on fix
    cell new tests on fix
    cell new tests on second opinion
    cell whole suite on fix\
""")


async def test_spans_lie_within_what_they_are_a_part_of(office: Office) -> None:
    spans = {span.context.span_id: span for span in await traced(office) if span.context}
    for span in spans.values():
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time
        if span.parent:
            outer = spans[span.parent.span_id]
            assert outer.end_time is not None
            assert span.end_time <= outer.end_time, span.name


async def test_a_reply_has_the_attributes_of_the_conventions(office: Office) -> None:
    spans = await traced(office)
    chat = next(span for span in spans if span.name.startswith("chat "))
    assert chat.kind is SpanKind.CLIENT
    assert chat.attributes is not None
    assert {name for name in chat.attributes if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.conversation.id",
        "gen_ai.agent.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.output_tokens",
    }


def test_names_of_the_conventions_are_those_of_the_sdk_s_own_list() -> None:
    ours = {value for value in vars(names).values() if isinstance(value, str) and value.startswith("gen_ai.")}
    theirs = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    assert ours <= theirs


async def test_no_text_of_ticket_or_model_is_in_a_span(office: Office) -> None:
    spans = await traced(office)
    said = "\n".join(span.to_json() for span in spans)
    for text in (TICKET.title, TICKET.body, "toggles", "Completing twice", "todo.completed"):
        assert text not in said


async def test_a_run_that_another_process_takes_on_goes_on_with_its_trace(office: Office) -> None:
    first, second = InMemorySpanExporter(), InMemorySpanExporter()
    await office.receive()
    begun, ended = Tracing(first, "here"), Tracing(second, "there")
    state = await advance(world_with(office, begun), RUN)
    await begun.close()
    assert state.briefing is not None
    world = world_with(office, ended)
    await answer(world, RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
    await advance(world, RUN)
    await ended.close()
    apart = (*first.get_finished_spans(), *second.get_finished_spans())
    whole = spans_of(await office.journal.read(RUN))
    assert [(s.context.trace_id, s.context.span_id, s.name) for s in apart if s.context] == [
        (span.trace, span.id, span.name) for span in whole
    ]
    root = next(span for span in second.get_finished_spans() if span.parent is None)
    assert root.name == "run"


def spans_of(entries: Sequence[Entry]) -> list[Span]:
    spans = RunSpans()
    return [span for entry in entries for span in spans.see(entry)]


async def test_every_span_has_a_number_of_its_own(office: Office) -> None:
    await office.receive()
    await decided(office.world(HONEST))
    numbers = [span.id for span in spans_of(await office.journal.read(RUN))]
    assert len(set(numbers)) == len(numbers)


async def test_what_a_crash_cut_off_ends_as_interrupted(office: Office) -> None:
    await office.receive()
    await decided(office.world(HONEST))
    entries = await office.journal.read(RUN)
    begun = next(entry for entry in entries if entry.event.kind == "turn_started")
    again = [*entries[: begun.number], begun, *entries[begun.number :]]
    cut = [span for span in spans_of(again) if span.error == "interrupted"]
    assert [span.name for span in cut] == ["turn"]


async def test_a_failed_agent_is_an_error(office: Office) -> None:
    await office.receive()
    world = office.world({**HONEST, "triage": [Reply(text="no"), Reply(text="no"), Reply(text="no")]})
    await advance(world, RUN)
    failed = [span for span in spans_of(await office.journal.read(RUN)) if span.error]
    assert ("invoke_agent triage", "idle") in [(span.name, span.error) for span in failed]


async def test_an_error_is_one_to_opentelemetry_too() -> None:
    exporter = InMemorySpanExporter()
    tracing = Tracing(exporter, "here")
    at = datetime(2026, 11, 25, tzinfo=UTC)
    tracing.record(Span("turn", 7, 8, 9, at, at, {"error.type": "interrupted"}, "interrupted"))
    await tracing.close()
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.context is not None
    assert (span.context.trace_id, span.context.span_id) == (7, 8)
    assert span.parent is not None
    assert span.parent.span_id == 9
