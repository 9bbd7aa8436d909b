"""What `anton doctor` finds."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace

from anton.adapters.sandbox.selftest import self_test
from anton.app.extensions import Extensions
from anton.app.half_set import half_set
from anton.app.outside import search_of, web_of
from anton.app.tool_servers import server_checks
from anton.core.errors import OutsideError
from anton.entrypoints.composition import Check
from anton.ports import Chat, Forge, Journal, Proving, Tracker
from anton.ports.tool_servers import ToolServers
from anton.runs.world import World
from anton.settings import Settings, hook_environment_of_process

PROOF_SECONDS = 5.0
"""How long a service outside may take to say whose credentials these are."""


async def prove(settings: Settings, world: World) -> tuple[Check, ...]:
    """Which side each port is on; where one has credentials, whether they are good, with nothing changed."""
    checks = (
        *(Check("settings", False, notice) for notice in settings.notices),
        Check("model", True, ", else ".join((world.model.name, *world.budget.fallback))),
        *await _sides(settings, world),
        await _journal(world.journal),
        Check("sandbox", world.sandbox.level > 0, world.sandbox.description),
    )
    return world.masker.masked(checks)


async def _journal(journal: Journal) -> Check:
    """Whether the journal can be read; making its tables, if need be, is how that begins."""
    try:
        await journal.run_ids()
    except OutsideError as error:
        return Check("journal", False, str(error))
    return Check("journal", True, journal.description)


async def _sides(settings: Settings, world: World) -> list[Check]:
    """Tracker, forge and chat; what has credentials shows at the same time whether they are good."""
    unused = half_set(settings)
    sides: dict[str, Tracker | Forge | Chat] = {
        "tracker": world.tracker,
        "forge": world.forge,
        "chat": world.chat,
    }
    async with asyncio.TaskGroup() as group:
        proofs = [group.create_task(_proved(name, side)) for name, side in sides.items()]
    checks = [proof.result() for proof in proofs]
    return [
        replace(check, detail=f"{check.detail}; {unused[check.name].reason}")
        if check.name in unused
        else check
        for check in checks
    ]


async def _proved(name: str, side: Tracker | Forge | Chat) -> Check:
    if not isinstance(side, Proving):
        return Check(name, True, side.description)
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            return Check(name, True, f"{side.description}: {await side.prove()}")
    except TimeoutError:
        return Check(name, False, f"{side.description}: no answer within {PROOF_SECONDS:.0f} seconds")
    except OutsideError as error:
        return Check(name, False, f"{side.description}: {error}")


async def examine(
    settings: Settings, world: World, extensions: Extensions, servers: ToolServers
) -> tuple[Check, ...]:
    """Which side each port is on, and whether it works; the sandbox is tried out."""
    states = await servers.check()
    findings = await self_test(world.sandbox) if world.sandbox.usable else ()
    checks = (
        *(Check("settings", False, notice) for notice in settings.notices),
        Check("model", True, ", else ".join((world.model.name, *world.budget.fallback))),
        *await _sides(settings, world),
        Check("web", True, web_of(settings).description),
        Check("search", True, search_of(settings).description),
        await _journal(world.journal),
        *_hook_checks(settings),
        *server_checks(states),
        *extensions.checks(),
        Check("sandbox", world.sandbox.level > 0, world.sandbox.description),
        *(Check(f"  {finding.name}", finding.held, finding.detail) for finding in findings),
    )
    return world.masker.masked(checks)


def _hook_checks(settings: Settings) -> Iterator[Check]:
    """One line a hook; a program that is not there would fail at its every moment."""
    path = hook_environment_of_process()["PATH"]
    for hook in settings.hooks:
        found = shutil.which(hook.command[0], path=path)
        detail = f"{hook.moment}: {hook.command[0]}" + ("" if found else " is no program that can be run")
        yield Check("hook", found is not None, detail)
