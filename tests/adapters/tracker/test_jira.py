"""Issues of Jira: read whole, moved through workflows of any shape, commented on once, on bad days too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.counterparts.jira import EMAIL, SIMPLE, TOKEN, Jira, Step, Trouble, Workflow, serving

from anton.adapters.tracker.adf import read_adf
from anton.adapters.tracker.jira import JiraTracker, JiraWorkflow
from anton.adapters.tracker.jira_site import JiraSite, Waiting
from anton.adapters.tracker.transitions import Transition, way_to
from anton.core.errors import OutsideError, UsageError
from anton.core.ticket import Ticket

TICKET = Ticket("ED-1", "It breaks", "Badly.", source="jira")
LINK = "https://github.com/octo/shop/pull/13"


@dataclass
class Naps:
    """Takes the place of sleeping."""

    seconds: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def tracking(
    jira: Jira,
    workflow: JiraWorkflow | None = None,
    naps: Naps | None = None,
    token: str = TOKEN,
    answer_seconds: float = 15.0,
) -> AsyncIterator[JiraTracker]:
    async with serving(jira):
        waiting = Waiting(sleep=(naps or Naps()).sleep, chance=lambda: 0.5, answer_seconds=answer_seconds)
        site = JiraSite(jira.base_url, EMAIL, token, waiting)
        yield JiraTracker(site, workflow)


def one(workflow: Workflow = SIMPLE, status: str = "To Do", **fields: Any) -> Jira:
    jira = Jira(workflow=workflow)
    jira.put("ED-1", status, **fields)
    return jira


# Reading


async def test_an_issue_is_read_with_all_that_it_says() -> None:
    jira = one(
        summary="Checkout  fails\u200b",
        description={
            "type": "doc",
            "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Pay."}]}],
        },
        priority={"name": "High"},
        components=[{"name": "checkout"}, {"name": "payments"}],
        labels=["bug", "guest"],
        reporter={"displayName": "Jo"},
    )
    jira.say("ED-1", {"type": "doc", "content": [{"type": "text", "text": "Since Tuesday."}]}, "Kim")
    jira.say("ED-1", "Me too.", None)
    async with tracking(jira) as tracker:
        assert await tracker.get("ED-1") == Ticket(
            "ED-1",
            "Checkout fails",
            "Pay.\n\nPriority: High\nComponents: checkout, payments\n\n## Comments\n\n"
            "**Kim** (2026-11-24):\nSince Tuesday.\n\n**Somebody** (2026-11-24):\nMe too.\n\n"
            "[1 hidden characters were removed]",
            "Jo",
            "jira",
            f"{jira.base_url}/browse/ED-1",
            ("bug", "guest"),
            1,
        )


async def test_an_issue_of_nulls_is_read() -> None:
    jira = one(description=None, priority=None, components=None, labels=None, reporter=None)
    async with tracking(jira) as tracker:
        ticket = await tracker.get("ED-1")
    assert (ticket.title, ticket.body, ticket.reporter, ticket.labels) == ("It breaks", "It breaks", "", ())


async def test_an_issue_that_says_nothing_is_refused() -> None:
    async with tracking(one(summary=None)) as tracker:
        with pytest.raises(UsageError, match="'ED-1' says nothing"):
            await tracker.get("ED-1")


async def test_the_newest_comments_are_read_oldest_first() -> None:
    jira = one()
    for number in range(120):
        jira.say("ED-1", f"Number {number}.")
    async with tracking(jira) as tracker:
        body = (await tracker.get("ED-1")).body
    assert "Number 69." not in body
    assert body.index("Number 70.") < body.index("Number 119.")


@pytest.mark.parametrize("key", ["ED-2", "ED", "ED-1/comment", "ED-1?x=", "ed 1", "../myself", "Ä-1", ""])
async def test_what_is_no_issue_is_named(key: str) -> None:
    jira = one()
    async with tracking(jira) as tracker:
        with pytest.raises(UsageError, match=r"no issue 'ED-2'|is no key of an issue"):
            await tracker.get(key)
    assert set(jira.requests) <= {"GET issue/ED-2"}


# Moving

ODD = Workflow(
    {
        "Eingang": "new",
        "Wird untersucht": "indeterminate",
        "Im Test": "indeterminate",
        "Abgelehnt": "done",
        "Aus": "done",
    },
    {
        "Eingang": (
            Step("1", "Ablehnen / declined", "Abgelehnt"),
            Step("2", "Los", "Wird untersucht"),
            Step("3", "Testen", "Im Test"),
        ),
        "Wird untersucht": (Step("4", "Ablehnen / declined", "Abgelehnt"), Step("5", "Fertig", "Aus")),
        "Im Test": (Step("5", "Fertig", "Aus"),),
    },
)


async def test_an_issue_is_moved_by_what_transitions_lead_to() -> None:
    jira = one(ODD, "Eingang")
    async with tracking(jira) as tracker:
        await tracker.start(TICKET)
        await tracker.start(TICKET)
        assert jira.status_of("ED-1") == "Wird untersucht"
        assert await tracker.close(TICKET, LINK) == f"{jira.base_url}/browse/ED-1"
    assert [(status, fields) for _, status, fields in jira.moved] == [("Wird untersucht", {}), ("Aus", {})]


async def test_the_settings_choose_among_transitions() -> None:
    jira = one(ODD, "Eingang")
    async with tracking(jira, JiraWorkflow(in_progress=("im test",), finished=("Aus",))) as tracker:
        await tracker.start(TICKET)
        assert jira.status_of("ED-1") == "Im Test"
        await tracker.close(TICKET, LINK)
    assert jira.status_of("ED-1") == "Aus"


async def test_an_issue_that_is_done_is_not_opened_again() -> None:
    jira = one(status="Done")
    async with tracking(jira) as tracker:
        with pytest.raises(UsageError, match="'ED-1' is 'Done' already"):
            await tracker.start(TICKET)
        assert await tracker.close(TICKET, LINK) == f"{jira.base_url}/browse/ED-1"
    assert jira.moved == []
    assert len(jira.comments["ED-1"]) == 1


async def test_where_no_transition_leads_there_it_is_said() -> None:
    stuck = Workflow(
        {"To Do": "new", "Not Done, rejected": "done"},
        {"To Do": (Step("1", "Cancel", "Not Done, rejected"),)},
    )
    jira = one(stuck)
    async with tracking(jira) as tracker:
        with pytest.raises(
            UsageError, match="stays 'To Do': from 'To Do' no transition leads to a status that is in pro"
        ):
            await tracker.start(TICKET)
        said = await tracker.close(TICKET, LINK)
    assert "commented, and not moved: from 'To Do' no transition leads to a status that is done" in said
    assert "'Cancel' to 'Not Done, rejected'" in said
    assert len(jira.comments["ED-1"]) == 1


REASON = {
    "resolution": {
        "required": True,
        "name": "Resolution",
        "allowedValues": [
            {"id": "1", "name": "Won't Fix"},
            {"id": "2", "name": "Complete"},
            {"id": "3", "name": "Fixed"},
        ],
    }
}
HOURS = {"customfield_1": {"required": True, "name": "Hours spent"}}


def asking(fields: dict[str, Any]) -> Workflow:
    return Workflow({"To Do": "new", "Done": "done"}, {"To Do": (Step("1", "Finish", "Done", fields),)})


async def test_a_resolution_that_is_asked_for_is_given() -> None:
    jira = one(asking(REASON))
    async with tracking(jira) as tracker:
        assert await tracker.close(TICKET, LINK) == f"{jira.base_url}/browse/ED-1"
    assert jira.moved == [("ED-1", "Done", {"resolution": {"id": "3"}})]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({**REASON, **HOURS}, "'Hours spent'"),
        (
            {"resolution": {"required": True, "allowedValues": [{"id": "1", "name": "Won't Fix"}]}},
            "'resolution'",
        ),
    ],
)
async def test_a_field_that_only_a_person_can_fill_in_is_named(fields: dict[str, Any], named: str) -> None:
    jira = one(asking(fields))
    async with tracking(jira) as tracker:
        said = await tracker.close(TICKET, LINK)
    assert f"the transition 'Finish' needs {named} to be filled in" in said
    assert jira.status_of("ED-1") == "To Do"


async def test_a_field_with_a_default_keeps_nothing_up() -> None:
    jira = one(asking({"customfield_1": {"required": True, "hasDefaultValue": True}}))
    async with tracking(jira) as tracker:
        assert "needs" not in await tracker.close(TICKET, LINK)


async def test_an_issue_can_wait_for_the_merge() -> None:
    jira = one(status="In Progress")
    async with tracking(jira, JiraWorkflow(done="merge")) as tracker:
        await tracker.close(TICKET, LINK)
        assert jira.status_of("ED-1") == "In Progress"
        await tracker.merged(TICKET, LINK)
        await tracker.merged(TICKET, LINK)
    assert jira.status_of("ED-1") == "Done"
    assert len(jira.moved) == len(jira.comments["ED-1"]) == 1


async def test_a_merge_is_nothing_new_where_the_approval_had_it_done() -> None:
    jira = one()
    async with tracking(jira) as tracker:
        await tracker.close(TICKET, LINK)
        jira.put("ED-1", "To Do")  # somebody opened it again
        await tracker.merged(TICKET, LINK)
    assert jira.status_of("ED-1") == "To Do"


# Once


async def test_the_comment_links_the_pull_request_once_among_many_others() -> None:
    jira = one()
    async with tracking(jira) as tracker:
        await tracker.close(TICKET, LINK)
        for number in range(250):
            jira.say("ED-1", f"Thanks {number}")
        await tracker.close(TICKET, LINK)
    [ours] = [said for said in jira.comments["ED-1"] if said["author"]["displayName"] == "Anton"]
    assert LINK in read_adf(ours["body"])


async def test_antons_own_comment_is_no_part_of_the_ticket() -> None:
    jira = one()
    async with tracking(jira) as tracker:
        await tracker.close(TICKET, LINK)
        assert (await tracker.get("ED-1")).body == "It breaks"


@pytest.mark.parametrize("how", ["after", "cut"])
@pytest.mark.parametrize("path", ["comment", "transitions"])
async def test_what_was_done_and_not_heard_of_is_not_done_again(how: Any, path: str) -> None:
    jira = one()
    jira.troubles = [Trouble(method="POST", path=path, how=how)]
    async with tracking(jira) as tracker:
        with pytest.raises(OutsideError, match=r"fails at the moment|cannot be reached"):
            await tracker.close(TICKET, LINK)
        await tracker.close(TICKET, LINK)
    assert len(jira.comments["ED-1"]) == len(jira.moved) == 1


SAID = "anton-said-0123456789abcdef"


@pytest.mark.parametrize("how", ["after", "cut", "garbage"])
async def test_a_comment_whose_answer_was_lost_is_found_or_made_once(how: Any) -> None:
    jira = one()
    jira.troubles.append(Trouble(503, method="POST", path="comment", how=how))
    async with tracking(jira) as tracker:
        with pytest.raises(OutsideError):
            await tracker.comment(TICKET, "Looked at.", SAID)
        await tracker.comment(TICKET, "Looked at.", SAID)
        await tracker.comment(TICKET, "Looked at.", SAID)
    assert len(jira.comments["ED-1"]) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_what_keeps_somebody_from_speaking_is_said_without_the_token(status: int) -> None:
    jira = one()
    jira.troubles.append(Trouble(status, times=20, method="POST"))
    async with tracking(jira) as tracker:
        with pytest.raises(OutsideError) as refused:
            await tracker.comment(TICKET, "Looked at.", SAID)
        assert TOKEN not in str(refused.value)
    assert jira.comments["ED-1"] == []


async def test_what_was_said_for_a_person_is_part_of_the_ticket_and_its_markup_is_text() -> None:
    jira = one()
    async with tracking(jira) as tracker:
        await tracker.comment(TICKET, "[~accountid:1] *now*\n{panel}", SAID)
        body = (await tracker.get("ED-1")).body
    assert "[~accountid:1] *now*\n\n{panel}" in body
    kinds = [
        node["type"] for block in jira.comments["ED-1"][0]["body"]["content"] for node in block["content"]
    ]
    assert set(kinds) == {"text"}


async def test_an_issue_that_cannot_be_finished_says_why() -> None:
    workflow = Workflow({"To Do": "new", "Doing": "indeterminate"}, {"To Do": [Step("1", "Go", "Doing")]})
    async with tracking(one(workflow)) as tracker:
        with pytest.raises(UsageError, match="'ED-1' was not closed: from 'To Do' no transition"):
            await tracker.finish(TICKET)
        gone = Ticket("ED-9", "", "")
        with pytest.raises(UsageError, match="ED-9"):
            await tracker.finish(gone)
        with pytest.raises(UsageError, match="ED-9"):
            await tracker.comment(gone, "Hello?", SAID)


async def test_an_issue_is_finished_at_once_also_where_others_wait_for_the_merge() -> None:
    jira = one(status="In Progress")
    async with tracking(jira, JiraWorkflow(done="merge")) as tracker:
        assert (await tracker.finish(TICKET)).endswith("/browse/ED-1")
    assert jira.status_of("ED-1") == "Done"


async def test_an_issue_that_is_gone_is_said_to_be() -> None:
    jira = one()
    del jira.issues["ED-1"]
    async with tracking(jira) as tracker:
        assert "the issue ED-1 is gone from Jira" in await tracker.close(TICKET, LINK)
        with pytest.raises(UsageError, match="there is no issue 'ED-1'"):
            await tracker.start(TICKET)


# Bad days


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not take JIRA_EMAIL and JIRA_API_TOKEN"),
        (403, "give that account the permission"),
        (400, "does not do this"),
        (302, "has the site another address"),
        (429, "has had too many requests"),
        (503, "fails at the moment"),
    ],
)
async def test_a_refusal_is_a_sentence_without_the_token(status: int, words: str) -> None:
    jira = one()
    jira.troubles = [Trouble(status, times=99)]
    async with tracking(jira) as tracker:
        for step in (
            tracker.prove(),
            tracker.get("ED-1"),
            tracker.start(TICKET),
            tracker.close(TICKET, LINK),
        ):
            with pytest.raises(OutsideError, match=words) as refused:
                await step
            assert TOKEN not in str(refused.value)


async def test_a_wrong_token_is_told_with_where_to_make_another() -> None:
    async with tracking(one(), token="wrong") as tracker:
        with pytest.raises(OutsideError, match=r"id\.atlassian\.com/manage-profile/security/api-tokens"):
            await tracker.prove()


async def test_credentials_are_proved_without_changing_anything() -> None:
    jira = one()
    async with tracking(jira) as tracker:
        assert await tracker.prove() == "signed in as Anton"
    assert jira.requests == ["GET myself"]


async def test_jira_that_is_away_for_a_moment_is_waited_for() -> None:
    jira, naps = one(), Naps()
    jira.troubles = [
        Trouble(503),
        Trouble(429, headers={"Retry-After": "7"}),
        Trouble(how="cut"),
    ]
    async with tracking(jira, naps=naps) as tracker:
        assert (await tracker.get("ED-1")).title == "It breaks"
    assert naps.seconds == [0.25, 7.5, 1.0]


async def test_too_many_requests_are_waited_out_where_something_is_changed() -> None:
    jira = one()
    jira.troubles = [Trouble(429, method="POST", headers={"Retry-After": "1"})]
    async with tracking(jira) as tracker:
        await tracker.close(TICKET, LINK)
    assert len(jira.comments["ED-1"]) == 1


@pytest.mark.parametrize("asked", ["3600", "99999"])
async def test_jira_that_asks_for_long_patience_is_left_for_later(asked: str) -> None:
    jira, naps = one(), Naps()
    jira.troubles = [Trouble(429, headers={"Retry-After": asked})]
    async with tracking(jira, naps=naps) as tracker:
        with pytest.raises(OutsideError, match=f"asks to wait {asked} seconds"):
            await tracker.get("ED-1")
    assert naps.seconds == []


async def test_jira_that_says_nothing_is_given_up_on() -> None:
    jira = one()
    jira.troubles = [Trouble(how="silence", times=99)]
    async with tracking(jira, answer_seconds=0.05) as tracker:
        with pytest.raises(OutsideError, match=r"did not answer within 0\.05 seconds"):
            await tracker.get("ED-1")


async def test_a_machine_that_is_not_there_is_named() -> None:
    site = JiraSite("http://127.0.0.1:1", EMAIL, TOKEN, Waiting(sleep=Naps().sleep))
    with pytest.raises(
        OutsideError, match=r"Jira at http://127\.0\.0\.1:1 cannot be reached: .*JIRA_BASE_URL"
    ):
        await JiraTracker(site).get("ED-1")


async def test_another_page_in_place_of_jira_is_no_jira() -> None:
    jira = one()
    jira.troubles = [Trouble(how="garbage")]
    async with tracking(jira) as tracker:
        with pytest.raises(OutsideError, match="something else than JSON"):
            await tracker.get("ED-1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["key", "fields", "x"]), inner)
    ),
    max_leaves=6,
)


@given(answer=JSON)
async def test_any_json_in_place_of_an_issue_is_read_or_named(answer: Any) -> None:
    class Answering(JiraSite):
        async def get(self, path: str, params: Any = None) -> object:
            return {"comments": [], "total": 0} if path.endswith("comment") else answer

    tracker = JiraTracker(Answering("https://x.example", EMAIL, TOKEN))
    try:
        await tracker.get("ED-1")
    except (UsageError, OutsideError):
        return


NAMES = st.sampled_from(["Done", "Won't do", "In Progress", "Los", "Declined", ""])
OFFERED = st.lists(
    st.builds(
        lambda number, name, to, category, fields: Transition.model_validate(
            {
                "id": str(number),
                "name": name,
                "to": {"name": to, "statusCategory": {"key": category}},
                "fields": fields,
            }
        ),
        st.integers(0, 9),
        NAMES,
        NAMES,
        st.sampled_from(["new", "indeterminate", "done"]),
        st.none() | st.just(HOURS) | st.just(REASON),
    ),
    max_size=5,
)


@given(
    offered=OFFERED, category=st.sampled_from(["indeterminate", "done"]), names=st.lists(NAMES, max_size=2)
)
def test_a_transition_is_only_taken_to_where_it_should_go(
    offered: Sequence[Transition], category: Any, names: list[str]
) -> None:
    way = way_to(category, offered, names, "To Do")
    if isinstance(way, str):
        assert way.isprintable()
        return
    assert any(each.id == way.id and each.to.key == category for each in offered)
