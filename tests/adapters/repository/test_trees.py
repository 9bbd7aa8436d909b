"""Trees out to folders and back again, and what is computed from them."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import Mirror
from anton.adapters.repository.worktree import MAX_FILE_BYTES
from anton.core.errors import OutsideError
from anton.core.proof import FileChange

RunGit = Callable[..., str]


def contents(folder: Path) -> dict[str, bytes | str]:
    """All that a folder holds: bytes of files, targets of links, `dir` for empty folders."""
    found: dict[str, bytes | str] = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            if not any(path.iterdir()):
                found[name] = "dir"
        else:
            found[name] = path.read_bytes()
    return found


@pytest.fixture
async def base(repository: GitRepository) -> str:
    return (await repository.resolve("")).commit


@pytest.fixture
async def tree(repository: GitRepository, base: str, tmp_path: Path) -> Path:
    """An exported worktree."""
    await repository.export(base, tmp_path / "tree")
    return tmp_path / "tree"


async def test_an_export_is_exactly_the_tree(
    checkout: Path, repository: GitRepository, base: str, tree: Path
) -> None:
    def unpack() -> dict[str, bytes | str]:
        return {name: it for name, it in contents(checkout).items() if not name.startswith(".git/")}

    assert contents(tree) == unpack()
    assert os.access(tree / "run.sh", os.X_OK)
    assert not os.access(tree / "src" / "app.py", os.X_OK)
    (tree / "run.sh").chmod(0o644)
    (tree / "src" / "app.py").write_text("other\n")
    (tree / "link").unlink()
    (tree / "link").mkdir()
    (tree / "link" / "deep").mkdir()
    (tree / "extra" / ".git").mkdir(parents=True)
    (tree / "extra" / ".git" / "config").write_text("x")
    (tree / ".gitignore").unlink()
    os.mkfifo(tree / ".gitignore")
    await repository.export(base, tree)
    assert contents(tree) == unpack()
    assert os.access(tree / "run.sh", os.X_OK)


async def test_an_export_leaves_what_is_right_untouched(
    repository: GitRepository, base: str, tree: Path
) -> None:
    before = (tree / "src" / "app.py").stat()
    (tree / "run.sh").write_text("changed\n")
    await repository.export(base, tree)
    after = (tree / "src" / "app.py").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (tree / "run.sh").read_text() == "#!/bin/sh\nexit 0\n"


async def test_an_export_never_writes_through_a_link(
    repository: GitRepository, base: str, tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "app.py").write_text("precious\n")
    (tree / "src" / "app.py").unlink()
    (tree / "src").rmdir()
    (tree / "src").symlink_to(outside)
    (tree / "run.sh").unlink()
    (tree / "run.sh").symlink_to(outside / "app.py")
    await repository.export(base, tree)
    assert (outside / "app.py").read_text() == "precious\n"
    assert (tree / "src" / "app.py").read_text().startswith("def double")


async def test_a_snapshot_takes_changes_additions_and_removals(
    repository: GitRepository, base: str, tree: Path
) -> None:
    assert await repository.snapshot(tree, base) == await repository.snapshot(tree, base)
    (tree / "src" / "app.py").write_text("def double(x):\n    return 2 * x\n")
    (tree / "tests").mkdir()
    (tree / "tests" / "test_app.py").write_text("one\ntwo\n")
    (tree / "blob.bin").write_bytes(b"\0\1\2")
    (tree / "run.sh").unlink()
    (tree / "link").unlink()
    (tree / "link").write_text("a file\n")
    after = await repository.snapshot(tree, base)
    assert await repository.changes(base, after) == (
        FileChange("blob.bin", "A", binary=True),
        FileChange("link", "M", "100644", 1, 1),
        FileChange("run.sh", "D", "100755", 0, 2),
        FileChange("src/app.py", "M", "100644", 1, 1),
        FileChange("tests/test_app.py", "A", "100644", 2, 0),
    )
    (tree / "src" / "app.py").unlink()
    (tree / "src").rmdir()
    (tree / "src").write_text("a file where a folder was\n")
    assert "src" in await repository.files(await repository.snapshot(tree, base))


async def test_a_snapshot_sees_a_change_that_hides_its_time_and_size(
    repository: GitRepository, base: str, tree: Path
) -> None:
    file = tree / "src" / "app.py"
    for text in (b"1", b"2", b"3", b"4"):
        times = file.stat()
        file.write_bytes(text)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert await repository.read(await repository.snapshot(tree, base), "src/app.py") == text


async def test_a_snapshot_leaves_out_what_the_base_ignores(
    checkout: Path, repository: GitRepository, git: RunGit, tmp_path: Path
) -> None:
    (checkout / "tracked.log").write_text("tracked although ignored\n")
    (checkout / "sub").mkdir()
    (checkout / "sub" / ".gitignore").write_text("/only-here\n")
    git(checkout, "add", "-f", "tracked.log", "sub")
    git(checkout, "commit", "-q", "-m", "ignored but tracked")
    base = (await repository.resolve("")).commit
    tree = tmp_path / "tree"
    await repository.export(base, tree)
    (tree / "tracked.log").write_text("changed\n")
    for name in (
        "new.log", "keep.log", "build/out.o", "sub/build/x", "sub/only-here", "only-here",
        "src/__pycache__/a.pyc", "src/b.pyc", ".pytest_cache/v", "nested/.git/config", "nested/file",
        "-dash.txt", "sub/new.LOG",
    ):  # fmt: skip
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x\n")
    (tree / ".gitignore").write_text("*\n!*.log\n")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tree / "socket"))
        after = await repository.snapshot(tree, base)
    assert {(change.status, change.path) for change in await repository.changes(base, after)} == {
        ("M", ".gitignore"),
        ("M", "tracked.log"),
        ("A", "keep.log"),
        ("A", "only-here"),
        ("A", "nested/file"),
        ("A", "-dash.txt"),
        ("A", "sub/new.LOG"),
    }
    assert await repository.snapshot(tree, base) == after


async def test_junk_that_the_base_tracks_stays(
    checkout: Path, repository: GitRepository, git: RunGit, tmp_path: Path
) -> None:
    (checkout / "__pycache__").mkdir()
    (checkout / "__pycache__" / "a.pyc").write_bytes(b"1")
    git(checkout, "add", "-f", "__pycache__")
    git(checkout, "commit", "-q", "-m", "junk")
    base = await repository.resolve("")
    await repository.export(base.commit, tmp_path / "tree")
    assert await repository.snapshot(tmp_path / "tree", base.commit) == base.tree


async def test_links_are_kept_as_links_wherever_they_point(
    repository: GitRepository, base: str, tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (tree / "out").symlink_to(tmp_path / "secret")
    (tree / "folder").symlink_to(tmp_path)
    after = await repository.snapshot(tree, base)
    assert await repository.read(after, "out") == str(tmp_path / "secret").encode()
    assert await repository.read(after, "folder") == str(tmp_path).encode()
    assert {change.mode for change in await repository.changes(base, after)} == {"120000"}
    await repository.export(after, tmp_path / "again")
    assert (tmp_path / "again" / "out").is_symlink()


async def test_a_huge_file_is_refused_by_name(repository: GitRepository, base: str, tree: Path) -> None:
    for name in ("core", "src/app.py"):
        with (tree / name).open("wb") as file:
            file.truncate(MAX_FILE_BYTES + 1)
        with pytest.raises(OutsideError) as refused:
            await repository.snapshot(tree, base)
        assert str(refused.value) == (
            f"'{name}' has 50,000,001 bytes; a file of more than 50,000,000 bytes is not taken into the "
            "repository. Remove it, or name it in .gitignore."
        )
        await repository.export(base, tree)


@pytest.mark.parametrize("name", ["git~1/config", ".git /hooks", "sub/.g\u200cit/config"])
async def test_names_that_mean_git_elsewhere_are_refused(
    repository: GitRepository, base: str, tree: Path, name: str
) -> None:
    (tree / name).parent.mkdir(parents=True)
    (tree / name).write_text("[core]\n")
    for _ in range(2):
        with pytest.raises(OutsideError, match="could mean its own folder on some system; remove them"):
            await repository.snapshot(tree, base)


@pytest.mark.parametrize("part", [b".git", b".GIT", b".."])
async def test_a_tree_with_a_dangerous_path_is_not_exported(
    checkout: Path, repository: GitRepository, git: RunGit, tmp_path: Path, part: bytes
) -> None:
    blob = git(checkout, "hash-object", "-w", "--stdin", stdin=b"[core]\n")
    inner = git(checkout, "mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    entry = b"40000 " + part + b"\0" + bytes.fromhex(inner)
    tree = git(checkout, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry)
    commit = git(checkout, "commit-tree", tree, "-m", "evil")
    git(checkout, "update-ref", "refs/heads/evil", commit)
    base = await repository.resolve("evil")
    with pytest.raises(OutsideError) as refused:
        await repository.export(base.commit, tmp_path / "out")
    assert str(refused.value) == (
        f"The tree {tree} holds the path '{part.decode()}/config', which git itself refuses to check out."
    )
    assert not (tmp_path / "out").exists()


async def test_a_submodule_becomes_an_empty_folder_and_stays_one(
    checkout: Path, repository: GitRepository, git: RunGit, tmp_path: Path
) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/lib")
    git(checkout, "commit", "-q", "-m", "submodule")
    base = await repository.resolve("")
    tree = tmp_path / "tree"
    await repository.export(base.commit, tree)
    assert contents(tree)["vendor/lib"] == "dir"
    (tree / "vendor" / "lib" / "inside").write_text("x")
    assert await repository.snapshot(tree, base.commit) == base.tree
    await repository.export(base.commit, tree)
    assert contents(tree)["vendor/lib"] == "dir"
    assert "vendor/lib" not in await repository.files(base.commit)


async def test_attributes_change_no_byte(
    checkout: Path, repository: GitRepository, git: RunGit, tmp_path: Path
) -> None:
    files = {
        "a.txt": b"one\r\ntwo\n$Id$\n",
        "b.txt": "h\u00e9".encode("utf-16"),
        "c.txt": b"lf\n",
        "d.bin": b"text\n",
    }
    for name, content in files.items():
        (checkout / name).write_bytes(content)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "bytes first")
    (checkout / ".gitattributes").write_text(
        "* text=auto\na.txt eol=crlf ident\nb.txt working-tree-encoding=utf-16\n*.txt filter=lfs text\n"
        "c.txt text eol=crlf\nd.bin binary diff=evil\nsrc/** -diff merge=ours\n"
    )
    git(checkout, "add", ".gitattributes")
    git(checkout, "commit", "-q", "-m", "attributes")
    base = await repository.resolve("")
    tree = tmp_path / "tree"
    await repository.export(base.commit, tree)
    assert {name: (tree / name).read_bytes() for name in files} == files
    assert await repository.snapshot(tree, base.commit) == base.tree
    for name in (*files, "src/app.py"):
        (tree / name).write_bytes((tree / name).read_bytes() + b"more\r\n")
    after = await repository.snapshot(tree, base.commit)
    assert await repository.read(after, "a.txt") == files["a.txt"] + b"more\r\n"
    binary = {change.path: change.binary for change in await repository.changes(base.commit, after)}
    assert binary == {"a.txt": False, "b.txt": True, "c.txt": False, "d.bin": False, "src/app.py": False}
    assert "+more" in (await repository.diff(base.commit, after)).partition("src/app.py")[2]


async def test_the_diff_is_plain(repository: GitRepository, base: str, tree: Path) -> None:
    (tree / "src" / "app.py").rename(tree / "src" / "moved ü.py")
    (tree / "run.sh").chmod(0o644)
    after = await repository.snapshot(tree, base)
    assert await repository.diff(base, after) == (
        "diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n"
        "diff --git a/src/app.py b/src/app.py\ndeleted file mode 100644\n"
        "index b487259b3a62db9979b86d63f8879de3f2815dcb..0000000000000000000000000000000000000000\n"
        "--- a/src/app.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-def double(x):\n-    return x + x\n"
        "diff --git a/src/moved ü.py b/src/moved ü.py\nnew file mode 100644\n"
        "index 0000000000000000000000000000000000000000..b487259b3a62db9979b86d63f8879de3f2815dcb\n"
        "--- /dev/null\n+++ b/src/moved ü.py\t\n@@ -0,0 +1,2 @@\n+def double(x):\n+    return x + x\n"
    )
    assert await repository.diff(after, after) == ""


async def test_reading_is_cut_and_absence_is_none(repository: GitRepository, base: str) -> None:
    assert await repository.read(base, "src/app.py", max_bytes=3) == b"def"
    assert await repository.read(base, "src/app.py", max_bytes=29) == b"def double(x):\n    return x +"
    assert [await repository.read(base, name) for name in ("src", "nope", "../x", "", "/etc/passwd")] == [
        None
    ] * 5


async def test_reading_a_large_file_costs_what_is_read(
    repository: GitRepository, base: str, tree: Path
) -> None:
    (tree / "large").write_bytes(b"x" * 5_000_000)
    after = await repository.snapshot(tree, base)
    assert await repository.read(after, "large", max_bytes=10) == b"x" * 10
    assert await repository.read(after, "large") == b"x" * 1_000_000


async def test_a_graft_takes_only_the_named_paths(repository: GitRepository, base: str, tree: Path) -> None:
    (tree / "src" / "app.py").write_text("fixed\n")
    (tree / "run.sh").unlink()
    (tree / "link").unlink()
    (tree / "link").mkdir()
    (tree / "link" / "inner").write_text("x\n")
    (tree / "other").write_text("not asked for\n")
    source = await repository.snapshot(tree, base)
    grafted = await repository.graft(base, source, ["src/app.py", "run.sh", "link/inner", "nowhere"])
    assert await repository.files(grafted) == (".gitignore", "link/inner", "src/app.py")
    assert await repository.read(grafted, "src/app.py") == b"fixed\n"
    assert await repository.graft(base, base, ["src/app.py"]) == await repository.graft(base, source, [])


async def test_one_file_gets_other_content_and_nothing_else_changes(
    repository: GitRepository, base: str, tree: Path
) -> None:
    (tree / "run.sh").write_bytes(b"\0 two\r\nlines")
    wanted = await repository.snapshot(tree, base)
    assert await repository.with_file(base, "run.sh", b"\0 two\r\nlines") == wanted
    assert [change.mode for change in await repository.changes(base, wanted)] == ["100755"]


@pytest.mark.parametrize("path", ["nowhere", "src", "link"])
async def test_content_is_put_into_no_file_that_is_not_there(
    repository: GitRepository, base: str, path: str
) -> None:
    with pytest.raises(ValueError, match=path):
        await repository.with_file(base, path, b"")


async def test_everything_can_be_removed(repository: GitRepository, base: str, tree: Path) -> None:
    empty = await repository.graft(base, await repository.graft(base, base, []), [])
    nothing = await repository.graft(base, empty, await repository.files(base))
    assert nothing == empty
    for path in (".gitignore", "link", "run.sh", "src/app.py"):
        (tree / path).unlink()
    bare = await repository.snapshot(tree, base)
    assert bare == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    await repository.export(bare, tree)
    assert contents(tree) == {}
    (tree / "first").write_text("x\n")
    assert await repository.files(await repository.snapshot(tree, bare)) == ("first",)


async def test_a_commit_is_anton_s_and_the_same_every_time(
    repository: GitRepository, base: str, tmp_path: Path, git: RunGit
) -> None:
    tree = await repository.graft(base, base, [])
    message = "Fix doubling\n\n# not a comment\nSecond paragraph: ü\n"
    first = await repository.commit(tree, base, message, 1_800_000_000)
    assert first == await repository.commit(tree, base, message, 1_800_000_000)
    assert first != await repository.commit(tree, base, message, 1_800_000_001)
    assert git(tmp_path / "state" / "mirror", "cat-file", "commit", first) == (
        f"tree {tree}\nparent {base}\nauthor Anton <anton@localhost> 1800000000 +0000\n"
        f"committer Anton <anton@localhost> 1800000000 +0000\n\n{message.strip()}"
    )


async def test_kept_trees_outlive_housekeeping(
    repository: GitRepository, base: str, tree: Path, tmp_path: Path, git: RunGit
) -> None:
    kept = {}
    for number, name in enumerate(
        ["run/1 code", "run", "../../heads/main", "ends.lock", "ü\n", "", "a/b", "a=2F.b"]
    ):
        (tree / "file").write_text(f"{number}\n")
        kept[name] = await repository.snapshot(tree, base)
        await repository.keep(name, kept[name])
    (tree / "file").write_text("not kept\n")
    lost = await repository.snapshot(tree, base)
    mirror = tmp_path / "state" / "mirror"
    git(mirror, "gc", "-q", "--prune=now")
    refs = git(mirror, "for-each-ref", "--format=%(objectname)", "refs/anton/keep").split()
    assert sorted(refs) == sorted(kept.values())
    assert git(mirror, "for-each-ref", "refs/heads") == ""
    afresh = GitRepository(tmp_path / "checkout", mirror)
    assert [await afresh.read(sha, "file") for sha in kept.values()] == [
        b"%d\n" % n for n in range(len(kept))
    ]
    with pytest.raises(OutsideError):
        await afresh.files(lost)


async def test_only_full_ids_are_taken_for_objects(repository: GitRepository, base: str) -> None:
    for name in ("HEAD", "--help", base[:8], base + "^{tree}"):
        with pytest.raises(ValueError, match="not a full object id"):
            await repository.files(name)


async def test_operations_at_once_do_not_disturb_each_other(
    checkout: Path, repository: GitRepository, base: str, tmp_path: Path
) -> None:
    async def work(number: int) -> tuple[bytes | None, bytes | None]:
        mine = repository if number % 2 else GitRepository(checkout, tmp_path / "state" / "mirror")
        folder = tmp_path / f"tree{number}"
        await mine.export(base, folder)
        (folder / "src" / "app.py").write_text(f"{number}\n")
        (folder / "new.txt").write_text("the same everywhere\n")
        tree = await mine.snapshot(folder, base)
        await mine.keep("shared", tree)
        commit = await mine.commit(tree, base, f"number {number}", number)
        return await mine.read(commit, "src/app.py"), await mine.read(commit, "new.txt")

    results = await asyncio.gather(*(work(number) for number in range(8)))
    assert results == [(b"%d\n" % number, b"the same everywhere\n") for number in range(8)]
    assert not list((tmp_path / "state" / "mirror" / "anton" / "passing").iterdir())


async def test_a_cancelled_operation_leaves_nothing_in_passing(
    repository: GitRepository, base: str, tree: Path, tmp_path: Path
) -> None:
    (tree / "new").write_text("x\n")
    task = asyncio.ensure_future(repository.snapshot(tree, base))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not list((tmp_path / "state" / "mirror" / "anton" / "passing").iterdir())
    assert "new" in await repository.files(await repository.snapshot(tree, base))


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, 47} & set(name)
    and not any(name.lower().startswith(bad) for bad in (b".git", b"git~", b".", b"-.git"))
    and not name.lower().endswith(b".pyc")
) | st.sampled_from(
    [b"-rf", b"--", b"a b", b"new\nline", "ü €".encode(), b"tab\there",
     b'"quoted"', b"\\back", b":(top)x", b"*?[a]", b"#x", b"!y", b"~"]
)  # fmt: skip
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map(b"/".join),
    st.tuples(st.binary(max_size=40), st.sampled_from(["file", "executable", "link"])),
    max_size=6,
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A mirror without a checkout, and an empty tree in it."""
    mirror = tmp_path_factory.mktemp("fuzzed") / "mirror"

    async def prepare() -> None:
        await Mirror(mirror).create("sha1")
        await Mirror(mirror).git.out("hash-object", "-w", "-t", "tree", "--stdin")

    asyncio.run(prepare())
    return GitRepository(mirror, mirror)


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def lay_out(folder: Path, files: dict[bytes, tuple[bytes, str]]) -> None:
    """Write files, then links, so that nothing is written through a link."""
    for name, (content, kind) in sorted(files.items(), key=lambda item: item[1][1] == "link"):
        path = folder / os.fsdecode(name)
        target = os.fsdecode(content.replace(b"\0", b""))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "link" and target:
                path.symlink_to(target)
            elif kind != "link":
                path.write_bytes(content)
                path.chmod(0o755 if kind == "executable" else 0o644)
        except OSError:
            continue  # two names that cannot be together


@settings(max_examples=25, deadline=None)
@given(first=TREES, second=TREES)
def test_whatever_is_taken_is_given_back(
    fuzzed: GitRepository, first: dict[bytes, tuple[bytes, str]], second: dict[bytes, tuple[bytes, str]]
) -> None:
    async def there_and_back(root: Path) -> None:
        for number, files in enumerate((first, second)):
            folder, out = root / f"in{number}", root / "out"
            folder.mkdir()
            lay_out(folder, files)
            tree = await fuzzed.snapshot(folder, EMPTY)
            await fuzzed.export(tree, out)
            links_and_files = {p: it for p, it in contents(folder).items() if it != "dir"}
            assert contents(out) == links_and_files
            assert await fuzzed.files(tree) == tuple(sorted(links_and_files))
            assert await fuzzed.snapshot(out, tree) == tree
            assert await fuzzed.snapshot(out, EMPTY) == tree
            assert {change.path for change in await fuzzed.changes(EMPTY, tree)} == set(links_and_files)

    with tempfile.TemporaryDirectory() as name:
        asyncio.run(there_and_back(Path(name)))


async def test_a_lock_that_a_killed_git_left_does_not_keep_a_tree_from_being_kept(
    repository: GitRepository, base: str, tree: Path, tmp_path: Path, git: RunGit
) -> None:
    (tree / "file").write_text("kept\n")
    kept = await repository.snapshot(tree, base)
    await repository.keep("run", kept)
    mirror = tmp_path / "state" / "mirror"
    lock = mirror / "refs" / "anton" / "keep" / "run.lock"
    lock.touch()
    (tree / "file").write_text("kept later\n")
    later = await repository.snapshot(tree, base)
    await repository.keep("run", later)
    assert git(mirror, "rev-parse", "refs/anton/keep/run") == later
    assert not lock.exists()
