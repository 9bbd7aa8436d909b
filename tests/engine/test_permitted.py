"""What a policy lets an agent do, through its tools."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from anton.adapters.model.scripted import Reply
from anton.core.errors import SandboxRefused, ToolError
from anton.core.event import TurnEnded
from anton.core.permission import Allowed, Danger, Denied, Policy, decide, decide_publishing
from anton.core.tool import Prepared, Reach, ToolSpec
from anton.engine.loop import work
from anton.engine.permitted import permitted
from anton.engine.person import Leave
from tests.engine.bench import STARTED, MemoryLog, agent, echo, probe
from tests.engine.test_loop import DONE, scripted

ALL = {
    "look": Reach.READ,
    "edit": Reach.WRITE,
    "run": Reach.RUN,
    "fetch": Reach.NETWORK,
    "hand_in": Reach.SUBMIT,
}


async def let_through(policy: Policy, *, sandboxed: bool) -> set[str]:
    tools = permitted(
        {name: probe(name, echo, reach) for name, reach in ALL.items()}, policy, sandboxed=sandboxed
    )
    through = set()
    for name, tool in tools.items():
        with contextlib.suppress(ToolError):
            await tool.call("{}")
            through.add(name)
    return through


@pytest.mark.parametrize(
    ("policy", "through"),
    [
        (Policy.YOLO, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.AUTO, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.ON_FAILURE, {"look", "edit", "run", "fetch", "hand_in"}),
        (Policy.AUTO_EDIT, {"look", "edit", "run", "hand_in"}),
        (Policy.ON_REQUEST, {"look", "hand_in"}),
        (Policy.NEVER, {"look", "hand_in"}),
    ],
)
async def test_a_policy_lets_through_what_its_row_says_where_nobody_is_asked(
    policy: Policy, through: set[str]
) -> None:
    assert await let_through(policy, sandboxed=True) == through


async def test_without_a_sandbox_nothing_runs_but_under_yolo() -> None:
    assert await let_through(Policy.AUTO, sandboxed=False) == {"look", "edit", "hand_in"}
    assert await let_through(Policy.YOLO, sandboxed=False) == set(ALL)


async def test_a_refused_call_is_answered_to_the_model_and_the_agent_goes_on() -> None:
    log = MemoryLog(STARTED)
    tool = probe("edit", echo, Reach.WRITE)
    made = agent(scripted(Reply(calls=(("edit", {}),)), DONE), tool, log=log)
    held = permitted(made.tools, Policy.ON_REQUEST, sandboxed=True)
    await work(replace(made, tools=held))
    [first] = [e for e in log.events if isinstance(e, TurnEnded)][:1]
    assert first.results[0].failed
    assert first.results[0].text == (
        "edit was not carried out: it changes files of the worktree, about which the policy on_request asks; "
        "nobody is there to answer."
    )
    assert log.state.output == '{"answer":42}'


# Somebody is there


@dataclass
class Somebody:
    """A person with an answer to each question, in order."""

    answers: Sequence[Leave] = ()
    asked: list[tuple[str, str]] = field(default_factory=list)
    there: bool = True

    async def leave(self, call: str, reason: str) -> Leave:
        """The next answer."""
        self.asked.append((call, reason))
        return self.answers[len(self.asked) - 1]


YES, NO = Leave(given=True, reason="Kim says yes"), Leave(given=False, reason="Kim says no: not today")


@dataclass
class Command:
    """A tool that the sandbox keeps from what it wants."""

    reach: Reach = Reach.RUN
    ran: list[str] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        """As any."""
        return ToolSpec("shell", "Runs.", {"type": "object"}, self.reach)

    async def call(self, arguments: str) -> str:
        """Within the sandbox."""
        self.ran.append("inside")
        raise SandboxRefused("shell: the file system is read-only")

    async def call_outside(self, arguments: str) -> str:
        """Without it."""
        self.ran.append("outside")
        return "done"


LINE = '{"command": "make"}'


async def test_what_the_policy_asks_about_is_made_after_a_yes_with_the_exact_call_shown() -> None:
    kim = Somebody([YES])
    tools = permitted(
        {"edit": probe("edit", echo, Reach.WRITE)}, Policy.ON_REQUEST, sandboxed=True, person=kim
    )
    assert await tools["edit"].call('{"path": "a.py"}') == 'got {"path": "a.py"}'
    assert kim.asked == [
        (
            'edit {"path": "a.py"}',
            "it changes files of the worktree, about which the policy on_request asks",
        )
    ]


async def test_a_no_goes_to_the_model_with_its_reason() -> None:
    tools = permitted(
        {"edit": probe("edit", echo, Reach.WRITE)}, Policy.ON_REQUEST, sandboxed=True, person=Somebody([NO])
    )
    with pytest.raises(ToolError, match=r"about which the policy on_request asks; Kim says no: not today\.$"):
        await tools["edit"].call("{}")


async def test_a_command_is_asked_about_for_what_it_does() -> None:
    kim = Somebody([NO])
    tools = permitted({"shell": Command()}, Policy.AUTO, sandboxed=True, person=kim)
    with pytest.raises(ToolError):
        await tools["shell"].call('{"command": "rm -rf src"}')
    [(call, reason)] = kim.asked
    assert call == "rm -rf src"
    assert "is dangerous" in reason
    assert "(rm: " in reason


async def test_what_the_policy_denies_is_asked_of_nobody() -> None:
    kim = Somebody()
    tools = permitted({"edit": probe("edit", echo, Reach.WRITE)}, Policy.NEVER, sandboxed=True, person=kim)
    with pytest.raises(ToolError, match="does not allow"):
        await tools["edit"].call("{}")
    assert kim.asked == []


async def test_what_the_sandbox_refuses_is_asked_about_once_and_then_run_outside() -> None:
    kim, tool = Somebody([YES]), Command()
    tools = permitted({"shell": tool}, Policy.ON_FAILURE, sandboxed=True, person=kim)
    assert await tools["shell"].call(LINE) == "done"
    assert tool.ran == ["inside", "outside"]
    assert kim.asked == [
        (
            "make\n(outside the sandbox)",
            "the sandbox refused it; outside the sandbox it runs only if a person says so",
        )
    ]


async def test_what_the_sandbox_refuses_stays_inside_after_a_no() -> None:
    tool = Command()
    tools = permitted({"shell": tool}, Policy.ON_FAILURE, sandboxed=True, person=Somebody([NO]))
    with pytest.raises(ToolError, match=r"read-only\nIt was not run outside the sandbox: Kim says no"):
        await tools["shell"].call(LINE)
    assert tool.ran == ["inside"]


@pytest.mark.parametrize("policy", [Policy.AUTO, Policy.YOLO])
async def test_a_refusal_by_the_sandbox_stands_where_the_call_was_not_tried(policy: Policy) -> None:
    kim, tool = Somebody(), Command()
    tools = permitted({"shell": tool}, policy, sandboxed=True, person=kim)
    with pytest.raises(SandboxRefused):
        await tools["shell"].call(LINE)
    assert (tool.ran, kim.asked) == (["inside"], [])


async def test_a_refusal_by_the_sandbox_stands_where_nobody_is_there() -> None:
    tool = Command()
    tools = permitted({"shell": tool}, Policy.ON_FAILURE, sandboxed=True)
    with pytest.raises(SandboxRefused):
        await tools["shell"].call(LINE)
    assert tool.ran == ["inside"]


async def test_a_refusal_by_the_sandbox_stands_where_the_tool_knows_no_other_way() -> None:
    async def refuse(_: str) -> str:
        raise SandboxRefused("read-only")

    kim = Somebody()
    tools = permitted(
        {"build": probe("build", refuse, Reach.OUTSIDE)}, Policy.ON_FAILURE, sandboxed=True, person=kim
    )
    with pytest.raises(SandboxRefused):
        await tools["build"].call("{}")
    assert kim.asked == []


# What others see


@dataclass
class Announcement:
    """A tool whose calls others see."""

    done: list[str] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)

    @property
    def spec(self) -> ToolSpec:
        """As any."""
        return ToolSpec("announce", "Announces.", {"type": "object"}, Reach.OUTSIDE)

    async def call(self, arguments: str) -> str:
        """Nobody was asked."""
        raise AssertionError(arguments)

    async def prepare(self, arguments: str) -> Prepared:
        """To be shown as it will be made."""
        self.prepared.append(arguments)

        async def carry_out() -> str:
            self.done.append(arguments)
            return "announced"

        return Prepared(f"announce to all: {arguments}", carry_out)


ASKING = [policy for policy in Policy if policy is not Policy.NEVER]


@pytest.mark.parametrize("policy", ASKING)
@pytest.mark.parametrize("sandboxed", [True, False])
async def test_what_others_see_is_asked_about_under_every_policy_and_made_as_it_was_shown(
    policy: Policy, *, sandboxed: bool
) -> None:
    kim, tool = Somebody([YES]), Announcement()
    tools = permitted({"announce": tool}, policy, sandboxed=sandboxed, person=kim)
    assert await tools["announce"].call('{"a": 1}') == "announced"
    assert kim.asked == [('announce to all: {"a": 1}', "others will see it, about which every policy asks")]
    assert tool.done == ['{"a": 1}']


@pytest.mark.parametrize("policy", ASKING)
async def test_what_others_would_see_is_not_made_after_a_no(policy: Policy) -> None:
    tool = Announcement()
    tools = permitted({"announce": tool}, policy, sandboxed=True, person=Somebody([NO]))
    with pytest.raises(ToolError, match="Kim says no: not today"):
        await tools["announce"].call("{}")
    assert tool.done == []


@pytest.mark.parametrize("policy", list(Policy))
async def test_what_others_would_see_is_not_even_made_ready_where_nobody_may_say_yes(policy: Policy) -> None:
    tool = Announcement()
    with pytest.raises(ToolError, match="announce was not carried out"):
        await permitted({"announce": tool}, policy, sandboxed=True)["announce"].call("{}")
    kim = Somebody()
    with pytest.raises(ToolError, match="does not allow"):
        await permitted({"announce": tool}, Policy.NEVER, sandboxed=True, person=kim)["announce"].call("{}")
    assert (tool.prepared, kim.asked) == ([], [])


@pytest.mark.parametrize("policy", list(Policy))
def test_what_others_see_is_allowed_no_more_than_the_table_allows_what_is_dangerous(policy: Policy) -> None:
    given = decide_publishing(policy)
    assert not isinstance(given, Allowed)
    if isinstance(decide(policy, Reach.OUTSIDE, Danger.DANGEROUS, sandboxed=True), Denied):
        assert isinstance(given, Denied)
