"""Nothing outside the tree is read or written, whatever the path and whoever swaps what meanwhile."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anton.core.errors import ToolError
from anton.system.beneath import Links, OpenBeneath
from anton.tools.worktree import Absent, Entry, Kind, Worktree, relative_path, writable_path

LIMIT = 1_000


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("given_path", "inside"),
    [
        ("a.py", "a.py"),
        ("./src//a.py", "src/a.py"),
        ("/repo/src/a.py", "src/a.py"),
        ("/repo", "."),
        ("/repo/", "."),
        (".", "."),
        ("src/../a.py", "a.py"),
        ("repo/a.py", "repo/a.py"),
        ("a b/ü.py", "a b/ü.py"),
        ("...", "..."),
        ("backup~", "backup~"),
    ],
)
def test_a_path_is_read_from_the_root_of_the_tree(given_path: str, inside: str) -> None:
    assert relative_path(given_path) == inside


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "..",
        "../secret",
        "a/../../secret",
        "/etc/passwd",
        "/repo2/file",
        "/repo/../secret",
        "//repo/a",
        "~",
        "~/.ssh/id_rsa",
        "~root/x",
        "file:///etc/passwd",
        "a\0b",
        "../secret\0.py",
        "a\nb",
        "a\x1b[0m",
        "\ud800",
        "a" * 2_000,
    ],
)
def test_a_path_that_cannot_be_inside_is_refused(path: str, worktree: Worktree) -> None:
    for attempt in (lambda: worktree.read(path, LIMIT), lambda: worktree.write(path, b"x")):
        with pytest.raises(ToolError):
            attempt()


def test_the_neighbour_with_the_same_prefix_is_outside(worktree: Worktree) -> None:
    with pytest.raises(ToolError, match="leads outside"):
        worktree.read("../repo2/file", LIMIT)


@pytest.mark.parametrize(
    "path", [".git/config", "sub/.git/hooks/x", ".GIT/config", ".git./x", "git~1/x", ".git"]
)
def test_nothing_of_gits_own_is_written(path: str) -> None:
    with pytest.raises(ToolError, match="belongs to git"):
        writable_path(path)


def test_files_of_gits_outside_dot_git_are_ordinary() -> None:
    assert [writable_path(p) for p in (".gitignore", ".github/x.yml")] == [".gitignore", ".github/x.yml"]


def test_what_is_written_is_read(worktree: Worktree) -> None:
    worktree.write("new/deep/a.txt", b"one")
    worktree.write("new/deep/a.txt", b"two")
    file = worktree.read("new/deep/a.txt", LIMIT)
    assert (file.content, file.size, file.whole) == (b"two", 3, True)
    assert [p.name for p in (worktree.root / "new/deep").iterdir()] == ["a.txt"]


def test_a_long_file_is_cut_and_says_so(worktree: Worktree) -> None:
    worktree.write("a", b"x" * 50)
    file = worktree.read("a", 10)
    assert (file.content, file.size, file.whole) == (b"x" * 10, 50, False)


def test_a_file_keeps_its_mode(worktree: Worktree) -> None:
    worktree.write("run.sh", b"1")
    (worktree.root / "run.sh").chmod(0o755)
    worktree.write("run.sh", b"2")
    worktree.write("plain", b"")
    modes = [stat.S_IMODE((worktree.root / name).stat().st_mode) for name in ("run.sh", "plain")]
    assert modes == [0o755, 0o644]


def test_a_hard_link_to_the_outside_is_parted_not_written_through(worktree: Worktree) -> None:
    secret = worktree.root.parent / "secret"
    (worktree.root / "hard").hardlink_to(secret)
    worktree.write("hard", b"mine")
    assert secret.read_text() == "SECRET"


def test_links_that_stay_inside_are_read_through(worktree: Worktree) -> None:
    worktree.write("real/a.txt", b"inside")
    (worktree.root / "folder").symlink_to("real")
    (worktree.root / "real/back").symlink_to("../folder/a.txt")
    assert worktree.read("folder/a.txt", LIMIT).content == b"inside"
    assert worktree.read("folder/back", LIMIT).content == b"inside"


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "../repo/../secret", "sub/../../secret"])
def test_links_that_lead_outside_are_refused(worktree: Worktree, target: str) -> None:
    (worktree.root / "sub").mkdir()
    (worktree.root / "link").symlink_to(target)
    with pytest.raises(ToolError, match="'link' leads outside the repository through a symbolic link"):
        worktree.read("link", LIMIT)


@pytest.mark.parametrize("target", ["..", "/", "../repo2"])
def test_folders_linked_outside_are_neither_read_nor_listed_nor_written(
    worktree: Worktree, target: str
) -> None:
    before = snapshot(worktree.root.parent)
    (worktree.root / "out").symlink_to(target)
    for attempt in (
        lambda: worktree.read("out/file", LIMIT),
        lambda: worktree.entries("out"),
        lambda: worktree.write("out/file", b"x"),
        lambda: worktree.write("out/new/file", b"x"),
    ):
        with pytest.raises(ToolError):
            attempt()
    assert snapshot(worktree.root.parent) == before


def test_nothing_is_written_through_a_link_even_inside(worktree: Worktree) -> None:
    worktree.write("real/a", b"old")
    (worktree.root / "alias").symlink_to("real")
    (worktree.root / "name").symlink_to("real/a")
    with pytest.raises(
        ToolError, match="'alias' is a symbolic link to 'real'; use the path of the file itself"
    ):
        worktree.write("alias/a", b"new")
    with pytest.raises(ToolError, match="'name' is a symbolic link to 'real/a'; write to the file itself"):
        worktree.write("name", b"new")
    assert worktree.read("real/a", LIMIT).content == b"old"


def test_a_dangling_link_and_a_loop_are_named(worktree: Worktree) -> None:
    (worktree.root / "dangling").symlink_to("nowhere")
    (worktree.root / "loop").symlink_to("loop")
    with pytest.raises(Absent, match="there is no 'dangling'"):
        worktree.read("dangling", LIMIT)
    with pytest.raises(ToolError, match="too many symbolic links"):
        worktree.read("loop", LIMIT)
    with pytest.raises(ToolError, match="is a symbolic link"):
        worktree.write("dangling", b"x")


def test_special_files_are_refused_without_waiting_for_them(worktree: Worktree) -> None:
    os.mkfifo(worktree.root / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(worktree.root, os.O_PATH)
    listener.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    listener.close()
    for name in ("fifo", "socket"):
        with pytest.raises(ToolError, match="special file, not a regular file"):
            worktree.read(name, LIMIT)
        with pytest.raises(ToolError, match="special file, not a regular file"):
            worktree.write(name, b"x")


def test_a_device_is_refused(worktree: Worktree) -> None:
    try:
        os.mknod(worktree.root / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may make devices")
    with pytest.raises(ToolError):
        worktree.read("zero", LIMIT)


def test_a_folder_is_not_a_file_and_a_file_not_a_folder(worktree: Worktree) -> None:
    worktree.write("a/b", b"")
    with pytest.raises(ToolError, match="'a' is a folder, not a regular file; use list_dir"):
        worktree.read("a", LIMIT)
    with pytest.raises(ToolError, match="is not a folder"):
        worktree.read("a/b/c", LIMIT)
    with pytest.raises(ToolError, match="is not a folder"):
        worktree.write("a/b/c", b"")
    with pytest.raises(ToolError, match="names a folder"):
        worktree.write("a/b/", b"")
    with pytest.raises(ToolError, match="'a' is a folder"):
        worktree.write("a", b"")


def test_a_name_longer_than_the_file_system_takes_is_refused(worktree: Worktree) -> None:
    with pytest.raises(ToolError, match="File name too long"):
        worktree.write("n" * 300, b"")


def test_entries_are_folders_first_and_links_are_not_followed(worktree: Worktree) -> None:
    worktree.write("b.txt", b"12345")
    worktree.write("z/a", b"")
    (worktree.root / "link").symlink_to("/etc")
    assert worktree.entries(".") == (
        Entry("z", Kind.FOLDER, 0),
        Entry("b.txt", Kind.FILE, 5),
        Entry("link", Kind.LINK, 0, "/etc"),
    )


def test_both_ways_of_opening_agree_on_parents_of_links(worktree: Worktree, opener: OpenBeneath) -> None:
    worktree.write("a/b/file", b"deep")
    worktree.write("a/file", b"shallow")
    (worktree.root / "link").symlink_to("a/b")
    root = os.open(worktree.root, os.O_PATH | os.O_DIRECTORY)
    try:
        found = opener(root, "link/../file", os.O_RDONLY, Links.FOLLOW)
        assert os.read(found, LIMIT) == b"shallow"
        os.close(found)
        with pytest.raises(OSError, match=r"outside|cross-device"):
            opener(root, "link/../../../secret", os.O_RDONLY, Links.FOLLOW)
    finally:
        os.close(root)


def test_no_descriptor_is_left_open(worktree: Worktree) -> None:
    worktree.write("a/b/c", b"1")
    (worktree.root / "out").symlink_to("..")

    def use() -> None:
        worktree.read("a/b/c", LIMIT)
        worktree.entries("a")
        worktree.write("a/b/d", b"")
        for path in ("out/secret", "a/none", "a/b"):
            with pytest.raises(ToolError):
                worktree.read(path, LIMIT)
        for path in ("out/secret", "a/b/c/x", "a/b"):
            with pytest.raises(ToolError):
                worktree.write(path, b"")

    use()
    before = len(list(Path("/proc/self/fd").iterdir()))
    use()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


_LIBC = ctypes.CDLL(None)
AT_FDCWD, RENAME_EXCHANGE = -100, 2


class _Swapping(threading.Thread):
    """Puts a folder and a link to the outside in each other's place, over and over, in one step each time."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            self.swap()

    def swap(self) -> None:
        paths = [os.fsencode(self.root / name) for name in ("shown", "link")]
        assert _LIBC.renameat2(AT_FDCWD, paths[0], AT_FDCWD, paths[1], RENAME_EXCHANGE) == 0


@pytest.fixture
def swapping(root: Path) -> _Swapping:
    (root / "shown").mkdir()
    (root / "shown/secret").write_text("inside")
    (root / "link").symlink_to("..")
    return _Swapping(root)


def test_a_folder_swapped_for_a_link_while_reading_leaks_nothing(
    worktree: Worktree, swapping: _Swapping
) -> None:
    read: set[bytes] = set()
    swapping.start()
    try:
        for _ in range(2_000):
            try:
                read.add(worktree.read("shown/secret", LIMIT).content)
            except ToolError:
                continue
    finally:
        swapping.stopped.set()
        swapping.join()
    assert read <= {b"inside"}


def test_a_folder_swapped_for_a_link_while_writing_changes_nothing_outside(
    worktree: Worktree, swapping: _Swapping
) -> None:
    swapping.start()
    try:
        for _ in range(500):
            try:
                worktree.write("shown/secret", b"changed")
            except ToolError:
                continue
    finally:
        swapping.stopped.set()
        swapping.join()
    outside = worktree.root.parent
    assert (outside / "secret").read_text() == "SECRET"
    assert sorted(p.name for p in outside.iterdir()) == ["repo", "repo2", "secret"]


def test_the_swap_beats_a_check_that_comes_before_the_opening(root: Path, swapping: _Swapping) -> None:
    """What the two tests above defend against: the check was right when it was made."""
    path = root / "shown/secret"
    assert path.resolve().is_relative_to(root.resolve())
    swapping.swap()
    assert path.read_text() == "SECRET"
    with pytest.raises(ToolError):
        Worktree(root).read("shown/secret", LIMIT)


awkward = st.lists(
    st.sampled_from(
        [
            "..",
            ".",
            "",
            "/",
            "~",
            "out",
            "in",
            "a",
            "secret",
            "repo",
            "repo2",
            ".git",
            "\0",
            "etc/passwd",
            "\udc80",
        ]
    ),
    max_size=8,
).map("/".join)


@given(path=st.one_of(st.text(max_size=30), awkward))
@example(path="out/secret")
@example(path="in/../out/secret")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_path_reads_or_writes_anything_outside(worktree: Worktree, path: str) -> None:
    for name, target in (("out", ".."), ("in", "a")):
        if not (worktree.root / name).is_symlink():
            (worktree.root / name).symlink_to(target)
    with contextlib.suppress(ToolError):
        assert b"SECRET" not in worktree.read(path, LIMIT).content
    with contextlib.suppress(ToolError):
        worktree.write(path, b"written")
    outside = worktree.root.parent
    assert (outside / "secret").read_text() == (outside / "repo2/file").read_text() == "SECRET"
    assert sorted(p.name for p in outside.iterdir()) == ["repo", "repo2", "secret"]
