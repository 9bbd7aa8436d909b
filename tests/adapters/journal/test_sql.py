"""What only a file can do: survive, be shared between processes, fill up, be damaged."""

import asyncio
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anton.adapters.journal import schema
from anton.adapters.journal.failure import explain
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.journal.sqlite import APPLICATION_ID
from anton.adapters.journal.statements import Append, row_of_entry
from anton.adapters.journal.writer import Write
from anton.core.errors import JournalConflict, JournalError, RunBusy, UsageError
from anton.core.event import Entry, ProofStarted

AT = datetime(2026, 3, 1, tzinfo=UTC)

PRELUDE = """
import asyncio, sys
from datetime import UTC, datetime
from anton.adapters.journal.sql import SqlJournal
from anton.core.errors import JournalConflict, JournalError, RunBusy
from anton.core.event import Entry, NotePosted, Note, ProofStarted, Source

def entry(number, event=None):
    return Entry("r1", number, datetime(2026, 3, 1, tzinfo=UTC), event or ProofStarted(number))

journal = SqlJournal(sys.argv[1])
"""


def entry(number: int) -> Entry:
    return Entry("r1", number, AT, ProofStarted(number))


def child(script: str, path: Path, *before: str) -> subprocess.Popen[str]:
    argv = [*before, sys.executable, "-c", PRELUDE + script, str(path)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[SqlJournal]:
    made = SqlJournal(path, busy_seconds=0.05)
    yield made
    await made.close()


async def filled(path: Path, numbers: Sequence[int] = (1,)) -> None:
    journal = SqlJournal(path)
    await journal.append("r1", [entry(number) for number in numbers])
    await journal.close()


async def numbers_in(path: Path) -> list[int]:
    journal = SqlJournal(path)
    numbers = [entry.number for entry in await journal.read("r1")]
    await journal.close()
    return numbers


# Sharing


def test_of_two_processes_appending_one_number_exactly_one_wins(path: Path) -> None:
    script = """
async def main():
    wins = 0
    await journal.open()
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(1, 31):
        try:
            await journal.append("r1", [entry(number)])
        except JournalConflict:
            continue
        wins += 1
    print(wins, flush=True)

asyncio.run(main())
"""
    with child(script, path) as one, child(script, path) as two:
        for process in (one, two):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        wins = [int(process.communicate("go\n")[0]) for process in _started(one, two)]
    assert sum(wins) == 30
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (30,)


def _started(*processes: subprocess.Popen[str]) -> Sequence[subprocess.Popen[str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_what_was_acknowledged_outlives_a_killed_process(path: Path) -> None:
    script = """
async def main():
    number = 0
    while True:
        number += 1
        await journal.append("r1", [entry(number)])
        print(number, flush=True)

asyncio.run(main())
"""
    with child(script, path) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    numbers = asyncio.run(numbers_in(path))
    assert numbers[: len(acknowledged)] == acknowledged
    assert len(numbers) - len(acknowledged) in (0, 1)


async def test_a_run_held_by_another_process_is_busy_and_free_once_that_is_killed(
    path: Path, journal: SqlJournal
) -> None:
    script = """
async def main():
    async with journal.hold("r1"):
        print("held", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""
    with child(script, path) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "held\n"
        with pytest.raises(RunBusy, match=f"by process {process.pid}: wait for it"):
            async with journal.hold("r1"):
                pass
        process.kill()
        await asyncio.to_thread(process.wait)
        async with journal.hold("r1"):
            pass
    assert list(path.with_name("locks").iterdir()) == []


@pytest.mark.parametrize("run_id", ["", "../r1", "a/b", ".hidden", "a\n", "x" * 101])
async def test_an_id_that_no_run_has_cannot_be_held(journal: SqlJournal, run_id: str) -> None:
    with pytest.raises(UsageError, match="is not the id of a run"):
        async with journal.hold(run_id):
            pass


async def test_several_processes_making_one_journal_all_find_it_whole(path: Path) -> None:
    script = "print(asyncio.run(journal.run_ids()))"
    processes = [child(script, path) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == ["()\n"] * 3
    assert [file.name for file in path.parent.iterdir() if file.name.startswith(".")] == []


async def test_a_reader_is_not_held_up_by_a_writer(path: Path, journal: SqlJournal) -> None:
    await journal.append("r1", [entry(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await journal.read("r1") == (entry(1),)


async def test_a_cancelled_append_leaves_the_journal_usable(journal: SqlJournal) -> None:
    appending = asyncio.ensure_future(journal.append("r1", [entry(1)]))
    await asyncio.sleep(0)
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending
    await journal.append("r2", [Entry("r2", 1, AT, ProofStarted(1))])
    assert "r2" in await journal.run_ids()


# The file


async def test_file_and_folder_are_the_owners_alone(path: Path, journal: SqlJournal) -> None:
    await journal.append("r1", [entry(1)])
    async with journal.hold("r1"):
        modes = {
            str(p.relative_to(path.parent.parent)): stat.S_IMODE(p.stat().st_mode)
            for p in path.parent.parent.rglob("*")
        }
    assert modes == {
        "state": 0o700,
        "state/journal.db": 0o600,
        "state/journal.db-wal": 0o600,
        "state/journal.db-shm": 0o600,
        "state/locks": 0o700,
        "state/locks/r1.lock": 0o600,
    }


async def test_the_file_says_what_it_is_and_keeps_each_promise(path: Path, journal: SqlJournal) -> None:
    await journal.open()
    with closing(sqlite3.connect(path)) as connection:
        pragmas = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode")
        ]
    assert pragmas == [APPLICATION_ID, schema.VERSION, "wal"]
    with journal._opened()[0].connect() as writing:
        assert writing.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


async def test_a_url_names_the_same_file_as_its_path(path: Path) -> None:
    await filled(path)
    journal = SqlJournal(f"sqlite:///{path}")
    assert await journal.read("r1") == (entry(1),)
    await journal.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@host/db",
        "postgresql://u:secret@host",
        "sqlite://",
        "sqlite:///:memory:",
        "://secret",
    ],
)
def test_a_url_that_holds_no_journal_is_refused_without_telling_its_password(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        SqlJournal(url)
    assert "sqlite:////absolute/path" in str(refused.value)
    assert "secret" not in str(refused.value)


# Trouble


async def test_an_empty_file_is_not_taken_for_a_new_journal(path: Path, journal: SqlJournal) -> None:
    path.parent.mkdir()
    path.touch()
    with pytest.raises(JournalError, match="is an empty file, so its runs are lost: restore a copy"):
        await journal.append("r1", [entry(1)])
    assert path.read_bytes() == b""


@pytest.mark.parametrize("content", [b"hello", b"\0" * 5000, b"SQLite format 3\0 and no more"])
async def test_a_file_that_is_no_database_is_refused_untouched(
    path: Path, journal: SqlJournal, content: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError, match="is not a journal"):
        await journal.run_ids()
    assert path.read_bytes() == content


async def test_a_database_of_another_program_is_refused_untouched(path: Path, journal: SqlJournal) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="is a database of another program"):
        await journal.append("r1", [entry(1)])
    assert path.read_bytes() == before


async def test_a_newer_version_is_refused_untouched(path: Path, journal: SqlJournal) -> None:
    await filled(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(
        JournalError, match=f"has version 99 and this Anton knows versions up to {schema.VERSION}: install"
    ):
        await journal.append("r1", [entry(2)])
    assert path.read_bytes() == before
    assert sorted(p.name for p in path.parent.iterdir()) == ["journal.db"]


async def test_a_damaged_file_is_named_with_what_to_do(path: Path, journal: SqlJournal) -> None:
    await filled(path, range(1, 400))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xa5" * (len(whole) - 100))
    with pytest.raises(JournalError, match=r"malformed.*restore a copy"):
        await journal.append("r1", [entry(400)])
    with pytest.raises(JournalError, match=r"malformed.*restore a copy"):
        await journal.read("r1")


@pytest.mark.parametrize(("column", "value"), [("body", '{"kind": "nonsense"}'), ("at", "yesterday")])
async def test_an_entry_that_cannot_be_read_is_named(
    path: Path, journal: SqlJournal, column: str, value: str
) -> None:
    await filled(path, [1, 2])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"UPDATE events SET {column} = ? WHERE number = 2", [value])
        connection.commit()
    with pytest.raises(JournalError, match=r"entry 2 of run 'r1' in .* cannot be read: "):
        await journal.read("r1")
    assert await journal.run_ids() == ("r1",)


async def test_a_log_left_over_from_a_lost_journal_is_not_played_into_a_new_one(
    path: Path, journal: SqlJournal
) -> None:
    path.parent.mkdir()
    path.with_name("journal.db-wal").write_bytes(b"left over")
    with pytest.raises(JournalError, match=r"journal\.db-wal' belongs to a journal that is gone"):
        await journal.append("r1", [entry(1)])
    assert not path.exists()


async def test_a_file_removed_while_it_is_open_is_not_made_anew_unnoticed(
    path: Path, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    shutil.rmtree(path.parent)
    with pytest.raises(JournalError, match="cannot be opened"):
        await journal.read("r1")
    assert not path.exists()


async def test_a_lock_that_another_program_keeps_is_named_and_nothing_is_written(
    path: Path, journal: SqlJournal
) -> None:
    await journal.append("r1", [entry(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another program keeps it locked"):
            await journal.append("r1", [entry(2)])
    await journal.append("r1", [entry(2)])
    assert await journal.read("r1") == (entry(1), entry(2))


async def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalError, match=r"cannot be made or opened.*state"):
        await SqlJournal(tmp_path / "state" / "journal.db").open()


async def test_a_file_that_cannot_be_written_is_named(path: Path) -> None:
    await filled(path)
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as refused,
    ):
        connection.execute("DELETE FROM events")
    assert "give yourself write access" in str(explain(refused.value, path))


FILL = """
async def main():
    written = 0
    try:
        while written < 10_000:
            note = NotePosted("code", Note(Source.ANTON, "x" * 50_000))
            await journal.append("r1", [entry(written + 1, note)])
            written += 1
    except JournalError as error:
        print(written, await journal.read("r1", after=written), str(error).partition("): ")[2], sep="|")

asyncio.run(main())
"""


def test_a_full_disk_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """A memory disk of two megabytes, in a mount namespace of the child's own."""
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, "-rm", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine lets nobody mount a disk of its own")
    path.parent.mkdir()
    mounted = f'mount -t tmpfs -o size=2m full {path.parent} && exec "$@"'
    with child(FILL, path, unshare, "-rm", "sh", "-c", mounted, "sh") as process:
        written, after, advice = process.communicate()[0].strip().split("|")
    assert int(written) > 5
    assert after == "()"
    assert advice == "the disk is full; make room and resume the run, nothing acknowledged is lost"


def test_a_disk_that_refuses_loses_nothing_that_was_acknowledged(path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
    with child(limited + FILL, path) as process:
        written, after, advice = process.communicate()[0].strip().split("|")
    assert int(written) > 5
    assert after == "()"
    assert advice.startswith(("the disk is full", "the disk refused"))
    assert len(asyncio.run(numbers_in(path))) == int(written)


async def test_after_a_full_disk_got_room_the_same_journal_goes_on(path: Path, journal: SqlJournal) -> None:
    await journal.append("r1", [entry(1)])
    writing, _ = journal._opened()
    with writing.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    many = [entry(number) for number in range(2, 2000)]
    with pytest.raises(JournalError, match="the disk is full"):
        await journal.append("r1", many)
    with writing.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    await journal.append("r1", many)
    assert len(await journal.read("r1")) == 1999


async def test_a_conflict_in_a_batch_fails_only_its_own_caller(journal: SqlJournal) -> None:
    numbers = (1, 2, 2, 3, 1, 4)
    writes = [Write("r1", Append("r1", [row_of_entry("r1", entry(number))])) for number in numbers]
    await asyncio.to_thread(journal._writer._write, writes)
    conflicts = [isinstance(write.done.exception(), JournalConflict) for write in writes]
    assert conflicts == [False, False, True, False, True, False]
    assert [e.number for e in await journal.read("r1")] == [1, 2, 3, 4]


async def test_no_descriptor_of_the_journal_is_inherited_by_commands(path: Path, journal: SqlJournal) -> None:
    await journal.append("r1", [entry(1)])
    async with journal.hold("r1"):
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        ours = [int(link.name) for link in links if str(link.readlink()).startswith(str(path.parent))]
        assert len(ours) >= 3  # the file, its log, the lock
        assert [descriptor for descriptor in ours if os.get_inheritable(descriptor)] == []
