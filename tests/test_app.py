"""What the settings make of Anton."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anton.app import compose
from anton.core.codec import encode_event
from anton.core.errors import UsageError
from anton.core.event import AgentEnded, AgentOutcome, BaseResolved, HookMoment
from anton.core.hook import HookEvent
from anton.core.message import ToolCall, Usage
from anton.core.tool import ToolResult
from anton.entrypoints.composition import Wish
from anton.proving.declarations import Declared
from anton.runs.world import Planned
from tests.adapters.model.endpoint import DONE, Answer, chunk, hear, serving, sse
from tests.adapters.model.test_chat_completions import REQUEST

Write = Callable[[str], Wish]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Settings of an operator with a key, for a command that only looks."""
    for name in ("BASE_URL", "MODEL", "DATABASE_URL", "REPO_CWD", "ANTON_CONFIG", "OTHER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANTON_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("API_KEY", "sk-main")

    def written(toml: str) -> Wish:
        path = tmp_path / "own.toml"
        path.write_text(toml)
        return Wish(config=path, looking=True)

    return written


async def test_a_fallback_elsewhere_is_asked_with_its_own_key_and_never_with_ours(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "sk-other")
    refused = Answer(b'{"error": "gone"}', 404, {"Content-Type": "application/json"})
    whole = Answer(sse(chunk(content="Here."), chunk("stop")) + DONE)
    async with serving(refused) as one, serving(refused) as keyless, serving(whole) as keyed:
        wish = write(
            f"""[model]
            name = "first"
            base_url = "{one.base_url}"
            fallback = [
                "second",
                {{name = "third", base_url = "{keyless.base_url}"}},
                {{name = "fourth", base_url = "{keyed.base_url}", api_key_env = "OTHER"}},
            ]
            [model.prices.some-model]
            input = 1.0
            cached = 1.0
            output = 1.0
            [budget]
            run_tokens = 9
            """
        )
        async with compose(wish) as anton:
            reply = await hear(anton.world.model, REQUEST)
            assert anton.world.model.cost_dollars(reply.end.model, Usage(1_000_000)) == 1.0
            assert anton.world.budget.fallback == ("second", "third", "fourth")
    assert (reply.text, reply.end.instead_of) == ("Here.", "first")
    assert [body["model"] for body in one.bodies] == ["first", "second"]
    assert {headers["Authorization"] for headers in one.headers} == {"Bearer sk-main"}
    assert "Authorization" not in keyless.headers[0]
    assert keyed.headers[0]["Authorization"] == "Bearer sk-other"


async def test_a_key_that_is_not_there_is_named_only_where_there_is_a_model_to_ask(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = '[model]\nname = "a"\nfallback = [{name = "b", base_url = "http://b", api_key_env = "OTHER"}]'
    with pytest.raises(UsageError, match=r"names the variable 'OTHER' for the key of 'b', and it is not set"):
        async with compose(write(toml)):
            pass
    monkeypatch.delenv("API_KEY")
    async with compose(write(toml)) as anton:
        assert "recording" in anton.world.model.name


async def test_each_agent_has_the_model_and_the_effort_that_are_set_for_it_or_for_all(write: Write) -> None:
    own = '[agents.code]\nmodel = "b"\nreasoning_effort = "high"\n'
    wish = write('[model]\nname = "a"\nreasoning_effort = "low"\n' + own)
    async with compose(wish) as anton:
        found = {spec.name: (spec.model, spec.reasoning_effort) for spec in anton.world.specs}
    assert found == {
        "triage": (None, "low"),
        "code": ("b", "high"),
        "test": (None, "low"),
        "pr": (None, "low"),
    }


async def test_hooks_are_those_of_the_settings(write: Write) -> None:
    async with compose(write('[model]\nname = "a"\n')) as anton:
        assert anton.world.hooks.description == "none"
    toml = '[model]\nname = "a"\n[[hooks]]\nmoment = "before_tool"\ncommand = ["/opt/guard", "--strict"]\n'
    async with compose(write(toml)) as anton:
        assert anton.world.hooks.description == "before_tool: /opt/guard"
        checks = {check.name: (check.good, check.detail) for check in await anton.examine()}
    assert checks["hook"] == (False, "before_tool: /opt/guard is no program that can be run")


DECLARED = Declared(("app.py", "tests/test_app.py"))
OWN_TESTS = """
    [model]
    name = "a"
    [tests]
    command = ["python", "own.py"]
    report = "own.xml"
    patterns = ["checks/**"]
    timeout_seconds = 7
    env = {API_TOKEN = "s3cret"}
    """


async def settled(wish: Wish) -> Planned:
    async with compose(wish) as anton:
        return anton.world.plan(DECLARED, None)


async def test_the_tests_are_run_as_was_settled_and_not_as_the_settings_here_have_it(write: Write) -> None:
    began = await settled(write(OWN_TESTS))
    here = """
        [model]
        name = "a"
        [tests]
        command = ["python", "other.py"]
        report = "other.xml"
        python = "/opt/other/python"
        env = {API_TOKEN = "s3cret", MORE = "x"}
        """
    async with compose(write(here)) as anton:
        assert anton.world.plan(DECLARED, began.options) == began
        assert anton.world.plan(DECLARED, None) != began
    assert (began.plan.command[1:], began.plan.report, began.plan.timeout_seconds) == (
        ("own.py",),
        "own.xml",
        7.0,
    )
    assert began.plan.is_test("checks/one.txt")


async def test_a_run_keeps_the_names_of_its_tests_variables_and_not_their_values(write: Write) -> None:
    began = await settled(write(OWN_TESTS))
    assert began.plan.env["API_TOKEN"] == "s3cret"
    assert began.options.env == ("API_TOKEN",)
    written = encode_event(BaseResolved("c", "t", "main", "s", "", suite=began.options))
    assert b"API_TOKEN" in written
    assert b"s3cret" not in written


async def test_a_variable_that_the_tests_were_given_and_that_is_not_set_here_is_named(write: Write) -> None:
    began = await settled(write(OWN_TESTS))
    async with compose(write('[model]\nname = "a"\n')) as anton:
        with pytest.raises(UsageError, match=r"'API_TOKEN' by tests\.env.*resume RUN --config FILE"):
            anton.world.plan(DECLARED, began.options)


async def test_jira_is_the_tracker_of_its_own_tickets_where_there_is_a_token(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = """[model]
    name = "m"
    [jira]
    base_url = "https://example.atlassian.net"
    email = "anton@example.com"
    """
    async with compose(write(toml)) as anton:
        assert anton.world.tracker.description.startswith("local")
    monkeypatch.setenv("JIRA_API_TOKEN", "ATATT3x-secret")
    async with compose(write(toml)) as anton:
        said = anton.world.tracker.description
        assert (await anton.world.tracker.get("BUG-42")).source == "local", (
            "the demo's ticket is not asked for"
        )
    assert said.startswith(
        "Jira (https://example.atlassian.net as anton@example.com); tickets from elsewhere: local"
    )


async def test_what_is_set_in_part_is_said_by_doctor_and_when_the_server_starts(write: Write) -> None:
    toml = """[model]
    name = "m"
    [jira]
    base_url = "https://example.atlassian.net"
    email = "anton@example.com"
    [github]
    repo = "ann/shop"
    [slack]
    channel = "oncall"
    """
    async with compose(write(toml)) as anton:
        for checks in (await anton.examine(), await anton.serving.prove()):
            said = {check.name: check.detail for check in checks if check.good}
            assert said["tracker"].startswith("local (")
            assert said["tracker"].endswith("); Jira is not used, because JIRA_API_TOKEN is not set")
            assert said["forge"].endswith("; GitHub is not used, because GITHUB_TOKEN is not set")
            assert said["chat"].endswith("; Slack is not used, because SLACK_BOT_TOKEN is not set")
    async with compose(write('[model]\nname = "m"\n')) as anton:
        assert not any("is not used" in check.detail for check in await anton.serving.prove())


async def test_no_hook_is_told_a_secret(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "canary-of-the-model")
    told, program = tmp_path / "told", "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    command = json.dumps([sys.executable, "-ISc", program, str(told)])
    toml = "".join(
        f'[[hooks]]\nmoment = "{moment}"\nseconds = 60\ncommand = {command}\n'
        for moment in ("before_tool", "after_tool", "after_agent")
    )
    words = "canary-of-the-model, " + "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345"
    call = ToolCall("c1", "read_file", json.dumps({"path": words}))
    async with compose(write(f'{toml}[model]\nname = "m"\n')) as anton:
        for event in (
            HookEvent(HookMoment.BEFORE_TOOL, "r1", "code", "m", 1, call),
            HookEvent(
                HookMoment.AFTER_TOOL, "r1", "code", "m", 1, call, ToolResult("c1", "read_file", words)
            ),
            HookEvent(
                HookMoment.AFTER_AGENT,
                "r1",
                "code",
                "m",
                2,
                ended=AgentEnded("code", AgentOutcome.FAILED, json.dumps({"why": words}), words),
            ),
        ):
            assert (await anton.world.hooks.tell(event)).failures == ()
    heard = told.read_text()
    assert len(heard.splitlines()) == 3
    assert heard.count("[masked: GitHub token]") == heard.count("[masked: API_KEY]") > 3
    assert "canary" not in heard
    assert "ghp_" not in heard


async def test_a_token_of_jira_alone_is_not_enough(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIRA_API_TOKEN", "ATATT3x-secret")
    with pytest.raises(UsageError, match="needs JIRA_BASE_URL and JIRA_EMAIL") as refused:
        async with compose(write("")):
            pass
    assert "secret" not in str(refused.value)


async def test_a_ticket_that_names_no_repository_is_about_the_first(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, shop, other = (tmp_path / name for name in ("own", "shop", "elsewhere/shop"))
    monkeypatch.setenv("REPO_CWD", str(own))
    async with compose(
        write(f"[model]\nname = 'm'\n[server]\nrepositories = ['{shop}', '{other}']")
    ) as anton:
        known = anton.serving.repositories
    assert next(iter(known.values())) == own
    assert known["shop"] == shop
    assert known[str(other)] == other
