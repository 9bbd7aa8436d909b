"""Takes one run as far as it goes without a person.

It decides at its top, from the phase that the journal amounts to. A start, the next phase and a start after a
crash are one code path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from anton.core.consent import TicketChanged
from anton.core.decision import Answer, Refused, decide, recorded
from anton.core.errors import RunBusy, SuiteUnusable, unwrapped
from anton.core.event import BaseResolved, Entry, RunClosed, RunOutcome, RunReceived, Verb
from anton.core.run import Phase, RunState, fold
from anton.proving.scratch import remove_folder
from anton.runs.announce import announced
from anton.runs.brief import conclude
from anton.runs.budget import within
from anton.runs.circumstances import ANSWER_SECONDS, circumstanced, news_of
from anton.runs.deliver import deliver
from anton.runs.integration import checks_of, with_failures
from anton.runs.log import RunLog, Watcher
from anton.runs.mailbox import Mailbox, open_mail
from anton.runs.planning import planned
from anton.runs.renew import remote_head, renewal
from anton.runs.round import Round
from anton.runs.site import site_of
from anton.runs.ticket import take_on
from anton.runs.world import World

TURNS = 40
TURN_SECONDS = 0.05
"""How often, and after how long, an answer tries again while somebody else holds the run."""


async def receive(world: World, run_id: str, received: RunReceived) -> None:
    """Write down that a ticket was taken in; from here on the run survives."""
    await world.journal.append(run_id, [Entry(run_id, 1, world.clock(), received)])


async def advance(world: World, run_id: str, watch: Sequence[Watcher] = ()) -> RunState:
    """Carry a run on until a person has to decide, or to its end.

    Raises:
        RunBusy: another process is doing that.
        UsageError: there is no such run, or its repository cannot be used.
        OutsideError: the model, the remote or the journal failed; what was done is kept, call again.
    """
    state = await _advance(world, run_id, watch)
    with suppress(RunBusy):  # then another has taken it on
        while (told := await open_mail(world, run_id)) is not None:
            state = told
            if state.phase in (Phase.WORKING, Phase.DELIVERING):
                state = await _advance(world, run_id, watch)
    return state


async def _advance(world: World, run_id: str, watch: Sequence[Watcher]) -> RunState:
    async with world.open(run_id, watch) as log:
        held = replace(world, model=within(world.budget, log.state, world.model))
        async with announced(world.chat, log):
            await _Runner(held, log, Mailbox(held, log)).advance()
        return log.state


async def answer(world: World, run_id: str, given: Answer, watch: Sequence[Watcher] = ()) -> RunState:
    """Write down a person's decision, if it may be taken now.

    Every way in calls this one. Of two answers at once the first counts, and the second is told so. A refusal
    is put on record, unless another process works on the run.

    An approval that finds the ticket closed, edited or gone since the briefing does not count: that is told,
    and stands in the briefing from then on. The next one counts, but for one that was given before that.

    Raises:
        Refused: it may not; the text says why and what would.
        RunBusy: another process works on the run, and the answer would count once it lets go of it.
        UsageError: there is no such run.
    """
    heard = len(await _told(world, run_id)) if given.verb is Verb.APPROVE else 0
    for turn in range(1, TURNS + 1):
        try:
            async with world.open(run_id, watch) as log:
                await _answer(world, log, given, heard)
                state = log.state
            return await open_mail(world, run_id) or state
        except RunBusy:
            if turn == TURNS:
                decide(fold(await world.journal.read(run_id)), given, world.approval)
                raise
        await asyncio.sleep(TURN_SECONDS)
    raise AssertionError("the last turn returns or raises")


async def _answer(world: World, log: RunLog, given: Answer, heard: int) -> None:
    try:
        events = decide(log.state, given, world.approval)
    except Refused as refusal:
        if refused := recorded(log.state, given, str(refusal)):
            await log.append(*refused)
        raise
    if given.verb is Verb.APPROVE:
        if news := await news_of(world, log.state, ANSWER_SECONDS):
            await log.append(news)
        if unheard := (await _told(world, log.state.run_id))[heard:]:
            raise Refused(
                f"{' '.join(unheard)} So run {log.state.run_id} is not approved yet: if it is right all the "
                "same, approve it once more"
            )
    await log.append(*events)


async def _told(world: World, run_id: str) -> tuple[str, ...]:
    """What whoever approved was told of a run's ticket, in a sentence each."""
    entries = await world.journal.read_kinds(run_id, {"ticket_changed"})
    return tuple(
        each for entry in entries if isinstance(entry.event, TicketChanged) for each in entry.event.told
    )


@dataclass(slots=True)
class _Runner:
    world: World
    log: RunLog
    mailbox: Mailbox

    async def advance(self) -> None:
        while True:
            await self.mailbox.take()
            match self.log.state.phase:
                case Phase.RECEIVED:
                    await self.mailbox.beside(self._prepare())
                case Phase.WORKING | Phase.PROVING:
                    await self.mailbox.beside(self._round())
                case Phase.DELIVERING:
                    if events := await renewal(self.world, self.log.state):
                        await self.log.append(*events)
                    else:
                        await deliver(self.world, self.log)
                case Phase.DECIDING:
                    return
                case Phase.CLOSED:
                    await remove_folder(self.world.scratch(self.log.state.run_id))
                    return

    async def _prepare(self) -> None:
        received = self.log.state.received
        repository = self.world.repository(received.repository)
        found = await repository.resolve(received.base_ref)
        plan = await planned(self.world, repository, found.tree)
        notices = list(plan.notices)
        if found.dirty:
            notices.append(
                "The checkout holds changes that are not committed; they are left alone. The fix is based "
                f"on {found.commit[:10]} as it was committed."
            )
        told, unread = await with_failures(self.world.ci, received.ticket)
        seen, said = await take_on(self.world.tracker, told)
        notices += (*said, *unread)
        remote = received.remote or await self.world.remote(received.repository, found.remote)
        alone = remote.startswith("/")  # what is only on this machine is known to nobody else
        checks, red = ("", ()) if alone else await checks_of(self.world.ci, found.commit)
        await self.log.append(
            BaseResolved(
                found.commit,
                found.tree,
                found.branch,
                found.subject,
                remote,
                (*notices, *red),
                plan.options,
                remote_head=await remote_head(repository, remote, found.branch),
                ticket=None if seen.ticket == received.ticket else seen.ticket,
                ticket_seen=seen.text,
                checks=checks,
            )
        )

    async def _round(self) -> None:
        """One attempt, and what follows from it; a suite that says nothing ends the run."""
        site = await site_of(self.world, self.log)
        try:
            with unwrapped():
                await Round(site).carry_out()
        except SuiteUnusable as reason:
            await self.log.append(RunClosed(RunOutcome.UNUSABLE, str(reason)))
            return
        state = self.log.state
        await self.log.append(*await circumstanced(self.world, state, conclude(state)))
