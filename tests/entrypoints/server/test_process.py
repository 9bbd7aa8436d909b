"""The real `anton serve`: started, fired at, killed, started again, stopped."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.entrypoints.shell import SECONDS, Said, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@dataclass
class Up:
    """A server that listens."""

    shell: Shell
    process: subprocess.Popen[bytes]
    address: str
    said: str

    @property
    def client(self) -> httpx2.Client:
        token = (self.shell.home / "api-token").read_text().strip()
        return httpx2.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )

    def until(self, run: str, kind: str) -> dict[str, object]:
        """The run, once an event of a kind was told of."""
        with self.client as client, client.stream("GET", f"/runs/{run}/events") as stream:
            for line in stream.iter_lines():
                if line == f"event: {kind}":
                    break
            else:
                raise AssertionError(f"{kind!r} never came")
            shown: dict[str, object] = client.get(f"/runs/{run}").json()
            return shown

    def trigger(self) -> str:
        """The id of a run of the demo."""
        said = self.shell("trigger", "--url", self.address)
        found = re.search(r"/runs/([0-9a-f]{8})", said.out)
        assert found, said
        return found[1]


@contextmanager
def serving(shell: Shell, *arguments: str) -> Iterator[Up]:
    """A server on a free port, until the context ends."""
    with shell.started("serve", "--port", "0", *arguments) as process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line.decode()
            if "anton trigger" in said:
                break
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        yield Up(shell, process, found[0], said)


def test_start_up_says_where_it_listens_and_which_side_each_port_is_on(shell: Shell) -> None:
    with serving(shell) as up:
        for name in ("model", "tracker", "forge", "chat", "journal", "sandbox", "webhooks"):
            assert re.search(rf"^. +{name} ", up.said, re.MULTILINE), up.said
        assert "because no secret is set" in up.said
        assert httpx2.get(f"{up.address}/health", trust_env=False).json()["active_runs"] == 0
        assert (shell.home / "api-token").stat().st_mode & 0o777 == 0o600


def test_a_token_that_other_users_of_this_machine_can_read_is_not_used(shell: Shell) -> None:
    kept = shell.home / "api-token"
    shell.home.mkdir(parents=True, exist_ok=True)
    kept.write_text("a-token-that-was-copied-by-hand\n")
    kept.chmod(0o644)
    refused = shell("serve", "--port", "0")
    assert refused.status == 2
    assert "can be read by others" in refused.err


@pytest.mark.slow
def test_a_run_survives_the_server_and_is_approved_from_a_terminal_while_another_serves(shell: Shell) -> None:
    with serving(shell) as up:
        run = up.trigger()
        up.until(run, "turn_started")
        up.process.send_signal(signal.SIGKILL)
        up.process.wait(SECONDS)
    with serving(shell) as up:
        waiting = up.until(run, "briefing_prepared")
        assert waiting["proof"] == "green"
        approved = shell("approve", run)
        assert approved.status == 0, approved
        closed = up.until(run, "run_closed")
        assert closed["outcome"] == "delivered"


@pytest.mark.slow
def test_a_server_that_is_told_to_end_ends_soon_with_its_runs_kept(shell: Shell) -> None:
    with serving(shell) as up:
        run = up.trigger()
        up.until(run, "turn_started")
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(SECONDS) == 0
        assert up.process.stdout
        assert "go on when it is started again" in up.process.stdout.read().decode()
    with serving(shell) as up:
        up.until(run, "briefing_prepared")


def test_a_second_server_with_the_same_state_is_refused_and_says_which_has_it(shell: Shell) -> None:
    with serving(shell) as up:
        said = shell("serve", "--port", "0")
        assert said.status == 2
        assert f"works with the state folder '{shell.home}' already (process {up.process.pid})" in said.err
        assert said.err.count("\n") == 1
        up.process.send_signal(signal.SIGKILL)
        up.process.wait(SECONDS)
    with serving(shell):
        pass


def refused(said: Said) -> str:
    """The one sentence with which a command was refused."""
    assert (said.status, said.out) == (2, ""), said
    assert said.err.count("\n") == 1
    return said.err


def test_a_server_that_cannot_listen_says_so_in_one_sentence(shell: Shell, tmp_path: Path) -> None:
    with serving(shell) as up:
        port = up.address.rpartition(":")[2]
        other = Shell(tmp_path / "other")
        assert f"cannot listen on 127.0.0.1 port {port}" in refused(other("serve", "--port", port))
    assert "ANTON_API_TOKEN is not set" in refused(shell("serve", "--host", "0.0.0.0"))
    short = shell("serve", "--host", "0.0.0.0", ANTON_API_TOKEN="short")
    assert "shorter than 16" in refused(short)
    (shell.cwd / "anton.toml").write_text('[server]\nport = "eight"\n')
    assert "server.port is 'eight'" in refused(shell("serve"))


def test_nothing_is_triggered_where_no_server_is(shell: Shell) -> None:
    said = shell("trigger", "--url", "http://127.0.0.1:9")
    assert said.status == 1
    assert "start one with anton serve" in said.err


def test_a_stranger_s_token_triggers_nothing(shell: Shell, tmp_path: Path) -> None:
    with serving(shell) as up:
        other = Shell(tmp_path / "other")
        said = other("trigger", "--url", up.address)
        assert said.status == 2
        assert "the server refused (401)" in said.err
