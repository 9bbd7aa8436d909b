"""Pull requests on GitHub.

Found before it is made: by its head branch, which has the run's id in it. One that a person has merged or
closed counts as well, if it is of the approved commit: they have answered it.
Source: https://docs.github.com/en/rest/pulls/pulls
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ValidationError

from anton.adapters.forge.github_reading import GitHubReading
from anton.adapters.github.api import GitHub, Invalid, Missing, Unsure
from anton.core.errors import OutsideError
from anton.ports import CodeHit, Discussion, PullRequestDraft

MAX_BODY_CHARACTERS = 65_000
"""GitHub takes 65,536."""
MAX_TITLE_CHARACTERS = 250
COLOURS = {"bug": "d73a4a", "anton": "5319e7"}
"""Of labels that are made here."""
OTHER_COLOUR = "ededed"


class _Head(BaseModel):
    sha: str


class _PullRequest(BaseModel):
    number: int
    html_url: str
    state: str
    head: _Head


class _Permissions(BaseModel):
    push: bool = False


class _Repository(BaseModel):
    full_name: str
    archived: bool = False
    permissions: _Permissions | None = None
    """Of the account; an installation is not told."""


class GitHubForge:
    """The Forge port on a repository of GitHub's, which the draft's remote names.

    Args:
        github: With a credential.
        repository: `owner/repo` that is read and whose accessibility is shown at start-up; empty for none.
    """

    def __init__(self, github: GitHub, repository: str = "") -> None:
        self._github = github
        self._repository = repository
        self._reading = GitHubReading(github, repository)
        self._one_at_a_time = asyncio.Lock()
        """GitHub asks for writes one after the other, and what is looked for must not be made meanwhile."""

    @property
    def description(self) -> str:
        """Which side this is, for start-up."""
        credential = self._github.credential
        return (
            f"GitHub at {self._github.place.web}, with {credential.description if credential else 'nothing'}"
        )

    async def prove(self) -> str:
        """Whether the repository may be read and pushed to, as GitHub says; nothing is changed.

        Raises:
            OutsideError: out of reach, not accepted, archived, or not allowed to push.
        """
        if not self._repository:
            return "no repository is named (GITHUB_REPO)"
        path, names = "/repos/{repository}", {"repository": self._repository}
        try:
            found = _Repository.model_validate(await self._github.get(path, names))
        except ValidationError as error:
            raise OutsideError("the answer is not GitHub's. Check github.base_url") from error
        if found.archived:
            raise OutsideError(f"{found.full_name!r} is archived: unarchive it, or set another GITHUB_REPO")
        if found.permissions is not None and not found.permissions.push:
            raise OutsideError(
                f"{found.full_name!r} may be read, not pushed to: let the credential write Contents and "
                "Pull requests"
            )
        return f"{found.full_name} may be read and pushed to"

    async def open_pull_request(self, draft: PullRequestDraft) -> str:
        """URL of the pull request for the draft's branch, made where there is none.

        Raises:
            OutsideError: GitHub is out of reach or refused, or the pull request is of another commit.
        """
        repository = self._github.place.repository(draft.remote)
        if not repository:
            raise OutsideError(f"{draft.remote!r} is no repository at {self._github.place.web}")
        async with self._one_at_a_time:
            found = await self._find(repository, draft) or await self._make(repository, draft)
            await self._check(repository, draft, found)
            await self._label(repository, found.number, draft.labels)
            return found.html_url

    async def discussion(self, number: int) -> Discussion:
        """An issue or pull request of the repository that is set, with its newest comments.

        Raises:
            UsageError: there is none, or no repository is set.
            OutsideError: GitHub is out of reach or refused.
        """
        return await self._reading.discussion(number)

    async def search_code(self, query: str, limit: int) -> tuple[CodeHit, ...]:
        """Files of the repository that is set, as far as GitHub has them indexed: its default branch.

        Raises:
            UsageError: the query cannot be asked, or no repository is set.
            OutsideError: GitHub is out of reach or refused.
        """
        return await self._reading.search_code(query, limit)

    async def _find(self, repository: str, draft: PullRequestDraft) -> _PullRequest | None:
        """The open one for the branch, else the newest that a person closed, of the very commit."""
        head = f"{repository.partition('/')[0]}:{draft.head}"
        names = {"repository": repository}
        listed = await self._github.get(
            "/repos/{repository}/pulls", names, head=head, state="all", per_page="50"
        )
        known = _read_all(listed)
        opened = [each for each in known if each.state == "open"]
        answered = [each for each in known if each.head.sha == draft.commit]
        return next(iter((*opened, *sorted(answered, key=lambda each: -each.number))), None)

    async def _make(self, repository: str, draft: PullRequestDraft) -> _PullRequest:
        """A new one. Where nobody can tell whether it was made, it is looked for before it is made again."""
        patience = self._github.patience
        repeat = 0
        while True:
            repeat += 1
            try:
                return _read(
                    await self._github.post(
                        "/repos/{repository}/pulls", {"repository": repository}, self._fields(draft)
                    )
                )
            except Invalid as refusal:  # "A pull request already exists", or values that GitHub does not take
                if found := await self._find(repository, draft):
                    return found
                raise self._explained(refusal, draft) from refusal
            except Unsure:
                if found := await self._find(repository, draft):
                    return found
                wait = patience.wait_seconds(repeat, None)
                if wait is None:
                    raise
                await patience.sleep(wait)
                if found := await self._find(repository, draft):  # it may have become visible only now
                    return found

    def _fields(self, draft: PullRequestDraft) -> Mapping[str, object]:
        return {
            "title": draft.title[:MAX_TITLE_CHARACTERS],
            "head": draft.head,
            "base": draft.base,
            "body": body_with_files(draft.body, draft.attachments),
            "draft": draft.draft,
        }

    def _explained(self, refusal: Invalid, draft: PullRequestDraft) -> OutsideError:
        said = str(refusal)
        if "draft" in said.lower():
            return OutsideError(f"{said}. Set approval.draft to false")
        if "'base'" in said:
            return OutsideError(
                f"{said}. GitHub has no branch {draft.base!r}: push it, or choose another --base"
            )
        if "no commits between" in said.lower():
            return OutsideError(f"{said}. {draft.base!r} has the fix already: close the ticket by hand")
        return OutsideError(said)

    async def _check(self, repository: str, draft: PullRequestDraft, found: _PullRequest) -> None:
        """Read back what the pull request is of.

        Raises:
            OutsideError: it is not the approved commit.
        """
        names = {"repository": repository, "number": str(found.number)}
        now = _read(await self._github.get("/repos/{repository}/pulls/{number}", names))
        if now.head.sha != draft.commit:
            raise OutsideError(
                f"{now.html_url} is at {now.head.sha[:10]!r}, and approved was {draft.commit[:10]!r}: "
                f"somebody pushed to {draft.head!r}. Look at what is there. Then set the branch back to the "
                "approved commit, or close the pull request and delete the branch, and resume the run"
            )

    async def _label(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        for label in labels:
            await self._have_label(repository, label)
        names = {"repository": repository, "number": str(number)}
        fields = {"labels": list(labels)}
        await self._repeatedly("/repos/{repository}/issues/{number}/labels", names, fields, labels)

    async def _have_label(self, repository: str, label: str) -> None:
        try:
            found = await self._github.get(
                "/repos/{repository}/labels/{label}", {"repository": repository, "label": label}
            )
            _check_labels([found], (label,))
        except Missing:
            fields = {"name": label, "color": COLOURS.get(label, OTHER_COLOUR)}
            try:
                await self._repeatedly(
                    "/repos/{repository}/labels", {"repository": repository}, fields, (label,)
                )
            except Invalid:  # somebody else made it meanwhile
                return

    async def _repeatedly(
        self, path: str, names: Mapping[str, str], fields: Mapping[str, object], labels: Iterable[str]
    ) -> None:
        """Do what does no harm when it is done twice, until the answer names the labels that it is about."""
        patience = self._github.patience
        repeat = 0
        while True:
            repeat += 1
            try:
                made = await self._github.post(path, names, fields)
                _check_labels(made if isinstance(made, list) else [made], labels)
            except Unsure:
                wait = patience.wait_seconds(repeat, None)
                if wait is None:
                    raise
                await patience.sleep(wait)
            else:
                return


def body_with_files(body: str, attachments: Mapping[str, bytes]) -> str:
    """The body, cut where GitHub would not take it, with names and digests of the files it cannot hold."""
    listed = "".join(
        f"- `{name}`, SHA-256 `{hashlib.sha256(content).hexdigest()}`\n"
        for name, content in attachments.items()
    )
    more = (
        f"\n## Files\n\nKept beside the run's incident report, because pull requests hold none:\n\n{listed}"
    )
    more = more if attachments else ""
    room = MAX_BODY_CHARACTERS - len(more)
    if len(body) > room:
        notice = "\n\n_Cut here: the whole text is `pull_request.md` beside the incident report._\n"
        body = body[: room - len(notice)] + notice
    return body + more


def _read(answer: object) -> _PullRequest:
    try:
        return _PullRequest.model_validate(answer)
    except ValidationError as error:
        raise _foreign("a pull request") from error


def _read_all(answer: object) -> list[_PullRequest]:
    if not isinstance(answer, list):
        raise _foreign("a list of pull requests")
    return [_read(each) for each in answer]


def _check_labels(answer: object, wanted: Iterable[str]) -> None:
    """See to it that an answer lists labels: a proxy's page in its place says that nothing was done.

    Raises:
        Unsure: it does not.
    """
    found = (
        [each.get("name") for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []
    )
    names = {name.lower() for name in found if isinstance(name, str)}
    if not {label.lower() for label in wanted} <= names:
        raise _foreign("the labels that were asked for")


def _foreign(expected: str) -> Unsure:
    return Unsure(f"GitHub answered something else than {expected}. Check github.base_url")
