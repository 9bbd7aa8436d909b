"""What the agents of a run learn from each other, as notes.

- triage to code and test: while they work; nothing reaches an agent that has already handed in.
- triage, code and test to pr: once code and test have handed in; in later rounds what is new, and what a
  person asked for.
- between code and test: nothing. Their independence is the evidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from anton.core.agent import WITNESSES, WRITER, AgentState
from anton.core.event import Note, NotePosted, Source
from anton.core.report import CodeReport, TestReport, TriageReport
from anton.core.run import RunState


def notes_for_witnesses(state: RunState) -> tuple[NotePosted, ...]:
    """Triage's findings for code and test, where they are due and not posted yet."""
    note = _from_triage(state)
    return tuple(
        NotePosted(name, note)
        for name in WITNESSES
        if note and (agent := state.agents.get(name)) and not agent.ended and not _told(agent, note)
    )


def notes_for_writer(state: RunState) -> tuple[NotePosted, ...]:
    """What pr has to hear once code and test rest, in one batch so that it takes one turn."""
    writer = state.agents.get(WRITER)
    if writer is None:
        return ()
    notes = (_from_triage(state), *_requests(state), _from_code(state), _from_test(state))
    return tuple(NotePosted(WRITER, note) for note in notes if note and not _told(writer, note))


def _requests(state: RunState) -> tuple[Note, ...]:
    """What a person asked for, as code and test heard it."""
    heard = (note for name in WITNESSES if (agent := state.agents.get(name)) for note in agent.notes)
    return tuple(dict.fromkeys(note for note in heard if note.source is Source.PERSON))


def _told(agent: AgentState, note: Note) -> bool:
    return note in agent.notes


def _output(state: RunState, name: str) -> str | None:
    agent = state.agents.get(name)
    return agent.output if agent else None


def _from_triage(state: RunState) -> Note | None:
    text = _output(state, "triage")
    if text is None:
        return None
    report = TriageReport.model_validate_json(text)
    parts = [
        f"Priority {report.priority.label}, component {report.component}. {report.summary}",
        _bullets("Acceptance criteria", report.acceptance_criteria),
        _bullets("Edge cases", report.edge_cases),
        _bullets("Files that the ticket hints at", report.affected_files),
    ]
    return Note(Source.TRIAGE, "\n".join(filter(None, parts)))


def _from_code(state: RunState) -> Note | None:
    text = _output(state, "code")
    if text is None:
        return _ended_empty(state, "code", Source.CODE)
    report = CodeReport.model_validate_json(text)
    changed = [f"{file.path}: {file.why}" for file in report.files]
    parts = [
        f"Root cause: {report.root_cause}",
        f"Solution: {report.solution}",
        _bullets("Changed", changed) or "Nothing was changed.",
    ]
    return Note(Source.CODE, "\n".join(parts))


def _from_test(state: RunState) -> Note | None:
    text = _output(state, "test")
    if text is None:
        return _ended_empty(state, "test", Source.TEST)
    report = TestReport.model_validate_json(text)
    changed = [f"{file.path}: {file.why}" for file in report.files]
    parts = [
        _bullets("Regression tests cover", report.covered),
        _bullets("Changed", changed) or "No test file was changed.",
        f"Cause as seen by the test engineer: {report.diagnosis}",
    ]
    return Note(Source.TEST, "\n".join(parts))


def _ended_empty(state: RunState, name: str, source: Source) -> Note | None:
    agent = state.agents.get(name)
    if agent is None or agent.ended is None:
        return None
    return Note(source, f"No result: {agent.ended.outcome.replace('_', ' ')}. {agent.ended.detail}".strip())


def _bullets(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"- {line}" for line in lines)]) if lines else ""


def subjects(state: RunState) -> Iterator[tuple[str, str]]:
    """Path and commit subject of each file that code and test say they changed."""
    if text := _output(state, "code"):
        yield from ((file.path, file.why) for file in CodeReport.model_validate_json(text).files)
    if text := _output(state, "test"):
        yield from ((file.path, file.why) for file in TestReport.model_validate_json(text).files)
