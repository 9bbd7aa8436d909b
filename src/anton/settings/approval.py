"""What can be set of approvals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from anton.core.approval import RISKY
from anton.settings.fields import Section, Text


def _member(text: str) -> str:
    if not re.fullmatch(r"[TE][A-Z0-9]{1,30}/[UW][A-Z0-9]{1,30}", text):
        raise ValueError("must be the ids of workspace and member, as in 'T024BE7LD/U04PV1N2X'")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", text):
        raise ValueError("must be a name of letters, digits, '.', '_' and '-', as in 'kim'")
    return text


SlackMember = Annotated[str, AfterValidator(_member)]
Name = Annotated[str, AfterValidator(_name)]


class PersonSettings(Section):
    """`[approval.people.NAME]`: by what somebody is known, whatever way they come in."""

    slack: tuple[SlackMember, ...] = ()
    github: tuple[Text, ...] = ()
    """Logins."""
    email: tuple[Text, ...] = ()
    api: tuple[Text, ...] = ()
    """Names of API tokens."""
    terminal: tuple[Text, ...] = ()
    """Accounts on this machine."""


class RuleSettings(Section):
    """One of `[[approval.rules]]`: who may approve what."""

    people: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Names from `[approval.people]`."""
    repositories: Annotated[tuple[Text, ...], Field(min_length=1)] = ("**",)
    """Globs of the repository's path, or of its folder's name."""
    paths: Annotated[tuple[Text, ...], Field(min_length=1)] = ("**",)
    """Globs of what the patch changes; of all rules that match a path, the last one counts."""


class ApprovalSettings(Section):
    """`[approval]`: who may decide on a run."""

    people: Mapping[Name, PersonSettings] = Field(default_factory=dict)
    rules: tuple[RuleSettings, ...] = ()
    keyboard: Literal["owner", "listed"] | None = None
    """Whether whoever sits at this machine may decide by that alone; without a word, as long as there are no
    rules."""
    requester_may_approve: bool = False
    """Whether somebody may approve the run that they asked for."""
    two_persons: tuple[Text, ...] = RISKY
    """Globs of the paths that it takes two persons to approve changes of."""
    draft: bool = True
    """Whether a pull request that changes such a path is opened as a draft."""
    base_moved: Literal["prove", "deliver"] = "prove"
    """What follows where the branch went on and the patch's files stayed as they were."""

    @model_validator(mode="after")
    def _rules_name_people(self) -> Self:
        for rule in self.rules:
            for name in rule.people:
                if name not in self.people:
                    known = ", ".join(sorted(self.people)) or "none yet"
                    raise ValueError(
                        f"has a rule that names {name[:60]!r}, who is not in approval.people: {known}"
                    )
        return self

    @model_validator(mode="after")
    def _identities_are_ones_own(self) -> Self:
        owners: dict[tuple[str, str], str] = {}
        for name, person in self.people.items():
            for way, values in person:
                for value in values:
                    if owners.setdefault((way, value), name) != name:
                        raise ValueError(
                            f"gives {way} {value[:60]!r} to two people, {owners[way, value]!r} and {name!r}"
                        )
        return self
