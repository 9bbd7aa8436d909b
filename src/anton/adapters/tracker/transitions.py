"""Which transition leads an issue where it should go, whatever its workflow calls things; pure.

A status belongs to one of three categories, which are the same in every workflow: `new`, `indeterminate` (in
progress) and `done`. Names are only a preference among those that lead to the right category.

Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Category = Literal["indeterminate", "done"]

USUAL: Mapping[Category, tuple[str, ...]] = {
    "indeterminate": ("in progress", "start progress", "in development", "doing"),
    "done": ("done", "resolved", "closed", "fixed", "complete", "completed"),
}
"""Names that are preferred where the settings name none."""
_FALSE_ENDS = ("declin", "reject", "cancel", "duplicate", "won't", "wont", "invalid", "not a bug", "abandon")
"""In names of statuses and resolutions that are done, and not by a repair."""


class Kept(BaseModel):
    """Part of an answer of Jira's; the rest is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class StatusCategory(Kept):
    """`new`, `indeterminate` or `done`."""

    key: Words = ""


class Status(Kept):
    """Where an issue stands."""

    name: Words = ""
    category: StatusCategory | None = Field(default=None, alias="statusCategory")

    @property
    def key(self) -> str:
        """Of its category; empty where it is not known."""
        return self.category.key if self.category else ""


class Value(Kept):
    """One of the values that a field may have."""

    id: Words = ""
    name: Words = ""


class ScreenField(Kept):
    """A field that the transition's screen asks for."""

    required: bool = False
    has_default: bool = Field(default=False, alias="hasDefaultValue")
    name: Words = ""
    values: Annotated[tuple[Value, ...], BeforeValidator(lambda v: v if isinstance(v, list) else ())] = Field(
        default=(), alias="allowedValues"
    )


class Transition(Kept):
    """A way out of the issue's status."""

    id: str
    name: Words = ""
    to: Status = Status()
    fields: Mapping[str, ScreenField] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the fields that it needs and that only a person can fill in."""
        return tuple(
            each.name or key
            for key, each in (self.fields or {}).items()
            if each.required and not each.has_default and not (key == "resolution" and _resolution(each))
        )


@dataclass(frozen=True, slots=True)
class Way:
    """What to send to Jira to take a transition."""

    id: str
    fields: Mapping[str, object] = field(default_factory=dict)


def way_to(
    category: Category, transitions: Sequence[Transition], names: Sequence[str], now: str
) -> Way | str:
    """The transition to take, or in a sentence why none can be.

    Args:
        category: Where to.
        transitions: What Jira offers.
        names: Of transitions or statuses that the settings prefer, best first.
        now: Name of the status that the issue has.
    """
    leading = [each for each in transitions if each.to.key == category]
    if category == "done" and not names:
        leading = [each for each in leading if not _false_end(each.to.name) and not _false_end(each.name)]
    able = [each for each in leading if not each.missing]
    if able:
        best = min(able, key=lambda each: _rank(each, names or USUAL[category]))
        return Way(best.id, _filled(best))
    if leading:
        needed = ", ".join(map(repr, leading[0].missing))
        return f"the transition {leading[0].name!r} needs {needed} to be filled in"
    wanted = "done" if category == "done" else "in progress"
    offered = ", ".join(f"{each.name!r} to {each.to.name!r}" for each in transitions) or "none"
    return f"from {now!r} no transition leads to a status that is {wanted} (there is: {offered})"


def _rank(transition: Transition, names: Sequence[str]) -> int:
    known = {transition.to.name.lower(), transition.name.lower()}
    wanted = [name.lower() for name in names]
    return next((place for place, name in enumerate(wanted) if name in known), len(wanted))


def _filled(transition: Transition) -> Mapping[str, object]:
    asked = (transition.fields or {}).get("resolution")
    chosen = _resolution(asked) if asked and asked.required and not asked.has_default else None
    return {"resolution": {"id": chosen.id}} if chosen else {}


def _resolution(asked: ScreenField) -> Value | None:
    """The one that says that it was repaired; none where all say something else."""
    usable = [value for value in asked.values if value.id and not _false_end(value.name)]
    good = ("fixed", "done", "resolved")
    return min(
        usable, key=lambda v: good.index(v.name.lower()) if v.name.lower() in good else 9, default=None
    )


def _false_end(name: str) -> bool:
    return any(part in name.lower() for part in _FALSE_ENDS)
