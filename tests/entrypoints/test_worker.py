"""`anton worker` and `anton serve` where they cannot begin: one sentence, and an exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.entrypoints.shell import Shell

NOWHERE = "postgresql://ada:geheim@127.0.0.1:1/anton"


def test_a_worker_without_a_shared_database_says_what_to_set(tmp_path: Path) -> None:
    said = Shell(tmp_path)("worker", "--unsafe-no-sandbox")
    assert said.status == 2
    assert "set DATABASE_URL=postgresql://" in said.err


@pytest.mark.parametrize("command", [["worker"], ["serve", "--port", "0"], ["runs"]])
def test_a_database_out_of_reach_ends_the_command_with_one_sentence(
    tmp_path: Path, command: list[str]
) -> None:
    said = Shell(tmp_path, {"DATABASE_URL": NOWHERE})(*command)
    assert said.status == 1
    assert said.err.splitlines()[-1].startswith("anton: the journal 'postgresql://127.0.0.1:1/anton' failed")
    assert "Traceback" not in said.err
    assert "geheim" not in said.out + said.err
