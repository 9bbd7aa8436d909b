"""A crash before and after every call outside of a delivery, and before and after what came of it is written.

Slack, Jira and GitHub keep what is done to them; another process resumes, and everything is there once.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from anton.adapters.chat.slack import SlackChat
from anton.adapters.chat.slack_api import SlackApi
from anton.adapters.forge.github import GitHubForge
from anton.adapters.github.api import JSON, GitHub
from anton.adapters.github.credential import PersonalToken
from anton.adapters.github.place import GitHubPlace
from anton.adapters.journal.memory import MemoryJournal
from anton.adapters.model.scripted import ScriptedModel
from anton.adapters.repository.git import GitRepository
from anton.adapters.tracker.jira import JiraTracker
from anton.adapters.tracker.jira_site import JiraSite
from anton.core.decision import Answer
from anton.core.event import BaseResolved, Entry, MessageShown, RunClosed, StepDelivered, Verb
from anton.core.run import Phase, RunState
from anton.core.ticket import Ticket
from anton.ports import PullRequestDraft
from anton.runs.announce import show_again
from anton.runs.runner import advance, answer
from anton.runs.world import World
from tests.adapters.github.server import Faulty
from tests.adapters.github.server import serving as github_server
from tests.counterparts.jira import EMAIL, TOKEN, Jira
from tests.counterparts.jira import serving as jira_server
from tests.counterparts.slack import CHANNEL_ID, Slack, slack_server
from tests.counterparts.slack import TOKEN as SLACK_TOKEN
from tests.crash.test_cut_anywhere import Killed, essence
from tests.office import HONEST, QUICK_COMMAND, QUICK_FILES, RUN, Office, git

TICKET = Ticket("ED-7", "To-dos come back", "Tapping Done twice brings the to-do back.", source="jira")
RECORDS = (BaseResolved, StepDelivered, MessageShown, RunClosed)
"""Events that write down what was done outside."""
T = TypeVar("T")


@dataclass
class Death:
    """Comes at the n-th point, before or after what is done there; from then on nothing is done."""

    at: int = 0
    after: bool = False
    points: int = 0
    dead: bool = False

    async def pass_by(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do it, unless dead before or after."""
        self.check()
        self.points += 1
        here = self.points == self.at
        if here and not self.after:
            self.dead = True
        self.check()
        try:
            return await do()
        finally:  # a refusal is an answer as well
            self.dead = self.dead or here
            self.check()

    def check(self) -> None:
        if self.dead:
            raise Killed


class Records(MemoryJournal):
    """A journal whose writer may die."""

    death = Death()
    told: tuple[type, ...] = RECORDS
    """Events whose writing counts as a point."""

    async def append(self, run_id: str, entries: Sequence[Entry], taken: Collection[str] = ()) -> None:
        write = partial(super().append, run_id, entries, taken)
        if any(isinstance(entry.event, self.told) for entry in entries):
            await self.death.pass_by(write)
        else:
            self.death.check()
            await write()


class SlackCalls(SlackApi):
    def __init__(self, death: Death, base_url: str) -> None:
        super().__init__(SLACK_TOKEN, base_url)
        self.death = death

    async def call(self, method: str, body: Mapping[str, object]) -> Mapping[str, object]:
        return await self.death.pass_by(partial(super().call, method, body))

    async def read(self, method: str, form: Mapping[str, str]) -> Mapping[str, object]:
        return await self.death.pass_by(partial(super().read, method, form))


class MortalChat(SlackChat):
    def __init__(self, death: Death, base_url: str) -> None:
        super().__init__(SLACK_TOKEN, CHANNEL_ID, b"k" * 32, base_url=base_url)
        self._api = SlackCalls(death, base_url)


class MortalSite(JiraSite):
    def __init__(self, death: Death, base_url: str) -> None:
        super().__init__(base_url, EMAIL, TOKEN)
        self.death = death

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> object:
        return await self.death.pass_by(partial(super().get, path, params))

    async def post(self, path: str, body: object) -> object:
        return await self.death.pass_by(partial(super().post, path, body))


class MortalGitHub(GitHub):
    death = Death()

    async def get(self, path: str, names: Mapping[str, str], accept: str = JSON, **query: str) -> Any:
        return await self.death.pass_by(partial(super().get, path, names, accept, **query))

    async def post(self, path: str, names: Mapping[str, str], content: object) -> Any:
        return await self.death.pass_by(partial(super().post, path, names, content))


@dataclass
class FoundForge:
    """GitHub's forge for a repository whose git is on this machine."""

    forge: GitHubForge
    server: Faulty
    bare: Path
    description: str = "GitHub"

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        self.server.head = git(self.bare, "rev-parse", draft.head).strip()
        remote = f"{self.server.url}/{self.server.repository}.git"
        return await self.forge.open_pull_request(replace(draft, remote=remote))


class MortalRepository(GitRepository):
    death = Death()

    async def push(self, commit: str, branch: str, remote: str) -> None:
        await self.death.pass_by(partial(super().push, commit, branch, remote))


@dataclass
class Stage:
    """Everything that outlives a process."""

    office: Office
    journal: Records
    slack: Slack
    jira: Jira = field(default_factory=Jira)
    github: Faulty = field(default_factory=Faulty)

    @asynccontextmanager
    async def process(self, death: Death) -> AsyncIterator[World]:
        """A process that works here until it dies."""
        self.journal.death = death
        async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
            calls = MortalGitHub(GitHubPlace(self.github.url), client, PersonalToken("ghp_secret"))
            calls.death = death

            def repository(path: str) -> GitRepository:
                found = MortalRepository(Path(path), self.office.home / "mirror.git")
                found.death = death
                return found

            yield replace(
                self.office.world(ScriptedModel(HONEST)),
                chat=MortalChat(death, self.slack.url),
                tracker=JiraTracker(MortalSite(death, self.jira.base_url)),
                forge=FoundForge(GitHubForge(calls), self.github, self.office.remote),
                repository=repository,
            )

    async def prepare(self, death: Death) -> None:
        """From wherever the journal stands, on to the decision."""
        async with self.process(death) as world:
            if not await self.journal.read(RUN):
                await self.office.receive(ticket=TICKET)
            assert (await advance(world, RUN)).phase is Phase.DECIDING

    async def deliver(self, death: Death) -> RunState:
        """From the decision on to the end, with the message brought up to date."""
        async with self.process(death) as world:
            async with world.open(RUN) as log:
                state = log.state
            if state.phase is Phase.DECIDING:
                assert state.briefing is not None
                await answer(world, RUN, Answer(Verb.APPROVE, "terminal:Kim", state.briefing.digest))
            state = await advance(world, RUN)
            assert state.told or await show_again(world, RUN)
            return state

    async def at_decision(self) -> Callable[[], Awaitable[None]]:
        """What takes everything back to where it is now, which is before anything was delivered."""
        entries = await self.journal.read(RUN)
        messages = copy.deepcopy(self.slack.messages)
        issues, moved = copy.deepcopy(self.jira.issues), list(self.jira.moved)

        async def restore() -> None:
            self.journal = self.office.journal = Records()
            await self.journal.append(RUN, entries)
            self.slack.messages = copy.deepcopy(messages)
            self.jira.issues, self.jira.moved = copy.deepcopy(issues), list(moved)
            self.jira.comments = {"ED-7": []}
            self.github.pulls, self.github.labels, self.github.labelled = [], set(), {}
            for name in git(self.office.remote, "for-each-ref", "--format=%(refname)").split():
                git(self.office.remote, "update-ref", "-d", name)
            shutil.rmtree(self.office.folder / "reports", ignore_errors=True)

        return restore

    def outcome(self, state: RunState) -> object:
        """All that there is outside, each once; what two runs could be told apart by."""
        (root,) = self.slack.roots()
        keys = [reply["metadata"]["event_payload"]["key"] for reply in self.slack.replies()]
        assert len(set(keys)) == len(keys), f"posted twice in the thread: {keys}"
        assert "Delivered" in str(root)
        (pull,) = self.github.pulls
        (comment,) = self.jira.comments["ED-7"]
        assert pull["html_url"] in str(comment)
        moved = [status for _, status, _ in self.jira.moved]
        assert moved == ["In Progress", "Done"]
        branches = git(self.office.remote, "for-each-ref", "--format=%(refname)").split()
        assert branches == [f"refs/heads/{state.branch}"]
        reports = [path.name for path in (self.office.folder / "reports").glob("*/incident.md")]
        assert reports == ["incident.md"]
        return essence(state), sorted(keys), self.github.labelled


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    journal = Records()
    office = Office(folder, journal, QUICK_FILES, command=QUICK_COMMAND)
    async with slack_server() as slack:
        made = Stage(office, journal, slack)
        made.jira.put("ED-7")
        async with jira_server(made.jira), github_server(made.github):
            yield made


async def cut(here: Stage, at: int, *, after: bool, expected: object) -> bool:
    """One point; False where the run ends before it."""
    death = Death(at, after)
    try:
        await here.deliver(death)
    except (Killed, BaseExceptionGroup):
        assert death.dead
    else:
        return False
    state = await here.deliver(Death())
    assert here.outcome(state) == expected, f"{'after' if after else 'before'} point {at}"
    return True


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_call_of_a_delivery_everything_is_done_once(
    tmp_path: Path, after: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async with stage(tmp_path) as here:
        await here.prepare(Death())
        restore = await here.at_decision()
        expected = here.outcome(await here.deliver(Death()))
        points = 0
        await restore()
        while await cut(here, points + 1, after=after, expected=expected):
            points += 1
            await restore()
    with capsys.disabled():
        print(f" [{points} injection points]", end="")  # noqa: T201 - the figure is what the test is worth
    assert points > 20
