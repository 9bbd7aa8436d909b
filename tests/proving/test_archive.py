"""One archive for the same files, and none other is taken."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anton.proving.archive import BundleRefused, check_repacked, fits, pack_archive, read_archive

FILES = {
    "a.txt": b"one",
    "cells/01.xml": b"<x/>\n" * 200,
    "empty": b"",
    "new_tests/tests/tëst.py": b"\0" * 1024,
}
PACKED = pack_archive(FILES)

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=180).filter(fits)
contents = st.dictionaries(names, st.binary(max_size=2_000), max_size=6)


def taken(packed: bytes) -> dict[str, bytes]:
    """As a reader does it: read, then compare."""
    files = read_archive(packed)
    check_repacked(packed, files)
    return files


@given(contents)
def test_what_was_packed_is_read(files: dict[str, bytes]) -> None:
    assert taken(pack_archive(files)) == files


@given(contents)
def test_the_order_of_the_files_does_not_matter(files: dict[str, bytes]) -> None:
    assert pack_archive(dict(reversed(files.items()))) == pack_archive(files)


@given(contents)
def test_any_gzip_and_any_tar_reads_it(files: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(pack_archive(files)))) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert found == files


def test_no_time_owner_or_name_is_in_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(PACKED), mode="r:gz") as tar:
        seen = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.type) for m in tar}
    assert seen == {(0, 0, 0, "", "", 0o644, tarfile.REGTYPE)}


def test_every_single_changed_byte_is_refused() -> None:
    for at in range(len(PACKED)):
        changed = bytearray(PACKED)
        changed[at] ^= 1 << at % 8
        with pytest.raises(BundleRefused):
            taken(bytes(changed))


@given(st.integers(0, len(PACKED) - 1))
def test_a_cut_file_is_refused(size: int) -> None:
    with pytest.raises(BundleRefused):
        taken(PACKED[:size])


@given(st.binary(min_size=1, max_size=3_000))
def test_anything_after_the_end_is_refused(more: bytes) -> None:
    with pytest.raises(BundleRefused, match="stand after the archive's end"):
        taken(PACKED + more)


@given(st.binary(max_size=3_000).filter(any))
def test_no_bytes_do_harm(rubbish: bytes) -> None:
    for packed in (rubbish, PACKED[:10] + rubbish, framed(rubbish)):
        with pytest.raises(BundleRefused):
            taken(packed)


def framed(tar: bytes) -> bytes:
    """A tar in the frame that is read here."""
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    size = len(tar).to_bytes(2, "little")
    block = b"\1" + size + bytes(255 - byte for byte in size) + tar
    return head + block + gzip.compress(tar)[-8:]


def tar_of(*members: tuple[str, bytes | str], **changes: object) -> bytes:
    """A tar as others write it; a text as content makes a link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            for key, value in changes.items():
                setattr(info, key, value)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()[: -(-len(stream.getvalue().rstrip(b"\0")) // 512) * 512] + bytes(1024)


@pytest.mark.parametrize(
    ("tar", "says"),
    [
        (tar_of(("../evil", b"x")), "a name or a size that no bundle has"),
        (tar_of(("/etc/passwd", b"x")), "a name or a size that no bundle has"),
        (tar_of(("a/./b", b"x")), "a name or a size that no bundle has"),
        (tar_of(("a\\b", b"x")), "a name or a size that no bundle has"),
        (tar_of(("link", "/etc/passwd")), "header of 'link' was changed"),
        (tar_of(("fifo", b""), type=tarfile.FIFOTYPE), "header of 'fifo' was changed"),
        (tar_of(("device", b""), type=tarfile.CHRTYPE), "header of 'device' was changed"),
        (tar_of(("folder", b""), type=tarfile.DIRTYPE), "a name or a size that no bundle has"),
        (tar_of(("late", b"x"), mtime=1), "header of 'late' was changed"),
        (tar_of(("owned", b"x"), uid=1000), "header of 'owned' was changed"),
        (tar_of(("run", b"x"), mode=0o755), "header of 'run' was changed"),
    ],
)
def test_only_plain_files_under_harmless_names_are_taken(tar: bytes, says: str) -> None:
    with pytest.raises(BundleRefused, match=says):
        taken(framed(tar))


def entries(*files: tuple[str, bytes]) -> bytes:
    """Well-formed entries in any order, any number of times."""
    return b"".join(gzip.decompress(pack_archive({name: content}))[:-1024] for name, content in files)


def test_a_name_stands_once_and_in_order() -> None:
    end = bytes(1024)
    assert taken(framed(entries(("a", b"1"), ("b", b"2")) + end)) == {"a": b"1", "b": b"2"}
    with pytest.raises(BundleRefused, match="'a' at byte 1,024 of the tar stands twice"):
        taken(framed(entries(("a", b"1"), ("a", b"2")) + end))
    with pytest.raises(BundleRefused, match="'a' at byte 1,024 of the tar stands after 'b'"):
        taken(framed(entries(("b", b"1"), ("a", b"2")) + end))
    with pytest.raises(BundleRefused, match="something other than the tar's end"):
        taken(framed(entries(("a", b"1")) + end + entries(("b", b"2")) + end))


def test_a_name_that_no_tar_takes_is_refused_when_packing() -> None:
    assert fits("x" * 100)
    assert fits(f"{'p' * 155}/{'n' * 100}")
    assert not fits("x" * 101)
    assert not fits(f"{'p' * 156}/{'n' * 100}")
    with pytest.raises(ValueError, match="does not fit"):
        pack_archive({"x" * 101: b""})
