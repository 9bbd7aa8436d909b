"""`examples/compose.yaml` and `examples/Dockerfile` say only what is so; Docker itself is not needed here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import make_url

from anton.entrypoints.cli import anton
from anton.settings import ENVIRONMENT

ROOT = Path(__file__).parents[1]
yaml = pytest.importorskip("yaml")
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "examples/compose.yaml").read_text("utf-8"))
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "anton"}
DOCKERFILE = (ROOT / "examples/Dockerfile").read_text("utf-8").replace("\\\n", " ")


def words_of_command(service: Mapping[str, Any]) -> list[str]:
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else list(command)


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists_with_its_options(name: str) -> None:
    program, command, *rest = words_of_command(OURS[name])
    assert program == "anton"
    found = anton.get_command(click.Context(anton), command)
    assert found is not None
    found.make_context(command, rest, resilient_parsing=False)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    assert set(OURS[name]["environment"]) <= set(ENVIRONMENT)


def test_what_is_to_be_set_is_said_at_the_top() -> None:
    text = (ROOT / "examples/compose.yaml").read_text("utf-8")
    head = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    assert set(re.findall(r"\$\{(\w+)", text)) - set(re.findall(r"\b[A-Z_]{5,}\b", head)) == set()


@pytest.mark.parametrize("name", OURS)
def test_the_database_is_that_which_is_started(name: str) -> None:
    url = make_url(re.sub(r"\$\{.*?\}", "secret", OURS[name]["environment"]["DATABASE_URL"]))
    database = SERVICES[str(url.host)]
    assert OURS[name]["depends_on"] == {url.host: {"condition": "service_healthy"}}
    assert (url.username, url.database) == (
        database["environment"]["POSTGRES_USER"],
        database["environment"]["POSTGRES_DB"],
    )
    assert "healthcheck" in database


def test_every_volume_is_declared_and_the_api_is_this_machines_only() -> None:
    named = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service["volumes"]
        if not volume.startswith(("/", ".", "$"))
    }
    assert named == set(COMPOSE["volumes"])
    assert all(port.startswith("127.0.0.1:") for s in SERVICES.values() for port in s.get("ports", ()))


def test_the_image_is_built_from_what_is_there_and_runs_as_nobody_special() -> None:
    build = OURS["server"]["build"]
    assert (
        ROOT / "examples" / build["context"] / build["dockerfile"]
    ).resolve() == ROOT / "examples/Dockerfile"
    for name in re.findall(r"/opt/anton/(\S+)", DOCKERFILE):
        assert (ROOT / name).is_file()
    home = OURS["server"]["environment"]["ANTON_HOME"]
    assert f"install -d -o anton -g anton {home}" in DOCKERFILE
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == ["anton"]
    python = re.search(r"^FROM python:3\.(\d+)-", DOCKERFILE, re.MULTILINE)
    assert python
    assert 11 <= int(python[1]) <= 14, "the locks hold for these"


def test_the_image_has_the_programs_that_a_run_takes() -> None:
    """By Debian's names, which continuous integration installs as well."""
    wanted = dict(re.findall(r"\[(\w+)\]=([\w-]+)", (ROOT / ".ci/run").read_text("utf-8")))
    installed = re.search(r"apt-get install -y --no-install-recommends ([\w -]+?) +&&", DOCKERFILE)
    assert installed
    assert set(installed[1].split()) == {"bubblewrap", "git", "ripgrep", "util-linux"}
    assert set(installed[1].split()) <= set(wanted.values())
