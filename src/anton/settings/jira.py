"""What can be set of Jira."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from anton.settings.fields import Key, Section, Text, Url


class JiraSettings(Section):
    """`[jira]`: the site whose issues are repaired, moved and commented on."""

    base_url: Url | None = None
    """Such as `https://example.atlassian.net`."""
    email: Text | None = None
    """Of the account in whose name Anton works."""
    api_token: Key | None = None
    """Of that account; without one, tickets are Markdown files."""
    label: Text | None = None
    """Only issues with this label start a run; without one, all that the webhook tells of."""
    in_progress: tuple[Text, ...] = ()
    """Names of transitions or statuses that are preferred among those that lead to work, best first."""
    done: Literal["approval", "merge"] = "approval"
    """When an issue becomes done."""
    finished: tuple[Text, ...] = ()
    """Names of transitions or statuses that are preferred among those that are done, best first."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        needed = {"JIRA_BASE_URL": self.base_url, "JIRA_EMAIL": self.email}
        missing = [name for name, value in needed.items() if value is None]
        if self.api_token is not None and missing:
            raise ValueError(
                f"has an api_token and needs {' and '.join(missing)}, of the site and the account"
            )
        return self
