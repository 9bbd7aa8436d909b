"""A crash before and after every call outside that leads to a briefing, and every write that goes with it.

Two agents ask a person, who answers in the thread, and who sends the first briefing back. Jira and Slack keep
what is done to them; wherever Anton was killed, another process comes to the same briefings. There is one
message, one transition, each post of the thread once, and no reply in the journal is asked for again.
"""

from __future__ import annotations

import copy
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx2
import pytest
from aiohttp import web

from anton.adapters.ci.github import GitHubCI
from anton.adapters.github.credential import PersonalToken
from anton.adapters.github.place import GitHubPlace
from anton.adapters.model.scripted import Reply, ScriptedModel
from anton.adapters.repository.remote import RemoteRepository
from anton.adapters.tracker.github import GitHubIssues
from anton.adapters.tracker.jira import JiraTracker
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.tracker.routed import RoutedTracker
from anton.core.decision import Answer
from anton.core.event import (
    BaseResolved,
    BriefingPrepared,
    Decided,
    Entry,
    MessageShown,
    NotePosted,
    ReplyReceived,
    RoundStarted,
    RunReceived,
    Verb,
)
from anton.core.letter import Letter
from anton.core.permission import Policy
from anton.core.question import QuestionAnswered, QuestionAsked
from anton.core.run import Phase, RunState, fold
from anton.core.ticket import Ticket
from anton.ports import BaseCommit, Tracker
from anton.runs.announce import show_again
from anton.runs.doorbell import Doorbell
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.adapters.ci.test_github_actions import archive
from tests.adapters.github import logs
from tests.adapters.github.server import Faulty
from tests.adapters.github.server import serving as github_server
from tests.adapters.repository.test_credential import credential
from tests.counterparts.git_host import GitHost, backend, git_host
from tests.counterparts.jira import Jira
from tests.counterparts.jira import serving as jira_server
from tests.counterparts.slack import Slack, slack_server
from tests.crash.test_cut_anywhere import Killed, essence, replies_asked_for, replies_paid
from tests.crash.test_cut_effects import TICKET, Death, MortalChat, MortalGitHub, MortalSite, Records
from tests.crash.test_letters import ASK, KIM, answering
from tests.office import (
    ADD_TEST,
    CODE_DONE,
    FIX,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    TRIAGED,
    Office,
    StepClock,
    git,
    written_up,
)

SCRIPT: Mapping[str, Sequence[Reply]] = {
    "triage": [TRIAGED] * 5,
    "code": [ASK, FIX, *[CODE_DONE] * 20],
    "test": [ADD_TEST, FIX, *[TESTS_DONE] * 20],
    "pr": [written_up("Keep completed to-dos completed")] * 20,
}
RECORDS = (
    *(RunReceived, BaseResolved, MessageShown, QuestionAsked, QuestionAnswered),
    *(BriefingPrepared, Decided, RoundStarted),
)
WISH = "Say why in the code."
BROKEN = Ticket("ci-7", "The build is red", "It was green before.", source="ci")
ISSUE = Ticket("shop-12", "To-dos come back", "They do.", "jo", "github")


class Correspondence(Records):
    """The journal, and a person who reads along and answers each question by a letter."""

    told = RECORDS

    def __init__(self) -> None:
        super().__init__()
        self.bell = Doorbell()
        self.clock = StepClock()

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        await super().append(run_id, entries, taken)
        await self.read_along(entries)

    async def read_along(self, entries: Sequence[Entry]) -> None:
        """The person answers what is asked."""
        for entry in entries:
            if (message := answering(entry)) is not None and isinstance(entry.event, QuestionAsked):
                letter = Letter(entry.event.question.id, RUN, KIM, self.clock(), message)
                await self.post(letter)
                self.bell.ring(RUN)


class HostedRepository(RemoteRepository):
    """A repository that is cloned from a host, over https."""

    death = Death()

    async def resolve(self, ref: str) -> BaseCommit:
        return await self.death.pass_by(partial(super().resolve, ref))

    async def head_of(self, remote: str, branch: str) -> str:
        return await self.death.pass_by(partial(super().head_of, remote, branch))


class Hub(Faulty):
    """A GitHub with an issue, a workflow run that failed, and checks of every commit that are green."""

    async def _done(self, key: str, request: web.Request) -> web.Response:
        path = request.path.removeprefix(f"/repos/{self.repository}")
        failed = {"status": "completed", "conclusion": "failure", "html_url": "https://ci.example/7"}
        green = {"status": "completed", "conclusion": "success", "html_url": "https://ci.example/1"}
        if path == "/actions/runs/7":
            return web.json_response(failed)
        if path == "/actions/runs/7/logs":
            return web.Response(status=302, headers={"Location": f"{self.url}/storage"})
        if path == "/storage":
            return web.Response(body=archive(**{"0_build": logs.stamped(logs.PYTEST)}))
        if path.endswith("/check-runs"):
            return web.json_response({"check_runs": [green]})
        if path.endswith("/status"):
            return web.json_response({"state": "pending", "total_count": 0})
        return await super()._done(key, request)


class Hubs(MortalGitHub):
    """GitHub's interface, with what is downloaded."""

    @asynccontextmanager
    async def download(self, path: str, names: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        download = super().download

        async def whole() -> bytes:
            async with download(path, names) as chunks:
                return b"".join([chunk async for chunk in chunks])

        content = await self.death.pass_by(whole)

        async def once() -> AsyncIterator[bytes]:
            yield content

        yield once()


@dataclass
class Preparation:
    """Everything that outlives a process."""

    office: Office
    journal: Correspondence
    slack: Slack
    jira: Jira
    hub: Hub
    host: GitHost
    ticket: Ticket
    models: list[ScriptedModel] = field(default_factory=list)

    @asynccontextmanager
    async def process(self, death: Death) -> AsyncIterator[World]:
        """A process that works here until it dies."""
        self.journal.death = death
        self.models.append(ScriptedModel(SCRIPT))

        def repository(_: str) -> HostedRepository:
            trusted = {"GIT_SSL_CAINFO": str(self.host.certificate)}
            mirror = self.office.home / "mirror.git"
            found = HostedRepository(remote, mirror, trusted, credential(self.host))
            found.death = death
            return found

        async def pushed_to(*_: str) -> str:
            return remote

        remote = self.host.remote("ann/shop")
        place = GitHubPlace(self.hub.url)
        async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
            calls = Hubs(place, client, PersonalToken("ghp_secret"))
            calls.death = death
            files = LocalTracker(self.office.home / "tickets")
            homes: dict[str, Tracker] = {
                "jira": JiraTracker(MortalSite(death, self.jira.base_url)),
                "github": GitHubIssues(calls, place, files),
            }
            yield replace(
                self.office.world(self.models[-1]),
                chat=MortalChat(death, self.slack.url),
                tracker=RoutedTracker(homes, files),
                ci=GitHubCI(calls, self.hub.repository),
                repository=repository,
                remote=pushed_to,
                policy=Policy.ON_REQUEST,
                question_seconds=3_600.0,
                doorbell=self.journal.bell,
            )

    async def brief(self, death: Death) -> RunState:
        """From wherever the journal stands, on to the next briefing, and its message up to date."""
        await self.journal.read_along(await self.journal.read(RUN))
        async with self.process(death) as world:
            if not await self.journal.read(RUN):
                await self.office.receive(ticket=self.ticket)
            return await self._shown(world, await advance(world, RUN))

    async def send_back(self, death: Death) -> RunState:
        """From the first briefing, or wherever the journal stands after it, on to the second."""
        await self.journal.read_along(await self.journal.read(RUN))
        async with self.process(death) as world:
            async with world.open(RUN) as log:
                state = log.state
            if not any(isinstance(entry.event, Decided) for entry in await self.journal.read(RUN)):
                assert state.briefing is not None
                asked = Answer(Verb.REQUEST_CHANGES, KIM, state.briefing.digest, WISH)
                await answer(world, RUN, asked)
            return await self._shown(world, await advance(world, RUN))

    async def _shown(self, world: World, state: RunState) -> RunState:
        assert state.phase is Phase.DECIDING
        assert state.told or await show_again(world, RUN)
        return fold(await self.journal.read(RUN))

    async def outcome(self, state: RunState) -> object:
        """All that there is outside, each once; what two runs could be told apart by."""
        (root,) = self.slack.roots()
        assert root["metadata"]["event_payload"]["key"] == "message"
        keys = [reply["metadata"]["event_payload"]["key"] for reply in self.slack.replies()]
        assert len(set(keys)) == len(keys), f"posted twice in the thread: {keys}"
        entries = await self.journal.read(RUN)
        replies = [(e.event.agent, e.event.turn) for e in entries if isinstance(e.event, ReplyReceived)]
        assert len(set(replies)) == len(replies), "a turn was paid for twice"
        assert state.base is not None
        read = state.base.ticket.body if state.base.ticket else ""
        assert ("test_a.py::TestCart::test_total" in read) == (self.ticket.source == "ci")
        assert await self.journal.letters(RUN) == ()
        moved = [status for _, status, _ in self.jira.moved]
        assert moved == (["In Progress"] if self.ticket.source == "jira" else [])
        told = [e.event.briefing.headline for e in entries if isinstance(e.event, BriefingPrepared)]
        questions = {question.id for question in state.questions}
        base = (read, state.base.checks, state.base.remote_head, state.base.ticket_seen, state.base.notices)
        wished = [(e.event.agent, e.event.note.text) for e in entries if isinstance(e.event, NotePosted)]
        wishes = sorted(agent for agent, text in wished if WISH in text)
        return essence(state), sorted(keys), told, questions, base, wishes

    async def keep(self) -> Restore:
        """What takes everything back to where it is now."""
        kept = Restore(self, await self.journal.read(RUN))
        kept.messages = copy.deepcopy(self.slack.messages)
        kept.issues, kept.moved = copy.deepcopy(self.jira.issues), list(self.jira.moved)
        return kept


@dataclass
class Restore:
    """A state of everything outside a process."""

    here: Preparation
    entries: Sequence[Entry]
    messages: list[dict[str, object]] = field(default_factory=list)
    issues: dict[str, dict[str, object]] = field(default_factory=dict)
    moved: list[tuple[str, str, object]] = field(default_factory=list)

    async def __call__(self) -> None:
        here = self.here
        here.journal = here.office.journal = Correspondence()
        if self.entries:
            await here.journal.append(RUN, self.entries)
        else:
            shutil.rmtree(here.office.home)
        here.slack.messages = copy.deepcopy(self.messages)
        here.jira.issues, here.jira.moved = copy.deepcopy(self.issues), list(self.moved)
        here.models.clear()


@asynccontextmanager
async def preparation(folder: Path, ticket: Ticket) -> AsyncIterator[Preparation]:
    journal, jira, hub = Correspondence(), Jira(), Hub()
    office = Office(folder, journal, QUICK_FILES, command=QUICK_COMMAND)
    jira.put("ED-7")
    hub.issues[12] = {"title": ISSUE.title, "body": ISSUE.body, "state": "open"}
    where = folder / "host" / "ann" / "shop.git"
    git(folder, "clone", "-q", "--bare", str(office.checkout), str(where))
    servers = (slack_server(), jira_server(jira), github_server(hub), git_host(folder / "host"))
    async with servers[0] as slack, servers[1], servers[2], servers[3] as host:
        found = replace(ticket, url=f"{hub.url}/ann/shop/issues/12") if ticket is ISSUE else ticket
        yield Preparation(office, journal, slack, jira, hub, host, found)


async def cut(here: Preparation, death: Death, expected: object, *, second: bool) -> bool:
    """One point; False where the briefing is there before it."""
    work = here.send_back if second else here.brief
    try:
        await work(death)
    except (Killed, BaseExceptionGroup):
        assert death.dead
    else:
        return False
    paid = replies_paid(await here.journal.read(RUN))
    lost = replies_asked_for(here.models[-1].requests) - paid
    state = await work(Death())
    where = f"{'after' if death.after else 'before'} point {death.at}"
    in_flight = Counter(agent for agent, _ in lost)
    assert set(in_flight.values()) <= {1}, f"{where}: more was lost than the replies under way"
    assert await here.outcome(state) == expected, where
    asked = replies_asked_for(here.models[-1].requests)
    assert not paid & asked, f"{where}: a reply that is in the journal was asked for again"
    assert set(asked.values()) <= {1}, where
    return True


@pytest.mark.slow
@pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("ticket", "second", "least", "most"),
    [(TICKET, False, 20, 100), (TICKET, True, 6, 100), (BROKEN, False, 15, 15), (ISSUE, False, 15, 15)],
    ids=["a ticket of Jira", "its second briefing", "a failed workflow", "an issue of GitHub"],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_call_on_the_way_to_a_briefing_everything_is_done_once(
    tmp_path: Path,
    after: bool,
    ticket: Ticket,
    second: bool,
    least: int,
    most: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of tickets from elsewhere up to where agents work, which they do as for one of Jira."""
    async with preparation(tmp_path, ticket) as here:
        if second:
            await here.brief(Death())
        restore = await here.keep()
        state = await (here.send_back if second else here.brief)(Death())
        expected = await here.outcome(state)
        points = 0
        await restore()
        while points < most and await cut(here, Death(points + 1, after), expected, second=second):
            points += 1
            await restore()
    with capsys.disabled():
        print(f" [{points} injection points]", end="")  # noqa: T201 - the figure is what the test is worth
    assert points >= least
