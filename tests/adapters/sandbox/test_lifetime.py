"""Nothing outlives Anton, however Anton ends."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from anton.adapters.sandbox.choose import Kind, choose

ANTON = """
import asyncio, sys
from pathlib import Path
from anton.adapters.sandbox.choose import Kind, choose
from anton.ports import Command

SUITE = "exec 3>lifeline; echo begun >&3; (setsid sleep 60 &); trap '' TERM INT; while :; do sleep 60; done"

async def main():
    sandbox = await choose(Kind(sys.argv[1]), allow_none=True)
    await sandbox.run(Command(("bash", "-c", SUITE), Path(sys.argv[2]), 60))

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", [Kind.BUBBLEWRAP, Kind.LANDLOCK, Kind.NONE])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda how: how.name)
async def test_nothing_outlives_anton(kind: Kind, how: signal.Signals, tmp_path: Path) -> None:
    if not (await choose(kind, allow_none=kind is Kind.NONE)).usable:
        pytest.skip(f"{kind} does not work here")
    lifeline = tmp_path / "lifeline"
    os.mkfifo(lifeline)
    anton = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ANTON, kind, str(tmp_path),
        start_new_session=True, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    with await asyncio.to_thread(lifeline.open) as reading:
        assert await asyncio.to_thread(reading.readline) == "begun\n"
        os.killpg(anton.pid, how)  # as the terminal does on Ctrl-C
        assert (
            await asyncio.to_thread(reading.read) == ""
        )  # ends when the last holder of the lifeline is gone
    await anton.wait()
