"""The routes of the pages, beside those of the API: a path is the page's where the sender takes HTML."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from anton.core.decision import Answer, Refused, refuse_strangers
from anton.core.errors import RunBusy, UsageError
from anton.core.event import Verb
from anton.core.letter import QuestionReply
from anton.core.run import RunState, fold
from anton.core.seal import check_link
from anton.entrypoints.page import render
from anton.entrypoints.page.render import Viewer
from anton.entrypoints.page.sessions import (
    COOKIE,
    LIFETIME,
    Session,
    form_token,
    grant_of,
    is_form_token,
    opened,
    sealed,
)
from anton.entrypoints.server.desk import Desk, UnknownRun
from anton.entrypoints.server.events import MOST_STREAMS

NOTICE = "anton_notice"
"""Cookie with what came of the form that was sent last."""
NOTICE_SECONDS = 30
RENDER_SECONDS = 0.5
"""Between two changes of a page that somebody looks at."""
LISTED = 500
"""Runs on the list."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class HtmlRoute(APIRoute):
    """Matches only senders that take HTML, as browsers say they do."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the framework has it, for those; no match for all others."""
        accepted = next((value for name, value in scope.get("headers", ()) if name == b"accept"), b"")
        return super().matches(scope) if b"text/html" in accepted else (Match.NONE, {})


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Who may come in."""

    desk: Desk
    key: bytes
    """Seals sessions and links."""
    tokens: Mapping[str, str]
    """Of the API: identity → token; who holds one may log in with it."""

    def session(self, request: Request) -> Session | None:
        """Whoever sent a request, if they are logged in, and the token they did it with is still theirs."""
        session = opened(request.cookies.get(COOKIE, ""), self.key, self.desk.world.clock())
        if session is None or not session.grant:
            return session
        token = self.tokens.get(session.identity)
        return session if token and session.grant == grant_of(token, self.key) else None

    def is_by_https(self, request: Request) -> bool:
        """Whether a browser came by https, here or to what stands before this server under the public URL."""
        public = urlsplit(self.desk.serving.public_url)
        by_proxy = public.scheme == "https" and request.headers.get("host", "") == public.netloc
        return by_proxy or request.url.scheme == "https"

    def holder(self, key: str) -> str:
        """Identity of whoever holds a token; empty for nobody. All are compared, whichever is found."""
        given = key.encode("utf-8", "replace")
        held = [name for name, token in self.tokens.items() if hmac.compare_digest(given, token.encode())]
        return held[0] if held else ""

    def viewer(self, request: Request, session: Session, state: RunState | None = None) -> Viewer:
        """The same for a page."""
        token = form_token(request.cookies.get(COOKIE, ""), self.key)
        return Viewer(session.identity, token, barred(self.desk, state, session.identity) if state else "")

    def let_in(self, identity: str, path: str, *, token: str = "", secure: bool) -> Response:
        """Log somebody in, by a token or a link, and send them on."""
        ends_at = self.desk.world.clock() + LIFETIME
        grant = grant_of(token, self.key) if token else ""
        word = sealed(Session(identity, ends_at, grant), self.key)
        answer = RedirectResponse(_inside(path), status_code=303)
        answer.set_cookie(
            COOKIE,
            word,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            samesite="lax",
            secure=secure,
        )
        return answer


def barred(desk: Desk, state: RunState, identity: str) -> str:
    """Why somebody has no say in a run; empty where they have."""
    try:
        refuse_strangers(state, identity, desk.world.approval)
    except Refused as refusal:
        return str(refusal)
    return ""


def page_routes(door: Doorkeeper) -> APIRouter:
    """All routes of the pages."""
    router = APIRouter(include_in_schema=False)
    html = APIRouter(route_class=HtmlRoute, include_in_schema=False)
    _add_doors(router, html, door)
    _add_pages(html, door)
    _add_forms(html, door)
    router.include_router(html)
    return router


def _add_doors(router: APIRouter, html: APIRouter, door: Doorkeeper) -> None:
    @router.get("/static/{name}")
    async def static(name: str) -> Response:
        found = render.static_file(name)
        if found is None:
            return Response("there is no such file", 404, media_type="text/plain")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "public, max-age=3600"})

    @html.get("/")
    async def home() -> Response:
        return RedirectResponse("/runs", status_code=303)

    @html.get("/login")
    async def login(next: str = "/runs") -> Response:  # noqa: A002 - the name that is in the address
        return page(render.login_page("", _inside(next)))

    @html.post("/login")
    async def log_in(
        request: Request,
        key: Annotated[str, Form()],
        next: Annotated[str, Form()] = "/runs",  # noqa: A002 - as above
    ) -> Response:
        token = key.strip()
        identity = door.holder(token)
        if not identity:
            return page(render.login_page("That is no token of this server.", _inside(next)), 403)
        return door.let_in(identity, next, token=token, secure=door.is_by_https(request))

    @html.get("/enter/{word}")
    async def enter(request: Request, word: str, run: str = "") -> Response:
        """Log in by a link that was signed for somebody."""
        link = check_link(door.key, word, run, door.desk.world.clock())
        path = f"/runs/{quote(run)}" if run else "/runs"
        if link is None:
            notice = "That link is no longer good. Ask for a new one, or log in with a token."
            return page(render.login_page(notice, _inside(path)), 403)
        return door.let_in(link.identity, path, secure=door.is_by_https(request))


def _add_pages(html: APIRouter, door: Doorkeeper) -> None:
    desk = door.desk

    @html.get("/runs")
    async def runs(request: Request, standing: str = "", words: str = "") -> Response:
        session = door.session(request)
        if session is None:
            return to_login(request)
        states = await desk.outlines(LISTED)
        now = desk.world.clock()
        return page(render.runs_page(states, standing, words, door.viewer(request, session), now))

    @html.get("/runs/{run_id}")
    async def run(request: Request, run_id: str) -> Response:
        session = door.session(request)
        if session is None:
            return to_login(request)
        try:
            entries, state = await desk.entries(run_id), await desk.state(run_id)
        except UnknownRun as error:
            return page(render.problem_page("No such run", str(error)), 404)
        notice = unquote(request.cookies.get(NOTICE, ""))
        viewer = door.viewer(request, session, state)
        html = await asyncio.to_thread(render.run_page, state, entries, viewer, desk.world.clock(), notice)
        answer = page(html)
        answer.delete_cookie(NOTICE)
        return answer

    @html.get("/runs/{run_id}/live")
    async def live(request: Request, run_id: str, seen: str = "") -> Response:
        session = door.session(request)
        if session is None:
            return Response("log in again", 401, media_type="text/plain")
        try:
            await desk.state(run_id)
        except UnknownRun as error:
            return Response(str(error), 404, media_type="text/plain")
        if desk.streams >= MOST_STREAMS:
            return Response("too many pages are looked at live", 503, media_type="text/plain")
        last = request.headers.get("last-event-id", "") or seen
        return StreamingResponse(
            _changes(door, request, session, run_id, last),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


async def _changes(
    door: Doorkeeper, request: Request, session: Session, run_id: str, last: str
) -> AsyncIterator[str]:
    """The parts of a page whenever they are others; each event's id says what the browser has by then."""
    desk = door.desk
    desk.streams += 1
    try:
        yield "retry: 1000\n: connected\n\n"
        async with aclosing(_rendered(door, request, session, run_id, last)) as parts:
            async for part in parts:
                yield part
    finally:
        desk.streams -= 1


async def _rendered(
    door: Doorkeeper, request: Request, session: Session, run_id: str, last: str
) -> AsyncGenerator[str]:
    """The same, until the session is over."""
    desk = door.desk
    entries = list(await desk.entries(run_id))
    rendered_at = 0.0
    async for entry in desk.bus.follow(desk.world.journal, run_id, entries[-1].number):
        if door.session(request) is None:
            return
        if entry is not None:
            entries.append(entry)
            if time.monotonic() - rendered_at < RENDER_SECONDS:
                continue  # the next one, or the silence after it, shows them both
        rendered_at, state = time.monotonic(), fold(entries)
        viewer = door.viewer(request, session, state)
        parts = await asyncio.to_thread(render.regions, state, entries, viewer, desk.world.clock())
        if html := render.changed(parts, last):
            last = render.seen(parts)
            lines = "".join(f"data: {line}\n" for line in html.splitlines())
            yield f"id: {last}\n{lines}\n"
        else:
            yield ": still here\n\n"


def _add_forms(html: APIRouter, door: Doorkeeper) -> None:
    desk = door.desk

    @html.post("/runs/{run_id}/decide")
    async def decide(
        request: Request,
        run_id: str,
        verb: Annotated[Verb, Form()],
        digest: Annotated[str, Form()],
        token: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        override: Annotated[str, Form()] = "",
    ) -> Response:
        session = door.session(request)
        if session is None or not is_form_token(token, request.cookies.get(COOKIE, ""), door.key):
            return to_login(request, f"/runs/{quote(run_id)}")
        given = Answer(verb, session.identity, digest, text, override=override == "yes")
        try:
            await desk.decide(run_id, lambda _: given)
        except (Refused, RunBusy, UsageError) as error:
            return back(run_id, str(error))
        return back(run_id, _TAKEN[verb])

    @html.post("/runs/{run_id}/answer")
    async def answer(
        request: Request,
        run_id: str,
        question: Annotated[str, Form()],
        token: Annotated[str, Form()] = "",
        text: Annotated[str, Form()] = "",
        allowed: Annotated[str, Form()] = "",
    ) -> Response:
        session = door.session(request)
        if session is None or not is_form_token(token, request.cookies.get(COOKIE, ""), door.key):
            return to_login(request, f"/runs/{quote(run_id)}")
        verdict = {"yes": True, "no": False}.get(allowed)
        try:
            state = await desk.state(run_id)
            if refusal := barred(desk, state, session.identity):
                return back(run_id, refusal)
            await desk.tell(run_id, session.identity, QuestionReply(question, text, verdict))
        except (Refused, UsageError) as error:
            return back(run_id, str(error))
        return back(run_id, "Your answer is on its way to the agent.")


_TAKEN = {
    Verb.APPROVE: "Approved.",
    Verb.REQUEST_CHANGES: "Sent back to the agents with your words.",
    Verb.DECLINE: "Declined. Nothing is pushed.",
}


def page(html: str, status: int = 200) -> HTMLResponse:
    """A page, which no cache keeps and no other site frames."""
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",  # without one, a browser hides where a form comes from
    }
    return HTMLResponse(html, status, headers=headers)


def to_login(request: Request, path: str = "") -> Response:
    """Where to log in, and what to come back to."""
    wanted = path or f"{request.url.path}{'?' + request.url.query if request.url.query else ''}"
    return RedirectResponse(f"/login?next={quote(wanted, safe='/')}", status_code=303)


def back(run_id: str, notice: str) -> Response:
    """To the run's page, with a word about what came of the form."""
    answer = RedirectResponse(f"/runs/{quote(run_id)}", status_code=303)
    answer.set_cookie(NOTICE, quote(notice[:1_000]), max_age=NOTICE_SECONDS, httponly=True, samesite="lax")
    return answer


def _inside(path: str) -> str:
    """The path, if it is one of this server; else the list of runs."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside else "/runs"
