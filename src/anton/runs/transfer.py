"""A run that is over, as one file: its journal, its reports and its proof bundle.

    run.json         the format, the run, and the SHA-256 of every other file
    journal.jsonl    an entry a line
    reports/…        what was written for people, the bundle among it

The file is the one archive that these contents make (`proving.archive`): no byte of it can change unseen.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from anton import __version__
from anton.core.codec import decode_event, encode_event
from anton.core.errors import AntonError, IllegalTransition, JournalError, UsageError
from anton.core.event import Entry
from anton.core.run import Phase, RunState, fold
from anton.ports import Journal
from anton.proving.archive import MAX_BYTES, BundleRefused, check_repacked, fits, pack_archive, read_archive
from anton.system.files import SHARED, replace_file

FORMAT = 1
RUN, JOURNAL, REPORTS = "run.json", "journal.jsonl", "reports/"


async def export_run(journal: Journal, run_id: str, file: Path, imported: Path) -> int:
    """Write the run to a file; the same run gives the same bytes.

    Args:
        journal: That has it.
        run_id: Its id.
        file: That is not there yet.
        imported: Folder of the reports of runs that were taken in.

    Returns:
        How many bytes were written.

    Raises:
        UsageError: there is no such run, it is not over, or the file cannot be written.
        JournalError: the run cannot be read.
    """
    if await asyncio.to_thread(file.exists):
        raise UsageError(f"{str(file)!r} is there already: name another file, or remove it")
    entries = await journal.read(run_id)
    if not entries:
        raise UsageError(f"there is no run {run_id!r}; see which there are: anton runs")
    state = fold(entries)
    if state.phase is not Phase.CLOSED:
        raise UsageError(
            f"run {run_id} is not over: decide on it, or end it with anton cancel {run_id}, then export it"
        )
    folders = (Path(state.received.reports) / run_id, imported / run_id)
    try:
        return await asyncio.to_thread(_export, file, run_id, entries, folders)
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be written: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"run {run_id} cannot be exported: {error}") from error


async def import_run(journal: Journal, file: Path, imported: Path) -> RunState:
    """Take a run in that was exported, here or elsewhere.

    Its reports are written first and its journal in one transaction: what is interrupted is not there, and
    can be imported again.

    Args:
        journal: That has no run of its id.
        file: That `export_run` wrote.
        imported: Folder that its reports go under.

    Raises:
        UsageError: the file is damaged or none of ours, or the run is here already.
        JournalError: it cannot be written.
    """
    run_id, entries, reports = await asyncio.to_thread(_read, file)
    if await journal.read_kinds(run_id, {"run_received"}):
        raise UsageError(f"run {run_id} is in the journal already: look at it with anton show {run_id}")
    try:
        await asyncio.to_thread(_write, imported / run_id, reports)
    except OSError as error:
        raise UsageError(f"the reports cannot be written to {str(imported)!r}: {error.strerror}") from error
    await journal.append(run_id, entries)
    return fold(entries)


def _export(file: Path, run_id: str, entries: Sequence[Entry], folders: Sequence[Path]) -> int:
    folder = next((folder for folder in folders if folder.is_dir()), None)
    files = {JOURNAL: b"".join(map(_line, entries)), **(_reports(folder) if folder else {})}
    content = pack_archive({**files, RUN: _head(run_id, files)})
    replace_file(file, content)
    return len(content)


def _line(entry: Entry) -> bytes:
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    head = json.dumps({"number": entry.number, "at": at}, separators=(",", ":")).encode()
    return head[:-1] + b',"event":' + encode_event(entry.event) + b"}\n"


def _head(run_id: str, files: Mapping[str, bytes]) -> bytes:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    said = {"format": FORMAT, "anton": __version__, "run": run_id, "files": digests}
    return (json.dumps(said, indent=1, sort_keys=True) + "\n").encode()


def _reports(folder: Path) -> dict[str, bytes]:
    """Plain files of the run's reports."""
    return {
        f"{REPORTS}{path.name}": path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.is_symlink() and fits(f"{REPORTS}{path.name}")
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        replace_file(folder / name, content, mode=SHARED)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{str(file)!r} cannot be read: {error.strerror}") from error


def _read(file: Path) -> tuple[str, Sequence[Entry], Mapping[str, bytes]]:
    """Id, entries and reports, once all of the file is known to be whole.

    Raises:
        UsageError: it is not.
    """
    packed = _content(file)
    try:
        files = read_archive(packed)
        run_id = _checked(files)
        check_repacked(packed, files)
        entries = [_entry(run_id, line) for line in files[JOURNAL].splitlines()]
        state = fold(entries)
    except (BundleRefused, JournalError, IllegalTransition, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{str(file)!r} is no run that anton export wrote, or was damaged since: {error}"
        ) from error
    except AntonError as error:
        raise UsageError(f"the run in {str(file)!r} cannot be read: {error}") from error
    if [entry.number for entry in entries] != list(
        range(1, len(entries) + 1)
    ) or state.phase is not Phase.CLOSED:
        raise UsageError(f"the file holds no whole run that is over: export run {run_id} again")
    names = (name for name in files if name.startswith(REPORTS))
    return run_id, entries, {name.removeprefix(REPORTS): files[name] for name in names}


def _checked(files: Mapping[str, bytes]) -> str:
    """The run's id, where every file is what the head says."""
    said = json.loads(files[RUN])
    if said["format"] != FORMAT:
        raise ValueError(f"its format is {said['format']!r}, which a newer Anton may read")
    others = {name: content for name, content in files.items() if name != RUN}
    for name, content in others.items():
        if said["files"].get(name) != hashlib.sha256(content).hexdigest():
            raise ValueError(f"{name!r} is not what {RUN} says")
        plain = name.removeprefix(REPORTS)
        if name != JOURNAL and (not name.startswith(REPORTS) or "/" in plain or plain in ("", ".", "..")):
            raise ValueError(f"{name!r} has no place in it")
    if set(said["files"]) != set(others):
        raise ValueError(f"files are missing that {RUN} names")
    run_id = said["run"]
    if not isinstance(run_id, str) or not run_id.isalnum() or not run_id.isascii() or len(run_id) > 64:
        raise ValueError("it names no run")
    return run_id


def _entry(run_id: str, line: bytes) -> Entry:
    said = json.loads(line)
    at = datetime.fromisoformat(said["at"])
    if at.tzinfo is None or type(said["number"]) is not int:
        raise ValueError("an entry has no number or time")
    return Entry(run_id, said["number"], at, decode_event(json.dumps(said["event"])))
