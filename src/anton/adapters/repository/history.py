"""Reads what `git log` says of past commits."""

from __future__ import annotations

from anton.ports import PastCommit

_FIELDS = ("%H", "%P", "%an", "%aI", "%s")
PAST = (
    "-z",
    "--no-color",
    "--no-show-signature",
    "--no-mailmap",
    "--encoding=UTF-8",
    f"--format=tformat:{'%x00'.join(_FIELDS)}",
)
"""Arguments of `git log` whose output `parse_history` reads; git lets no NUL into a commit's words."""


def parse_history(listing: bytes) -> tuple[PastCommit, ...]:
    """The commits of a listing, in its order; bytes that are not UTF-8 are shown as U+FFFD."""
    words = listing.decode("utf-8", "replace").split("\0")
    return tuple(
        PastCommit(commit, tuple(parents.split()), author, authored_at, subject)
        for commit, parents, author, authored_at, subject in zip(*[iter(words)] * len(_FIELDS), strict=False)
    )
