"""The composition root: settings in, adapters out. Real where something is configured, else embedded."""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from pathlib import Path

from anton.adapters.chat.local import LocalChat
from anton.adapters.forge.local import LocalForge
from anton.adapters.hooks.none import NoHooks
from anton.adapters.hooks.programs import Program, ProgramHooks
from anton.adapters.journal.sql import SqlJournal
from anton.adapters.model.chat_completions import ChatCompletionsModel
from anton.adapters.model.fallback import FallbackModel
from anton.adapters.model.prices import Price
from anton.adapters.model.recording import RecordedModel, RecordingModel
from anton.adapters.model.refusal import Patience
from anton.adapters.repository.clone import clone_commit
from anton.adapters.repository.git import GitRepository
from anton.adapters.repository.mirror import create_bare
from anton.adapters.sandbox.choose import Kind, choose
from anton.adapters.sandbox.closed import NoSandbox
from anton.adapters.sandbox.selftest import self_test
from anton.adapters.tracker.local import LocalTracker
from anton.adapters.web.closed import ClosedWeb, NoSearch
from anton.adapters.web.guarded import GuardedWeb
from anton.adapters.web.searxng import SearxngSearch
from anton.agents.roster import addable, roster
from anton.core.agent import AGENTS, AgentSpec, Limits
from anton.core.errors import UsageError
from anton.core.event import HookMoment
from anton.core.suite_options import SuiteOptions
from anton.core.tool import Tool
from anton.demo.build import REQUEST, demo_ticket, lay_out
from anton.entrypoints.composition import Anton, BenchWish, Check, VerifyBench, Wish
from anton.ports import Hooks, Model, Sandbox, Search, Web
from anton.proving.declarations import Declared
from anton.proving.environment import Environments
from anton.proving.portable import traces
from anton.proving.presets import plan_for
from anton.proving.programs import Machine, interpreter_paths
from anton.runs.budget import Budget
from anton.runs.world import Bench, Planned, World
from anton.settings import (
    OF_REPOSITORY,
    FallbackSettings,
    ModelSettings,
    Settings,
    hook_environment_of_process,
    package_sources_of_process,
    repository_settings,
    settings_of_process,
)
from anton.tools.catalogue import TOOLS
from anton.tools.context import BaseHistory, ToolContext
from anton.tools.worktree import Worktree

ENVIRONMENTS = "environments"
"""Folder in Anton's state of what the tests of repositories depend on."""
REPEATS_BEFORE_FALLBACK = 2
"""How often a model is asked again before another is asked in its place."""


@asynccontextmanager
async def compose(wish: Wish) -> AsyncIterator[Anton]:
    """Put Anton together for one step, and take it apart again.

    Raises:
        UsageError: the settings are wrong; file, key and what is allowed are named.
    """
    settings = settings_of_process(wish.repository, wish.config)
    await asyncio.to_thread(_make_home, settings.home)
    model = _model(settings, wish.record)
    url = settings.database_url
    journal = SqlJournal(url.get_secret_value() if url else settings.home / "journal.db")
    sandbox = await _sandbox(wish, settings)
    world = World(
        journal=journal,
        model=model,
        sandbox=sandbox,
        tracker=LocalTracker(settings.home / "tickets", [demo_ticket()]),
        forge=LocalForge(settings.home / "pull_requests"),
        chat=LocalChat(settings.home / "messages"),
        hooks=_hooks(settings),
        repository=partial(_repository, settings.home),
        remote=partial(_remote, settings.home),
        plan=partial(_plan, settings),
        environments=Environments(
            settings.home / ENVIRONMENTS, sandbox, Machine(Path(sys.executable)), package_sources_of_process()
        ),
        specs=_specs(settings),
        equip=partial(equip, web=_web(settings), search=_search(settings)),
        home=settings.home,
        mutation_seconds=settings.proof.mutation_seconds,
        culprit_seconds=settings.proof.culprit_seconds,
        policy=settings.permissions.policy,
        budget=Budget(
            **settings.budget.model_dump(), fallback=tuple(other.name for other in settings.model.fallback)
        ),
    )
    try:
        yield _anton(settings, wish, world)
    finally:
        await model.close()
        await journal.close()


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the state folder {str(home)!r} cannot be made: {error.strerror}; set ANTON_HOME to another"
        ) from error


def equip(bench: Bench, web: Web | None = None, search: Search | None = None) -> Mapping[str, Tool]:
    """The tools of an agent, bound to its worktree, and to the web as far as it is open."""
    history = BaseHistory(bench.past, bench.commit)
    context = ToolContext(Worktree(bench.worktree), bench.owns, bench.run_tests, history, web, search)
    return {name: TOOLS[name].bind(context) for name in bench.names}


def _web(settings: Settings) -> Web:
    return GuardedWeb(settings.web.allow) if settings.web.allow else ClosedWeb()


def _search(settings: Settings) -> Search:
    return SearxngSearch(settings.web.search_url) if settings.web.search_url else NoSearch()


def _model(settings: Settings, record: Path | None) -> Model:
    chosen = settings.model
    if chosen.api_key is None:
        return RecordedModel(files("anton.demo").joinpath("recording.jsonl"))
    if chosen.name is None:
        raise UsageError("API_KEY is set but no model is named; set MODEL, such as MODEL=gpt-5-mini")
    model = _with_fallback(chosen, chosen.name, chosen.api_key.get_secret_value())
    return RecordingModel(model, record) if record else model


def _with_fallback(chosen: ModelSettings, name: str, key: str) -> Model:
    """The model, with those that stand in for it; where there is another, patience with each is short."""
    prices = {model: Price(p.input, p.cached, p.output) for model, p in chosen.prices.items()}
    patience = Patience(repeats=REPEATS_BEFORE_FALLBACK) if chosen.fallback else Patience()
    others = [
        (other.base_url, _key_of(other), other.name) if other.base_url else (chosen.base_url, key, other.name)
        for other in chosen.fallback
    ]
    first, *rest = (
        ChatCompletionsModel(*each, idle_seconds=chosen.idle_seconds, patience=patience, prices=prices)
        for each in ((chosen.base_url, key, name), *others)
    )
    return FallbackModel(first, rest) if rest else first


def _key_of(other: FallbackSettings) -> str:
    if other.api_key is not None:
        return other.api_key.get_secret_value()
    if other.api_key_env:
        raise UsageError(
            f"model.fallback names the variable {other.api_key_env!r} for the key of {other.name!r}, and it "
            "is not set: set it, or take that model out of the list"
        )
    return ""


def _hooks(settings: Settings) -> Hooks:
    programs = [
        Program(
            HookMoment(hook.moment),
            hook.command,
            hook.seconds,
            frozenset(hook.tools),
            frozenset(hook.agents),
            hook.env,
        )
        for hook in settings.hooks
    ]
    return ProgramHooks(programs, hook_environment_of_process()) if programs else NoHooks()


async def _sandbox(wish: Wish, settings: Settings) -> Sandbox:
    if wish.looking:
        return NoSandbox("not needed to look at runs")
    kind = wish.sandbox if wish.sandbox != "auto" else settings.sandbox.kind
    return await choose(Kind(kind), allow_none=wish.unconfined)


def _repository(home: Path, path: str) -> GitRepository:
    return GitRepository(Path(path), home / "mirrors" / f"{_name_of(path)}.git")


def _name_of(path: str) -> str:
    """A folder name for a repository: readable, and another one for another path."""
    readable = re.sub(r"[^a-z0-9]+", "-", Path(path).name.lower()).strip("-")[:40]
    return f"{readable or 'repository'}-{hashlib.sha256(path.encode()).hexdigest()[:10]}"


async def _remote(home: Path, repository: str, origin: str) -> str:
    """The repository's own origin if it is on this machine, else a bare repository that Anton keeps for it.

    An origin elsewhere needs a forge with a credential; without one nothing is sent to it.
    """
    if origin.startswith("/") and await asyncio.to_thread(Path(origin).is_dir):
        return origin
    own = home / "remotes" / f"{_name_of(repository)}.git"
    if not await asyncio.to_thread(own.exists):
        await create_bare(own)
    return str(own)


def _plan(settings: Settings, declared: Declared, settled: SuiteOptions | None) -> Planned:
    options, notices = (settled, ()) if settled else _settle(settings, declared)
    if missing := [name for name in options.env if name not in settings.tests.env]:
        raise UsageError(
            f"the tests of this run are given {', '.join(map(repr, missing))} by tests.env, whose values are "
            "kept nowhere else, and the settings here do not have them: go on with the settings file that "
            "does, as in: anton resume RUN --config FILE"
        )
    plan = plan_for(
        declared.files,
        Path(options.python),
        texts=declared.texts,
        environments=settings.home / ENVIRONMENTS if options.builds else None,
        command=options.command,
        report=options.report,
        timeout_seconds=options.timeout_seconds,
        test_patterns=options.patterns,
        env={name: settings.tests.env[name] for name in options.env},
    )
    if plan.recipe is not None:
        notices += (
            f"The tests run in an environment built from {' and '.join(plan.recipe.sources)}: "
            "what these name is fetched when it is built, without any network afterwards.",
        )
    return Planned(plan, options, notices + plan.notices)


def _settle(settings: Settings, declared: Declared) -> tuple[SuiteOptions, tuple[str, ...]]:
    """What the settings say of the tests, completed by the repository, and what of that a person is told."""
    own = declared.texts.get("anton.toml")
    notices: tuple[str, ...] = ()
    if own is not None:
        found = repository_settings(own)
        settings = settings.with_repository(found)
        taken = [name for name in found.given if settings.origin("tests", name) == OF_REPOSITORY]
        said = (f"The repository's own anton.toml sets {', '.join(f'tests.{name}' for name in taken)}.",)
        notices = (said if taken else ()) + found.notices
    tests = settings.tests
    options = SuiteOptions(
        python=str(tests.python or sys.executable),
        builds=tests.environment == "auto" and tests.python is None,
        command=tests.command,
        report=tests.report,
        patterns=tests.patterns,
        timeout_seconds=tests.timeout_seconds,
        env=tuple(sorted(tests.env)),
    )
    return options, notices


def _specs(settings: Settings) -> tuple[AgentSpec, ...]:
    named = {name: settings.agents.of(name) for name in AGENTS}
    limits = {name: Limits(own.turns, own.seconds) for name, own in named.items()}
    return tuple(_configured(spec, settings) for spec in roster(limits))


def _configured(spec: AgentSpec, settings: Settings) -> AgentSpec:
    own = settings.agents.of(spec.name)
    return replace(
        spec,
        model=own.model,
        context_tokens=settings.model.context_tokens,
        reasoning_effort=own.reasoning_effort or settings.model.reasoning_effort,
        tools=tuple(dict.fromkeys((*spec.tools, *_added_tools(spec, settings)))),
    )


def _added_tools(spec: AgentSpec, settings: Settings) -> tuple[str, ...]:
    added, allowed = settings.agents.of(spec.name).tools, addable(spec)
    for name in added:
        if name not in allowed:
            origin = settings.origin("agents", spec.name, "tools")
            close = get_close_matches(name, allowed, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"{origin}: agents.{spec.name}.tools names {name[:60]!r}: {meant}"
                f"Allowed here: {', '.join(sorted(allowed))}"
            )
    return added


def _anton(settings: Settings, wish: Wish, world: World) -> Anton:
    repository = wish.repository or settings.repo_cwd or Path.cwd()

    async def lay_out_demo(run_id: str) -> Path:
        folder = settings.home / "demo" / run_id
        checkout = folder / "todo-service"
        await lay_out(checkout, folder / "todo-service.git")
        return checkout

    return Anton(
        world=world,
        repository=repository,
        reports_of=lambda path: settings.run.reports or _reports(settings.home, path.resolve()),
        rounds=settings.run.rounds,
        notices=settings.notices,
        suggestion=REQUEST if settings.model.api_key is None else "",
        user=getpass.getuser(),
        lay_out_demo=lay_out_demo,
        examine=partial(_examine, settings, world),
    )


def _reports(home: Path, repository: Path) -> Path:
    """`.oncall_runs` in the current folder, unless that is the repository under repair: it is only read."""
    here = Path.cwd().resolve()
    inside = here == repository or repository in here.parents
    return (home if inside else here) / ".oncall_runs"


async def _examine(settings: Settings, world: World) -> tuple[Check, ...]:
    findings = await self_test(world.sandbox) if world.sandbox.usable else ()
    return (
        *(Check("settings", False, notice) for notice in settings.notices),
        Check("model", True, ", else ".join((world.model.name, *world.budget.fallback))),
        Check("tracker", True, world.tracker.description),
        Check("forge", True, world.forge.description),
        Check("web", True, _web(settings).description),
        Check("search", True, _search(settings).description),
        Check("journal", True, str(settings.home / "journal.db")),
        *_hook_checks(settings),
        Check("sandbox", world.sandbox.level > 0, world.sandbox.description),
        *(Check(f"  {finding.name}", finding.held, finding.detail) for finding in findings),
    )


def _hook_checks(settings: Settings) -> Iterator[Check]:
    """One line a hook; a program that is not there would fail at its every moment."""
    path = hook_environment_of_process()["PATH"]
    for hook in settings.hooks:
        found = shutil.which(hook.command[0], path=path)
        detail = f"{hook.moment}: {hook.command[0]}" + ("" if found else " is no program that can be run")
        yield Check("hook", found is not None, detail)


@asynccontextmanager
async def bench(wish: BenchWish) -> AsyncIterator[VerifyBench]:
    """What a proof bundle is executed with, in a temporary folder: without settings, state folder or model.

    Raises:
        UsageError: the interpreter or a link is not there, or the repository cannot be used.
    """
    python = wish.python.absolute() if wish.python else Path(sys.executable)
    for path in (python, *(path for _, path in wish.links)):
        if not await asyncio.to_thread(path.exists):
            raise UsageError(f"there is no {str(path)!r}")
    sandbox: Sandbox = NoSandbox("not needed")
    if not wish.looking:
        sandbox = await choose(Kind(wish.sandbox), allow_none=wish.unconfined)
    readable = interpreter_paths(python)
    with tempfile.TemporaryDirectory(prefix="anton-verify-") as name:
        folder = Path(name)
        checkout = await _brought(wish, folder / "clone.git")
        yield VerifyBench(
            repository=GitRepository(checkout, folder / "mirror.git"),
            sandbox=sandbox,
            workspace=folder / "trees",
            python=python,
            readable=readable,
            links={link: path.absolute() for link, path in wish.links},
            traces=traces(readable, {folder: "/anton", Path.home(): "/home/user"}, platform.node()),
        )


async def _brought(wish: BenchWish, clone: Path) -> Path:
    """Where the named repository is on this machine, cloned where it is named by a URL."""
    named = wish.repository.removeprefix("file://")
    path = await asyncio.to_thread(Path(named or clone).absolute)
    if named and not await asyncio.to_thread(path.exists) and re.match(r"[a-z]+://|[^/]+:", named):
        await clone_commit(named, wish.commit, clone)
        return clone
    return path
