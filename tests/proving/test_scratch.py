"""Throw-away trees that somebody hostile has written in."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from anton.proving.scratch import delete_report, read_reports, remove_folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "reports").mkdir(parents=True)
    (folder / "reports" / "b.xml").write_bytes(b"<b/>")
    (folder / "reports" / "a.xml").write_bytes(b"<a/>")
    (tmp_path / "outside.xml").write_bytes(b"SECRET")
    return folder


def test_a_report_and_a_folder_of_reports_are_read(tree: Path) -> None:
    assert read_reports(tree, "reports/a.xml", 100) == (b"<a/>",)
    assert read_reports(tree, "reports/", 100) == (b"<a/>", b"<b/>")


@pytest.mark.parametrize(
    "path", ["../outside.xml", "reports/../../outside.xml", "link.xml", "up/outside.xml"]
)
def test_nothing_outside_the_tree_is_read_or_removed(tree: Path, path: str) -> None:
    (tree / "link.xml").symlink_to("../outside.xml")
    (tree / "up").symlink_to("..")
    assert read_reports(tree, path, 100) == ()
    delete_report(tree, path)
    assert (tree.parent / "outside.xml").exists()


def test_a_pipe_is_no_report_and_holds_nobody_up(tree: Path) -> None:
    os.mkfifo(tree / "report.xml")
    assert read_reports(tree, "report.xml", 100) == ()


async def test_a_folder_without_permissions_is_removed(tree: Path) -> None:
    (tree / "reports").chmod(0)
    await remove_folder(tree)
    assert not tree.exists()


async def test_a_folder_is_removed_by_a_path_from_here(tree: Path) -> None:
    with contextlib.chdir(tree.parent):
        await remove_folder(Path("tree"))
    assert not tree.exists()


async def test_a_folder_that_is_not_there_is_as_good_as_removed(tmp_path: Path) -> None:
    await remove_folder(tmp_path / "none" / "at all")
