"""The permission table in front of an agent's tools. In a run nobody is there: a question is a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anton.core.errors import ToolError
from anton.core.permission import Allowed, Danger, Policy, decide, unattended
from anton.core.tool import Reach, Tool, ToolSpec


@dataclass(frozen=True, slots=True)
class Permitted:
    """A tool that is called only if the policy in force allows it."""

    tool: Tool
    policy: Policy
    sandboxed: bool

    @property
    def spec(self) -> ToolSpec:
        """The tool's own."""
        return self.tool.spec

    async def call(self, arguments: str) -> str:
        """Carry out one call, if it may be made.

        Raises:
            ToolError: it may not; the text says why.
        """
        danger = Danger.UNKNOWN if self.spec.reach in (Reach.NETWORK, Reach.OUTSIDE) else Danger.SAFE
        decision = unattended(decide(self.policy, self.spec.reach, danger, sandboxed=self.sandboxed))
        if not isinstance(decision, Allowed):
            raise ToolError(f"{self.spec.name} was not carried out: {decision.reason}.")
        return await self.tool.call(arguments)


def permitted(tools: Mapping[str, Tool], policy: Policy, *, sandboxed: bool) -> dict[str, Tool]:
    """The same tools under a policy.

    Args:
        tools: By name.
        policy: The operator's.
        sandboxed: Whether commands are held by a sandbox, or a person has allowed them to run without one.
    """
    return {name: Permitted(tool, policy, sandboxed) for name, tool in tools.items()}
