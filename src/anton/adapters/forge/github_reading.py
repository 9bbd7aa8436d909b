"""Issues, pull requests and code of one repository on GitHub, read within bounds.

Sources: https://docs.github.com/en/rest/issues/issues, https://docs.github.com/en/rest/search/search#search-code
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from anton.adapters.github.api import GitHub, Invalid, Missing
from anton.core.errors import OutsideError, UsageError
from anton.ports import CodeHit, Discussion, Remark

MAX_REMARKS = 50
"""Of each kind, the newest."""
MAX_FRAGMENTS = 3
"""Of one file."""
FRAGMENTS = "application/vnd.github.text-match+json"
"""The media type of a search that says where in a file something was found."""
_ELSEWHERE = re.compile(r"\b(?:repo|org|user|enterprise|owner)\s*:", re.IGNORECASE)


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class _User(_Kept):
    login: Words = ""


class _Label(_Kept):
    name: Words = ""


class _Issue(_Kept):
    number: int
    title: Words = ""
    state: Words = ""
    html_url: Words = ""
    user: _User | None = None
    body: Words = ""
    labels: tuple[_Label, ...] = ()
    comments: int = 0
    pull_request: Mapping[str, object] | None = None


class _Branch(_Kept):
    ref: Words = ""


class _Pull(_Issue):
    head: _Branch = _Branch()
    base: _Branch = _Branch()
    merged: bool = False


class _Comment(_Kept):
    user: _User | None = None
    created_at: Words = ""
    body: Words = ""
    path: Words = ""
    line: int | None = None


class _Match(_Kept):
    fragment: Words = ""


class _Named(_Kept):
    full_name: str


class _Hit(_Kept):
    path: str
    html_url: Words = ""
    repository: _Named
    text_matches: tuple[_Match, ...] = Field(default=())


class _Hits(_Kept):
    items: tuple[_Hit, ...]


K = TypeVar("K", bound=_Kept)


class GitHubReading:
    """The ports `Discussions` and `CodeSearch` on one repository of GitHub's.

    Args:
        github: With a credential.
        repository: `owner/repo`; empty where none is set, and then nothing is read.
    """

    def __init__(self, github: GitHub, repository: str) -> None:
        self._github = github
        self._repository = repository

    async def discussion(self, number: int) -> Discussion:
        """An issue or pull request with its newest comments; see the port."""
        names = {"repository": self._named(), "number": str(number)}
        issue = await self._issue(names)
        pull = await self._pull(names) if issue is None or issue.pull_request is not None else None
        found = pull if issue is None else issue
        if found is None:
            raise UsageError(
                f"there is no issue or pull request {number} in {self._repository}, or the credential may "
                "not see it"
            )
        remarks = await self._remarks(names, found.comments)
        about_code = await self._remarks_on_code(names) if pull else ()
        return Discussion(
            number=found.number,
            title=found.title,
            state="merged" if pull and pull.merged else found.state,
            url=found.html_url,
            author=found.user.login if found.user else "",
            body=found.body,
            labels=tuple(label.name for label in found.labels if label.name),
            branches=f"{pull.head.ref} into {pull.base.ref}" if pull else "",
            remarks=tuple(sorted((*remarks, *about_code), key=lambda remark: remark.at)),
            left_out=max(0, found.comments - len(remarks)),
        )

    async def search_code(self, query: str, limit: int) -> tuple[CodeHit, ...]:
        """Files of the repository that a query finds; see the port."""
        repository = self._named()
        if _ELSEWHERE.search(query):
            raise UsageError(
                f"only {repository} is searched: leave out 'repo:', 'org:' and 'user:', and say what to find"
            )
        asked = f"{query} repo:{repository}"
        try:
            answer = await self._github.get("/search/code", {}, FRAGMENTS, q=asked, per_page=str(limit))
        except Invalid as refusal:
            raise UsageError(f"GitHub cannot search for {query!r}: {refusal}") from refusal
        hits = self._as(_Hits, answer).items
        return tuple(
            CodeHit(
                hit.path,
                hit.html_url,
                tuple(match.fragment for match in hit.text_matches[:MAX_FRAGMENTS] if match.fragment),
            )
            for hit in hits[:limit]
            if hit.repository.full_name.lower() == repository.lower()
        )

    def _named(self) -> str:
        if not self._repository:
            raise UsageError("no repository is named: set GITHUB_REPO to owner/repo")
        return self._repository

    async def _issue(self, names: Mapping[str, str]) -> _Issue | None:
        try:
            return self._as(_Issue, await self._github.get("/repos/{repository}/issues/{number}", names))
        except Missing:
            return None

    async def _pull(self, names: Mapping[str, str]) -> _Pull | None:
        try:
            return self._as(_Pull, await self._github.get("/repos/{repository}/pulls/{number}", names))
        except Missing:
            return None

    async def _remarks(self, names: Mapping[str, str], total: int) -> tuple[Remark, ...]:
        """The newest comments. GitHub lists the oldest first, so the last two pages hold them."""
        last = max(1, -(-total // MAX_REMARKS))
        found: list[Remark] = []
        for page in range(max(1, last - 1), last + 1):
            found += await self._page("/repos/{repository}/issues/{number}/comments", names, page=str(page))
        return tuple(found[-MAX_REMARKS:])

    async def _remarks_on_code(self, names: Mapping[str, str]) -> tuple[Remark, ...]:
        path = "/repos/{repository}/pulls/{number}/comments"
        return tuple(await self._page(path, names, sort="created", direction="desc"))

    async def _page(self, path: str, names: Mapping[str, str], **query: str) -> list[Remark]:
        answer = await self._github.get(path, names, per_page=str(MAX_REMARKS), **query)
        if not isinstance(answer, list):
            raise _foreign("comments")
        return [_remark(self._as(_Comment, each)) for each in answer[:MAX_REMARKS]]

    def _as(self, model: type[K], answer: object) -> K:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            raise _foreign(model.__name__.removeprefix("_").lower()) from error


def _remark(comment: _Comment) -> Remark:
    where = f"{comment.path}:{comment.line}" if comment.path and comment.line else comment.path
    return Remark(comment.user.login if comment.user else "", comment.created_at, comment.body, where)


def _foreign(what: str) -> OutsideError:
    return OutsideError(f"GitHub answered something else than it does for a {what}. Check github.base_url")
