"""What `anton config` says is in force, and where it was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anton.app.listing import settings_in_force
from anton.entrypoints.composition import Wish
from tests.entrypoints.shell import Shell

SECRETS = {
    "API_KEY": "sk-canary-0001",
    "SLACK_BOT_TOKEN": "xoxb-canary-0002",
    "SLACK_CHANNEL": "oncall",
    "DATABASE_URL": "sqlite:////tmp/canary-0003.db",
}


@pytest.fixture
def anton(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_each_value_is_shown_with_where_it_was_said(anton: Shell) -> None:
    own = anton.cwd / "anton.toml"
    own.write_text('[model]\nname = "from-the-file"\n[run]\nrounds = 3\n')
    said = anton("config", "--json", MODEL="from-the-environment")
    shown = json.loads(said.out)
    assert shown["model.name"] == {"value": "from-the-environment", "origin": "environment MODEL"}
    assert shown["run.rounds"] == {"value": 3, "origin": str(own)}
    assert shown["proof.mutation_seconds"] == {"value": 60.0, "origin": "default"}


def test_secrets_are_never_shown(anton: Shell) -> None:
    own = anton.cwd / "anton.toml"
    own.write_text(
        '[tests.env]\nPASSWORD = "canary-0004"\n'
        '[[hooks]]\nmoment = "on_error"\ncommand = ["a"]\nenv = {A = "canary-0005"}'
    )
    for arguments in (("config",), ("config", "--all"), ("config", "--json"), ("config", "model.api_key")):
        said = anton(*arguments, **SECRETS)
        assert said.status == 0, said.err
        assert "canary" not in said.out
    assert "PASSWORD" in anton("config", "tests.env").out


def test_only_what_somebody_set_is_listed_unless_all_is_asked_for(anton: Shell) -> None:
    short = anton("config", MODEL="m")
    assert "model.name" in short.out
    assert "proof.mutation_seconds" not in short.out
    assert "more are as they are by default: anton config --all" in short.out
    assert "proof.mutation_seconds" in anton("config", "--all").out


def test_a_key_that_there_is_none_of_is_told_with_one_that_is_close(anton: Shell) -> None:
    said = anton("config", "model.nme")
    assert (said.status, said.out) == (2, "")
    assert "there is no setting 'model.nme': did you mean 'model.name'?" in said.err


def test_a_mistake_in_a_file_is_named(anton: Shell) -> None:
    (anton.cwd / "anton.toml").write_text("[model]\nnmae = 'x'")
    said = anton("config")
    assert said.status == 2
    assert "did you mean 'name'?" in said.err


def test_every_setting_is_listed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    keys = [setting.key for setting in settings_in_force(Wish(looking=True))]
    assert len(keys) == len(set(keys)) > 100


ARGUMENTS = """
[mcp.servers.far]
command = "bridge"
args = ["--token=canary-0006", "--api-key", "canary-0007", "--header", "Authorization: Bearer canary-0008",
        "PASSWORD=canary-0009", "TOKEN_OF_GITHUB", "--verbose", "plain",
        "https://example.com/mcp?key=canary-0010&page=2", "-c", "https://u:canary-0011 AT example.com/"]
agents = ["code"]

[model.prices."gpt-4.1"]
input = 2
cached = 0.5
output = 8

[[hooks]]
moment = "on_error"
command = ["notify", "--secret", "canary-0012", "--loud"]
""".replace("TOKEN_OF_GITHUB", "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345").replace(" AT ", "@")
"""Put together here, so that no file of Anton's own looks as if it held a secret."""


def test_of_a_command_line_everything_is_shown_but_its_secrets(anton: Shell) -> None:
    (anton.cwd / "anton.toml").write_text(ARGUMENTS)
    for arguments in (("config",), ("config", "--all"), ("config", "--json"), ("config", "mcp")):
        said = anton.inside(*arguments, **SECRETS)
        assert said.status == 0, said.err
        assert "canary" not in said.out
        assert "ghp_" not in said.out
    shown = json.loads(anton.inside("config", "--json").out)
    assert shown["mcp.servers.far"]["value"]["args"] == [
        "--token=(set, not shown)",
        "--api-key",
        "(set, not shown)",
        "--header",
        "Authorization: (set, not shown)",
        "PASSWORD=(set, not shown)",
        "[masked: GitHub token]",
        "--verbose",
        "plain",
        "https://example.com/mcp?key=(set, not shown)&page=2",
        "-c",
        "https://u:[masked: password of a URL]@example.com/",
    ]
    assert shown["hooks"]["value"][0]["command"] == ["notify", "--secret", "(set, not shown)", "--loud"]


def test_each_entry_of_a_table_is_shown_by_itself_with_where_it_was_said(anton: Shell) -> None:
    own = anton.cwd / "anton.toml"
    own.write_text(ARGUMENTS)
    shown = json.loads(anton.inside("config", "--json").out)
    assert shown["mcp.servers.far"]["origin"] == str(own)
    assert shown['model.prices."gpt-4.1"'] == {
        "value": {"input": 2.0, "cached": 0.5, "output": 8.0},
        "origin": str(own),
    }
    assert "mcp.servers" not in shown
    assert json.loads(anton.inside("config", "mcp.servers.far", "--json").out).keys() == {"mcp.servers.far"}
    (own).write_text("")
    assert json.loads(anton.inside("config", "--json").out)["mcp.servers"]["value"] == {}


HALF = (
    ({"JIRA_BASE_URL": "https://a.example", "JIRA_EMAIL": "a@a.example"}, "Jira", "JIRA_API_TOKEN is"),
    ({"JIRA_EMAIL": "a@a.example"}, "Jira", "JIRA_BASE_URL and JIRA_API_TOKEN are"),
    ({"SLACK_CHANNEL": "oncall"}, "Slack", "SLACK_BOT_TOKEN is"),
    ({"SLACK_APP_TOKEN": "xapp-1"}, "Slack", "SLACK_BOT_TOKEN and SLACK_CHANNEL are"),
    ({"GITHUB_REPO": "ann/shop"}, "GitHub", "GITHUB_TOKEN is"),
)


@pytest.mark.parametrize(("given", "service", "missing"), HALF)
def test_a_service_that_is_set_in_part_is_said_not_to_be_used_and_why(
    anton: Shell, given: dict[str, str], service: str, missing: str
) -> None:
    said = anton.inside("config", **given)
    assert said.status == 0
    assert f"{service} is not used, because {missing} not set" in " ".join(said.out.split())


def test_a_service_that_nobody_set_is_not_spoken_of(anton: Shell) -> None:
    assert "is not used" not in anton.inside("config", "--all").out
