"""Workflow runs and checks, as GitHub tells of them; and archives that are not what they seem."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from tests.adapters.github import logs
from tests.adapters.github.server import Faulty, serving, speaking

from anton.adapters.ci.archive import MAX_FILES, logs_in
from anton.adapters.ci.github import GitHubCI
from anton.adapters.ci.none import NoCI
from anton.core.errors import OutsideError
from anton.ports import CI, CIRun

RUN = "/repos/ann/shop/actions/runs/7"
COMMIT = "/repos/ann/shop/commits/c0ffee"


def archive(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            zipped.writestr(name.replace("__", "/") + ".txt", text)
    return packed.getvalue()


@pytest.fixture
async def server() -> AsyncIterator[Faulty]:
    async with serving(Faulty()) as faulty:
        yield faulty


@pytest.fixture
async def ci(server: Faulty) -> AsyncIterator[CI]:
    async with speaking(server.url) as github:
        yield GitHubCI(github, "ann/shop")


def failing(server: Faulty, packed: bytes) -> None:
    """A run that failed, whose logs are elsewhere."""
    told = {
        "status": "completed",
        "conclusion": "failure",
        "html_url": "https://github.com/ann/shop/actions/runs/7",
    }
    server.files[RUN] = web.json_response(told)
    server.files[f"{RUN}/logs"] = web.Response(status=302, headers={"Location": f"{server.url}/storage"})
    server.files["/storage"] = web.Response(body=packed)


async def test_a_failed_run_names_its_tests_and_the_storage_sees_no_token(server: Faulty, ci: CI) -> None:
    whole, step = logs.stamped(logs.PYTEST), logs.stamped("other")
    failing(server, archive(**{"0_build": whole, "build__1_Set up job": step}))
    found = await ci.read("7")
    assert (found.status, found.url) == ("failure", "https://github.com/ann/shop/actions/runs/7")
    assert [test.name for test in found.failed] == [
        "test_a.py::TestCart::test_total",
        "test_a.py::test_fixture",
    ]
    assert found.log == ""
    assert server.tokens[-1] == ""


async def test_a_failure_without_tests_is_shown_by_its_log(server: Faulty, ci: CI) -> None:
    failing(server, archive(**{"0_lint": "fine\n", "1_build": "no compiler\n##[error]exit 2\n"}))
    assert await ci.read("7") == CIRun(
        "failure", "https://github.com/ann/shop/actions/runs/7", log="no compiler\n##[error]exit 2"
    )


async def test_a_run_that_succeeded_has_no_logs_read(server: Faulty, ci: CI) -> None:
    server.files[RUN] = web.json_response({"status": "completed", "conclusion": "success"})
    assert await ci.read("7") == CIRun("success")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "packed",
    [b"", b"PK\x03\x04", b"<html>", archive(a="x")[:-30]],
    ids=["empty", "its first bytes", "a page", "cut"],
)
async def test_what_is_no_archive_is_an_error_in_words(server: Faulty, ci: CI, packed: bytes) -> None:
    failing(server, packed)
    with pytest.raises(OutsideError, match="the archive of logs cannot be read"):
        await ci.read("7")


async def test_logs_that_are_gone_are_an_error_in_words(server: Faulty, ci: CI) -> None:
    failing(server, b"")
    server.files[f"{RUN}/logs"] = web.json_response({"message": "Gone"}, status=410)
    with pytest.raises(OutsideError, match="410"):
        await ci.read("7")


async def test_a_run_is_named_by_a_number(ci: CI) -> None:
    with pytest.raises(OutsideError, match="is no id of a workflow run"):
        await ci.read("../../user")


def test_an_archive_that_unfolds_into_too_much_is_left() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as zipped:
        for number in range(5):
            zipped.writestr(f"{number}_job.txt", b"\0" * 50_000_000)
    with pytest.raises(OutsideError, match="unfolds into too much"):
        logs_in(bomb.getvalue())


def test_an_archive_of_too_many_files_is_left() -> None:
    with pytest.raises(OutsideError, match="holds 1,001 files"):
        logs_in(archive(**{f"{number}_job": "" for number in range(MAX_FILES + 1)}))


def test_names_in_an_archive_lead_nowhere() -> None:
    assert logs_in(archive(**{"..__..__etc__cron": "text"})) == ["text"]


@pytest.mark.parametrize(
    ("runs", "state", "status"),
    [
        ([], "", "none"),
        ([("completed", "success"), ("completed", "skipped")], "", "success"),
        ([("completed", "success"), ("in_progress", None)], "", "pending"),
        ([("completed", "failure"), ("in_progress", None)], "", "failure"),
        ([("completed", "success")], "failure", "failure"),
        ([("completed", "success")], "pending", "pending"),
        ([], "success", "success"),
    ],
)
async def test_the_checks_of_a_commit_come_to_one_word(
    server: Faulty, ci: CI, runs: list[tuple[str, str | None]], state: str, status: str
) -> None:
    checks = [{"status": done, "conclusion": conclusion} for done, conclusion in runs]
    server.files[f"{COMMIT}/check-runs"] = web.json_response({"check_runs": checks})
    combined = {"state": state or "pending", "total_count": int(bool(state))}
    server.files[f"{COMMIT}/status"] = web.json_response(combined)
    assert (await ci.status("c0ffee")).status == status


async def test_without_continuous_integration_nothing_is_known() -> None:
    assert [await NoCI().read("1"), await NoCI().status("c0ffee")] == [CIRun("none"), CIRun("none")]
