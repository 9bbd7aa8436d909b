"""Makes blobs, trees and commits in the mirror: each is found again under the same name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anton.adapters.repository.command import Git, require
from anton.adapters.repository.listing import Entry, Listing
from anton.adapters.repository.objects import checked_id
from anton.core.errors import OutsideError

AUTHOR = "Anton"
EMAIL = "anton@localhost"


async def store(git: Git, copies: Mapping[str, str], passing: Path) -> None:
    """Keep files of a folder as blobs.

    Args:
        git: On the mirror.
        copies: The id that a file's content has → its name in the folder.
        passing: The folder.

    Raises:
        OutsideError: git read something else than was written there.
    """
    if not copies:
        return
    names = "".join(f"{name}\n" for name in copies.values()).encode()
    out = await git.out("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names, cwd=passing)
    if out.decode().split() != list(copies):
        raise OutsideError(f"git stored other content than was given in {str(passing)!r}. Check the disk.")


async def make_tree(git: Git, before: Listing, entries: Mapping[str, Entry], index: Path) -> str:
    """The tree with exactly these entries, starting from one that is much like it.

    Args:
        git: On the mirror.
        before: The one that is much like it, and another one.
        entries: By path.
        index: A file that is not there yet, to work on.

    Raises:
        OutsideError: git does not take a path.
    """
    gone = [path for path in before.entries if path not in entries]
    new = [path for path, entry in entries.items() if before.entries.get(path) != entry]
    zero = "0" * len(before.tree)
    lines = [f"0 {zero}\t{path}\0" for path in gone]
    lines += [f"{entries[path].mode} {entries[path].id}\t{path}\0" for path in new]
    if before.entries:
        await git.out("read-tree", before.tree, index=index)
    await _update(git, index, "".join(lines).encode("utf-8", "surrogateescape"))
    return (await git.out("write-tree", index=index)).decode().strip()


async def _update(git: Git, index: Path, lines: bytes) -> None:
    arguments = ("update-index", "--add", "--replace", "-z", "--index-info")
    done = await git.run(*arguments, stdin=lines, environment={"GIT_INDEX_FILE": str(index)})
    if done.code or done.err:  # a path that it ignores is only a warning to git
        raise OutsideError(
            "git does not take these files, whose names could mean its own folder on some system; "
            f"remove them: {done.words}"
        )


async def make_commit(git: Git, tree: str, parent: str, message: str, at_unix: int) -> str:
    """A commit by Anton at a given time: the same arguments give the same id."""
    identity: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": AUTHOR, f"GIT_{role}_EMAIL": EMAIL}
        identity[f"GIT_{role}_DATE"] = f"@{at_unix} +0000"
    text = message.replace("\0", "").strip("\n") + "\n"
    done = await git.run(
        *("commit-tree", "--no-gpg-sign", "-p", checked_id(parent), "-F", "-", checked_id(tree)),
        stdin=text.encode("utf-8", "replace"),
        environment=identity,
    )
    return require(done, f"Committing the tree {tree}").out.decode().strip()
