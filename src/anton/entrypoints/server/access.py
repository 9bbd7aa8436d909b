"""Who is asking: what every route of the API that shows or changes something depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from anton.entrypoints.server.desk import Desk
from anton.entrypoints.signatures import Headers, Unverified, verify_bearer

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
    return holder(request.app.state.tokens, request.scope["headers"])


def holder(tokens: Mapping[str, str], headers: Headers) -> str:
    """The identity whose token a request shows in Authorization.

    Raises:
        Unverified: it shows none of them.
    """
    reason = "no token is set here"
    for known, token in tokens.items():
        try:
            verify_bearer(token, headers)
        except Unverified as error:
            reason = str(error)
        else:
            return known
    raise Unverified(
        f"{reason}; the token is ANTON_API_TOKEN, else the one that anton serve names at its start"
    )


TheDesk = Annotated[Desk, Depends(desk_of)]
Who = Annotated[str, Depends(identity)]
