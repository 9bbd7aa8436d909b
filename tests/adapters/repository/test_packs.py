"""Git objects that are carried elsewhere."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.office import git, make_repository

from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.packs import MAX_UNFOLDED_BYTES, check_pack
from anton.core.errors import OutsideError
from anton.ports import BaseCommit

LARGE = 20_000_000


@dataclass
class Theirs:
    repository: GitRepository
    before: BaseCommit
    after: BaseCommit


@pytest.fixture
async def theirs(tmp_path: Path) -> Theirs:
    checkout = make_repository(tmp_path / "checkout", {"kept.py": "x = 1\n" * 500, "changed.py": "y = 1\n"})
    repository = GitRepository(checkout, tmp_path / "mirror")
    before = await repository.resolve("")
    (checkout / "changed.py").write_text("y = 2\n")
    git(checkout, "commit", "-qam", "Change y")
    return Theirs(repository, before, await repository.resolve(""))


async def test_what_was_packed_is_there_elsewhere(theirs: Theirs, tmp_path: Path) -> None:
    trees = (theirs.before.tree, theirs.after.tree)
    packed = await theirs.repository.pack([theirs.after.commit], trees, [], LARGE)
    assert packed is not None
    assert packed == await theirs.repository.pack([theirs.after.commit], trees[::-1], [], LARGE)
    ours = GitRepository(tmp_path / "nowhere", tmp_path / "ours")
    await ours.unpack(packed, "sha1")
    assert await ours.read(theirs.after.commit, "changed.py") == b"y = 2\n"
    assert [change.path for change in await ours.changes(*trees)] == ["changed.py"]


async def test_what_the_other_side_has_is_left_out(theirs: Theirs, tmp_path: Path) -> None:
    whole = await theirs.repository.pack([], [theirs.after.tree], [], LARGE)
    thin = await theirs.repository.pack(
        [theirs.after.commit], [theirs.after.tree], [theirs.before.tree], LARGE
    )
    assert whole is not None
    assert thin is not None
    assert int.from_bytes(thin[8:12], "big") == 3, "a commit, a tree, a blob"
    ours = GitRepository(tmp_path / "checkout", tmp_path / "ours")
    await ours.resolve(theirs.before.commit)
    await ours.unpack(thin, "sha1")
    assert await ours.files(theirs.after.tree) == ("changed.py", "kept.py")


async def test_a_pack_that_is_too_large_is_none(theirs: Theirs) -> None:
    assert await theirs.repository.pack([], [theirs.after.tree], [], 30) is None


async def test_a_damaged_pack_is_refused(theirs: Theirs, tmp_path: Path) -> None:
    packed = await theirs.repository.pack([], [theirs.after.tree], [], LARGE)
    assert packed is not None
    for number, broken in enumerate((packed[:-1], packed + b"x", packed[:-20] + bytes(20), b"", packed[:12])):
        with pytest.raises(OutsideError):
            await GitRepository(tmp_path, tmp_path / f"ours{number}").unpack(broken, "sha1")


def pack_of(*objects: tuple[int, int, bytes]) -> bytes:
    """A pack of objects by kind, announced size and content."""

    def parts() -> Iterator[bytes]:
        yield b"PACK\0\0\0\2" + len(objects).to_bytes(4, "big")
        for kind, size, content in objects:
            head, left = [kind << 4 | size & 15], size >> 4
            while left:
                head[-1] |= 128
                head.append(left & 127)
                left >>= 7
            yield bytes(head) + zlib.compress(content)
        yield bytes(20)

    return b"".join(parts())


def test_a_pack_is_bounded_before_git_sees_it() -> None:
    check_pack(pack_of((3, 5, b"12345"), (3, 0, b""), (3, 100_000, bytes(100_000))))
    bomb = bytes(3_000_000)
    for objects, says in (
        ([(3, 10, bomb)], "damaged"),
        ([(3, MAX_UNFOLDED_BYTES + 1, b"")], "unfolds into more than"),
        ([(3, 6, b"12345")], "damaged"),
        ([(6, 5, b"12345")], "holds deltas"),
        ([(7, 5, b"12345")], "holds deltas"),
    ):
        with pytest.raises(OutsideError, match=says):
            check_pack(pack_of(*objects))


@given(st.binary(max_size=300), st.integers(0, 20))
def test_no_bytes_do_harm(rubbish: bytes, count: int) -> None:
    with pytest.raises(OutsideError):
        check_pack(b"PACK\0\0\0\2" + (count + 1).to_bytes(4, "big") + rubbish)
