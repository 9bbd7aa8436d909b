"""The proof bundle of a run."""

from __future__ import annotations

import asyncio
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from anton import __version__
from anton.core.errors import SandboxError
from anton.core.run import RunState
from anton.ports import Command, Sandbox
from anton.proving.bundle import About, pack_bundle, placeholder
from anton.proving.plan import TestPlan
from anton.proving.portable import traces
from anton.runs.world import World

BUNDLE = "proof.tar.gz"
PROBE_SECONDS = 30.0
_PROBE = """
import importlib.metadata as packages, platform as here
print(here.python_implementation(), here.python_version())
print(here.system(), here.machine(), *here.libc_ver())
found = {d.metadata["Name"]: d.version for d in packages.distributions() if d.metadata["Name"]}
print(*sorted(f"{name}=={version}" for name, version in found.items()), sep="\\n")
"""


async def bundle_of(world: World, state: RunState, plan: TestPlan) -> Mapping[str, bytes]:
    """The run's bundle under the name that it goes by; nothing where no test was run.

    Raises:
        OutsideError: the mirror cannot be read, or the patch is too large to carry.
    """
    proof, base = state.proof, state.base
    if proof is None or base is None or not proof.cells:
        return MappingProxyType({})
    received = state.received
    folders = {
        world.home: "/anton",
        Path(received.repository): "/repository",
        Path(received.reports): "/reports",
        Path.home(): "/home/user",
        Path(tempfile.gettempdir()): "/tmp",  # noqa: S108 - a name to write, not a folder to use
    }
    about = About(
        ticket=received.ticket.key,
        base_tree=base.tree,
        anton=__version__,
        environment=await _environment(world.sandbox, plan, world.scratch(state.run_id) / "probe"),
        traces=traces(plan.readable, folders, platform.node()),
    )
    repository = world.repository(received.repository)
    return {BUNDLE: await pack_bundle(repository, proof, plan, about)}


async def _environment(sandbox: Sandbox, plan: TestPlan, folder: Path) -> str:
    """What the tests' program says of itself and, of Python, of the packages it has."""
    program = plan.command[3] if plan.command[:2] == ("sh", "-c") else plan.command[0]
    python = placeholder(program) == "{python}"
    arguments = ("-c", _PROBE) if python else ("--version",)
    if not sandbox.usable:
        return "not known: there was no sandbox to ask in\n"
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    command = Command((program, *arguments), folder, PROBE_SECONDS, plan.env, plan.readable)
    try:
        told = await sandbox.run(command)
    except SandboxError as error:
        return f"not known: {error}\n"
    if told.exit_code != 0:
        return f"not known: {placeholder(program)} ended with exit code {told.exit_code}\n"
    head = "" if python else f"{placeholder(program)} "
    return f"{head}{told.output.strip()}\n"
