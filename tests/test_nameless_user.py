"""Anton as a user that the machine has no name for, such as a container's `--user 12345`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

BECOME = """
import os, sys
from pathlib import Path
from anton.adapters.sandbox.selftest import _canary
from anton.app.root import _account
os.setgroups([])
os.setuid(64321)
folder = Path(sys.argv[1])
print(_account(), _canary(folder).read_text())
"""


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that everybody can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_it_is_known_by_its_number_and_the_sandbox_is_tried_with_a_secret_of_ours(outside: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BECOME, str(outside)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("64321 secret\n", "")
