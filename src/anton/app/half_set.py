"""Services outside that somebody began to set and that are not used for want of something.

That is no mistake in itself: a team's file names the site, and each machine's environment brings the token.
So it is never refused, and said wherever one looks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anton.settings import Settings


@dataclass(frozen=True, slots=True)
class HalfSet:
    """One of them."""

    service: str
    missing: tuple[tuple[str, str], ...]
    """Key in the settings, and its variable in the environment."""

    @property
    def reason(self) -> str:
        """In a sentence, without the full stop."""
        names = " and ".join(variable for _, variable in self.missing)
        return (
            f"{self.service} is not used, because {names} {'is' if len(self.missing) == 1 else 'are'} not set"
        )


def half_set(settings: Settings) -> Mapping[str, HalfSet]:
    """By the port that has its embedded side for that reason."""
    return dict(_found(settings))


def _found(settings: Settings) -> Iterator[tuple[str, HalfSet]]:
    jira, slack, github = settings.jira, settings.slack, settings.github
    if jira.api_token is None and (jira.base_url or jira.email):
        needed = {
            ("jira.base_url", "JIRA_BASE_URL"): jira.base_url,
            ("jira.email", "JIRA_EMAIL"): jira.email,
            ("jira.api_token", "JIRA_API_TOKEN"): None,
        }
        yield "tracker", HalfSet("Jira", tuple(names for names, value in needed.items() if not value))
    if github.repo and not github.has_credential:
        yield "forge", HalfSet("GitHub", (("github.token", "GITHUB_TOKEN"),))
    if slack.bot_token is None and (slack.channel or slack.app_token):
        needed = {
            ("slack.bot_token", "SLACK_BOT_TOKEN"): None,
            ("slack.channel", "SLACK_CHANNEL"): slack.channel,
        }
        yield "chat", HalfSet("Slack", tuple(names for names, value in needed.items() if not value))
