"""The agents of a run, each with its worktree, its tools and its part of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from anton.core import shell
from anton.core.agent import AgentSpec, Plane
from anton.core.errors import OutsideError, ToolError
from anton.core.event import AgentOutcome, AgentStarted, Note, NotePosted, Source
from anton.core.tool import Prepared
from anton.engine.hooks import AgentHooks
from anton.engine.loop import Agent
from anton.engine.permitted import permitted
from anton.engine.submit import submit_for
from anton.ports import Command
from anton.proving.plan import protected_reason
from anton.proving.scratch import remove_folder
from anton.runs import memory
from anton.runs.asking import Asking
from anton.runs.delegation import REVIEWER, Delegation, settled, task_opening
from anton.runs.opening import conversation_opening, opening
from anton.runs.publishing import Publishing
from anton.runs.site import Site
from anton.runs.world import Bench, CommandLine, Voice

RETRY = "The model could not be reached before. Go on from where you were."


class Crew:
    """All agents of one run, for as long as one process works on it.

    A worktree is laid out anew from the agent's last checkpoint: what was written after it was never
    journaled.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world, self._log, self._base = site.world, site.log, site.base
        self._repository = site.repository

    async def assemble(self) -> dict[str, Agent]:
        """The agents by name, each started in the journal."""
        files = await self._repository.files(self._base.tree)
        return {spec.name: await self._hire(spec, files) for spec in self._world.specs}

    async def _hire(self, spec: AgentSpec, files: tuple[str, ...]) -> Agent:
        view = self._log.agent(spec.name)
        worktree = self._world.scratch(self._log.state.run_id) / spec.name
        checkpoint: Callable[[], Awaitable[str | None]] = _no_worktree
        if spec.plane is not Plane.NONE:
            if shell.TOOL in spec.tools:  # a command may have nested folders deeper than can be tidied up
                await remove_folder(worktree)
            await self._repository.export(view.state.checkpoint or self._base.tree, worktree)
            checkpoint = self._checkpoint_of(spec, worktree)
        world = self._world
        person = Asking(self._log, spec.name, world.clock, world.question_seconds, spec.conversational)
        equipped = dict(self._world.equip(self._bench(spec, worktree, person)))
        if not spec.conversational:
            equipped["submit"] = submit_for(spec.output)
        # Without a sandbox nothing runs, unless a person has allowed it; the sandbox itself says so, and why.
        tools = permitted(equipped, self._world.policy, sandboxed=True, person=person)
        if not view.state.messages:
            told = await self._opening(spec, files)
            model = spec.model or self._world.model.name
            await view.append(AgentStarted(spec.name, model, spec.system, told, tuple(tools)))
        elif view.state.ended and view.state.ended.outcome is AgentOutcome.FAILED:
            await view.append(NotePosted(spec.name, Note(Source.ANTON, RETRY)))
        return Agent(spec, view, self._world.model, tools, checkpoint, self._hooks_of(spec.name))

    async def _opening(self, spec: AgentSpec, files: tuple[str, ...]) -> str:
        received = self._log.state.received
        if spec.plane is Plane.NONE:
            return opening(received.ticket)
        notes = await asyncio.to_thread(memory.told, self._world.remembered, received.repository)
        if spec.conversational:
            return conversation_opening(files, notes)
        return opening(received.ticket, files, notes)

    def _hooks_of(self, name: str) -> AgentHooks:
        return AgentHooks(self._world.hooks, self._log.agent(name), name, self._log.state.run_id)

    def _delegation(self, principal: AgentSpec, worktree: Path) -> Delegation | None:
        """Its delegates read its own worktree, which it does not change while it waits for them."""
        if principal.plane is Plane.NONE:
            return None

        async def hire(spec: AgentSpec, told: str) -> Agent:
            view = self._log.agent(spec.name)
            bench = Bench(
                spec.tools, worktree, _only_reads, _no_tests, self._repository.past, self._base.commit
            )
            equipped = {**self._world.equip(bench), "submit": submit_for(spec.output)}
            tools = permitted(equipped, self._world.policy, sandboxed=True)
            if not view.state.messages:
                model = spec.model or self._world.model.name
                await view.append(AgentStarted(spec.name, model, spec.system, told, tuple(tools)))
            return Agent(spec, view, self._world.model, tools, _no_worktree, self._hooks_of(spec.name))

        async def told_of(kind: str, task: str) -> str:
            ticket = opening(self._log.state.received.ticket)
            if kind != REVIEWER:
                return task_opening(ticket, task)
            tree = await self._repository.snapshot(worktree, self._base.tree)
            return task_opening(ticket, task, await self._repository.diff(self._base.tree, tree))

        before = settled(self._log.entries, principal.name)
        return Delegation(self._log, principal, self._world.delegates, hire, told_of, before)

    def _bench(self, spec: AgentSpec, worktree: Path, person: Asking) -> Bench:
        async def run_tests(paths: tuple[str, ...]) -> str:
            tree = await self._repository.snapshot(worktree, self._base.tree)
            return await self._site.suite.for_agent(tree, paths)

        return Bench(
            spec.tools,
            worktree,
            self._share(spec),
            run_tests,
            self._repository.past,
            self._base.commit,
            person.ask,
            self._command_line(spec, worktree),
            self._delegation(spec, worktree),
            self._voice(spec, worktree),
        )

    def _voice(self, spec: AgentSpec, worktree: Path) -> Voice | None:
        if not spec.conversational:
            return None

        async def remember(note: str) -> Prepared:
            return memory.note_ready(self._world, self._log, note)

        propose = Publishing(self._site, worktree)
        return Voice(self._log.state.run_id, self._world.masker.mask, propose, remember)

    def _command_line(self, spec: AgentSpec, worktree: Path) -> CommandLine | None:
        suite = self._site.suite

        async def prepare(words: tuple[str, ...], seconds: float) -> Command:
            await suite.prepare()
            return Command(words, worktree, seconds, suite.plan.env, suite.plan.readable)

        if spec.plane is Plane.NONE:
            return None
        return CommandLine(prepare, self._world.sandbox, self._log.agent(spec.name).state.folder)

    def _share(self, spec: AgentSpec) -> Callable[[str], str | None]:
        def refusal(path: str) -> str | None:
            if reason := protected_reason(path):
                return f"{path!r} {reason}; no agent may change it"
            if spec.plane is Plane.SOURCE and self._site.plan.is_test(path):
                return f"{path!r} belongs to the tests, which a colleague writes; you own the source"
            return None

        return refusal

    def _checkpoint_of(self, spec: AgentSpec, worktree: Path) -> Callable[[], Awaitable[str | None]]:
        run_id = self._log.state.run_id

        async def checkpoint() -> str | None:
            view = self._log.agent(spec.name)
            try:
                tree = await self._repository.snapshot(worktree, self._base.tree)
            except (
                OutsideError
            ) as error:  # an agent can cause this, by a name or a size that git does not take
                view.post(NotePosted(spec.name, Note(Source.ANTON, f"Your worktree cannot be kept: {error}")))
                return None
            if tree not in (self._base.tree, view.state.checkpoint):
                await self._repository.keep(f"{run_id}/{spec.name}/{tree}", tree)
            return tree

        return checkpoint


async def _no_worktree() -> str | None:
    return None


def _only_reads(path: str) -> str:
    return f"{path!r} is a colleague's; you only read"


async def _no_tests(_paths: tuple[str, ...]) -> str:
    raise ToolError("a delegate runs no tests")
