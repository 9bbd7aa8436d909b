"""How a repository's tests are run, as of one of its trees."""

from __future__ import annotations

from anton.ports import Repository
from anton.proving.declarations import MAX_BYTES, Declared, worth_reading
from anton.runs.world import Planned, World


async def planned(world: World, repository: Repository, tree: str) -> Planned:
    """The plan for a tree, with what its own `anton.toml` has a say in."""
    files = await repository.files(tree)
    texts: dict[str, str] = {}
    for path in worth_reading(files):
        content = await repository.read(tree, path, MAX_BYTES)
        if content is not None:
            texts[path] = content.decode("utf-8", "replace")
    return world.plan(Declared(files, texts))
