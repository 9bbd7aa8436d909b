"""The permission table in front of an agent's tools: made at once, tried, asked about, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from anton.core.errors import SandboxRefused, ToolError
from anton.core.permission import (
    Allowed,
    Asks,
    Decision,
    Denied,
    Policy,
    after_refusal,
    decide,
    decide_publishing,
    unattended,
)
from anton.core.tool import Escapable, Publishing, Situated, Tool, ToolSpec
from anton.engine.judgement import Judgement, judge
from anton.engine.person import Nobody, Person


@dataclass(frozen=True, slots=True)
class Permitted:
    """A tool that is called only if the policy in force, or a person, allows it."""

    tool: Tool
    policy: Policy
    sandboxed: bool
    person: Person

    @property
    def spec(self) -> ToolSpec:
        """The tool's own."""
        return self.tool.spec

    async def call(self, arguments: str) -> str:
        """Carry out one call, if it may be made.

        Raises:
            ToolError: it may not; the text says why.
        """
        if isinstance(self.tool, Publishing):
            return await self._published(self.tool, arguments)
        folder = await self.tool.folder() if isinstance(self.tool, Situated) else ""
        judged = judge(self.spec, arguments, folder)
        allowed = await self._settled(self._decision(judged), judged.shown)
        try:
            return await self.tool.call(arguments)
        except SandboxRefused as refusal:
            return await self._outside(allowed, judged, arguments, refusal)

    def _decision(self, judged: Judgement) -> Decision:
        decision = decide(self.policy, judged.reach, judged.danger, sandboxed=self.sandboxed)
        if judged.found:
            decision = replace(decision, reason=f"{decision.reason} ({judged.found})")
        return decision if self.person.there else unattended(decision)

    async def _published(self, tool: Publishing, arguments: str) -> str:
        """What comes of a call that others will see: it is shown as it will be made, and made as shown.

        Raises:
            ToolError: it may not be made, or failed.
        """
        decision = decide_publishing(self.policy)
        decision = decision if self.person.there else unattended(decision)
        if isinstance(decision, Denied):
            await self._settled(decision, "")
        prepared = await tool.prepare(arguments)
        await self._settled(decision, prepared.shown)
        return await prepared.carry_out()

    async def _settled(self, decision: Decision, shown: str) -> Allowed:
        """The decision once a person has answered, where one is asked.

        Raises:
            ToolError: the call is not made.
        """
        match decision:
            case Allowed():
                return decision
            case Denied(reason):
                raise ToolError(f"{self.spec.name} was not carried out: {reason}.")
            case Asks(reason):
                leave = await self.person.leave(shown, reason)
                if not leave.given:
                    raise ToolError(f"{self.spec.name} was not carried out: {reason}; {leave.reason}.")
                return Allowed(leave.reason, tried=True)

    async def _outside(
        self, allowed: Allowed, judged: Judgement, arguments: str, refusal: SandboxRefused
    ) -> str:
        """What comes of a call that the sandbox refused: a person is asked once whether it may leave it.

        Raises:
            ToolError: it may not, or the tool knows no other way.
        """
        then = after_refusal(allowed)
        if not isinstance(self.tool, Escapable) or isinstance(then, Denied):
            raise refusal
        shown = f"{judged.shown}\n(outside the sandbox)"
        leave = await self.person.leave(shown, then.reason)
        if not leave.given:
            raise ToolError(f"{refusal}\nIt was not run outside the sandbox: {leave.reason}.")
        return await self.tool.call_outside(arguments)


def permitted(
    tools: Mapping[str, Tool], policy: Policy, *, sandboxed: bool, person: Person | None = None
) -> dict[str, Tool]:
    """The same tools under a policy.

    Args:
        tools: By name.
        policy: The operator's.
        sandboxed: Whether commands are held by a sandbox, or a person has allowed them to run without one.
        person: Who is asked; by default nobody is there, and a question is a no.
    """
    asked = person or Nobody()
    return {name: Permitted(tool, policy, sandboxed, asked) for name, tool in tools.items()}
