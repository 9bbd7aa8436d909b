import site
import sys
from pathlib import Path

import pytest

import anton
from anton.adapters.sandbox.bubblewrap import BubblewrapSandbox
from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import NoSandbox, UnconfinedSandbox
from anton.adapters.sandbox.landlock import LandlockSandbox
from anton.adapters.sandbox.selftest import interpreter_paths, self_test
from anton.core.errors import SandboxError
from anton.ports import Command, Sandbox, SandboxLevel

PRLIMIT = Path("/usr/bin/prlimit")


async def test_switched_off_means_that_nothing_runs(tmp_path: Path) -> None:
    sandbox = await choose(Kind.NONE)
    assert (sandbox.level, sandbox.usable) == (SandboxLevel.NONE, False)
    assert sandbox.description.startswith("none: no command is run (it was switched off)")
    with pytest.raises(SandboxError, match=r"'suite' was not run.*apt install bubblewrap"):
        await sandbox.run(Command(("suite",), tmp_path, 5))


async def test_unconfined_is_loud() -> None:
    sandbox = await choose(Kind.NONE, allow_none=True)
    assert (sandbox.level, sandbox.usable) == (SandboxLevel.NONE, True)
    assert sandbox.description == "none: commands run unconfined, as it was allowed (it was switched off)"


async def test_the_strongest_that_holds_is_chosen() -> None:
    each = [await choose(kind) for kind in (Kind.BUBBLEWRAP, Kind.LANDLOCK)]
    chosen = await choose()
    assert chosen.level == max(sandbox.level for sandbox in each)


NESTED = """
import asyncio
from anton.adapters.sandbox.choose import choose
print(asyncio.run(choose()).description)
"""


async def test_where_bubblewrap_is_refused_landlock_takes_its_place(tmp_path: Path) -> None:
    """As in a container, for which a sandbox of ours stands in: no further namespace can be made there."""
    outer = await choose(Kind.BUBBLEWRAP)
    if not outer.usable:
        pytest.skip(outer.description)
    readable = (*interpreter_paths(), *map(Path, site.getsitepackages()), Path(anton.__file__).parents[1])
    argv = (sys.executable, "-c", NESTED)
    environment = {"PYTHONPATH": ":".join(sys.path[1:])}
    execution = await outer.run(Command(argv, tmp_path, 20, environment, readable))
    assert execution.output.startswith(("limited (Landlock", "none: "))
    assert "bubblewrap: not so: commands run (" in execution.output


async def test_a_sandbox_that_can_be_got_out_of_is_not_chosen() -> None:
    """The self-test is shown to bite: on no confinement at all, every wall is missing."""
    findings = await self_test(UnconfinedSandbox("a test asked for it"))
    held = {finding.name for finding in findings if finding.held}
    assert held - {"the kernel's settings cannot be changed"} == {"commands run", "the tree can be written"}
    assert all(finding.detail for finding in findings if not finding.held)


async def test_an_old_landlock_is_found_out() -> None:
    sandbox = landlock(abi=2)
    leaks = [finding for finding in await self_test(sandbox) if not finding.held]
    assert [leak.name for leak in leaks] == ["files outside cannot be changed"]
    assert "could be emptied" in leaks[0].detail
    assert "your own files elsewhere can be emptied (before Linux 6.2)" in sandbox.description


@pytest.mark.parametrize("abi", [3, 4, 5, 6])
async def test_landlock_holds_from_its_third_version_on(abi: int) -> None:
    assert [finding for finding in await self_test(landlock(abi)) if not finding.held] == []


@pytest.mark.parametrize("abi", [1, 2])
async def test_the_first_versions_of_landlock_run_commands(abi: int, tmp_path: Path) -> None:
    execution = await landlock(abi).run(Command(("bash", "-c", "touch made; ls"), tmp_path, 20))
    assert (execution.exit_code, execution.output) == (0, "made\n")


def landlock(abi: int) -> Sandbox:
    try:
        LandlockSandbox()
    except SandboxError as error:
        pytest.skip(str(error))
    return LandlockSandbox(abi)


async def test_a_sandbox_that_does_not_start_is_a_finding() -> None:
    (finding,) = await self_test(BubblewrapSandbox("/no/such/bwrap"))
    assert (finding.name, finding.held) == ("commands run", False)
    assert "/no/such/bwrap" in finding.detail


async def test_no_sandbox_is_a_finding() -> None:
    (finding,) = await self_test(NoSandbox("for a test"))
    assert not finding.held
    assert "for a test" in finding.detail


async def test_limits_hold_without_prlimit(tmp_path: Path) -> None:
    if not (await choose(Kind.BUBBLEWRAP)).usable:
        pytest.skip("bubblewrap does not work here")
    script = 'ulimit -c; ulimit -n; ulimit -u; ulimit -f; echo "$@"'
    command = Command(("bash", "-c", script, "bash", "a b", "c"), tmp_path, 20)
    plain, replaced = [await BubblewrapSandbox(prlimit=prlimit).run(command) for prlimit in (None, PRLIMIT)]
    assert plain.output == replaced.output == "0\n1024\n256\n1048576\na b c\n"
