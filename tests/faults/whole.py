"""Anton with everything outside on real wires, each service with a weather of its own.

Limits and waits are the adapters' own arguments, made small; nothing else differs from what is composed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from aiohttp import web

from anton.adapters.chat.slack import SlackChat
from anton.adapters.chat.slack_api import Waiting as SlackWaiting
from anton.adapters.ci.github import GitHubCI
from anton.adapters.forge.github import GitHubForge
from anton.adapters.github.api import GitHub
from anton.adapters.github.credential import PersonalToken
from anton.adapters.github.patience import Patience as GitHubPatience
from anton.adapters.github.place import GitHubPlace
from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.refusal import Patience as ModelPatience
from anton.adapters.queue.local import LocalQueue
from anton.adapters.repository.credential import HostCredential
from anton.adapters.repository.remote import RemoteRepository
from anton.adapters.tracker.jira import JiraTracker
from anton.adapters.tracker.jira_site import JiraSite
from anton.adapters.tracker.jira_site import Waiting as JiraWaiting
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.tracker.routed import RoutedTracker
from anton.core.event import Entry
from anton.core.run import RunState
from anton.core.work import WorkStopped
from anton.entrypoints.composition import Anton, SlackAccess
from anton.ports.queue import Work
from tests.adapters.github.server import Faulty
from tests.counterparts import chat_completions, jira, slack
from tests.counterparts.git_host import TOKEN, GitHost, git_host
from tests.counterparts.weather import Weather
from tests.entrypoints.server.served import KEY, an_anton, an_office, served
from tests.entrypoints.server.test_slack import RULES, SECRET, Team, texts
from tests.office import HONEST, git

REPOSITORY = "ann/shop"
TICKET = "SHOP-7"
SERVICES = ("model", "slack", "github", "git", "jira")
ANSWER_SECONDS = 0.4
"""How long one answer is waited for here."""
PATIENCE_SECONDS = 60.0
"""After which a state that never comes fails a test."""
LOOK_SECONDS = 0.02
HURRY = 300.0
"""How much sooner than outside of a test a run is tried again."""
Sleep = Callable[[float], Awaitable[None]]


class Hurried(LocalQueue):
    """The queue of one process, whose hours between two attempts are moments."""

    async def work_off(self, work: Work) -> None:
        async def soon(run_id: str) -> float | None:
            again_in = await work(run_id)
            return None if again_in is None else min(again_in / HURRY, 0.6)

        await super().work_off(soon)


@dataclass
class Whole:
    """A server with all that it works with."""

    team: Team
    host: GitHost
    github: Faulty
    site: jira.Jira
    weathers: Mapping[str, Weather]
    waits: list[float] = field(default_factory=list)
    """Seconds that something outside was waited for, had this been no test."""

    @property
    def branches(self) -> dict[str, str]:
        """Branch → commit, of the repository that is pushed to."""
        bare = self.host.folder / f"{REPOSITORY}.git"
        listed = git(bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in listed.splitlines())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GitHub's API, which knows what was pushed."""
        return await self.weathers["github"].over(request, self._knowing)

    async def _knowing(self, request: web.Request) -> web.StreamResponse:
        branches = await asyncio.to_thread(lambda: self.branches)
        self.github.head = next((at for name, at in branches.items() if name != "main"), "")
        return await self.github.answer(request)

    async def begun(self) -> str:
        """The run that Jira's webhook began."""
        issue = {
            "id": "10042",
            "key": TICKET,
            "self": f"{self.site.base_url}/rest/api/2/issue/10042",
            "fields": {"summary": "To-dos come back", "description": "Tapping Done twice brings them back."},
        }
        told = {"webhookEvent": "jira:issue_created", "issue": issue}
        answer = await self.team.server.signed("jira", told, X_Atlassian_Webhook_Identifier="w1")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["run"])

    async def until(self, run: str, reached: Callable[[RunState], bool], what: str) -> RunState:
        """The run, once it is so."""
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while not reached(state := await self.team.server.desk.state(run)):
            assert time.monotonic() < gives_up_at, f"never {what}: {state.work}, {await self.reasons(run)}"
            await asyncio.sleep(LOOK_SECONDS)
        return state

    async def stopped(self, run: str, times: int) -> str:
        """Why the run stopped, once it did so often."""
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(reasons := await self.reasons(run)) < times:
            assert time.monotonic() < gives_up_at, f"never stopped {times} times: {reasons}"
            await asyncio.sleep(LOOK_SECONDS)
        return reasons[-1]

    async def entries(self, run: str) -> tuple[Entry, ...]:
        """Its journal."""
        return tuple(await self.team.server.desk.world.journal.read(run))

    async def reasons(self, run: str) -> list[str]:
        """Why it could not go on, each time."""
        return [e.event.reason for e in await self.entries(run) if isinstance(e.event, WorkStopped)]

    async def sentences(self, run: str) -> list[str]:
        """All that people are told of what went wrong."""
        state = await self.team.server.desk.state(run)
        return [*(await self.reasons(run)), *(state.base.notices if state.base else ())]

    async def approve(self, run: str) -> None:
        """Press the button as somebody who may, again where that failed or they are told to try again."""
        state = await self.team.server.desk.state(run)
        gives_up_at = time.monotonic() + PATIENCE_SECONDS
        while not await self._pressed(state):
            assert time.monotonic() < gives_up_at, self.team.slack.said

    async def _pressed(self, state: RunState) -> bool:
        """Press it once; whether that counts. What a person is told comes after the answer."""
        said = self.team.slack.said
        heard = len(said)
        answer = await self.team.press(state, "anton_approve")
        if answer.status_code == 503:
            return False
        assert answer.status_code == 200, answer.text
        await self.until(state.run_id, lambda at: bool(at.decisions) or len(said) > heard, "answered")
        refused = len(said) > heard
        assert not refused or "try again" in said[-1]["text"], said
        return not refused

    async def knows_its_workspace(self) -> None:
        """Slack was up for as long as it takes to ask whose the token is."""
        answer = await self.team.oncall("To-dos come back", team_id="TOTHER")
        assert "not the one that Anton works for" in answer.text

    async def delivered(self, run: str) -> RunState:
        """The run, once it is and its message says so; each effect is there once."""
        state = await self.until(run, lambda at: at.closed is not None and at.told, "delivered and told")
        assert state.proof is not None
        others = {name: at for name, at in self.branches.items() if name != "main"}
        assert others == {state.branch: state.proof.patch.head}
        (pull,) = self.github.pulls
        assert (pull["branch"], pull["head"]["sha"]) == (state.branch, state.proof.patch.head)
        assert self.github.labelled == {"1": ["bug", "anton"]}
        (comment,) = self.site.comments[TICKET]
        assert pull["html_url"] in json.dumps(comment)
        assert [to for _, to, _ in self.site.moved].count("Done") == 1
        assert [to for _, to, _ in self.site.moved].count("In Progress") <= 1
        (message,) = self.team.slack.roots()
        assert pull["html_url"] in texts(message)
        assert "anton_approve" not in texts(message)
        keys = [reply["metadata"]["event_payload"]["key"] for reply in self.team.slack.replies()]
        assert len(keys) == len(set(keys))
        assert Path(state.steps["report"].result).is_file()
        assert [decision.verb for decision in state.decisions] == ["approve"]
        return state


def _world(
    office_world: Anton, whole: Whole, home: Path, model: str, client: httpx2.AsyncClient, sleep: Sleep
) -> Anton:
    """Anton with what is outside on real wires."""
    place = GitHubPlace(whole.host.url)
    credential = PersonalToken(TOKEN)
    calls = GitHub(
        place, client, credential, GitHubPatience(repeats=2, answer_seconds=ANSWER_SECONDS, sleep=sleep)
    )
    site = JiraSite(
        whole.site.base_url,
        jira.EMAIL,
        jira.TOKEN,
        JiraWaiting(repeats=2, answer_seconds=ANSWER_SECONDS, sleep=sleep),
    )
    reach = {
        "GIT_SSL_CAINFO": str(whole.host.certificate),
        "GIT_HTTP_LOW_SPEED_TIME": "1",
        "no_proxy": "127.0.0.1",
    }

    async def remote(repository: str, origin: str) -> str:
        return place.remote(REPOSITORY)

    waiting = SlackWaiting(answer_seconds=ANSWER_SECONDS, sleep=sleep)
    patience = ModelPatience(repeats=2, sleep=sleep)
    world = replace(
        office_world.world,
        model=ChatCompletionsModel(
            model, chat_completions.KEY, "some-model", idle_seconds=ANSWER_SECONDS, patience=patience
        ),
        tracker=RoutedTracker({"jira": JiraTracker(site)}, LocalTracker(home / "tickets")),
        forge=GitHubForge(calls, REPOSITORY),
        ci=GitHubCI(calls, REPOSITORY),
        chat=SlackChat(slack.TOKEN, slack.CHANNEL_ID, KEY, base_url=whole.team.slack.url, waiting=waiting),
        repository=lambda path: RemoteRepository(
            place.remote(REPOSITORY),
            home / "mirror.git",
            reach,
            HostCredential(place.web, credential.token, credential.remedy),
        ),
        remote=remote,
        approval=RULES,
    )
    access = SlackAccess(slack.TOKEN, SECRET, "", "", whole.team.slack.url)
    serving = replace(
        office_world.serving,
        slack=access,
        queue=lambda: Hurried(4, 4),
        retell_seconds=0.1,
    )
    return replace(office_world, world=world, serving=serving)


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[Whole]:
    """The server with all that it works with, in good weather."""
    weathers = {name: Weather() for name in SERVICES}
    weathers["model"].site = chat_completions.asking
    office, hosted = an_office(folder / "office"), folder / "host"
    git(folder, "clone", "-q", "--bare", str(office.checkout), str(hosted / f"{REPOSITORY}.git"))
    git(hosted / f"{REPOSITORY}.git", "config", "http.receivepack", "true")
    site, waits = jira.Jira(), list[float]()
    site.put(TICKET)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(git_host(hosted, weathers["git"]))
        model = await stack.enter_async_context(chat_completions.scripted_endpoint(HONEST, weathers["model"]))
        channel = await stack.enter_async_context(slack.slack_server(weathers["slack"]))
        await stack.enter_async_context(jira.serving(site, weathers["jira"]))
        made = Whole(Team(channel, None), host, Faulty(host.url, REPOSITORY), site, weathers, waits)  # type: ignore[arg-type]
        host.api = made.answer
        trusted = ssl.create_default_context(cafile=str(host.certificate))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(follow_redirects=False, trust_env=False, verify=trusted)
        )
        anton = _world(an_anton(office), made, office.home, model.base_url, client, sleep)
        stack.push_async_callback(anton.world.model.close)
        made.team.server = await stack.enter_async_context(served(anton, office))
        yield made
