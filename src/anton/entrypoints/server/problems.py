"""Every refusal as `application/problem+json`, with a sentence that says why.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from anton.core.decision import Refused
from anton.core.errors import AntonError, JournalConflict, OutsideError, RunBusy, UsageError
from anton.core.secrets import Masker
from anton.core.shortage import shortage_of
from anton.core.text import sayable
from anton.entrypoints.server.admission import TooManyRuns
from anton.entrypoints.server.desk import UnknownRun
from anton.entrypoints.signatures import Unverified

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"

STATUS: Mapping[type[AntonError], HTTPStatus] = {
    UnknownRun: HTTPStatus.NOT_FOUND,
    TooManyRuns: HTTPStatus.TOO_MANY_REQUESTS,
    Refused: HTTPStatus.CONFLICT,
    RunBusy: HTTPStatus.CONFLICT,
    Unverified: HTTPStatus.UNAUTHORIZED,
    JournalConflict: HTTPStatus.CONFLICT,
    UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    OutsideError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Error → status, the first that fits."""

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """Why a request was refused."""

    title: str
    status: int
    detail: str


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal."""
    body = Problem(title=status.phrase, status=status, detail=sayable(detail)).model_dump_json()
    extra = {"Retry-After": RETRY_SECONDS} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    if status is HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="anton"'
    return Response(body, status, {**extra, **(headers or {})}, MEDIA_TYPE)


def refusals(texts: Mapping[int, str]) -> dict[int | str, dict[str, object]]:
    """Refusals as a route's description has them: status → why."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {status: {"description": text, "content": content} for status, text in texts.items()}


def answer_with_problems(app: FastAPI) -> None:
    """Have every error of an application answered so; without a thread, which there may be none left of."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(AntonError, _of_anton)
    app.add_exception_handler(OSError, _of_system)
    app.add_exception_handler(MemoryError, _of_system)
    app.add_exception_handler(RuntimeError, _of_system)
    app.add_exception_handler(Exception, _of_mistake)


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    status = HTTPStatus(error.status_code)
    detail = str(error.detail)
    if status is HTTPStatus.NOT_FOUND and detail == status.phrase:
        detail = "there is nothing at this address; GET /docs lists what there is"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not what this address answers to"
    return problem(status, detail, error.headers)


async def _of_validation(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    """What is wrong and where, without what was given: it may be a secret, or no text at all."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
    first = error.errors()[0]
    where = ".".join(str(step)[:60] for step in first["loc"]) or "the request"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg']}")


async def _of_anton(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        logger.error("a request failed", exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem(status, Masker().mask(str(error)))


async def _of_system(request: Request, error: Exception) -> Response:
    if short := shortage_of(error):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(short))
    return await _of_mistake(request, error)


async def _of_mistake(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    logger.error("a request failed by a mistake in Anton", exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a mistake in Anton; its log says which")
