"""A run in Slack: what is said, and that no text leaves the limits of Block Kit or becomes markup."""

# ruff: noqa: E501  (snapshots show the messages as they are)

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from anton.core.consent import ApprovalGiven
from anton.core.event import (
    Entry,
    Event,
    ReplyReceived,
    RunClosed,
    RunOutcome,
)
from anton.core.message import ToolCall, Usage
from anton.core.question import Question, QuestionAnswered, QuestionAsked
from anton.core.run import Phase, RunState, fold
from anton.views.encode import revealed
from anton.views.slack.blocks import Post, button, clipped, code, escaped, fields, plain, preformatted, told
from anton.views.slack.message import Links, message
from anton.views.slack.modals import answer_window, changes_window
from anton.views.slack.thread import diff_parts, thread

Run = tuple[Entry, ...]
LINKS = Links("https://anton.example/runs/bug-42-k3f9", lambda choice: f"{choice.run_id} {choice.verb}")
LIMITS = {"plain_text": 3_000, "mrkdwn": 3_000}


def every(value: object) -> Iterator[Mapping[str, object]]:
    """All objects within a block."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from every(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from every(inner)


def words(post: Post) -> str:
    """All texts of a post, in order."""
    return "\n".join(str(found["text"]) for found in every(post.blocks) if isinstance(found.get("text"), str))


def check(blocks: Sequence[Mapping[str, object]]) -> None:
    """The limits of Block Kit, by block: https://docs.slack.dev/reference/block-kit/blocks."""
    assert len(blocks) <= 50
    for found in every(blocks):
        kind, text = found.get("type"), found.get("text")
        if kind in LIMITS:
            assert isinstance(text, str)
            assert 1 <= len(text.encode("utf-16-le")) // 2 <= LIMITS[str(kind)]
        if kind == "header":
            assert isinstance(text, Mapping)
            assert len(str(text["text"]).encode("utf-16-le")) // 2 <= 150
        if kind == "button":
            assert isinstance(text, Mapping)
            assert len(str(text["text"])) <= 75
            assert len(str(found.get("value", ""))) <= 2_000
            assert len(str(found["action_id"])) <= 255
        if kind == "context":
            assert len(found["elements"]) <= 10  # type: ignore[arg-type]
        if kind == "section" and "fields" in found:
            shown = found["fields"]
            assert isinstance(shown, Sequence)
            assert 1 <= len(shown) <= 10
            assert all(len(str(field["text"])) <= 2_000 for field in shown)
        if kind == "actions":
            assert 1 <= len(found["elements"]) <= 25  # type: ignore[arg-type]
            assert {element["type"] for element in found["elements"]} == {"button"}  # type: ignore[attr-defined]


@pytest.fixture(params=["midway", "green", "red", "untested", "overridden", "delivered", "hostile"])
def state(request: pytest.FixtureRequest) -> RunState:
    return fold(request.getfixturevalue(request.param))


def test_every_state_keeps_the_limits(state: RunState) -> None:
    posts = [message(state, LINKS), *(post for _, post in thread(state, LINKS))]
    for post in posts:
        check(post.blocks)
        assert 1 <= len(post.text) <= 3_000


def test_a_green_briefing_says_what_to_decide_on(green: Run) -> None:
    state = fold(green)
    assert words(message(state, LINKS)) == snapshot("""\
BUG-42 Completing a to-do twice un-completes it
:large_green_circle: *GREEN: 1 new test fails on base and passes with the fix; 4 old tests still pass.*
The bug, as triage reads the ticket: “Completing a to-do a second time marks it as not completed.” Cause, as the code agent puts it: “`complete()` in `src/todo/service.py` toggles the flag instead of setting it.” Fix: “Set `completed` to `True`; nothing else changes.” (1 source file +1 −1, 1 test file +6 −0). The second opinion agrees: a fix derived without seeing this one passes the same tests. Confidence from this evidence: 68 %.
*Priority*
P2 High
*Component*
todo service
*Branch*
`fix/bug-42-bug-42-k3f9`
*Base*
`main 4f1c0de04f`
*Sandbox*
full (bubblewrap)
*Files*
2 files: `src/todo/service.py`, `tests/test_complete.py`
new tests on base            1 failed  shows the bug
new tests on fix             1 passed  cured
new tests on second opinion  1 passed  agrees
old suite on base            4 passed  before the fix
old suite on fix             4 passed  nothing broken
diff --git a/src/todo/service.py b/src/todo/service.py
index 1111111..2222222 100644
--- a/src/todo/service.py
+++ b/src/todo/service.py
@@ -30,6 +30,6 @@ class TodoService:
     def complete(self, todo_id: int) -> Todo:
         todo = self._find(todo_id)
-        todo.completed = not todo.completed
+        todo.completed = True
         self._store.save(todo)
         return todo

diff --git a/tests/test_complete.py b/tests/test_complete.py
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/tests/test_complete.py
@@ -0,0 +1,6 @@
+def test_completing_twice_stays_completed(service):
+    todo = service.add("milk")
+    service.complete(todo.id)
+    assert service.complete(todo.id).completed is True
+
+
Approve & Open PR
Request Changes
Decline
Decline this fix?
Nothing is pushed, and the run is closed.
Decline
Back
Open page
run `bug-42-k3f9`  ·  0:51  ·  free (recording)  ·  asked for by dana\
""")
    shown = [found for found in every(message(state, LINKS).blocks) if found.get("type") == "button"]
    assert [(found["action_id"], found.get("value")) for found in shown] == snapshot(
        [
            (
                "anton_approve",
                '{"choice":"bug-42-k3f9 approve"}',
            ),
            (
                "anton_request_changes",
                '{"choice":"bug-42-k3f9 request_changes"}',
            ),
            (
                "anton_decline",
                '{"choice":"bug-42-k3f9 decline"}',
            ),
            ("anton_open_page", None),
        ]
    )


def test_who_may_approve_and_who_has_stand_above_the_buttons(green: Run) -> None:
    state = fold(green)
    assert state.briefing is not None
    given = ApprovalGiven("slack:T1/ULEE", state.briefing.digest, "lee")
    asked = replace(state, briefing=replace(state.briefing, approval="May approve: lee."), approvals=(given,))
    post = message(asked, LINKS)
    check(post.blocks)
    assert "May approve: lee." in words(post)
    assert "lee (slack:T1/ULEE) approved" in words(post)


def test_a_red_briefing_offers_no_approval(red: Run) -> None:
    shown = {found.get("action_id") for found in every(message(fold(red), LINKS).blocks)}
    assert "anton_approve" not in shown
    assert "anton_decline" in shown


@pytest.mark.parametrize("run", ["midway", "delivered", "overridden"])
def test_there_is_nothing_to_press_where_nothing_is_to_decide(
    run: str, request: pytest.FixtureRequest
) -> None:
    post = message(fold(request.getfixturevalue(run)), Links())
    assert not [found for found in every(post.blocks) if found.get("type") == "button"]


def test_the_same_state_is_told_in_the_same_words(state: RunState) -> None:
    assert message(state, LINKS) == message(state, LINKS)


def test_outside_words_become_no_markup(hostile: Run) -> None:
    state = fold(hostile)
    for post in [message(state, LINKS), *(post for _, post in thread(state, LINKS))]:
        marked = [str(found["text"]) for found in every(post.blocks) if found.get("type") == "mrkdwn"]
        for text in [*marked, post.text]:
            assert not re.search(r"<(?!https://anton\.example)", text), text
            assert "@octocat" not in text


@given(st.text())
def test_escaped_text_is_inert(text: str) -> None:
    assert not set("<>*_~`@\n") & set(escaped(text))


@given(st.text(), st.integers(100, 300))
def test_clipped_text_fits_as_slack_counts(text: str, limit: int) -> None:
    repeated = text * 40
    assert len(clipped(repeated, limit).encode("utf-16-le", "surrogatepass")) // 2 <= limit


@given(st.text(alphabet=st.characters(), max_size=400).map(lambda text: text * 12))
def test_every_block_of_any_text_keeps_the_limits(text: str) -> None:
    check(
        [
            told(text),
            preformatted(text),
            fields({"Name": escaped(text), "Code": code(text)}),
            {"type": "header", "text": plain(text, 150)},
        ]
    )


def test_a_button_whose_value_would_be_cut_is_not_made() -> None:
    with pytest.raises(ValueError, match="2013 characters"):
        button("Approve", "anton_approve", {"run": "r" * 2_003})


def test_the_whole_of_a_long_diff_stands_in_the_thread(green: Run) -> None:
    state = fold(green)
    proof = state.proofs[-1]
    rows = [f"+line {number} {'😀' * (number % 90)}\x1b[2J" for number in range(300)]
    long = replace(proof, patch=replace(proof.patch, diff="\n".join(rows) + "\n" + "+" + "x" * 9_000))
    state = replace(state, proofs=(long,))
    parts = diff_parts(long)
    assert "".join(parts) == revealed(long.patch.diff)
    posts = [post for key, post in thread(state, LINKS) if key.startswith("diff-")]
    assert len(posts) == len(parts) > 3
    for post in posts:
        check(post.blocks)
    assert "anton_approve" in json.dumps(message(state, LINKS).blocks)


def test_of_a_diff_without_end_the_rest_is_linked(green: Run) -> None:
    state = fold(green)
    proof = state.proofs[-1]
    endless = replace(proof, patch=replace(proof.patch, diff="+x\n" * 40_000))
    last = thread(replace(state, proofs=(endless,)), LINKS)[-1][1]
    assert last.text == snapshot(
        "22 more parts of the diff are not shown here; see <https://anton.example/runs/bug-42-k3f9|the run's page>."
    )


def asking(run: Run, *events: Event) -> RunState:
    number = run[-1].number
    after = [Entry(run[0].run_id, number + n, run[-1].at, event) for n, event in enumerate(events, 1)]
    return fold((*run, *after))


def test_a_question_of_an_agent_has_a_button_until_it_is_answered(midway: Run) -> None:
    asked = QuestionAsked("code", Question("q1", "code", "Is <!channel> UTC?"))
    (before,) = [post for key, post in thread(asking(midway, asked), LINKS) if key == "question-q1"]
    assert "anton_answer" in json.dumps(before.blocks)
    answered = QuestionAnswered("code", "q1", "dana", "Yes, UTC.")
    (after,) = [post for key, post in thread(asking(midway, asked, answered), LINKS) if key == "question-q1"]
    assert words(after) == snapshot("""\
:question: *code* asks
Is <!channel> UTC?
Answered by dana: Yes, UTC.\
""")
    assert "anton_answer" not in json.dumps(after.blocks)


def test_a_question_of_permission_shows_the_exact_call(midway: Run) -> None:
    call = ToolCall("c1", "shell", '{"command": "rm -rf `build`"}')
    reply = ReplyReceived("test", 1, "", (call,), Usage(), None, "m", "tool_calls", 1.0)
    question = Question("q1", "test", "May it run?", "shell: rm -rf `build`", "it destroys")
    state = asking(midway, reply, QuestionAsked("test", question))
    (post,) = [post for key, post in thread(state, LINKS) if key == "question-q1"]
    assert "rm -rf `build`" in words(post)
    assert {"anton_allow", "anton_refuse"} <= {found.get("action_id") for found in every(post.blocks)}


def test_a_question_that_nobody_waits_for_has_no_buttons(midway: Run) -> None:
    asked = QuestionAsked("test", Question("q1", "test", "May it run?", "shell: make", "it runs"))
    (post,) = [post for key, post in thread(asking(midway, asked), LINKS) if key == "question-q1"]
    assert "Nobody waits" in words(post)
    assert not [found for found in every(post.blocks) if found.get("type") == "button"]


@pytest.mark.parametrize("outcome", RunOutcome)
def test_every_end_of_a_run_has_words(green: Run, outcome: RunOutcome) -> None:
    state = fold(green)
    closed = replace(state, phase=Phase.CLOSED, closed=RunClosed(outcome, "because"))
    assert "because" in words(message(closed, LINKS))


@given(st.text(max_size=200), st.text(max_size=4_000))
def test_windows_keep_the_limits(text: str, long: str) -> None:
    for window in (changes_window("sealed", long), answer_window("r1", "q1", text)):
        assert len(str(window["private_metadata"])) <= 3_000
        check(window["blocks"])  # type: ignore[arg-type]
