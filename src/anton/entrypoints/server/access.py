"""Who is asking: what every route of the API that shows or changes something depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from anton.entrypoints.server.desk import Desk
from anton.entrypoints.signatures import Unverified, verify_bearer

API = "api"
"""Who the holder of the API's token is, in the journal."""

Door = Callable[[Request], str | None]
"""Another way of being known, such as a cookie: who is asking, None where it does not say."""

_documented = HTTPBearer(
    auto_error=False, description="ANTON_API_TOKEN, else what `api-token` in the state folder holds"
)


def desk_of(request: Request) -> Desk:
    """What the routes work with."""
    desk: Desk = request.app.state.desk
    return desk


def identity(request: Request, shown: Annotated[object, Depends(_documented)]) -> str:  # noqa: ARG001
    """Who is asking.

    Raises:
        Unverified: nobody who is known.
    """
    for door in request.app.state.doors:
        if (known := door(request)) is not None:
            return str(known)
    try:
        verify_bearer(request.app.state.token, request.scope["headers"])
    except Unverified as error:
        raise Unverified(
            f"{error}; the token is ANTON_API_TOKEN, else what anton serve names at its start"
        ) from None
    return API


TheDesk = Annotated[Desk, Depends(desk_of)]
Who = Annotated[str, Depends(identity)]
