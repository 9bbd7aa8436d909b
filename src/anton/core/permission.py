"""May this call be made? One table, read by the policy in force, the call's reach, and its danger.

Rules that hold over the whole table, each with a test:

- a policy further down never allows more than one above it;
- a call that reaches further, or is more dangerous, is never allowed more;
- what is dangerous is asked about even where all else is allowed; only YOLO asks nothing, and says so;
- what others will see is not in the table: `decide_publishing` asks about it, under YOLO too;
- where nobody is there to ask, a question is a no (`unattended`).

`docs/permissions.md` shows the same table to users; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from anton.core.tool import Reach


class Policy(StrEnum):
    """How much is done without a question, from most to least."""

    YOLO = "yolo"
    """Everything is done, nothing is asked."""
    AUTO = "auto"
    """All that stays in the worktree and the sandbox, and the network; asks about what is dangerous."""
    ON_FAILURE = "on_failure"
    """Everything is tried inside the sandbox first; what the sandbox refuses is asked about, once."""
    AUTO_EDIT = "auto_edit"
    """Files of the worktree are read and changed; asks before anything runs."""
    ON_REQUEST = "on_request"
    """Files of the worktree are read; asks before anything else."""
    NEVER = "never"
    """As ON_REQUEST with nobody to ask: what would be a question is a no."""


class Danger(StrEnum):
    """What is known about a call besides its reach, from least to worst."""

    SAFE = "safe"
    """Known to do no more than its reach says: it only reads, or is what the operator set up."""
    UNKNOWN = "unknown"
    """Nothing speaks against it, and nothing vouches for it."""
    DANGEROUS = "dangerous"
    """Destroys, publishes, escalates, or hides what it does."""


class Verdict(Enum):
    """What one cell of the table says."""

    ALLOWED = "allowed"
    TRIED = "tried"
    """Allowed inside the sandbox as it is; a refusal by the sandbox is asked about once."""
    ASKED = "asked"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call is made now."""

    reason: str
    tried: bool = False
    """Only inside the sandbox as it is, without network; when the sandbox refuses it, see `after_refusal`."""


@dataclass(frozen=True, slots=True)
class Asks:
    """A person is asked first."""

    reason: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The call is not made; the reason goes to the model."""

    reason: str


Decision = Allowed | Asks | Denied

REACHES: Final = (Reach.SUBMIT, Reach.READ, Reach.WRITE, Reach.RUN, Reach.NETWORK, Reach.OUTSIDE)
"""From the nearest to the furthest."""
DANGERS: Final = tuple(Danger)

_A, _T, _Q, _D = Verdict.ALLOWED, Verdict.TRIED, Verdict.ASKED, Verdict.DENIED

TABLE: Final[dict[Policy, dict[Reach, tuple[Verdict, Verdict, Verdict]]]] = {
    # Each cell: safe, unknown, dangerous.
    Policy.YOLO: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _A),
        Reach.WRITE: (_A, _A, _A),
        Reach.RUN: (_A, _A, _A),
        Reach.NETWORK: (_A, _A, _A),
        Reach.OUTSIDE: (_A, _A, _A),
    },
    Policy.AUTO: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _Q),
        Reach.WRITE: (_A, _A, _Q),
        Reach.RUN: (_A, _A, _Q),
        Reach.NETWORK: (_A, _A, _Q),
        Reach.OUTSIDE: (_T, _T, _Q),
    },
    Policy.ON_FAILURE: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _Q),
        Reach.WRITE: (_A, _A, _Q),
        Reach.RUN: (_A, _T, _Q),
        Reach.NETWORK: (_T, _T, _Q),
        Reach.OUTSIDE: (_T, _T, _Q),
    },
    Policy.AUTO_EDIT: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _Q),
        Reach.WRITE: (_A, _A, _Q),
        Reach.RUN: (_A, _Q, _Q),
        Reach.NETWORK: (_Q, _Q, _Q),
        Reach.OUTSIDE: (_Q, _Q, _Q),
    },
    Policy.ON_REQUEST: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _Q),
        Reach.WRITE: (_Q, _Q, _Q),
        Reach.RUN: (_Q, _Q, _Q),
        Reach.NETWORK: (_Q, _Q, _Q),
        Reach.OUTSIDE: (_Q, _Q, _Q),
    },
    Policy.NEVER: {
        Reach.SUBMIT: (_A, _A, _A),
        Reach.READ: (_A, _A, _D),
        Reach.WRITE: (_D, _D, _D),
        Reach.RUN: (_D, _D, _D),
        Reach.NETWORK: (_D, _D, _D),
        Reach.OUTSIDE: (_D, _D, _D),
    },
}

_DOES: Final[dict[Reach, str]] = {
    Reach.SUBMIT: "hands in a result",
    Reach.READ: "reads files of the worktree",
    Reach.WRITE: "changes files of the worktree",
    Reach.RUN: "runs a command",
    Reach.NETWORK: "talks to other machines",
    Reach.OUTSIDE: "reaches outside the worktree",
}


def widest(*reaches: Reach) -> Reach:
    """The furthest of some reaches; SUBMIT of none."""
    return max(reaches, key=REACHES.index, default=Reach.SUBMIT)


def worst(*dangers: Danger) -> Danger:
    """The worst of some dangers; SAFE of none."""
    return max(dangers, key=DANGERS.index, default=Danger.SAFE)


def decide(policy: Policy, reach: Reach, danger: Danger, *, sandboxed: bool) -> Decision:
    """What the policy in force says of one call.

    Args:
        policy: The policy in force.
        reach: How far the call's effects go.
        danger: What is known about it.
        sandboxed: Whether a working sandbox would hold it. Without one, whatever runs reaches outside, and
            nothing can be tried that a sandbox would have refused.
    """
    held = sandboxed or reach not in (Reach.RUN, Reach.NETWORK)
    actual = reach if held else Reach.OUTSIDE
    verdict = TABLE[policy][actual][DANGERS.index(danger)]
    if verdict is Verdict.TRIED and not sandboxed:
        verdict = Verdict.ASKED
    what = _described(reach, danger, held)
    match verdict:
        case Verdict.ALLOWED if policy is Policy.YOLO:
            return Allowed(f"{what}; nothing is asked under the policy {policy.value}")
        case Verdict.ALLOWED:
            return Allowed(f"{what}, which the policy {policy.value} allows")
        case Verdict.TRIED:
            return Allowed(
                f"{what}; under the policy {policy.value} it is tried inside the sandbox", tried=True
            )
        case Verdict.ASKED:
            return Asks(f"{what}, about which the policy {policy.value} asks")
        case Verdict.DENIED:
            return Denied(f"{what}, which the policy {policy.value} does not allow")


def _described(reach: Reach, danger: Danger, held: bool) -> str:
    words = _DOES[reach] if held else f"{_DOES[reach]} with no sandbox to hold it"
    return f"it {words} and is dangerous" if danger is Danger.DANGEROUS else f"it {words}"


def decide_publishing(policy: Policy) -> Decision:
    """What the policy says of a call that others see, in a person's name.

    It is asked about under every policy but NEVER, which denies it. Where others see it nothing can be taken
    back, so YOLO, which asks about nothing else, asks here.
    """
    if policy is Policy.NEVER:
        return Denied(f"others would see it, which the policy {policy.value} does not allow")
    return Asks("others will see it, about which every policy asks")


def unattended(decision: Decision) -> Decision:
    """The decision where nobody is there to ask: a question is a no, and a refusal by the sandbox stands."""
    match decision:
        case Asks(reason):
            return Denied(f"{reason}; nobody is there to answer")
        case Allowed(reason, tried=True):
            return Allowed(reason)
        case _:
            return decision


def after_refusal(decision: Allowed) -> Asks | Denied:
    """What follows when the sandbox refused a call that had been allowed.

    To be taken once a call: a person who says yes lets it run outside the sandbox.
    """
    if decision.tried:
        return Asks("the sandbox refused it; outside the sandbox it runs only if a person says so")
    return Denied("the sandbox refused it")
