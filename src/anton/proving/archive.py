"""A tar archive inside gzip of which there is exactly one form for the same files.

    file ──gzip: fixed header, stored blocks, CRC──► tar ──entries by name──► name → content

Every byte follows from names and contents, so a reader packs what it read once more and compares: no byte of
a header, of padding or of a checksum can be changed unseen. The blocks are stored, not compressed, because
zlib and its drop-in replacements compress to different bytes, and a bundle that was packed on one machine is
compared on another. Any gzip and tar reads it.

Formats: RFC 1952 (gzip), RFC 1951 3.2.4 (stored blocks),
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from anton.core.errors import OutsideError

MAX_BYTES = 256_000_000
"""Of a whole archive."""
MAX_FILES = 10_000
MAX_NAME_BYTES = 100
_PREFIX_BYTES = 155
_BLOCK = 512
_STORED = 65_535
_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Deflate; no flags, no name, no time, no hint; unknown system."""
_END = bytes(2 * _BLOCK)


class BundleRefused(OutsideError):
    """A proof bundle that is not what was packed, or does not agree with itself; the text names the place."""


def pack_archive(files: Mapping[str, bytes]) -> bytes:
    """The one archive that holds these files.

    Raises:
        ValueError: a name does not fit (`fits`), or there is too much.
    """
    entries = b"".join(_header(name, len(files[name])) + _padded(files[name]) for name in sorted(files))
    packed = _framed(entries + _END)
    if len(packed) > MAX_BYTES or len(files) > MAX_FILES:
        raise ValueError(f"{len(files)} files of {len(packed):,} bytes are too much for an archive")
    return packed


def read_archive(packed: bytes) -> dict[str, bytes]:
    """Name and content of every file, where each header is what `pack_archive` writes.

    Contents are not checked: `check_repacked` does that, after whoever knows what they should be.

    Raises:
        BundleRefused: the archive has another form; the text names the entry and the byte.
    """
    if len(packed) > MAX_BYTES:
        raise BundleRefused(f"it is larger than {MAX_BYTES:,} bytes")
    tar = _unframed(packed)
    files: dict[str, bytes] = {}
    last, at = "", 0
    while tar[at : at + _BLOCK] != bytes(_BLOCK):
        name, content, following = _entry(tar, at)
        if name <= last:
            how = "stands twice" if name in files else f"stands after {last!r}, out of order"
            raise BundleRefused(f"the entry {name!r} at byte {at:,} of the tar {how}")
        if len(files) == MAX_FILES:
            raise BundleRefused(f"it holds more than {MAX_FILES:,} files")
        files[name] = content
        last, at = name, following
    if tar[at:] != _END:
        raise BundleRefused(f"something other than the tar's end stands after its last file, at byte {at:,}")
    return files


def check_repacked(packed: bytes, files: Mapping[str, bytes]) -> None:
    """Compare an archive, byte for byte, with the one that its files make.

    Raises:
        BundleRefused: they differ; the text names the byte.
    """
    again = pack_archive(files)
    if packed != again:
        at = _first_difference(packed, again)
        where = "the checksum at its end" if at >= len(again) - 8 else "the archive"
        raise BundleRefused(f"{where} was changed, at byte {at:,} of the file")


def fits(name: str) -> bool:
    """Whether a file of this name can stand in an archive."""
    parts = name.split("/")
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return False
    harmless = all(part not in ("", ".", "..") for part in parts) and "\0" not in name and "\\" not in name
    return harmless and _split(encoded) is not None


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Prefix and name fields of a ustar header; of several ways the one with the shortest prefix."""
    if len(name) <= MAX_NAME_BYTES:
        return b"", name
    at = name.find(b"/", len(name) - MAX_NAME_BYTES - 1)
    return (name[:at], name[at + 1 :]) if 0 < at <= _PREFIX_BYTES and at + 1 < len(name) else None


def _header(name: str, size: int) -> bytes:
    split = _split(name.encode()) if fits(name) else None
    if split is None:
        raise ValueError(f"the name {name!r} does not fit into an archive")
    prefix, short = split
    before = short.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"0" * 11 + b"\0"
    after = b"0" + bytes(100) + b"ustar\00000" + bytes(64) + b"0000000\0" * 2 + prefix.ljust(155, b"\0")
    total = sum(before) + sum(b" " * 8) + sum(after)
    return before + b"%06o\0 " % total + after + bytes(12)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _BLOCK)


def _entry(tar: bytes, at: int) -> tuple[str, bytes, int]:
    """Name, content and end of the entry that begins at a byte."""
    head = tar[at : at + _BLOCK]
    if len(head) < _BLOCK:
        raise BundleRefused(f"the tar is cut off at byte {at:,}")
    prefix, short, digits = (
        head[345:500].rstrip(b"\0"),
        head[:100].rstrip(b"\0"),
        head[124:135],
    )
    try:
        name = (prefix + b"/" + short if prefix else short).decode()
        size = int(b"0" + digits, 8)
        expected = _header(name, size)
    except ValueError:
        raise BundleRefused(
            f"the entry at byte {at:,} of the tar has a name or a size that no bundle has"
        ) from None
    if head != expected:
        byte = at + _first_difference(head, expected)
        raise BundleRefused(
            f"the header of {name!r} was changed, at byte {byte:,} of the tar: only plain files without "
            "owner and time stand in a bundle"
        )
    start, end = at + _BLOCK, at + _BLOCK + size
    following = end + -size % _BLOCK
    if following > len(tar):
        raise BundleRefused(f"{name!r} is cut off: {size:,} bytes were announced")
    if any(tar[end:following]):
        raise BundleRefused(f"the padding after {name!r} was changed, behind byte {end:,} of the tar")
    return name, tar[start:end], following


def _framed(body: bytes) -> bytes:
    parts = [_HEAD]
    for at in range(0, len(body), _STORED):
        chunk = body[at : at + _STORED]
        parts += (_block_head(len(chunk), last=at + _STORED >= len(body)), chunk)
    trailer = zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join((*parts, trailer))


def _block_head(size: int, *, last: bool) -> bytes:
    return bytes((last,)) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")


def _unframed(packed: bytes) -> bytes:
    """The tar inside; its checksum is not looked at yet."""
    if packed[:2] != _HEAD[:2]:
        raise BundleRefused("it is not a gzip file, so it is no proof bundle")
    if packed[: len(_HEAD)] != _HEAD:
        at = _first_difference(packed[: len(_HEAD)], _HEAD)
        raise BundleRefused(f"the gzip header was changed, at byte {at:,} of the file")
    chunks: list[bytes] = []
    at, last = len(_HEAD), False
    while not last:
        head = packed[at : at + 5]
        if len(head) < 5:
            raise BundleRefused(f"the file is cut off at byte {len(packed):,}")
        size, last = int.from_bytes(head[1:3], "little"), head[0] == 1
        if head != _block_head(size, last=last) or not (last or size == _STORED):
            raise BundleRefused(f"the frame of a block was changed, at byte {at:,} of the file")
        chunks.append(packed[at + 5 : at + 5 + size])
        if len(chunks[-1]) < size:
            raise BundleRefused(f"the file is cut off at byte {len(packed):,}")
        at += 5 + size
    if len(packed) < at + 8:
        raise BundleRefused(f"the file is cut off at byte {len(packed):,}")
    if len(packed) > at + 8:
        raise BundleRefused(
            f"{len(packed) - at - 8:,} bytes stand after the archive's end, at byte {at + 8:,}"
        )
    return b"".join(chunks)


def _first_difference(one: bytes, other: bytes) -> int:
    shorter = min(len(one), len(other))
    return next((at for at in range(shorter) if one[at] != other[at]), shorter)
