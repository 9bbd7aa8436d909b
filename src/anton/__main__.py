"""`anton` and `python -m anton`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from anton.entrypoints.cli import anton

if TYPE_CHECKING:
    from anton.entrypoints.composition import Anton, BenchWish, Setting, VerifyBench, Wish


class Root:
    """The composition root, imported when it is first needed: `anton --help` needs none of it."""

    def __call__(self, wish: Wish) -> AbstractAsyncContextManager[Anton]:
        """Anton as the settings have it."""
        return cast("AbstractAsyncContextManager[Anton]", import_module("anton.app").compose(wish))

    def settings(self, wish: Wish) -> Sequence[Setting]:
        """Every setting that is in force."""
        return cast("Sequence[Setting]", import_module("anton.app.listing").settings_in_force(wish))

    def bench(self, wish: BenchWish) -> AbstractAsyncContextManager[VerifyBench]:
        """What a proof bundle is executed with."""
        return cast("AbstractAsyncContextManager[VerifyBench]", import_module("anton.app").bench(wish))


def main() -> None:
    """Run the command line."""
    anton(obj=Root())


if __name__ == "__main__":
    main()
