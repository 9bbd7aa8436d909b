"""Which tools and limits the settings give to agents."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from anton.adapters.chat.local import LocalChat
from anton.adapters.forge.local import LocalForge
from anton.adapters.tracker.local import LocalTracker
from anton.agents.roster import delegates, roster
from anton.app import compose
from anton.app.conversation import conversationalist_of, counter_of
from anton.core.agent import MAX_DELEGATE_SECONDS, AgentSpec
from anton.core.errors import UsageError
from anton.entrypoints.composition import Wish
from anton.settings import settings_of_process
from anton.tools.catalogue import FOR_A_PERSON, TOOLS
from anton.tools.define import PublishingTool

MCP_SERVER = Path(__file__).parent / "adapters" / "mcp_servers" / "server.py"
FROM_THE_WEB = {"web_fetch", "web_search"}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but the test's own."""
    for name in ("API_KEY", "BASE_URL", "MODEL", "DATABASE_URL", "REPO_CWD", "ANTON_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANTON_HOME", str(tmp_path / "state"))


async def test_an_agent_is_told_the_limits_that_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[agents.code]\nturns = 40\nseconds = 86_400\n")
    async with compose(Wish(config=path, looking=True)) as anton:
        specs = {spec.name: spec for spec in anton.world.specs}
    assert (specs["code"].turns, specs["code"].seconds) == (40, 86_400)
    assert "40 replies and 86400 seconds in a row" in specs["code"].system
    assert "20 replies and 300 seconds in a row" in specs["test"].system
    assert not any("{" in spec.system for spec in specs.values())


async def tools_of(path: Path, toml: str) -> dict[str, tuple[str, ...]]:
    path.write_text(toml)
    async with compose(Wish(config=path, looking=True)) as anton:
        return {spec.name: spec.tools for spec in anton.world.specs}


async def test_no_agent_has_the_web_unless_it_is_given(tmp_path: Path) -> None:
    assert not any(FROM_THE_WEB & set(spec.tools) for spec in roster())
    given = await tools_of(tmp_path / "a.toml", '[agents.code]\ntools = ["web_fetch", "grep"]\n')
    own = {spec.name: spec.tools for spec in roster()}
    assert given == {**own, "code": (*own["code"], "web_fetch")}
    assert (await tools_of(tmp_path / "a.toml", '[agents.triage]\ntools = ["git_log"]\n'))["triage"] == (
        "git_log",
    )


async def test_tools_that_nobody_has_come_with_all_that_they_need(tmp_path: Path) -> None:
    given = await tools_of(tmp_path / "a.toml", '[agents.test]\ntools = ["shell", "delegate", "memory"]\n')
    assert given["test"][-3:] == ("shell", "delegate", "memory")
    async with compose(Wish(config=tmp_path / "a.toml", looking=True)) as anton:
        assert [spec.name for spec in anton.world.delegates] == ["investigator", "reviewer"]
        assert "10 replies and 120 seconds" in anton.world.delegates[0].system
    with pytest.raises(UsageError, match=r"agents\.pr\.tools names 'shell'"):
        await tools_of(tmp_path / "a.toml", '[agents.pr]\ntools = ["shell"]\n')


@pytest.mark.parametrize(
    ("agent", "tool", "said"),
    [
        (
            "code",
            "web_fech",
            r"names 'web_fech', which it .*: did you mean 'web_fetch'\? Allowed here: apply_patch",
        ),
        (
            "triage",
            "write_file",
            "names 'write_file', which it .*: Allowed here: git_blame, git_log, git_show, todo, web_fetch",
        ),
        ("pr", "submit", "names 'submit', which it .*: "),
    ],
)
async def test_a_mistake_names_the_file_and_what_is_allowed(
    tmp_path: Path, agent: str, tool: str, said: str
) -> None:
    with pytest.raises(UsageError, match=rf"a\.toml: agents\.{agent}\.tools {said}"):
        await tools_of(tmp_path / "a.toml", f'[agents.{agent}]\ntools = ["{tool}"]\n')


# Who talks with a person

SPEAKING = {name for name, tool in FOR_A_PERSON.items() if isinstance(tool, PublishingTool)}


async def talker_of(path: Path, toml: str = "") -> AgentSpec:
    path.write_text(toml)
    async with compose(Wish(config=path, looking=True)) as anton:
        assert anton.conversationalist is not None
        return anton.conversationalist


async def test_who_talks_has_the_tools_that_there_is_something_behind(tmp_path: Path) -> None:
    alone = set((await talker_of(tmp_path / "a.toml")).tools)
    assert SPEAKING | {"shell", "jira_read", "github_issue"} <= alone
    assert not alone & {"web_fetch", "web_search", "github_search", "memory", "delegate", "ask_person"}
    connected = '[web]\nallow = ["docs.python.org"]\n[github]\ntoken = "ghp_x"\nrepo = "ann/shop"\n'
    more = set((await talker_of(tmp_path / "a.toml", connected)).tools)
    assert more - alone == {"web_fetch", "github_search"}
    unnamed = set((await talker_of(tmp_path / "a.toml", '[github]\ntoken = "ghp_x"\n')).tools)
    assert alone - unnamed == {"github_issue"}


async def test_who_talks_has_limits_tools_and_a_model_of_its_own(tmp_path: Path) -> None:
    settings = (
        '[agents.chat]\nturns = 4\nseconds = 50\nmodel = "other"\nreasoning_effort = "low"\n'
        'without = ["slack_post", "shell"]\n'
    )
    spec = await talker_of(tmp_path / "a.toml", settings)
    assert (spec.turns, spec.seconds, spec.model, spec.reasoning_effort) == (4, 50, "other", "low")
    assert not {"slack_post", "shell"} & set(spec.tools)
    assert "4 replies and 50 seconds" in spec.system


async def test_who_talks_gets_tools_of_a_server_that_names_it_and_of_a_plugin_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("API_KEY", "sk-x"), ("BASE_URL", "http://127.0.0.1:9/v1"), ("MODEL", "m")):
        monkeypatch.setenv(name, value)
    (tmp_path / "a.toml").write_text(
        f'[mcp.servers.plain]\ncommand = "{sys.executable}"\nargs = ["-I", "-S", "{MCP_SERVER}", "plain"]\n'
        'agents = ["chat"]\n'
    )
    async with compose(Wish(config=tmp_path / "a.toml")) as anton:
        assert anton.conversationalist is not None
        assert "mcp_plain_echo" in anton.conversationalist.tools
        assert not any("mcp_plain_echo" in spec.tools for spec in anton.world.specs)
    (tmp_path / "b.toml").write_text('[agents.chat]\ntools = ["compare_files"]\n')
    settings = settings_of_process(None, tmp_path / "b.toml")
    counter = counter_of(settings, LocalTracker(tmp_path), LocalForge(tmp_path), LocalChat(tmp_path))
    assert "compare_files" in conversationalist_of(settings, counter, ["compare_files"]).tools


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('tools = ["web_fetch"]', r"agents\.chat\.tools names 'web_fetch', which it cannot be given"),
        ('tools = ["delegate"]', "names 'delegate', which it cannot be given"),
        ('without = ["slak_post"]', r"which it cannot be denied: did you mean 'slack_post'\?"),
    ],
)
async def test_a_mistake_in_what_who_talks_may_use_is_named(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        await talker_of(tmp_path / "a.toml", f"[agents.chat]\n{toml}\n")


@pytest.mark.parametrize("agent", ["triage", "code", "test", "pr"])
@pytest.mark.parametrize("tool", sorted(FOR_A_PERSON))
async def test_no_agent_of_a_run_can_speak_or_read_for_a_person(
    tmp_path: Path, agent: str, tool: str
) -> None:
    said = rf"agents\.{agent}\.tools names '{tool}', which only `anton chat` can have"
    with pytest.raises(UsageError, match=said):
        await tools_of(tmp_path / "a.toml", f'[agents.{agent}]\ntools = ["{tool}"]\n')
    assert not any(FOR_A_PERSON.keys() & set(spec.tools) for spec in (*roster(), *delegates()))


async def test_delegates_have_the_limits_that_are_set(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("[agents.investigator]\nturns = 30\n[agents.reviewer]\nseconds = 900\n")
    async with compose(Wish(config=path, looking=True)) as anton:
        limits = {spec.name: (spec.turns, spec.seconds) for spec in anton.world.delegates}
        told = {spec.name: spec.system for spec in anton.world.delegates}
    assert limits == {"investigator": (30, 120), "reviewer": (8, 900)}
    assert "30 replies and 120 seconds" in told["investigator"]
    assert TOOLS["delegate"].spec.seconds > MAX_DELEGATE_SECONDS
    path.write_text("[agents.reviewer]\nseconds = 3601\n")
    with pytest.raises(UsageError, match=r"agents\.reviewer\.seconds is 3601"):
        async with compose(Wish(config=path, looking=True)):
            pass


async def test_the_models_of_a_conversation_are_those_of_its_own_endpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[model]\nname = "one"\napi_key = "sk-x"\n'
        'fallback = ["two", { name = "far", base_url = "http://a/v1" }]\n'
        '[model.prices.three]\ninput = 1\ncached = 1\noutput = 1\n[agents.code]\nmodel = "four"\n'
        '[agents.chat]\nmodels = ["five", "one"]\n'
    )
    async with compose(Wish(config=path, looking=True)) as anton:
        assert anton.models == ("one", "five", "four", "two", "three")
