"""What there is without a sandbox: nothing runs, or everything does because a person said so."""

from __future__ import annotations

from dataclasses import dataclass

from anton.adapters.sandbox.memory import MAX_MEMORY_BYTES
from anton.adapters.sandbox.scratch import scratch_folder
from anton.adapters.sandbox.supervised import Confinement, supervise
from anton.core.errors import SandboxError
from anton.ports import Command, Execution, SandboxLevel

REMEDY = (
    "Install bubblewrap (`apt install bubblewrap`). If it is installed and refused: on Ubuntu from 23.10 see "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns`; in a container allow user namespaces in its "
    "seccomp profile, or use a kernel with Landlock (Linux 6.2)."
)


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """Runs nothing. The default where no sandbox works: failing closed."""

    reason: str
    """Why each sandbox that was tried is no good."""

    @property
    def level(self) -> SandboxLevel:
        """None."""
        return SandboxLevel.NONE

    @property
    def usable(self) -> bool:
        """Never."""
        return False

    @property
    def description(self) -> str:
        """Says that nothing runs, why, and what would help."""
        return f"none: no command is run ({self.reason}). {REMEDY}"

    async def run(self, command: Command) -> Execution:
        """Refuse.

        Raises:
            SandboxError: always.
        """
        raise SandboxError(f"{command.argv[0]!r} was not run: there is no sandbox ({self.reason}). {REMEDY}")


@dataclass(frozen=True, slots=True)
class UnconfinedSandbox:
    """Runs commands with all rights of Anton's own user.

    Only for a person who asked for it in so many words. Environment, time, memory, output and descendants are
    kept in hand as in any sandbox; files, network and other processes are not.
    """

    reason: str
    """Why it is so, such as the flag that was given."""
    memory_bytes: int = MAX_MEMORY_BYTES
    """Of a command with all that it started."""

    @property
    def level(self) -> SandboxLevel:
        """None."""
        return SandboxLevel.NONE

    @property
    def usable(self) -> bool:
        """A person allowed it."""
        return True

    @property
    def description(self) -> str:
        """Loud."""
        return f"none: commands run unconfined, as it was allowed ({self.reason})"

    async def run(self, command: Command) -> Execution:
        """Run a command in its tree, unconfined; see the port."""
        async with scratch_folder() as scratch:
            return await supervise(command, scratch, Confinement(memory_bytes=self.memory_bytes))
