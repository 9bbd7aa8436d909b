"""The real `anton serve` between GitHub, git over https, Jira and a model, from webhooks to what each has."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.adapters.github import logs
from tests.adapters.github.happening import REPOSITORY_ID, Happening
from tests.counterparts import chat_completions, jira
from tests.counterparts.chat_completions import Scripted, scripted_endpoint
from tests.counterparts.git_host import TOKEN, GitHost, backend, git_host
from tests.entrypoints.server.process import Running, running, seen
from tests.entrypoints.server.served import SECRETS, an_office, signed
from tests.office import HONEST, git, quick_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend"),
]
REPOSITORY = "ann/shop"
ABOUT = {"id": REPOSITORY_ID, "name": "shop", "full_name": REPOSITORY, "default_branch": "main"}
LOGS = f"/repos/{REPOSITORY}/actions/runs/7"
SETTINGS = """
[github]
labels = ["repair"]
[jira]
done = "merge"
"""


@dataclass
class World:
    """What the server works with."""

    folder: Path
    host: GitHost
    github: Happening
    site: jira.Jira
    model: Scripted

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ANTON_HOME": str(self.folder / "home"),
            "API_KEY": chat_completions.KEY,
            "BASE_URL": self.model.base_url,
            "MODEL": "some-model",
            "JIRA_BASE_URL": self.site.base_url,
            "JIRA_EMAIL": jira.EMAIL,
            "JIRA_API_TOKEN": jira.TOKEN,
            "JIRA_WEBHOOK_SECRET": SECRETS["jira"],
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPO": REPOSITORY,
            "GITHUB_API_URL": self.host.url,
            "GITHUB_WEBHOOK_SECRET": SECRETS["github"],
            "SSL_CERT_FILE": str(self.host.certificate),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    @property
    def branches(self) -> dict[str, str]:
        """Branch → commit, of the repository that is pushed to."""
        bare = self.host.folder / f"{REPOSITORY}.git"
        listed = git(bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        return dict(line.split() for line in listed.splitlines() if not line.startswith("main "))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GitHub's API, which knows what was pushed."""
        pushed = await asyncio.to_thread(lambda: self.branches)
        self.github.head = next(iter(pushed.values()), "")
        return await self.github.answer(request)

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Running]:
        """The server, killed at the end."""
        async with running(self.folder, self.environment, "--config", str(self.folder / "a.toml")) as server:
            yield server

    def has_failed(self) -> None:
        """Workflow run 7 failed, and its logs are in a storage of their own."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as zipped:
            zipped.writestr("0_build.txt", logs.stamped(logs.PYTEST))
        told = {"status": "completed", "conclusion": "failure", "html_url": "https://github.com/x"}
        self.github.files[LOGS] = web.json_response(told)
        place = {"Location": f"{self.host.url}/repos/storage"}
        self.github.files[f"{LOGS}/logs"] = web.Response(status=302, headers=place)
        self.github.files["/repos/storage"] = web.Response(body=packed.getvalue())


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    office, hosted = an_office(tmp_path / "office"), tmp_path / "host"
    git(tmp_path, "clone", "-q", "--bare", str(office.checkout), str(hosted / f"{REPOSITORY}.git"))
    git(hosted / f"{REPOSITORY}.git", "config", "http.receivepack", "true")
    (tmp_path / "a.toml").write_text(SETTINGS + quick_settings(tmp_path / "reports"))
    site = jira.Jira()
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(git_host(hosted))
        model = await stack.enter_async_context(scripted_endpoint(HONEST))
        await stack.enter_async_context(jira.serving(site))
        whole = World(tmp_path, host, Happening(host.url, REPOSITORY), site, model)
        host.api = whole.answer
        yield whole


async def sent(server: Running, sender: str, payload: object, **headers: str) -> dict[str, Any]:
    """What a signed webhook is answered."""
    body = json.dumps(payload).encode()
    answer = await server.client.post(
        f"/webhook/{sender}", content=body, headers=signed(sender, body, **headers)
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def from_github(server: Running, event: str, **payload: object) -> dict[str, Any]:
    told = {"repository": ABOUT, "sender": {"login": "kim"}, **payload}
    return await sent(server, "github", told, X_GitHub_Event=event, X_GitHub_Delivery="d")


async def approved(world: World, server: Running, run: str) -> dict[str, Any]:
    """The run, delivered; what is on GitHub is what was approved."""
    waiting = await server.until(run, phase="deciding")
    assert world.branches == {}
    answer = await server.client.post(f"/runs/{run}/approve", json={"digest": waiting["briefing"]["digest"]})
    assert answer.status_code == 200, answer.text
    delivered = await server.until(run, phase="closed", outcome="delivered")
    ((branch, commit),) = world.branches.items()
    (pull,) = world.github.pulls
    assert (pull["branch"], pull["head"]["sha"], pull["base"]) == (branch, commit, "main")
    assert commit == waiting["head"]
    assert world.github.labelled == {"1": ["bug", "anton"]}
    assert delivered["pull_request"] == pull["html_url"]
    return delivered


async def test_from_a_label_on_an_issue_to_a_pull_request_that_names_it(world: World) -> None:
    async with world.server() as server:
        assert f"missed ones are looked for every 300 s in {REPOSITORY}" in " ".join(server.said.split())
        issue = world.github.label(7, name="Repair")
        told = {"action": "labeled", "issue": issue}
        assert (await from_github(server, "issues", **told, label={"name": "anton"}))["run"] is None
        run = (await from_github(server, "issues", **told, label={"name": "Repair"}))["run"]
        await approved(world, server, run)
        assert issue["html_url"] in world.github.pulls[0]["body"]
        again = await from_github(server, "issues", **told, label={"name": "repair"})
        assert (again["run"], again["begun"]) == (run, False)
        comment = {"body": "/anton Look once more.", "author_association": "OWNER", "user": {"login": "kim"}}
        asked = await from_github(server, "issue_comment", action="created", issue=issue, comment=comment)
        assert asked["begun"]
        assert asked["run"] != run


async def test_a_failed_workflow_brings_its_failing_tests_to_the_code_agent(world: World) -> None:
    world.has_failed()
    async with world.server() as server:
        run = (
            await from_github(server, "workflow_run", action="completed", workflow_run=world.github.ran(7))
        )["run"]
        await approved(world, server, run)
    heard = [text for agent, text in world.model.heard if agent == "code"]
    assert "test_a.py::TestCart::test_total" in heard[0]
    assert "assert (1 + 1) == 3" in heard[0]


async def test_what_was_labeled_while_the_server_was_down_has_its_run_after_the_start(world: World) -> None:
    world.github.at = datetime.now(UTC).replace(tzinfo=None)
    world.github.label(7, name="repair", by="kim")
    async with world.server() as server:
        await seen((world.folder / "home" / "github-looks.json").exists)
        (run,) = (await server.client.get("/runs")).json()["runs"]
        await approved(world, server, run["id"])


async def test_an_issue_in_jira_is_done_at_the_merge_and_not_before_though_its_webhook_was_lost(
    world: World,
) -> None:
    world.site.put("SHOP-7")
    issue = {
        "id": "10042",
        "key": "SHOP-7",
        "self": f"{world.site.base_url}/rest/api/2/issue/10042",
        "fields": {"summary": "To-dos come back", "description": "Tapping Done twice brings them back."},
    }
    created = {"webhookEvent": "jira:issue_created", "issue": issue}
    async with world.server() as server:
        run = (await sent(server, "jira", created, X_Atlassian_Webhook_Identifier="w1"))["run"]
        delivered = await approved(world, server, run)
        assert world.site.status_of("SHOP-7") == "In Progress"
        (branch,) = world.branches
        await from_github(server, "pull_request", action="closed", pull_request={"merged": False})
        await seen(lambda: "merges" in (world.folder / "home" / "github-looks.json").read_text())
    world.github.at = datetime.now(UTC).replace(tzinfo=None)
    merged = world.github.merge(branch, delivered["pull_request"])
    async with world.server() as server:
        await seen(lambda: world.site.status_of("SHOP-7") == "Done")
        await from_github(server, "pull_request", action="closed", pull_request={**merged, "merged": True})
    assert [status for _, status, _ in world.site.moved] == ["In Progress", "Done"]
    (comment,) = world.site.comments["SHOP-7"]
    assert delivered["pull_request"] in json.dumps(comment)
