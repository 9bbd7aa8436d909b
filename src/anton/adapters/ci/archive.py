"""Logs out of the archive that GitHub packs them into: read within bounds, and never written anywhere."""

from __future__ import annotations

import zipfile
from io import BytesIO

from anton.core.errors import OutsideError

MAX_PACKED_BYTES = 30_000_000
MAX_FILES = 1_000
MAX_FILE_BYTES = 5_000_000
"""Of one log; its end counts, where the failure is told."""
MAX_BYTES = 20_000_000
"""Of all of them."""
MAX_UNFOLDED_BYTES = 200_000_000
"""That are unpacked in search of those ends."""


def logs_in(packed: bytes) -> list[str]:
    """The log of each job, or of each step where there is none of a job.

    Raises:
        OutsideError: it is no archive, damaged, or unfolds into too much.
    """
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            entries = [each for each in archive.infolist() if each.filename.endswith(".txt")]
            if len(entries) > MAX_FILES:
                raise OutsideError(
                    f"the archive of logs holds {len(entries):,} files; nothing was read of it"
                )
            jobs = [each for each in entries if "/" not in each.filename]
            return _read(archive, jobs or entries)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise OutsideError(f"the archive of logs cannot be read: {error}") from error


def _read(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> list[str]:
    logs, unfolded, kept = [], 0, 0
    for entry in entries:
        end = bytearray()
        with archive.open(entry) as stream:
            while chunk := stream.read(1 << 16):
                unfolded += len(chunk)
                if unfolded > MAX_UNFOLDED_BYTES:
                    raise OutsideError("the archive of logs unfolds into too much; it was left")
                end += chunk
                if len(end) > 2 * MAX_FILE_BYTES:
                    del end[:-MAX_FILE_BYTES]
        del end[:-MAX_FILE_BYTES]
        kept += len(end)
        if kept > MAX_BYTES:
            break
        logs.append(end.decode("utf-8", "replace"))
    return logs
