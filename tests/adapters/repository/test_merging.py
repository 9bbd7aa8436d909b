"""What becomes of a file that two sides changed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anton.adapters.repository.merging import merge
from anton.adapters.repository.mirror import Mirror

BASE = b"a\nb\nc\nd\ne\n"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    made = Mirror(tmp_path_factory.mktemp("state") / "mirror.git")
    asyncio.run(made.create("sha1"))
    return made


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\nE\n", b"A\nb\nc\nd\nE\n"),
        (BASE, b"a\n", b"a\n"),
        (b"a\nx\nb\nc\nd\ne\n", BASE + b"f", b"a\nx\nb\nc\nd\ne\nf"),
        (b"A\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n", b"A\nb\nc\nd\ne\n"),
        (b"A\nb\nc\nd\ne\n", b"1\nb\nc\nd\ne\n", None),
        (b"A\nb\nc\nd\ne\n", b"a\nB\nc\nd\ne\n", None),
        (b"", b"a\nb\nc\nd\nE\n", None),
        (b"A\nb\nc\nd\ne\n", b"a\nb\nc\nd\n\0\n", None),
    ],
    ids=["apart", "one side", "added", "the same", "one line", "beside it", "all gone", "no text"],
)
async def test_changes_are_merged_unless_they_meet(
    mirror: Mirror, ours: bytes, theirs: bytes, merged: bytes | None
) -> None:
    assert await merge(mirror, BASE, ours, theirs) == merged
    assert await merge(mirror, BASE, theirs, ours) == merged


async def test_no_binary_file_is_merged_however_long_it_reads_as_text(mirror: Mirror) -> None:
    binary = BASE + b"text\n" * 10_000 + b"\0\nend\n"
    assert await merge(mirror, binary, b"x\n" + binary, binary + b"y\n") is None


async def test_lines_keep_their_ends_and_a_change_of_all_ends_meets_every_other_one(mirror: Mirror) -> None:
    windows = BASE.replace(b"\n", b"\r\n")
    ours, theirs = windows.replace(b"a", b"A"), windows.replace(b"e", b"E")
    assert await merge(mirror, windows, ours, theirs) == b"A\r\nb\r\nc\r\nd\r\nE\r\n"
    assert await merge(mirror, BASE, windows, BASE.replace(b"e", b"E")) is None


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"<<<<<<< x\n", b"=======\n", b"c\n"]), max_size=8).map(
    b"".join
)


@given(LINES, LINES, LINES)
@settings(max_examples=25, deadline=None)
async def test_what_one_side_left_alone_is_as_the_other_has_it(
    mirror: Mirror, base: bytes, ours: bytes, theirs: bytes
) -> None:
    assert await merge(mirror, base, base, theirs) == theirs
    assert await merge(mirror, base, ours, base) == ours
    merged = await merge(mirror, base, ours, theirs)
    assert merged is None or set(merged.splitlines()) <= set(
        (base + b"\n" + ours + b"\n" + theirs).splitlines()
    )
