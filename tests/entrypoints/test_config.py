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
