"""A pull request out of a conversation, with settings as a user makes them: git and GitHub's API over TLS."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from anton.app import compose
from anton.core.event import Entry, TurnEnded
from anton.core.question import Question, QuestionAsked
from anton.core.run import RunState
from anton.core.ticket import Ticket
from anton.entrypoints.composition import Wish
from anton.entrypoints.start import received_of
from anton.runs.conversation import begin, open_conversation
from tests.adapters.github.server import Faulty
from tests.adapters.model.endpoint import serving
from tests.counterparts.git_host import TOKEN, backend, git_host
from tests.office import git, make_repository
from tests.scenarios.test_chat_with_counterparts import calls, said

pytestmark = pytest.mark.skipif(backend() is None, reason="git is installed without git-http-backend")
REPOSITORY = "ann/shop"
EDIT = ("edit_file", {"path": "todo.py", "old": "not todo.completed", "new": "True"})
PULL = ("open_pull_request", {"title": "Keep done to-dos done", "body": "It toggled."})


async def test_what_was_shown_is_pushed_and_opened_on_github(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout, hosted = make_repository(tmp_path / "shop"), tmp_path / "host"
    bare = hosted / f"{REPOSITORY}.git"
    git(tmp_path, "clone", "-q", "--bare", str(checkout), str(bare))
    git(bare, "config", "http.receivepack", "true")
    asked: list[Question] = []
    told: list[str] = []

    def see(entry: Entry, state: RunState) -> None:
        match entry.event:
            case QuestionAsked(question=question):
                asked.append(question)
                waiting.put_nowait(question)
            case TurnEnded(results=results):
                told.extend(result.text for result in results)

    waiting: asyncio.Queue[Question] = asyncio.Queue()
    async with git_host(hosted) as host, serving(calls(EDIT, PULL), said("It is open.")) as endpoint:
        github = Faulty(host.url, REPOSITORY)

        async def api(request: web.Request) -> web.StreamResponse:
            branches = await asyncio.to_thread(git, bare, "for-each-ref", "--format=%(objectname) %(refname)")
            github.head = next((line.split()[0] for line in branches.splitlines() if "anton/" in line), "")
            return await github.answer(request)

        host.api = api
        git(checkout, "remote", "add", "origin", host.remote(REPOSITORY))
        for name, value in {
            "ANTON_HOME": str(tmp_path / "home"),
            "HOME": str(tmp_path),
            "API_KEY": "sk-x",
            "BASE_URL": endpoint.base_url,
            "MODEL": "m",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPO": REPOSITORY,
            "SSL_CERT_FILE": str(host.certificate),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        config = tmp_path / "anton.toml"
        config.write_text(f'[github]\nbase_url = "{host.url}"\n')
        async with compose(Wish(checkout, config, attended=True)) as anton:
            assert anton.sessions is not None
            assert anton.conversationalist is not None
            received = received_of(anton, Ticket("CHAT-c1", "Conversation", "", "kim", "cli"), checkout)
            await begin(anton.world, anton.sessions, "c1", received)
            async with (
                open_conversation(
                    anton.world, anton.sessions, "c1", anton.conversationalist, lambda _: None, [see]
                ) as talk,
                asyncio.timeout(60),
                asyncio.TaskGroup() as group,
            ):

                async def agree() -> None:
                    await talk.answer(await waiting.get(), "kim", allowed=True)

                group.create_task(agree())
                await talk.say("Fix it and open a pull request.")
    [question] = asked
    [pull] = github.pulls
    commit = git(bare, "rev-parse", pull["branch"]).strip()
    assert (
        f"repository: {host.remote(REPOSITORY)}\nbranch: {pull['branch']}\ncommit: {commit}" in question.call
    )
    assert (pull["title"], pull["base"], pull["head"]["sha"]) == ("Keep done to-dos done", "main", commit)
    assert pull["body"].rstrip() in question.call.replace("\n> ", "\n").replace("\n>\n", "\n\n")
    assert github.labelled == {"1": ["anton"]}
    assert told[-1] == f"The pull request is open: {pull['html_url']}"
    assert "todo.completed = True" in git(bare, "show", f"{commit}:todo.py")
    assert git(bare, "rev-list", "--count", f"main..{commit}") == "1\n"
    assert TOKEN not in json.dumps(told)
    assert not any(TOKEN in process for process in host.seen)
