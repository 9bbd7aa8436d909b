"""A run as one file: written, taken in, and refused where a byte is not as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anton.adapters.journal.memory import MemoryJournal
from anton.core.decision import Answer
from anton.core.errors import JournalError, UsageError
from anton.core.event import Verb
from anton.runs.runner import advance, answer
from anton.runs.transfer import export_run, import_run
from tests.office import QUICK_COMMAND, QUICK_FILES, RUN, Office


class FullJournal(MemoryJournal):
    """A journal whose disk is full."""

    async def append(self, run_id: str, entries: object, taken: object = ()) -> None:
        raise JournalError("the disk is full")


@pytest.fixture
async def place(tmp_path: Path) -> Office:
    place = Office(tmp_path, files=QUICK_FILES, command=QUICK_COMMAND)
    await place.receive()
    await advance(place.world(), RUN)
    return place


async def exported(place: Office, imported: Path) -> Path:
    state = await advance(place.world(), RUN)
    assert state.briefing is not None
    await answer(place.world(), RUN, Answer(Verb.APPROVE, "terminal:tester", state.briefing.digest))
    await advance(place.world(), RUN)
    file = imported.with_name("run.tar.gz")
    assert await export_run(place.journal, RUN, file, imported) == file.stat().st_size
    return file


async def test_a_run_comes_back_as_it_was_with_its_reports_and_can_be_passed_on(
    place: Office, tmp_path: Path
) -> None:
    file = await exported(place, tmp_path / "imported")
    there = MemoryJournal()
    state = await import_run(there, file, tmp_path / "elsewhere")
    assert await there.read(RUN) == await place.journal.read(RUN)
    names = {path.name: path.read_bytes() for path in (place.folder / "reports" / RUN).iterdir()}
    assert "proof.tar.gz" in names
    assert {path.name: path.read_bytes() for path in (tmp_path / "elsewhere" / RUN).iterdir()} == names
    assert state.run_id == RUN
    for path in (place.folder / "reports").rglob("*.*"):
        path.unlink()
    (place.folder / "reports" / RUN).rmdir()
    again = tmp_path / "again.tar.gz"
    await export_run(there, RUN, again, tmp_path / "elsewhere")
    assert again.read_bytes() == file.read_bytes()


async def test_a_run_that_is_not_over_or_not_there_is_not_exported(place: Office, tmp_path: Path) -> None:
    for run, why in ((RUN, "is not over"), ("ffff", "no run 'ffff'")):
        with pytest.raises(UsageError, match=why):
            await export_run(place.journal, run, tmp_path / "run.tar.gz", tmp_path)
    assert not (tmp_path / "run.tar.gz").exists()


async def test_a_run_that_is_there_and_a_file_that_is_there_are_left_alone(
    place: Office, tmp_path: Path
) -> None:
    file = await exported(place, tmp_path / "imported")
    before = await place.journal.read(RUN)
    with pytest.raises(UsageError, match="is in the journal already"):
        await import_run(place.journal, file, tmp_path / "imported")
    assert await place.journal.read(RUN) == before
    with pytest.raises(UsageError, match="is there already"):
        await export_run(place.journal, RUN, file, tmp_path)


async def test_an_import_that_fails_has_not_happened_and_is_done_again(place: Office, tmp_path: Path) -> None:
    file = await exported(place, tmp_path / "imported")
    full = FullJournal()
    with pytest.raises(JournalError):
        await import_run(full, file, tmp_path / "elsewhere")
    assert await full.run_ids() == ()
    assert (await import_run(MemoryJournal(), file, tmp_path / "elsewhere")).run_id == RUN


async def test_a_file_of_which_any_byte_was_changed_or_cut_is_refused(place: Office, tmp_path: Path) -> None:
    file = await exported(place, tmp_path / "imported")
    whole = file.read_bytes()
    changed = tmp_path / "changed.tar.gz"
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        changed.write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        with pytest.raises(UsageError):
            await import_run(MemoryJournal(), changed, tmp_path / "elsewhere")
        changed.write_bytes(whole[:at])
        with pytest.raises(UsageError):
            await import_run(MemoryJournal(), changed, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


@given(st.binary(max_size=2_000))
@settings(max_examples=50, deadline=None)
async def test_what_is_none_of_ours_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("foreign") / "file"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="no run that anton export wrote"):
        await import_run(MemoryJournal(), file, file.parent)


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'/nonexistent/run' cannot be read"):
        await import_run(MemoryJournal(), Path("/nonexistent/run"), tmp_path)
