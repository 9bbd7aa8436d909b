"""Puts Anton together for one step: settings in, adapters out."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from anton.adapters.journal.masked import MaskedJournal
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.mcp.servers import mcp_servers
from anton.adapters.repository.carried import Carrier
from anton.app.agents import delegates_of, equip, hooks_of, specs_of
from anton.app.approvals import approval_of
from anton.app.conversation import Counter, conversationalist_of, counter_of, models_of
from anton.app.examination import examine
from anton.app.extensions import Extensions, extensions_of, installed_plugins
from anton.app.github import GitHubSide, github_side
from anton.app.models import model_of
from anton.app.outside import chat_of, search_of, tracker_of, web_of
from anton.app.sandboxes import sandbox_of
from anton.app.secrets import masked, masker_of
from anton.app.serving import demo_checkout, serving_of
from anton.app.shared import carried, carrier_of, leftovers_of
from anton.app.suites import ENVIRONMENTS, planned_by
from anton.app.telemetry import tracing_of
from anton.app.tool_servers import RECORDS, servers_of
from anton.core.agent import AGENTS, CHAT
from anton.core.errors import UsageError
from anton.core.person import terminal
from anton.core.secrets import Masker
from anton.core.tool import Tool
from anton.demo.build import REQUEST, demo_ticket, lay_out
from anton.entrypoints.composition import Anton, Wish
from anton.ports import Chat, Forge, Model, Sandbox, Tracker
from anton.ports.tool_servers import ToolServers
from anton.proving.environment import Environments
from anton.proving.programs import Machine
from anton.runs.budget import Budget
from anton.runs.housekeeping import Retention
from anton.runs.log import Observer
from anton.runs.world import Equip, World
from anton.settings import Settings, package_sources_of_process, settings_of_process


@asynccontextmanager
async def compose(wish: Wish) -> AsyncIterator[Anton]:
    """Put Anton together for one step, and take it apart again.

    Raises:
        UsageError: the settings are wrong; file, key and what is allowed are named.
    """
    settings = settings_of_process(wish.repository, wish.config)
    await asyncio.to_thread(_make_home, settings.home)
    extensions = extensions_of(settings, wish.repository)
    async with mcp_servers(servers_of(settings), settings.home / RECORDS) as servers:
        if _has_model(settings) and not wish.looking:
            await servers.learn()
        async with (
            carrier_of(settings) as carrier,
            github_side(settings) as github,
            tracing_of(settings) as observers,
            _composed(_Around(settings, wish, extensions, servers, carrier, github, observers)) as anton,
        ):
            yield anton


@dataclass(frozen=True, slots=True)
class _Around:
    """What is there before the parts are put together, and is taken down after them."""

    settings: Settings
    wish: Wish
    extensions: Extensions
    servers: ToolServers
    carrier: Carrier | None
    github: GitHubSide
    observers: tuple[Observer, ...]


@asynccontextmanager
async def _composed(around: _Around) -> AsyncIterator[Anton]:
    settings, extensions = around.settings, around.extensions
    masker = await asyncio.to_thread(masker_of, settings)
    sandbox = await sandbox_of(around.wish, settings)
    served = _served(settings, around.servers)
    sides = _sides(settings, extensions, around.github)
    counter = counter_of(settings, *sides)
    world = _world(around, masker, sandbox, sides, _equipped(settings, extensions, served, counter), served)
    sessions = MaskedJournal(SqlJournal(settings.home / "chat.db"), masker)
    try:
        anton = _anton(settings, around.wish, world, extensions, around.servers, around.github)
        talker = conversationalist_of(settings, counter, tuple(extensions.tools), tuple(served[CHAT]))
        models = models_of(settings, world.model)
        yield replace(anton, sessions=sessions, conversationalist=talker, models=models)
    finally:
        await world.chat.close()
        await world.model.close()
        await world.journal.close()
        await sessions.close()


def _world(
    around: _Around,
    masker: Masker,
    sandbox: Sandbox,
    sides: tuple[Tracker, Forge, Chat],
    tools: Equip,
    served: Mapping[str, Mapping[str, Tool]],
) -> World:
    settings, extensions = around.settings, around.extensions
    tracker, forge, chat = sides
    attended_seconds = settings.permissions.question_seconds if around.wish.attended else 0.0
    return World(
        journal=_journal(settings, masker),
        model=_model(around, masker),
        sandbox=sandbox,
        tracker=tracker,
        forge=forge,
        chat=chat,
        ci=around.github.ci(),
        hooks=hooks_of(settings, masker),
        repository=carried(around.github.repository, around.carrier),
        remote=around.github.remote,
        plan=partial(planned_by, settings),
        environments=_environments(settings, sandbox),
        specs=specs_of(settings, extensions.tools, served),
        delegates=delegates_of(settings),
        equip=tools,
        home=settings.home,
        notes=settings.home,
        mutation_seconds=settings.proof.mutation_seconds,
        culprit_seconds=settings.proof.culprit_seconds,
        approval=approval_of(settings),
        policy=settings.permissions.policy,
        question_seconds=attended_seconds,
        budget=_budget(settings),
        leftovers=leftovers_of(settings, around.carrier),
        observers=around.observers,
        masker=masker,
    )


def _journal(settings: Settings, masker: Masker) -> MaskedJournal:
    url = settings.database_url
    return MaskedJournal(SqlJournal(url.get_secret_value() if url else settings.home / "journal.db"), masker)


def _model(around: _Around, masker: Masker) -> Model:
    plugged = cast("Model | None", around.extensions.chosen("model"))
    return masked(plugged, masker) if plugged else model_of(around.settings, around.wish.record, masker)


def _environments(settings: Settings, sandbox: Sandbox) -> Environments:
    machine, sources = Machine(Path(sys.executable)), package_sources_of_process()
    return Environments(settings.home / ENVIRONMENTS, sandbox, machine, sources)


def _sides(settings: Settings, extensions: Extensions, github: GitHubSide) -> tuple[Tracker, Forge, Chat]:
    """Of each port what a plugin adds, where one is chosen, else what the settings have."""
    return (
        cast("Tracker | None", extensions.chosen("tracker")) or tracker_of(settings, [demo_ticket()], github),
        cast("Forge | None", extensions.chosen("forge")) or github.forge(),
        cast("Chat | None", extensions.chosen("chat")) or chat_of(settings),
    )


def _served(settings: Settings, servers: ToolServers) -> Mapping[str, Mapping[str, Tool]]:
    """Tools of servers, by agent."""
    return {name: servers.tools(name) if _has_model(settings) else {} for name in (*AGENTS, CHAT)}


def _equipped(
    settings: Settings,
    extensions: Extensions,
    served: Mapping[str, Mapping[str, Tool]],
    counter: Counter,
) -> Equip:
    return partial(
        equip,
        web=web_of(settings),
        search=search_of(settings),
        added=extensions.tools,
        served={name: tool for own in served.values() for name, tool in own.items()},
        counter=counter,
    )


def _budget(settings: Settings) -> Budget:
    others = tuple(other.name for other in settings.model.fallback)
    return Budget(**settings.budget.model_dump(), fallback=others)


def _has_model(settings: Settings) -> bool:
    """Whether there is another model than the demo's recording, which knows its own tools only."""
    return settings.model.api_key is not None or settings.plugins.model is not None


def _account() -> str:
    """Name of the user whose process this is, else the number: a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # Python 3.13 and later: OSError
        return str(os.getuid())


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the state folder {str(home)!r} cannot be made: {error.strerror}; set ANTON_HOME to another"
        ) from error


def _anton(
    settings: Settings,
    wish: Wish,
    world: World,
    extensions: Extensions,
    servers: ToolServers,
    github: GitHubSide,
) -> Anton:
    repository = github.chosen(wish.repository)

    async def lay_out_demo(run_id: str) -> Path:
        checkout = demo_checkout(settings.home, run_id)
        if not await asyncio.to_thread(_laid_out, checkout):
            await lay_out(checkout, checkout.with_suffix(".git"))
        return checkout

    return Anton(
        world=world,
        repository=repository,
        reports_of=lambda path: settings.run.reports or _reports(settings.home, path.resolve()),
        rounds=settings.run.rounds,
        notices=(*settings.notices, *extensions.notices, *servers.notices),
        suggestion="" if _has_model(settings) else REQUEST,
        user=terminal(_account()),
        lay_out_demo=lay_out_demo,
        examine=partial(examine, settings, world, extensions, servers),
        tool_servers=servers,
        plugins=tuple(extensions.checks()),
        plugins_installed=partial(installed_plugins, wish.repository or settings.repo_cwd),
        serving=serving_of(settings, world, github.configured, github.occurrences()),
        retention=Retention(
            settings.retention.days,
            settings.retention.environment_days,
            settings.retention.conversation_days,
        ),
    )


def _laid_out(checkout: Path) -> bool:
    """Whether the demo is there, whole: what a crash left half done is removed."""
    remote = checkout.with_suffix(".git")
    if (remote / "refs" / "heads" / "main").exists():  # the last that is made
        return True
    for folder in (checkout, remote):
        if folder.exists():
            shutil.rmtree(folder)
    return False


def _reports(home: Path, repository: Path) -> Path:
    """`.oncall_runs` in the current folder, unless that is the repository under repair: it is only read."""
    here = Path.cwd().resolve()
    inside = here == repository or repository in here.parents
    return (home if inside else here) / ".oncall_runs"
