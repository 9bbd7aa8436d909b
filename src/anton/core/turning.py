"""What a person does with a conversation besides talking: marks a point, goes back, changes the terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from anton.core.permission import Policy

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""Of a checkpoint."""


@dataclass(frozen=True, slots=True)
class CheckpointMade:
    """A point of the conversation got a name, and can be gone back to."""

    agent: str
    name: str
    """Matches `NAME`. A later checkpoint of the same name takes the place of an earlier one."""
    kind: Literal["checkpoint_made"] = "checkpoint_made"


@dataclass(frozen=True, slots=True)
class CheckpointRestored:
    """The conversation and its worktree are what they were at a checkpoint; what came after stays written."""

    agent: str
    name: str
    kind: Literal["checkpoint_restored"] = "checkpoint_restored"


@dataclass(frozen=True, slots=True)
class ModelChosen:
    """A person named the model of the rest of the conversation."""

    agent: str
    model: str
    kind: Literal["model_chosen"] = "model_chosen"


@dataclass(frozen=True, slots=True)
class PolicyChosen:
    """A person named the policy of the rest of the conversation."""

    agent: str
    policy: Policy
    kind: Literal["policy_chosen"] = "policy_chosen"


Turning = CheckpointMade | CheckpointRestored | ModelChosen | PolicyChosen
