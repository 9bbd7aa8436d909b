"""All on real wires: settings as a user makes them, and Slack, Jira, GitHub, git and a model by HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from anton.app import compose
from anton.core.run import RunState
from anton.entrypoints.composition import Wish
from tests.adapters.github.server import Faulty
from tests.counterparts import chat_completions, jira, slack
from tests.counterparts.chat_completions import scripted_endpoint
from tests.counterparts.git_host import TOKEN, GitHost, backend, git_host
from tests.entrypoints.server.served import SECRETS, an_office, served
from tests.entrypoints.server.served import TOKEN as API_TOKEN
from tests.entrypoints.server.test_slack import REVISED, SECRET, Team, texts
from tests.office import git, quick_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend"),
]
REPOSITORY = "ann/shop"
SETTINGS = """
[github]
base_url = "{github}"
[slack]
base_url = "{slack}"
[approval.people.lee]
slack = ["T1/ULEE"]
[approval.people.dana]
slack = ["T1/UDANA"]
[[approval.rules]]
people = ["lee", "dana"]
"""


@dataclass
class Everything:
    """A server with all that it works with."""

    team: Team
    host: GitHost
    github: Faulty
    site: jira.Jira

    @property
    def branches(self) -> dict[str, str]:
        """Branch → commit, of the repository that is pushed to."""
        listed = git(self.bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in listed.splitlines())

    @property
    def bare(self) -> Path:
        return self.host.folder / f"{REPOSITORY}.git"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GitHub's API, which knows what was pushed."""
        branches = await asyncio.to_thread(lambda: self.branches)
        self.github.head = next((at for name, at in branches.items() if name != "main"), "")
        return await self.github.answer(request)

    async def press(self, action: str, by: str) -> None:
        """Press a button of the run's message as it stands in the channel."""
        (message,) = self.team.slack.roots()
        (button,) = (each for each in elements(message["blocks"]) if each.get("action_id") == action)
        payload = {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": by},
            "trigger_id": "trigger",
            "response_url": self.team.slack.response_url,
            "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": button["value"]}],
        }
        answer = await self.team.send("actions", {"payload": json.dumps(payload)})
        assert answer.status_code == 200, answer.text

    async def delivered(self, run: str) -> RunState:
        """The run, once it is; exactly what was approved is where it belongs."""
        await self.team.server.until(run, outcome="delivered")
        state = await self.team.server.desk.state(run)
        assert state.proof is not None
        assert state.briefing is not None
        assert state.decisions[-1].digest == state.briefing.digest
        assert {name: at for name, at in self.branches.items() if name != "main"} == {
            state.branch: state.proof.patch.head
        }
        (pull,) = self.github.pulls
        assert (pull["branch"], pull["head"]["sha"], pull["base"]) == (
            state.branch,
            state.proof.patch.head,
            "main",
        )
        assert self.github.labelled == {"1": ["bug", "anton"]}
        assert state.steps["pull_request"].result == pull["html_url"]
        report = Path(state.steps["report"].result)
        assert report.name == "incident.md"
        assert pull["html_url"] in report.read_text()
        assert pull["html_url"] in texts(await self.team.says("Delivered"))
        return state


def elements(value: object) -> Iterator[dict[str, Any]]:
    """Every object in blocks, at any depth."""
    if isinstance(value, Mapping):
        yield dict(value)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from elements(each)


def environment(host: GitHost, home: Path, model: str, site: jira.Jira) -> dict[str, str]:
    return {
        "ANTON_HOME": str(home),
        "ANTON_API_TOKEN": f"tester:{API_TOKEN}",
        "API_KEY": chat_completions.KEY,
        "BASE_URL": model,
        "MODEL": "some-model",
        "SLACK_BOT_TOKEN": slack.TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_CHANNEL": slack.CHANNEL,
        "JIRA_BASE_URL": site.base_url,
        "JIRA_EMAIL": jira.EMAIL,
        "JIRA_API_TOKEN": jira.TOKEN,
        "JIRA_WEBHOOK_SECRET": SECRETS["jira"],
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPO": REPOSITORY,
        "SSL_CERT_FILE": str(host.certificate),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


@pytest.fixture
async def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Everything]:
    office, hosted = an_office(tmp_path / "office"), tmp_path / "host"
    git(tmp_path, "clone", "-q", "--bare", str(office.checkout), str(hosted / f"{REPOSITORY}.git"))
    git(hosted / f"{REPOSITORY}.git", "config", "http.receivepack", "true")
    site = jira.Jira()
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(git_host(hosted))
        model = await stack.enter_async_context(scripted_endpoint(REVISED))
        channel = await stack.enter_async_context(slack.slack_server())
        await stack.enter_async_context(jira.serving(site))
        for name, value in environment(host, tmp_path / "home", model.base_url, site).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        config = tmp_path / "anton.toml"
        outside = SETTINGS.format(github=host.url, slack=channel.url.rstrip("/"))
        config.write_text(outside + quick_settings(tmp_path / "reports"))
        anton = await stack.enter_async_context(compose(Wish(config=config, unconfined=True)))
        server = await stack.enter_async_context(served(anton, office))
        whole = Everything(Team(channel, server), host, Faulty(host.url, REPOSITORY), site)
        host.api = whole.answer
        yield whole


async def test_from_a_command_in_slack_to_a_pull_request_on_github(everything: Everything) -> None:
    team = everything.team
    run = await team.begun()
    await team.briefed(run)
    await everything.press("anton_request_changes", by="ULEE")
    (window,) = team.slack.windows
    assert (await team.submit(window, "Say why.")).text == ""
    revised = await team.briefed(run, 2)
    assert revised.decisions[-1].text == "Say why."

    await everything.press("anton_approve", by="UEVE")
    assert "may not decide" in (await team.told(1))[-1]
    assert set(everything.branches) == {"main"}
    await everything.press("anton_approve", by="ULEE")
    await everything.delivered(run)
    (message,) = team.slack.roots()
    assert message["edited"] > 1
    assert "anton_approve" not in texts(message)


async def test_from_an_issue_in_jira_to_done_with_one_comment(everything: Everything) -> None:
    team, site = everything.team, everything.site
    site.put("SHOP-7")
    issue = {
        "id": "10042",
        "key": "SHOP-7",
        "self": f"{site.base_url}/rest/api/2/issue/10042",
        "fields": {"summary": "To-dos come back", "description": "Tapping Done twice brings them back."},
    }
    told = {"webhookEvent": "jira:issue_created", "issue": issue}
    run = (await team.server.signed("jira", told, X_Atlassian_Webhook_Identifier="w1")).json()["run"]
    await team.briefed(run)
    assert site.status_of("SHOP-7") == "In Progress"

    await everything.press("anton_approve", by="ULEE")
    state = await everything.delivered(run)
    again = await team.server.signed("jira", told, X_Atlassian_Webhook_Identifier="w1")
    assert again.json()["run"] == run
    (comment,) = site.comments["SHOP-7"]
    assert state.steps["pull_request"].result in json.dumps(comment)
    assert [(key, status) for key, status, _ in site.moved] == [("SHOP-7", "In Progress"), ("SHOP-7", "Done")]
