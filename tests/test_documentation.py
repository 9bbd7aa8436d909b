"""What the documents say is so: commands exist, links lead somewhere, settings and rooms are complete."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from anton.core.event import HookMoment
from anton.entrypoints.cli import anton
from anton.settings import ENVIRONMENT, HookSettings, McpServerSettings, PriceSettings, Settings
from tests.test_layers import ALLOWED

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.is_file()
)

FORBIDDEN = (
    re.compile(r"/(?:work|opt/pypi|root)/\w"),
    re.compile(r"\b(?:files\.pythonhosted|pypi|registry\.npmjs|deb\.debian|proxy\.golang)\.(?:org|com)\b"),
)
"""Places of one machine, and hosts that packages come from: a checkout must work with any."""


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


# Commands


def said_commands(text: str) -> Iterator[list[str]]:
    """The words after `anton` wherever a document shows it in code."""
    for code in re.findall(r"`([^`\n]+)`", text) + re.findall(
        r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    ):
        for line in code.splitlines():
            if found := re.match(r"(?:\.venv/bin/)?anton\s+(.+)", line.strip()):
                yield found[1].split()


def unknown_commands(text: str) -> list[str]:
    context = click.Context(anton)
    wrong = []
    for words in said_commands(text):
        name, options = words[0], [word.partition("=")[0] for word in words if word.startswith("--")]
        command = anton.get_command(context, name)
        if command is None:
            wrong += [f"anton {name}"] if name != "COMMAND" else []
            continue
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        wrong += [f"anton {name} {option}" for option in options if option not in known]
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_command_that_is_shown_exists(document: Path) -> None:
    assert unknown_commands(read(document)) == []


def test_every_command_is_in_the_readme() -> None:
    shown = {words[0] for words in said_commands(read("README.md"))}
    assert set(anton.list_commands(click.Context(anton))) <= shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_target_of_make_that_is_shown_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", read(document))) <= targets


def test_a_command_that_does_not_exist_is_found() -> None:
    assert unknown_commands("Say `anton repair` or `anton fix --now`, not `anton show RUN`.") == [
        "anton repair",
        "anton fix --now",
    ]


# Links and names of tests


def broken_links(document: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", read(document), flags=re.MULTILINE | re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    folder = (ROOT / document).parent
    return [target for target in targets if not (folder / target.partition("#")[0]).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_test_that_is_cited_exists(document: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", read(document))
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in read(path))
    ]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_source_file_that_is_named_exists(document: Path) -> None:
    named = re.findall(r"`((?:src/anton/)?(?:\w+/)+\w+\.(?:py|md|toml))`", read(document))
    roots = (ROOT, ROOT / "src/anton")
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


# Settings


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from keys(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in re.findall(r"^\| `.*\|$", text, re.MULTILINE)
    ]


def test_every_setting_is_documented_and_no_other() -> None:
    documented = [row[0].strip("`") for row in rows(read("docs/settings.md"))]
    assert set(documented) ^ set(keys(Settings)) == set()
    assert len(documented) == len(set(documented))


def test_every_variable_is_documented_with_its_key() -> None:
    said = {row[1].strip("`"): row[0].strip("`") for row in rows(read("docs/settings.md")) if row[1]}
    assert said == {name: ".".join(path) for name, path in ENVIRONMENT.items()}


def test_the_parts_of_a_price_are_documented() -> None:
    assert all(f"`{name}`" in read("docs/settings.md") for name in PriceSettings.model_fields)


def test_the_parts_of_a_hook_are_documented_and_so_are_its_moments() -> None:
    documented = [row[0].strip("`") for row in rows(read("docs/hooks.md"))]
    assert documented == [*HookSettings.model_fields, *documented[len(HookSettings.model_fields) :]]
    assert set(HookMoment) <= set(documented)


def test_the_parts_of_an_mcp_server_are_documented() -> None:
    assert [row[0].strip("`") for row in rows(read("docs/mcp.md"))] == [*McpServerSettings.model_fields]


def test_documented_numbers_are_the_defaults() -> None:
    settings = Settings.model_validate(
        {
            "home": "/h",
            "agents": {name: {"turns": 1, "seconds": 1} for name in ("triage", "code", "test", "pr")},
        }
    )
    for row in rows(read("docs/settings.md")):
        path, default = row[0].strip("`").split("."), row[2]
        if default.isdigit() and path[0] != "agents":  # those are shown by the example's own test
            value: object = settings
            for name in path:
                value = getattr(value, name)
            assert value == float(default), row[0]


# Rooms


@pytest.mark.parametrize("document", ["AGENTS.md", "docs/architecture.md"])
def test_the_table_of_rooms_is_the_one_that_is_enforced(document: str) -> None:
    table = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1]))
        for row in rows(read(document))
        if row[0].strip("`") in ALLOWED
    }
    assert table == ALLOWED


# Words that no file may hold


def forbidden(text: str) -> list[str]:
    return [found[0] for pattern in FORBIDDEN for found in pattern.finditer(text)]


def test_no_file_names_this_machine_or_a_host_of_packages() -> None:
    found = {
        str(path.relative_to(ROOT)): words
        for path in tracked()
        if path != Path(__file__) and (words := forbidden(path.read_text("utf-8", "replace")))
    }
    assert found == {}


def test_what_is_forbidden_is_found() -> None:
    assert forbidden("see /work/main, then https://pypi.org/simple") == ["/work/m", "pypi.org"]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_a_hash_for_every_package_and_names_no_host(lock: str) -> None:
    entries = re.split(
        r"\n(?=[a-z])", "\n".join(li for li in read(lock).splitlines() if not li.startswith("#"))
    )
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in read(lock)
    assert not re.search(r"^--(?!hash)", read(lock), re.MULTILINE)


def test_the_locks_agree() -> None:
    pins = [
        dict(re.findall(r"^([\w-]+)==(\S+)", read(lock), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]
    assert pins[0].items() <= pins[1].items()
