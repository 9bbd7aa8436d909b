"""Who hears what from whom, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from anton.core.agent import AgentState
from anton.core.event import AgentEnded, AgentOutcome, Entry, Note, NotePosted, RunReceived, Source
from anton.core.report import ChangedFile, CodeReport, Priority, TestReport, TriageReport
from anton.core.run import Phase, RunState, begin
from anton.core.ticket import Ticket
from anton.runs.colleagues import notes_for_witnesses, notes_for_writer, subjects

TRIAGE = TriageReport(
    priority=Priority.P2,
    component="todo",
    summary="Done is undone.",
    affected_files=["todo.py"],
    acceptance_criteria=["Done stays done."],
    edge_cases=["Three times."],
)
CODE = CodeReport(
    root_cause="It toggles.", solution="It sets.", files=[ChangedFile(path="todo.py", why="Set the flag")]
)
TEST = TestReport(
    covered=["Twice."], files=[ChangedFile(path="test_todo.py", why="Show it")], diagnosis="A toggle."
)
FROM_TRIAGE = Note(
    Source.TRIAGE,
    "Priority P2 High, component todo. Done is undone.\n"
    "Acceptance criteria:\n- Done stays done.\nEdge cases:\n- Three times.\n"
    "Files that the ticket hints at:\n- todo.py",
)
FROM_CODE = Note(
    Source.CODE, "Root cause: It toggles.\nSolution: It sets.\nChanged:\n- todo.py: Set the flag"
)
FROM_TEST = Note(
    Source.TEST,
    "Regression tests cover:\n- Twice.\nChanged:\n- test_todo.py: Show it\n"
    "Cause as seen by the test engineer: A toggle.",
)
REQUEST = Note(Source.PERSON, "Say why.")


def submitted(name: str, output: str, *notes: Note) -> AgentState:
    return AgentState(name, notes=notes, ended=AgentEnded(name, AgentOutcome.SUBMITTED, output))


TRIAGED = submitted("triage", TRIAGE.model_dump_json())
CODED = submitted("code", CODE.model_dump_json())
TESTED = submitted("test", TEST.model_dump_json())


def run(*agents: AgentState) -> RunState:
    received = RunReceived(Ticket("BUG-1", "It breaks", "Badly."), "/srv/app", "", "", "/srv/reports", "Jo")
    state = begin(Entry("r1", 1, datetime(2026, 11, 25, tzinfo=UTC), received))
    by_name: Mapping[str, AgentState] = MappingProxyType({agent.name: agent for agent in agents})
    return replace(state, phase=Phase.WORKING, agents=by_name)


def test_triage_is_heard_by_code_and_test_while_they_work() -> None:
    due = notes_for_witnesses(run(TRIAGED, AgentState("code"), AgentState("test"), AgentState("pr")))
    assert due == (NotePosted("code", FROM_TRIAGE), NotePosted("test", FROM_TRIAGE))


@pytest.mark.parametrize("code", [CODED, AgentState("code", notes=(FROM_TRIAGE,))])
def test_triage_is_heard_once_and_not_by_whoever_has_handed_in(code: AgentState) -> None:
    due = notes_for_witnesses(run(TRIAGED, code, AgentState("test")))
    assert due == (NotePosted("test", FROM_TRIAGE),)


@pytest.mark.parametrize(
    "triage",
    [
        AgentState("triage"),
        AgentState("triage", ended=AgentEnded("triage", AgentOutcome.TIMED_OUT, None, "60 s")),
    ],
)
def test_a_triage_without_result_is_no_note(triage: AgentState) -> None:
    assert notes_for_witnesses(run(triage, AgentState("code"), AgentState("test"))) == ()
    assert notes_for_witnesses(run(AgentState("code"))) == ()


def test_code_and_test_never_hear_of_each_other() -> None:
    for state in (run(TRIAGED, CODED, AgentState("test")), run(TRIAGED, AgentState("code"), TESTED)):
        assert {note.note.source for note in notes_for_witnesses(state)} == {Source.TRIAGE}


def test_pr_hears_triage_code_and_test_at_once() -> None:
    due = notes_for_writer(run(TRIAGED, CODED, TESTED, AgentState("pr")))
    assert due == tuple(NotePosted("pr", note) for note in (FROM_TRIAGE, FROM_CODE, FROM_TEST))


def test_pr_hears_in_a_later_round_only_what_is_new_and_what_a_person_asked_for_once() -> None:
    writer = AgentState("pr", notes=(FROM_TRIAGE, FROM_CODE, FROM_TEST), read=3)
    revised = CODE.model_copy(update={"solution": "It sets, and says why."})
    state = run(
        TRIAGED,
        submitted("code", revised.model_dump_json(), FROM_TRIAGE, REQUEST),
        submitted("test", TEST.model_dump_json(), REQUEST, Note(Source.PROOF, "Red.")),
        writer,
    )
    first, second = notes_for_writer(state)
    assert first == NotePosted("pr", REQUEST)
    assert second.note.source is Source.CODE
    assert "It sets, and says why." in second.note.text


def test_pr_hears_who_came_to_no_result_and_why() -> None:
    code = AgentState("code", ended=AgentEnded("code", AgentOutcome.TURN_LIMIT, None, "15 turns"))
    due = notes_for_writer(run(code, AgentState("test"), AgentState("pr")))
    assert due == (NotePosted("pr", Note(Source.CODE, "No result: turn limit. 15 turns")),)


def test_nothing_changed_is_said_in_so_many_words() -> None:
    code = submitted("code", CODE.model_copy(update={"files": []}).model_dump_json())
    test = submitted("test", TEST.model_copy(update={"files": []}).model_dump_json())
    first, second = notes_for_writer(run(code, test, AgentState("pr")))
    assert first.note.text.endswith("Nothing was changed.")
    assert "No test file was changed." in second.note.text


def test_a_run_without_pr_has_nobody_to_tell() -> None:
    assert notes_for_writer(run(TRIAGED, CODED, TESTED)) == ()


def test_the_subjects_of_commits_are_what_the_agents_said_of_their_files() -> None:
    assert list(subjects(run(CODED, TESTED))) == [("todo.py", "Set the flag"), ("test_todo.py", "Show it")]
    assert list(subjects(run(AgentState("code")))) == []
