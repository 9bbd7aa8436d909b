"""Calls of GitHub's REST API: let in, waited for, bounded, and refused in words that say what to do.

A call that only reads is repeated. One that changes something is repeated only where GitHub says that it
did nothing (a rate limit); where nobody can tell, the error is `Unsure`, and the caller looks before it acts
again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from gidgethub import HTTPException
from gidgethub.abc import GitHubAPI

from anton.adapters.github.credential import Credential
from anton.adapters.github.patience import Patience, asked_seconds, is_limit
from anton.adapters.github.place import GitHubPlace
from anton.core.errors import OutsideError
from anton.core.text import one_line

JSON = "application/vnd.github+json"
MAX_BYTES = 8_000_000
"""Of one answer."""
MAX_PAGES = 10
MAX_WORDS = 300
"""Characters of GitHub's own words in an error."""


class Unsure(OutsideError):
    """No answer that tells whether the call did anything."""


class Missing(OutsideError):
    """There is no such thing, or the credential may not see it."""


class Invalid(OutsideError):
    """The values of a call are not taken; status 422."""


class _Answered(Exception):
    def __init__(self, status: int, headers: Mapping[str, str], said: str) -> None:
        super().__init__(said)
        self.status = status
        self.headers = headers
        self.said = said


class _TooLarge(ValueError):
    """Of an answer."""


class _Calls(GitHubAPI):
    """gidgethub on httpx2, with answers of bounded size."""

    def __init__(self, client: httpx2.AsyncClient, api: str) -> None:
        super().__init__("anton", base_url=api)
        self._client = client

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._client.stream(method, url, headers=dict(headers), content=body) as answer:
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise _TooLarge(f"more than {MAX_BYTES:,} bytes")
            return answer.status_code, answer.headers, bytes(content)

    async def changed(self, url: str, token: str, etag: str) -> tuple[Any, str] | None:
        """What is at a URL and its ETag; None for 304."""
        headers = {
            "accept": JSON,
            "user-agent": self.requester,
            **({"authorization": f"token {token}"} if token else {}),
            **({"if-none-match": etag} if etag else {}),
        }
        status, told, content = await self._request("GET", url, headers)
        if status == 304 and etag:
            return None
        if status != 200:
            raise _Answered(status, told, content[:MAX_WORDS].decode("utf-8", "replace"))
        return json.loads(content), told.get("etag", "")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class GitHub:
    """GitHub's REST API with one credential.

    Args:
        place: Which GitHub.
        client: Of httpx2; it follows no redirects, so that a token goes nowhere else.
        credential: None before there is one, for the call that asks for an installation's token.
        patience: With it, when it is busy.
    """

    def __init__(
        self,
        place: GitHubPlace,
        client: httpx2.AsyncClient,
        credential: Credential | None,
        patience: Patience | None = None,
    ) -> None:
        self.place = place
        self.credential = credential
        self.patience = patience or Patience()
        self._client = client
        self._calls = _Calls(client, place.api)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def get(self, path: str, names: Mapping[str, str], accept: str = JSON, **query: str) -> Any:  # noqa: ANN401 (JSON)
        """What is at a path; `{name}` in it stands for a name, escaped.

        Args:
            path: Of the API.
            names: By what stands for them.
            accept: Media type that is asked for.
            query: What follows the path.

        Raises:
            OutsideError: out of reach or refused; `Missing` for 404.
        """
        url = str(httpx2.URL(self._filled(path, names), params=query)) if query else self._filled(path, names)
        what = f"reading {_shown(path, names)}"

        async def call(token: str) -> Any:  # noqa: ANN401 (JSON)
            return _decoded(await self._calls.getitem(url, accept=accept, oauth_token=token))

        return await self._asked(what, call, reads=True)

    async def get_if_changed(
        self, path: str, names: Mapping[str, str], etag: str, **query: str
    ) -> tuple[Any, str] | None:
        """What is at a path and its ETag, or None where it is what that ETag was given for.

        Raises:
            OutsideError: out of reach or refused; `Missing` for 404.
        """
        url = str(httpx2.URL(self._filled(path, names), params=query))
        what = f"reading {_shown(path, names)}"
        found: tuple[Any, str] | None = await self._asked(
            what, lambda token: self._calls.changed(url, token, etag), reads=True
        )
        return found

    async def post(self, path: str, names: Mapping[str, str], content: object) -> Any:  # noqa: ANN401 (JSON)
        """Have something made.

        Raises:
            OutsideError: out of reach or refused; `Invalid` for 422, `Unsure` where it may have been made.
        """
        url = self._filled(path, names)
        what = f"writing {_shown(path, names)}"

        async def call(token: str) -> Any:  # noqa: ANN401 (JSON)
            return _decoded(await self._calls.post(url, data=content, oauth_token=token))

        return await self._asked(what, call, reads=False)

    async def post_as_app(self, path: str, names: Mapping[str, str], jwt: str) -> Any:  # noqa: ANN401 (JSON)
        """Have something made for an App itself, such as a token; doing so twice does no harm.

        Raises:
            OutsideError: out of reach or refused.
        """
        url = self._filled(path, names)

        async def call(_: str) -> Any:  # noqa: ANN401 (JSON)
            return await self._calls.post(url, data={}, jwt=jwt)

        return await self._asked(f"writing {_shown(path, names)}", call, reads=True)

    async def get_as_app(self, path: str, names: Mapping[str, str], jwt: str) -> Any:  # noqa: ANN401 (JSON)
        """What an App itself may see.

        Raises:
            OutsideError: out of reach or refused.
        """
        url = self._filled(path, names)
        what = f"reading {_shown(path, names)}"
        return await self._asked(what, lambda _: self._calls.getitem(url, jwt=jwt), reads=True)

    @asynccontextmanager
    async def download(self, path: str, names: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a file that GitHub refers to by a redirect, to whose place no credential goes.

        Raises:
            OutsideError: out of reach or refused.
        """
        what = f"reading {_shown(path, names)}"
        place = await self._asked(what, lambda token: self._referred(path, names, token), reads=True)
        try:
            async with self._client.stream("GET", place) as answer:
                if answer.status_code != 200:
                    raise OutsideError(f"{what}: its storage answered {answer.status_code}. Try again later")
                yield answer.aiter_raw()
        except httpx2.HTTPError as error:
            raise OutsideError(f"GitHub: {what} failed: {_words(error)}. Try again later") from error

    async def _referred(self, path: str, names: Mapping[str, str], token: str) -> str:
        headers = {
            "authorization": f"token {token}",
            "user-agent": "anton",
        }
        async with self._client.stream("GET", self._filled(path, names), headers=headers) as answer:
            target = answer.headers.get("location", "")
            if answer.status_code not in (302, 303, 307):
                said = (await answer.aread())[:MAX_WORDS].decode("utf-8", "replace")
                raise _Answered(answer.status_code, answer.headers, said)
        here, there = urlsplit(self.place.api), urlsplit(target)
        if there.scheme != "https" and (there.scheme, there.hostname) != (here.scheme, here.hostname):
            raise OutsideError(
                f"GitHub refers to {target[:100]!r}, which is no https address; nothing was read"
            )
        return target

    def _filled(self, path: str, names: Mapping[str, str]) -> str:
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", quote(value, safe="/"))
        return f"{self.place.api}/{path.removeprefix('/')}"

    async def _asked(
        self,
        what: str,
        call: Callable[[str], Awaitable[Any]],
        *,
        reads: bool,
    ) -> Any:  # noqa: ANN401 (JSON)
        renewed = False
        repeat = 0
        while True:
            repeat += 1
            token = await self.credential.token() if self.credential else ""
            try:
                return await self._answer(call, token)
            except _Answered as answer:
                if (
                    answer.status == 401
                    and self.credential
                    and not renewed
                    and self.credential.refused(token)
                ):
                    renewed = True
                    continue
                limit = is_limit(answer.status, answer.headers, answer.said)
                if not limit and not (reads and answer.status >= 500):
                    raise self._refusal(what, answer) from None
                asked = asked_seconds(answer.status, answer.headers, answer.said, self.patience.now())
                error = self._refusal(what, answer)
            except httpx2.TransportError as failed:
                where = urlsplit(self.place.api).netloc
                asked = None
                error = Unsure(f"GitHub at {where}: {what} failed: {_words(failed)}. Try again later")
                if not reads:
                    raise error from failed
            wait = self.patience.wait_seconds(repeat, asked)
            if wait is None:
                raise error
            await self.patience.sleep(wait)

    async def _answer(self, call: Callable[[str], Awaitable[Any]], token: str) -> Any:  # noqa: ANN401 (JSON)
        limit = self.patience.answer_seconds
        try:
            async with asyncio.timeout(limit):
                return await call(token)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no answer within {limit:g} seconds") from None
        except HTTPException as error:
            raise _Answered(int(error.status_code), error.headers, str(error)) from None
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # gidgethub takes answers for what GitHub's are; a proxy's page, cut JSON or a bare status is not.
            why = f": {error}" if isinstance(error, _TooLarge) else ""
            raise _Answered(502, {}, f"an answer that GitHub does not give{why}") from error

    def _refusal(self, what: str, answer: _Answered) -> OutsideError:
        said = one_line(answer.said)[:MAX_WORDS]
        where = f"{urlsplit(self.place.api).netloc} refused {what} ({answer.status}: {said})"
        remedy = self.credential.remedy if self.credential else "Check github.app_id and github.private_key"
        if is_limit(answer.status, answer.headers, answer.said):
            return OutsideError(f"{where}. Too much was asked of it for now: resume the run later")
        match answer.status:
            case 401:
                return OutsideError(f"{where}. The credential is not accepted: {remedy}")
            case 403 if "archived" in said.lower():
                return OutsideError(f"{where}. Unarchive the repository, or set GITHUB_REPO to another")
            case 403:
                return OutsideError(
                    f"{where}. The credential lacks a permission: it needs Contents and Pull requests to "
                    "write, and Actions, Checks and Issues to read. Grant them, then try again"
                )
            case 404 | 410:
                return Missing(
                    f"{where}. Check GITHUB_REPO, and that the credential may see that repository: GitHub "
                    "says the same of one that it may not"
                )
            case 301 | 302 | 307 | 308:
                return OutsideError(
                    f"{where}. The repository was renamed or moved: set GITHUB_REPO to its new name"
                )
            case 422:
                return Invalid(f"{where}. It does not take these values")
            case status if status >= 500:
                return Unsure(f"{where}. It is out of order: resume the run later")
            case _:
                return OutsideError(f"{where}. Check github.base_url")


def _decoded(answer: object) -> object:
    """An answer of JSON; gidgethub hands a page through as text.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(answer, dict | list):
        raise ValueError("no JSON")  # noqa: TRY004 - the answer's fault, no caller's
    return answer


def _shown(path: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", value)
    return repr(one_line(path)[:200])


def _words(error: Exception) -> str:
    return one_line(str(error))[:MAX_WORDS].rstrip(". ") or type(error).__name__
