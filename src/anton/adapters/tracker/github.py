"""Issues of GitHub as tickets: what became of them is read there, and nothing is written there.

The pull request names the issue, and a person decides whether merging it closes the issue.

Source: https://docs.github.com/en/rest/issues/issues#get-an-issue
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from anton.adapters.github.api import GitHub, Missing
from anton.adapters.github.place import GitHubPlace
from anton.adapters.tracker.issue import digest, moment
from anton.core.errors import OutsideError, UsageError
from anton.core.text import one_line
from anton.core.ticket import Ticket
from anton.ports import Sighting, Tracker

Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class _Issue(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    title: Words = ""
    body: Words = ""
    state: Words = ""
    state_reason: Words = ""
    updated_at: Words = ""
    comments: int = 0


class GitHubIssues:
    """The Tracker port on issues that a webhook brought, whose record is kept in local files.

    Args:
        github: With a credential.
        place: Where the issues are.
        files: Where it is written down what Anton did.
    """

    def __init__(self, github: GitHub, place: GitHubPlace, files: Tracker) -> None:
        self._github = github
        self._place = place
        self._files = files

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        return f"GitHub issues (read at {self._place.web})"

    async def get(self, key: str) -> Ticket:
        """No ticket: a key such as `shop-12` does not say whose repository is meant.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            f"there is no ticket {key!r}: an issue of GitHub starts a run by its label, or by a comment "
            "that begins with /anton"
        )

    async def reread(self, ticket: Ticket) -> Sighting:
        """The ticket as it was taken in, and what tells whether its issue was changed or closed since.

        Raises:
            UsageError: the issue is gone.
            OutsideError: GitHub is out of reach or refused.
        """
        named, _, number = ticket.url.rpartition("/issues/")
        repository = self._place.repository(named)
        if not repository or not number.isdecimal():
            return Sighting(ticket)
        owner, _, name = repository.partition("/")
        try:
            issue = _Issue.model_validate(
                await self._github.get(
                    "/repos/{owner}/{repo}/issues/{number}", {"owner": owner, "repo": name, "number": number}
                )
            )
        except Missing as error:
            raise UsageError(f"the issue {ticket.url!r} is gone, or not shown to Anton") from error
        except ValidationError as error:
            raise OutsideError(f"GitHub's answer is not as it documents an issue: {ticket.url!r}") from error
        why = one_line(issue.state_reason.replace("_", " "))[:60]
        closed = (f"closed as {why}" if why else "closed") if issue.state == "closed" else ""
        text = digest(issue.title, issue.body, str(issue.comments))
        return Sighting(ticket, text, closed, moment(issue.updated_at))

    async def start(self, ticket: Ticket) -> None:
        """Write down that it is in progress."""
        await self._files.start(ticket)

    async def close(self, ticket: Ticket, link: str) -> str:
        """Write down that the pull request is open; returns where."""
        return await self._files.close(ticket, link)

    async def merged(self, ticket: Ticket, link: str) -> str:
        """Write down that it is merged; returns where."""
        return await self._files.merged(ticket, link)
