"""A proof bundle, checked and executed again: what `anton verify` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anton.core.claim import Claim, Standing
from anton.core.errors import OutsideError, RepositoryUnusable, UsageError
from anton.core.proof import Cell
from anton.proving.archive import MAX_BYTES, BundleRefused
from anton.proving.bundle import Bundle, check_objects, read_bundle
from anton.proving.verify import Bench, claim_of_honesty, claims_on_paper, execute

OnCell = Callable[[Cell], None]


def open_bundle(path: Path) -> Bundle:
    """The bundle in a file, if it agrees with itself to the last byte.

    Raises:
        UsageError: there is no such file.
        BundleRefused: it was changed, or is no bundle.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the bundle {str(path)!r} cannot be read: {error.strerror}") from error
    try:
        return read_bundle(packed)
    except BundleRefused as error:
        raise BundleRefused(f"{str(path)!r} is refused: {error}.") from None


async def check(bundle: Bundle, bench: Bench, *, given: bool) -> tuple[Claim, ...]:
    """Compare the bundle with its git objects, which are in the bench's repository afterwards.

    Args:
        bundle: As it was read.
        bench: What there is to work with.
        given: Whether somebody named a repository; its base commit is taken from there.

    Raises:
        UsageError: the bundle needs a repository and none was named, or it lacks the base commit.
        BundleRefused: the objects are not what the bundle says of them.
    """
    rerun = bundle.rerun
    if given:
        try:
            found = await bench.repository.resolve(rerun.base)
        except RepositoryUnusable as error:
            raise RepositoryUnusable(f"the base commit {rerun.base[:10]} is needed. {error}") from error
        if found.tree != rerun.trees.base:
            raise BundleRefused(f"rerun.json: the base commit {rerun.base[:10]} has another tree there")
    elif not rerun.self_contained:
        raise UsageError(
            "the repository is too large to be in the bundle; say where it is: --repo URL or --repo PATH, "
            f"which has the commit {rerun.base}"
        )
    try:
        await check_objects(bundle, bench.repository)
    except BundleRefused as error:
        raise BundleRefused(f"the bundle is refused: {error}.") from None
    except OutsideError as error:
        raise BundleRefused(
            f"the bundle is refused: 'objects.pack' does not hold what it should: {error}"
        ) from error
    return (*claims_on_paper(bundle), await claim_of_honesty(bundle, bench.repository))


async def run_again(bundle: Bundle, bench: Bench, on_cell: OnCell) -> tuple[Claim, ...]:
    """Execute the bundle; its objects were checked before.

    Raises:
        UsageError: something that the tests need is missing here.
        SandboxError: there is no sandbox, or a command could not be started.
    """
    if not bundle.proof.cells:
        raise UsageError("the bundle records no run of any test, so there is nothing to execute")
    if not bench.sandbox.usable:
        raise UsageError(
            f"the bundle's code is not executed: there is no sandbox ({bench.sandbox.description}). "
            "--no-run checks it without executing anything"
        )
    return await execute(bundle, bench, on_cell)


def all_hold(claims: tuple[Claim, ...]) -> bool:
    """Whether nothing that was looked at failed."""
    return all(claim.standing is not Standing.FAILS for claim in claims)


__all__ = ["Bench", "Bundle", "all_hold", "check", "open_bundle", "run_again"]
