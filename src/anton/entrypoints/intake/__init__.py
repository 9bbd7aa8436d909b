"""What others send, as tickets: one module a sender, each pure.

Whether the sender is who it says it is was settled before, by `signatures`. Here a payload becomes `Taken`,
or `Ignored` with the reason, or it is refused with a UsageError that says what is wrong with it. Nothing else
is ever raised, whatever the payload: it was written by others.

`Taken.delivery` is the key under which a run is begun once and for good (`Journal.receive`). It names what
happened, not the message that told of it: a message that is sent again, or a second one about the same thing,
finds the run that there is.
"""

from anton.entrypoints.intake.alertmanager import alertmanager
from anton.entrypoints.intake.generic import generic
from anton.entrypoints.intake.github import GitHubRules, Merged, github
from anton.entrypoints.intake.jira import JiraRules, jira
from anton.entrypoints.intake.json_body import MAX_BODY_BYTES, parse_json
from anton.entrypoints.intake.pagerduty import pagerduty
from anton.entrypoints.intake.sentry import sentry
from anton.entrypoints.intake.slack import slack_command
from anton.entrypoints.intake.taken import Ignored, Taken

__all__ = [
    "MAX_BODY_BYTES",
    "GitHubRules",
    "Ignored",
    "JiraRules",
    "Merged",
    "Taken",
    "alertmanager",
    "generic",
    "github",
    "jira",
    "pagerduty",
    "parse_json",
    "sentry",
    "slack_command",
]
