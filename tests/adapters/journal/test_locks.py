"""Which process works on which run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from anton.adapters.journal.locks import locked
from anton.core.errors import RunBusy


def test_a_lock_leaves_no_file_whatever_came_of_the_work(tmp_path: Path) -> None:
    with suppress(LookupError), locked(tmp_path, "r1"):
        assert [path.name for path in tmp_path.iterdir()] == ["r1.lock"]
        raise LookupError
    assert list(tmp_path.iterdir()) == []


def test_who_is_refused_leaves_the_file_to_its_holder(tmp_path: Path) -> None:
    with locked(tmp_path, "r1"):
        with pytest.raises(RunBusy), locked(tmp_path, "r1"):
            pass
        with pytest.raises(RunBusy), locked(tmp_path, "r1"):
            pass


def test_nobody_holds_a_file_that_another_removed(tmp_path: Path) -> None:
    def take_turns(turns: int) -> int:
        """How often the lock was held on a file that was gone, so that others could hold it as well."""
        in_vain = 0
        while turns:
            with suppress(RunBusy), locked(tmp_path, "r1"):
                in_vain += not (tmp_path / "r1.lock").exists()
                turns -= 1
        return in_vain

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(take_turns, [200] * 4)) == [0] * 4
