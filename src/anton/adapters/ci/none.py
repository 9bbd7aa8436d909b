"""No continuous integration: nothing is known of any commit."""

from __future__ import annotations

from anton.ports import CIRun


class NoCI:
    """The CI port where there is none."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return "none"

    async def read(self, run: str) -> CIRun:  # noqa: ARG002 (of the port)
        """Nothing."""
        return CIRun("none")

    async def status(self, commit: str) -> CIRun:  # noqa: ARG002 (of the port)
        """Nothing."""
        return CIRun("none")
