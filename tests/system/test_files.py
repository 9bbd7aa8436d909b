"""Files that are there whole or as they were, and who holds a lock."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from anton.system.files import SHARED, put_folder, replace_file, replacement
from anton.system.locks import try_lock, wait_for_lock


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_halfway(path: Path) -> None:
    with replacement(path) as draft:
        draft.write_bytes(b"half")
        raise OSError("disk full")


def test_a_file_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def test_a_file_is_private_unless_it_is_shared(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        replace_file(tmp_path / "private", b"")
        replace_file(tmp_path / "shared", b"", mode=SHARED)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"private": 0o600, "shared": 0o644}


def test_what_goes_wrong_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="disk full"):
        fail_halfway(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_folder_in_the_place_is_not_replaced_and_no_draft_is_left(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "folder", b"new")
    assert names(tmp_path) == ["folder"]


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("target")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"kept"
    assert not (tmp_path / "link").is_symlink()


def test_a_lock_is_held_until_its_file_is_closed(tmp_path: Path) -> None:
    one, two = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    try:
        assert try_lock(one)
        assert not try_lock(two)
        os.close(one)
        wait_for_lock(two)
    finally:
        os.close(two)


def test_a_folder_takes_its_name_with_all_that_is_in_it(tmp_path: Path) -> None:
    draft = tmp_path / "draft"
    (draft / "below").mkdir(parents=True)
    (draft / "below" / "file").write_text("whole")
    (draft / "link").symlink_to("nowhere")
    put_folder(draft, tmp_path / "folder")
    assert names(tmp_path) == ["folder"]
    assert (tmp_path / "folder" / "below" / "file").read_text() == "whole"


def test_a_folder_that_is_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    for name in ("draft", "folder"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(OSError, match="not empty"):
        put_folder(tmp_path / "draft", tmp_path / "folder")
    assert (tmp_path / "folder" / "file").read_text() == "folder"
    assert names(tmp_path) == ["draft", "folder"]
