"""Objects as one pack file to carry elsewhere, and back.

A pack made here holds every object whole, in the order of their ids: the same objects give the same bytes
with the same git. A pack that comes from elsewhere is untrusted: it is walked through before git sees it, so
that none can unfold into more than it may.

Format: https://git-scm.com/docs/gitformat-pack
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable

from anton.adapters.repository.command import Git, require
from anton.core.errors import OutsideError

MAX_PACKED_BYTES = 200_000_000
"""Of a pack that is taken in."""
MAX_UNFOLDED_BYTES = 1_000_000_000
"""Of all objects of a pack that is taken in."""
_KINDS = frozenset({1, 2, 3, 4})
"""Commit, tree, blob, tag: not the two kinds of deltas."""
_HEAD_BYTES = 10
_TRAILERS = (20, 32)
"""Bytes of the checksum at the end, by the repository's hash."""
_CHUNK = 16_384


async def make_pack(
    git: Git, commits: Iterable[str], trees: Iterable[str], without: Iterable[str], max_bytes: int
) -> bytes | None:
    """A pack of some commits themselves and of some trees with all that is in them.

    Args:
        git: On the repository that has them.
        commits: Full ids; their parents are not packed.
        trees: Full ids.
        without: Trees whose objects are left out.
        max_bytes: Of the pack.

    Returns:
        None where it would be larger.
    """
    asked = "".join(f"{tree}\n" for tree in trees) + "".join(f"^{tree}\n" for tree in without)
    listed = await git.out("rev-list", "--objects", "--no-object-names", "--stdin", stdin=asked.encode())
    ids = sorted({*listed.decode().split(), *commits})
    options = ("--stdout", "-q", "--threads=1", "--window=0", "--no-reuse-object", "--compression=9")
    done = await git.run(
        "pack-objects",
        *options,
        stdin="".join(f"{object_id}\n" for object_id in ids).encode(),
        max_bytes=max_bytes + 1,
    )
    packed = require(done, "Packing objects of the mirror").out
    return packed if len(packed) <= max_bytes else None


async def take_pack(git: Git, packed: bytes) -> None:
    """Add the objects of a pack to a repository.

    Raises:
        OutsideError: it is damaged, holds deltas, or unfolds into too much.
    """
    await asyncio.to_thread(check_pack, packed)
    done = await git.run("index-pack", "--stdin", stdin=packed)
    require(done, "Taking in a pack of git objects")


def check_pack(packed: bytes) -> None:
    """Unfold a pack without keeping anything, within bounds.

    Raises:
        OutsideError: it is damaged, holds deltas, or unfolds into too much.
    """
    if len(packed) > MAX_PACKED_BYTES or packed[:8] != b"PACK\x00\x00\x00\x02":
        raise OutsideError("what should be a pack of git objects is none, or is too large")
    at, left = 12, MAX_UNFOLDED_BYTES
    for _ in range(int.from_bytes(packed[8:12], "big")):
        at, size = _object_head(packed, at)
        left -= size
        if left < 0:
            raise OutsideError(
                f"a pack of git objects unfolds into more than {MAX_UNFOLDED_BYTES:,} bytes and is not taken"
            )
        at = _unfold(packed, at, size)
    if len(packed) - at not in _TRAILERS:
        raise OutsideError(f"a pack of git objects has something else after its end, at byte {at:,}")


def _object_head(packed: bytes, at: int) -> tuple[int, int]:
    """Where an object's compressed content begins, and its size."""
    head = packed[at : at + _HEAD_BYTES]
    if not head or head[0] >> 4 & 7 not in _KINDS:
        raise OutsideError(f"a pack of git objects is cut off or holds deltas, at byte {at:,}")
    size, shift = head[0] & 15, 4
    for used, byte in enumerate(head, 1):
        if used > 1:
            size |= (byte & 127) << shift
            shift += 7
        if byte < 128:
            return at + used, size
    raise OutsideError(f"a pack of git objects is damaged at byte {at:,}")


def _unfold(packed: bytes, at: int, size: int) -> int:
    """Where the compressed content that begins at a byte ends, if it has the size that was announced."""
    unfolding = zlib.decompressobj()
    seen, pending = 0, b""
    try:
        while not unfolding.eof and seen <= size:
            if not pending:
                pending = packed[at : at + _CHUNK]
                at += len(pending)
            if not pending:
                break
            seen += len(unfolding.decompress(pending, size - seen + 1))
            pending = unfolding.unconsumed_tail
    except zlib.error as error:
        raise OutsideError(f"a pack of git objects is damaged before byte {at:,}: {error}") from error
    if not unfolding.eof or seen != size:
        raise OutsideError(f"a pack of git objects is damaged before byte {at:,}")
    return at - len(unfolding.unused_data)
