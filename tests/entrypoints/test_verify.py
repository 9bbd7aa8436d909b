"""`anton verify`, by somebody who has nothing but the bundle."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import anton
from anton.__main__ import Root
from anton.adapters.repository.git import GitRepository
from anton.core.decision import Answer
from anton.core.event import Verb
from anton.core.run import RunState
from anton.entrypoints.cli import anton as command_line
from anton.proving.archive import pack_archive, read_archive
from anton.proving.bundle import About, pack_bundle
from anton.proving.portable import traces
from anton.runs.planning import planned
from anton.runs.runner import advance, answer
from tests.office import (
    ADD_TEST,
    CODE_DONE,
    HONEST,
    QUICK_COMMAND,
    QUICK_FILES,
    RUN,
    TESTS_DONE,
    WRONG_FIX,
    Office,
    git,
    written_up,
)


@dataclass(frozen=True)
class Delivered:
    """A closed run, and the bundle in its report folder."""

    office: Office
    state: RunState

    @property
    def bundle(self) -> Path:
        return self.office.folder / "reports" / RUN / "proof.tar.gz"


async def decided(office: Office, verb: Verb, script: object = HONEST) -> Delivered:
    await office.receive()
    world = office.world(script)  # type: ignore[arg-type]
    state = await advance(world, RUN)
    assert state.briefing is not None
    await answer(world, RUN, Answer(verb, "terminal:Kim", state.briefing.digest))
    return Delivered(office, await advance(world, RUN))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    office = Office(
        tmp_path_factory.mktemp("office"), files=QUICK_FILES, command=QUICK_COMMAND, culprit_seconds=60
    )
    return asyncio.run(decided(office, Verb.APPROVE))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Another folder to stand in."""
    before, folder = Path.cwd(), tmp_path / "elsewhere"
    folder.mkdir()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def verify(*arguments: object) -> Result:
    options = ("--unsafe-no-sandbox",) if "--no-run" not in arguments else ()
    return CliRunner().invoke(command_line, ["verify", *map(str, arguments), *options], obj=Root())


def standing(result: Result) -> dict[str, str]:
    rows = re.findall(r"^([✓✗·])  ([a-z ]+?) {2,}", result.stdout, re.MULTILINE)
    return {name: sign for sign, name in rows}


EVERY_CLAIM = {
    "untouched": "✓",
    "the patch": "✓",
    "the verdict": "✓",
    "no cheating": "✓",
    "reproduces the bug": "✓",
    "cures it": "✓",
    "breaks nothing": "✓",
    "second opinion": "✓",
    "same outcomes": "✓",
    "culprit": "·",
}


def test_every_claim_of_an_honest_run_holds(delivered: Delivered) -> None:
    result = verify(delivered.bundle)
    assert result.exit_code == 0, result.output
    assert standing(result) == EVERY_CLAIM
    assert "All 9 claims hold." in result.stdout
    assert result.stdout.startswith("BUG-42  todo.py, tests/test_twice.py\nbase ")


def test_another_user_needs_no_state_and_nothing_is_left_behind(
    delivered: Delivered, tmp_path: Path, elsewhere: Path
) -> None:
    """A process of its own: no home, no settings, no state folder, everything temporary in one place."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "anton", "verify", str(delivered.bundle), "--unsafe-no-sandbox"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "PYTHONPATH": str(Path(anton.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        },
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [list(folder.iterdir()) for folder in (temporary, home, elsewhere)] == [[], [], []]


def test_nothing_is_executed_on_demand(delivered: Delivered) -> None:
    result = verify(delivered.bundle, "--no-run")
    assert result.exit_code == 0
    assert set(standing(result)) == {"untouched", "the patch", "the verdict", "no cheating"}
    assert "Nothing was executed." in result.stdout


def test_the_pull_request_comes_with_the_same_bundle(delivered: Delivered) -> None:
    pull_request = Path(delivered.state.steps["pull_request"].result)
    attached = pull_request.with_name("1.proof.tar.gz")
    assert attached.read_bytes() == delivered.bundle.read_bytes()


def test_nothing_of_the_machine_that_recorded_it_is_in_it(delivered: Delivered) -> None:
    tar = gzip.decompress(delivered.bundle.read_bytes())
    for trace in (str(delivered.office.folder), sys.prefix, str(Path.home())):
        assert trace.encode() not in tar, trace


def test_a_declined_run_has_a_bundle_too(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND)
    declined = asyncio.run(decided(office, Verb.DECLINE))
    assert verify(declined.bundle, "--no-run").exit_code == 0


def test_a_red_proof_does_not_hold(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", files=QUICK_FILES, command=QUICK_COMMAND)
    script = {
        **HONEST,
        "code": [WRONG_FIX, CODE_DONE, CODE_DONE],
        "test": [ADD_TEST, TESTS_DONE, TESTS_DONE],  # no fix of its own, which would be offered instead
        "pr": [written_up("A")] * 4,
    }
    result = verify(asyncio.run(decided(office, Verb.DECLINE, script)).bundle)
    assert result.exit_code == 1
    assert {name for name, sign in standing(result).items() if sign == "✗"} == {
        "the verdict",
        "reproduces the bug",
        "cures it",
        "breaks nothing",
    }
    said = " ".join(result.stdout.split())
    assert "4 claim(s) do not hold: the verdict, reproduces the bug, cures it, breaks nothing." in said


def test_a_changed_bundle_is_refused_naming_what_was_changed(delivered: Delivered, tmp_path: Path) -> None:
    changed = tmp_path / "changed.tar.gz"
    packed = delivered.bundle.read_bytes()
    files = read_archive(packed)
    changed.write_bytes(pack_archive({**files, "fix.diff": files["fix.diff"].replace(b"True", b"1   ")}))
    result = verify(changed)
    assert result.exit_code == 1
    assert result.stderr == (
        f"anton: {str(changed)!r} is refused: 'fix.diff' was changed: manifest.json gives another size or "
        "SHA-256.\n"
    )
    changed.write_bytes(packed[:-1] + bytes((packed[-1] ^ 1,)))
    assert "the checksum at its end was changed, at byte" in verify(changed, "--no-run").stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "it is not a gzip file, so it is no proof bundle"),
        (b"PK\x03\x04", "it is not a gzip file, so it is no proof bundle"),
        (gzip.compress(b"tests passed", mtime=1), "the gzip header was changed"),
        (pack_archive({"readme": b"trust me"}), "it holds no manifest.json, so it is no proof bundle"),
    ],
)
def test_what_is_no_bundle_is_told_in_a_sentence(content: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    if content is not None:
        path.write_bytes(content)
    result = verify(path)
    assert says in result.stderr
    assert result.stderr.startswith("anton: ")
    assert result.exit_code == (2 if content is None else 1)
    assert "cannot be read: Is a directory" in verify(tmp_path).stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--python", "/nowhere/python"), "there is no '/nowhere/python'"),
        (("--link", "node_modules"), "--link takes NAME=FOLDER"),
        (("--link", "../x=/tmp"), "--link takes NAME=FOLDER"),
        (("--link", "node_modules=/nowhere"), "there is no '/nowhere'"),
        (("--repo", "/nowhere"), "/nowhere"),
        (("--repo", "https://127.0.0.1:9/x.git"), "does not give the commit"),
        (("--repo", "ftp://example.com/x"), "is not a remote"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(
    arguments: tuple[str, ...], says: str, delivered: Delivered
) -> None:
    result = verify(delivered.bundle, *arguments)
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr


def thin(delivered: Delivered, folder: Path) -> Path:
    """The run's bundle as that of a repository that is too large for one."""
    office, state = delivered.office, delivered.state
    assert state.proof is not None
    assert state.base is not None
    world, base = office.world(), state.base

    async def pack() -> bytes:
        assert state.proof is not None
        repository = GitRepository(office.checkout, office.home / "mirror.git")
        plan = (await planned(world, repository, base.tree)).plan
        about = About("BUG-42", base.tree, "1.0", "", traces(plan.readable, {}, ""))
        return await pack_bundle(repository, state.proof, plan, about, max_base_bytes=1)

    path = folder / "thin.tar.gz"
    path.write_bytes(asyncio.run(pack()))
    return path


def test_a_large_repository_has_to_be_named(delivered: Delivered, tmp_path: Path) -> None:
    bundle = thin(delivered, tmp_path)
    alone = verify(bundle)
    assert alone.exit_code == 2
    assert "say where it is: --repo URL or --repo PATH" in alone.stderr
    given = verify(bundle, "--repo", delivered.office.checkout)
    assert given.exit_code == 0, given.output
    assert standing(given) == EVERY_CLAIM


def test_a_repository_without_the_base_commit_is_no_help(delivered: Delivered, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    git(other, "commit", "-q", "--allow-empty", "-m", "Something else")
    result = verify(thin(delivered, tmp_path), "--repo", other)
    assert result.exit_code == 2
    assert "the base commit" in result.stderr


@pytest.mark.slow
def test_a_pytest_suite_is_verified_in_the_sandbox(tmp_path: Path) -> None:
    run = asyncio.run(decided(Office(tmp_path / "office", culprit_seconds=60), Verb.APPROVE))
    result = verify(run.bundle)
    assert result.exit_code == 0, result.output
    assert standing(result) == EVERY_CLAIM
    assert "pytest==" in read_archive(run.bundle.read_bytes())["environment.txt"].decode()
