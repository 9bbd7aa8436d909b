"""`anton` and `python -m anton`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from anton.entrypoints.cli import anton

if TYPE_CHECKING:
    from anton.entrypoints.composition import Anton, Compose, Wish


def compose(wish: Wish) -> AbstractAsyncContextManager[Anton]:
    """The composition root, imported when it is first needed: `anton --help` needs none of it."""
    root = cast("Compose", import_module("anton.app").compose)
    return root(wish)


def main() -> None:
    """Run the command line."""
    anton(obj=compose)


if __name__ == "__main__":
    main()
