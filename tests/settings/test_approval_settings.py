"""`[approval]`: what is taken, what follows from it, and what mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from anton.app.approvals import approval_of
from anton.core.approval import RISKY, ApprovalRules, Rule
from anton.core.errors import UsageError
from anton.core.person import Person
from anton.settings import Settings, load_settings

TEAM = """
[approval.people.kim]
slack = ["T024BE7LD/U04PV1N2X"]
api = ["laptop"]
terminal = ["kim"]
[approval.people.lee]
email = ["lee@example.com"]
[[approval.rules]]
people = ["kim", "lee"]
repositories = ["**/shop"]
paths = ["src/**"]
"""


def settings_of(toml: str, folder: Path) -> Settings:
    (folder / "anton.toml").write_text(toml)
    return load_settings({"HOME": str(folder / "home")}, folder)


def test_without_any_it_is_whoever_sits_at_the_machine(tmp_path: Path) -> None:
    assert approval_of(settings_of("", tmp_path)) == ApprovalRules()
    assert ApprovalRules().keyboard == "owner"


def test_a_team_as_the_gate_sees_it(tmp_path: Path) -> None:
    assert approval_of(settings_of(TEAM, tmp_path)) == ApprovalRules(
        people=(
            Person("kim", frozenset({"slack:T024BE7LD/U04PV1N2X", "api:laptop", "terminal:kim"})),
            Person("lee", frozenset({"email:lee@example.com"})),
        ),
        rules=(Rule(frozenset({"kim", "lee"}), ("**/shop",), ("src/**",)),),
        keyboard="listed",
        two_persons=RISKY,
    )


def test_rules_bind_the_keyboard_too_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    said = TEAM.replace("[approval.people.kim]", '[approval]\nkeyboard = "owner"\n[approval.people.kim]', 1)
    assert approval_of(settings_of(said, tmp_path)).keyboard == "owner"
    assert approval_of(settings_of('[approval]\nkeyboard = "listed"', tmp_path)).keyboard == "listed"


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            '[[approval.rules]]\npeople = ["kim"]',
            "anton.toml: approval has a rule that names 'kim', who is not in approval.people: none yet",
        ),
        (
            TEAM.replace('people = ["kim", "lee"]', 'people = ["kmi"]'),
            "approval has a rule that names 'kmi', who is not in approval.people: kim, lee",
        ),
        (
            TEAM.replace("email =", 'terminal = ["kim"]\nemail ='),
            "approval gives terminal 'kim' to two people, 'kim' and 'lee'",
        ),
        (
            '[approval.people.kim]\nslack = ["kim"]',
            "approval.people.kim.slack.0 is 'kim': it must be the ids of workspace and member",
        ),
        (
            '[approval.people.kim]\nslak = ["T1/U1"]',
            "unknown key 'approval.people.kim.slak': did you mean 'slack'?",
        ),
        ('[approval.people."k m"]\n', "approval.people.k m is 'k m': it must be a name of letters"),
        ("[[approval.rules]]\npeople = []", "approval.rules.0.people"),
        ('[approval]\nkeyboard = "anyone"', "approval.keyboard is 'anyone': it must be 'owner' or 'listed'"),
        ('[approval]\nbase_moved = "push"', "approval.base_moved is 'push': it must be 'prove' or 'deliver'"),
        ("[approval]\napprovers = []", "unknown key 'approval.approvers': "),
        ("[approval]\nrequester_may_approve = 5", "approval.requester_may_approve is 5: it must be a"),
    ],
)
def test_a_mistake_is_told_and_nobody_may_by_it(tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        settings_of(toml, tmp_path)
    assert words in str(refused.value)
