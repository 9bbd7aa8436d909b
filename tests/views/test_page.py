"""The plot, the diff, the transcripts and the history that pages show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from anton.core.event import BriefingPrepared, Decided, Entry, RunClosed, RunOutcome, Verb
from anton.core.run import Phase, fold
from anton.views.diff import DiffKind
from anton.views.encode import revealed
from anton.views.page.changes import file_diffs
from anton.views.page.history import DAYS, HEIGHT, days, standing_of
from anton.views.page.plot import WIDTH, plot
from anton.views.page.transcript import transcripts

Run = tuple[Entry, ...]


def test_every_bar_lies_on_the_axis(green: Run, midway: Run, hostile: Run) -> None:
    for run in (green, midway, hostile):
        drawn = plot(fold(run), run, run[-1].at)
        assert [lane.name for lane in drawn.lanes][: len(fold(run).agents)] == list(fold(run).agents)
        for lane in drawn.lanes:
            for bar in lane.bars:
                assert 0 <= bar.x < WIDTH
                assert bar.x + bar.width <= WIDTH + 0.2
        assert len(drawn.ticks) == 5


def test_a_night_of_waiting_is_no_part_of_the_axis(green: Run) -> None:
    prepared = next(entry for entry in green if isinstance(entry.event, BriefingPrepared))
    night = timedelta(hours=8)
    decided = Entry(
        green[0].run_id, green[-1].number + 1, prepared.at + night, Decided(Verb.APPROVE, "dana", "d" * 64)
    )
    drawn = plot(fold(green), (*green, decided), decided.at)
    assert [pause.title for pause in drawn.breaks] == ["waited 8:00:00 for a person"]
    assert drawn.ticks == plot(fold(green), green, green[-1].at).ticks


def test_what_is_under_way_reaches_to_now(midway: Run) -> None:
    now = midway[-1].at + timedelta(minutes=1)
    code = next(lane for lane in plot(fold(midway), midway, now).lanes if lane.name == "code")
    assert code.bars[-1].x + code.bars[-1].width == WIDTH


def test_a_diff_is_shown_whole_with_its_line_numbers(green: Run) -> None:
    proof = fold(green).proofs[-1]
    files = file_diffs(proof.patch.diff)
    assert [(file.path, file.added, file.removed) for file in files] == [
        ("src/todo/service.py", 1, 1),
        ("tests/test_complete.py", 6, 0),
    ]
    removed = next(row for row in files[0].rows if row.kind is DiffKind.REMOVED)
    added = next(row for row in files[0].rows if row.kind is DiffKind.ADDED)
    assert (removed.old, removed.new, added.old, added.new) == (32, None, None, 32)
    assert "".join(token.text for token in added.tokens) == "        todo.completed = True"


names = st.sampled_from(["a.py", "b.js", "Makefile", "x", "weird\u202e.py", "long.json"])
rows = st.lists(st.text(st.characters(exclude_characters="\n"), max_size=60), max_size=12)


@given(names, rows)
def test_no_character_of_any_line_is_lost_or_hidden(name: str, added: list[str]) -> None:
    body = "".join(f"+{row}\n" for row in added)
    diff = f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -0,0 +1,{len(added)} @@\n{body}"
    shown = [row for file in file_diffs(diff) for row in file.rows if row.kind is DiffKind.ADDED]
    assert ["".join(token.text for token in row.tokens) for row in shown] == [revealed(row) for row in added]


def test_of_a_long_diff_every_line_is_shown_and_only_the_beginning_coloured() -> None:
    lines = [f"value_{number} = some_function({number})" for number in range(6_000)]
    added = "".join(f"+{line}\n" for line in ["a " * 300, *lines])
    (file,) = file_diffs(f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,6001 @@\n{added}")
    shown = ["".join(token.text for token in row.tokens) for row in file.rows[1:]]
    coloured = [any(token.css for token in row.tokens) for row in file.rows[1:]]
    assert shown == ["a " * 300, *lines]
    assert (coloured[0], all(coloured[1:2_000]), any(coloured[5_000:])) == (False, True, False)


@given(st.text(max_size=400))
def test_any_text_is_some_diff(text: str) -> None:
    file_diffs(text)


def test_a_transcript_tells_each_turn_with_its_calls(midway: Run) -> None:
    by_agent = {transcript.agent: transcript for transcript in transcripts(midway)}
    assert list(by_agent) == ["triage", "code", "test", "pr"]
    assert [part.kind for part in by_agent["triage"].parts] == ["opening", "reply", "end"]
    assert by_agent["test"].parts[-1].title == "note from triage"


def test_the_days_stack_up_by_outcome(green: Run, delivered: Run) -> None:
    states = [fold(green), fold(delivered), fold(delivered)]
    today = states[0].started_at.date()
    columns = days(states, today)
    assert len(columns) == DAYS
    assert [(piece.standing, piece.height) for piece in columns[-1].pieces] == [
        ("deciding", 33.33),
        ("delivered", 66.67),
    ]
    assert columns[-1].title == "2026-11-25: waits for a decision: 1, delivered: 2"
    assert sum(piece.height for piece in columns[-1].pieces) == HEIGHT
    assert columns[0].pieces == ()


def test_every_end_of_a_run_has_a_standing(green: Run) -> None:
    state = fold(green)
    ends = {
        outcome: standing_of(replace(state, phase=Phase.CLOSED, closed=RunClosed(outcome)))
        for outcome in RunOutcome
    }
    assert set(ends.values()) == {"delivered", "declined", "failed"}
