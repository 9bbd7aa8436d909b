"""Who may decide, as the settings have it."""

from __future__ import annotations

from anton.core.approval import ApprovalRules, Rule
from anton.core.person import Person
from anton.settings import Settings


def approval_of(settings: Settings) -> ApprovalRules:
    """The rules of `[approval]`."""
    chosen = settings.approval
    return ApprovalRules(
        people=tuple(
            Person(name, frozenset(f"{way}:{value}" for way, values in person for value in values))
            for name, person in chosen.people.items()
        ),
        rules=tuple(Rule(frozenset(rule.people), rule.repositories, rule.paths) for rule in chosen.rules),
        keyboard=chosen.keyboard or ("listed" if chosen.rules else "owner"),
        requester_may_approve=chosen.requester_may_approve,
        two_persons=chosen.two_persons,
        draft=chosen.draft,
        base_moved=chosen.base_moved,
    )
