"""The pages as HTML: whole, well-formed, and with nothing of outside text in them but text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from anton.core.consent import ApprovalGiven
from anton.core.event import (
    BaseResolved,
    BriefingPrepared,
    Entry,
    Event,
    ReplyReceived,
)
from anton.core.message import ToolCall, Usage
from anton.core.question import Question, QuestionAsked
from anton.core.run import RunState, fold
from anton.entrypoints.page.render import (
    REGIONS,
    Viewer,
    changed,
    login_page,
    problem_page,
    regions,
    run_page,
    runs_page,
    seen,
    static_file,
)
from anton.views.lanes import standing

Run = tuple[Entry, ...]
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
VIEWER = Viewer("page:dana", "form-token")
VOID = {"meta", "link", "input", "br", "img"}


class Reader(HTMLParser):
    """Elements, attributes and text of a page; complains about what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def actions(self) -> set[str]:
        """What the buttons say."""
        return {str(attrs["value"]) for tag, attrs in self.tags if tag == "button" and "value" in attrs}


def read(run: Run, viewer: Viewer = VIEWER, notice: str = "") -> Reader:
    return Reader(run_page(fold(run), run, viewer, NOW, notice))


@pytest.fixture(params=["midway", "green", "red", "untested", "overridden", "delivered", "hostile"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.getfixturevalue(request.param)
    return found


def test_every_page_is_well_formed_and_asks_no_other_host(run: Run) -> None:
    page = read(run)
    for tag, attrs in page.tags:
        assert not {name for name in attrs if name.startswith("on") or name == "style"}, tag
        for name in ("src", "href", "action"):
            assert (attrs.get(name) or "/").startswith(("/", "#")), attrs
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert all(attrs.get("src") for attrs in scripts)


def test_outside_words_are_text(hostile: Run) -> None:
    page = read(hostile)
    assert '<img src="https://evil.example/x.png">' in page.text
    assert not [attrs for tag, attrs in page.tags if tag == "img" and "evil" in str(attrs.get("src"))]
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_code_in_prose_is_shown_as_code_and_its_ticks_are_not(green: Run, hostile: Run) -> None:
    page = run_page(fold(green), green, VIEWER, NOW, "")
    assert "“<code>complete()</code> in <code>src/todo/service.py</code> toggles the flag" in page
    assert "<code><" not in run_page(fold(hostile), hostile, VIEWER, NOW, "")


def test_where_a_run_stands_is_said_in_the_words_of_every_other_place(green: Run) -> None:
    state = fold(green)
    assert '<span class="pill deciding">waits for a decision</span>' in run_page(
        state, green, VIEWER, NOW, ""
    )
    html = runs_page([state], "deciding", "", VIEWER, NOW)
    assert '<span class="pill deciding">waits for a decision</span>' in html
    assert '<option value="deciding" selected>waits for a decision</option>' in html
    assert standing(state) == "waits for a decision"


def test_green_checks_of_the_base_stand_beside_the_proof(green: Run) -> None:
    checked = tuple(
        replace(entry, event=replace(entry.event, checks="success (https://ci.example/1)"))
        if isinstance(entry.event, BaseResolved)
        else entry
        for entry in green
    )
    assert "success (https://ci.example/1), on base" in read(checked).text


def test_a_green_proof_can_be_approved_a_red_one_only_out_loud(green: Run, red: Run) -> None:
    assert read(green).actions() == {"approve", "request_changes", "decline"}
    assert not [attrs for _, attrs in read(green).tags if attrs.get("name") == "override"]
    assert [attrs for _, attrs in read(red).tags if attrs.get("name") == "override"]


@pytest.mark.parametrize("name", ["midway", "delivered", "overridden"])
def test_there_is_nothing_to_press_where_nothing_is_to_decide(
    name: str, request: pytest.FixtureRequest
) -> None:
    assert read(request.getfixturevalue(name)).actions() == set()


def test_whoever_may_not_decide_is_told_why(green: Run) -> None:
    page = read(green, replace(VIEWER, may_decide="no rule names you"))
    assert page.actions() == set()
    assert "no rule names you" in page.text


def test_who_has_approved_and_who_may_is_said(green: Run) -> None:
    last = green[-1]
    assert isinstance(last.event, BriefingPrepared)
    asked = BriefingPrepared(replace(last.event.briefing, approval="May approve: lee, dana."))
    given = ApprovalGiven("slack:T1/ULEE", last.event.briefing.digest, "lee", "Looks <b>right</b>")
    run = (*green[:-1], replace(last, event=asked), replace(last, number=last.number + 1, event=given))
    page = read(run)
    assert "May approve: lee, dana." in page.text
    assert "lee (slack:T1/ULEE) approved; it takes another person besides: Looks <b>right</b>" in page.text


def test_every_form_carries_the_sessions_token(green: Run, red: Run) -> None:
    for run in (green, red):
        page = read(run)
        forms = sum(tag == "form" for tag, _ in page.tags)
        tokens = [attrs for _, attrs in page.tags if attrs.get("name") == "token"]
        assert len(tokens) == forms > 0
        assert {attrs["value"] for attrs in tokens} == {"form-token"}


def test_an_open_question_can_be_answered(midway: Run) -> None:
    last = midway[-1]
    asked = QuestionAsked("code", Question("q1", "code", "Which <b>clock</b>?"))
    permission = QuestionAsked(
        "test", Question("q2", "test", "May it run?", "shell: rm -rf build", "it destroys")
    )
    call = ToolCall("c1", "shell", '{"command": "rm -rf build"}')
    reply = ReplyReceived("test", 1, "", (call,), Usage(), None, "m", "tool_calls", 1.0)
    events: tuple[Event, ...] = (reply, asked, permission)
    after = enumerate(events, 1)
    run = (*midway, *(replace(last, number=last.number + n, event=event) for n, event in after))
    page = read(run)
    assert "Which <b>clock</b>?" in page.text
    assert "shell: rm -rf build" in page.text
    assert page.actions() == {"yes", "no"}


def test_a_browser_is_sent_only_what_it_does_not_have(green: Run, midway: Run) -> None:
    parts = regions(fold(green), green, VIEWER, NOW)
    assert changed(parts, seen(parts)) == ""
    before = regions(fold(midway), midway, VIEWER, NOW)
    sent = re.findall(r'hx-target="#(\w+)"', changed(parts, seen(before)))
    assert sent == [name for name in REGIONS if parts[name] != before[name]]
    assert re.findall(r'hx-target="#(\w+)"', changed(parts, "")) == list(REGIONS)
    assert re.findall(r'hx-target="#(\w+)"', changed(parts, "x-y")) == list(REGIONS)
    Reader(changed(parts, ""))


def test_every_part_has_its_place_on_the_page(green: Run) -> None:
    ids = [attrs.get("id") for _, attrs in read(green).tags if attrs.get("id")]
    assert set(REGIONS) <= set(ids)
    assert len(ids) == len(set(ids))


def states(*runs: Run) -> list[RunState]:
    return [replace(fold(run), run_id=f"r{number}") for number, run in enumerate(runs)]


def test_the_list_is_filtered(green: Run, delivered: Run, midway: Run) -> None:
    known = states(green, delivered, midway)
    assert "3 of 3 runs" in Reader(runs_page(known, "", "", VIEWER, NOW)).text
    assert "1 of 3 runs" in Reader(runs_page(known, "delivered", "", VIEWER, NOW)).text
    assert "0 of 3 runs" in Reader(runs_page(known, "", "<nothing>", VIEWER, NOW)).text
    assert "3 of 3 runs" in Reader(runs_page(known, "", "bug-42", VIEWER, NOW)).text


def test_the_other_pages_are_well_formed() -> None:
    assert "<b>" in Reader(login_page("no <b>", "/runs?x=<y>")).text
    assert "gone <b>" in Reader(problem_page("No such run", "gone <b>")).text
    assert "No runs" in Reader(runs_page([], "", "", VIEWER, NOW)).text


@pytest.mark.parametrize("name", ["../render.py", "render.py", "style.css.bak", "", "..", "style"])
def test_only_what_pages_refer_to_is_handed_out(name: str) -> None:
    assert static_file(name) is None


def test_what_pages_refer_to_is_there(green: Run) -> None:
    for _, attrs in read(green).tags:
        for name in ("src", "href"):
            if (attrs.get(name) or "").startswith("/static/"):
                assert static_file(str(attrs[name]).removeprefix("/static/")) is not None
