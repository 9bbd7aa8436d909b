"""What can be set of Jira."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from anton.settings.fields import Key, Section, Text, Url


class JiraSettings(Section):
    """`[jira]`: the site whose issues are repaired, moved and commented on."""

    base_url: Url | None = None
    """Such as `https://example.atlassian.net`; without one, tickets are Markdown files."""
    email: Text | None = None
    """Of the account in whose name Anton works."""
    api_token: Key | None = None
    """Of that account."""
    label: Text | None = None
    """Only issues with this label start a run; without one, all that the webhook tells of."""
    in_progress: tuple[Text, ...] = ()
    """Names of transitions or statuses that are preferred among those that lead to work, best first."""
    done: Literal["approval", "merge"] = "approval"
    """When an issue becomes done."""
    finished: tuple[Text, ...] = ()
    """Names of transitions or statuses that are preferred among those that are done, best first."""

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        needed = {"base_url": self.base_url, "email": self.email, "api_token": self.api_token}
        missing = [f"JIRA_{name.upper()}" for name, value in needed.items() if value is None]
        if 0 < len(missing) < len(needed):
            raise ValueError(f"is half set: {' and '.join(missing)} is missing")
        return self
