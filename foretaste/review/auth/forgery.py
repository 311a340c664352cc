"""Requests that somebody else's page made a browser send: told apart and refused."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from foretaste.review.desk import Desk

COOKIE: Final = "foretaste_form"
"""Before a login, the token of a form is bound to this cookie."""

_REFUSED: Final = "That form did not come from this desk; load the page again."


def check_site(request: Request) -> None:
    """Refuse what another site asks for, save a link that somebody followed."""
    site = request.headers.get("sec-fetch-site", "none")
    if site in {"same-origin", "none"}:
        return
    followed = request.headers.get("sec-fetch-mode") == "navigate"
    if not (followed and request.method in {"GET", "HEAD"}):
        raise HTTPException(403, _REFUSED)


def token(request: Request, desk: Desk) -> str:
    """Give the token that forms of this session, or of this visitor, carry."""
    session = request.state.session
    if session is not None:
        return str(session.csrf)
    visitor = request.cookies.get(COOKIE, "")
    if len(visitor) != 43:
        visitor = request.state.visitor = secrets.token_urlsafe(32)
    return desk.seal("form", visitor)


def remember(request: Request, response: Response, desk: Desk) -> None:
    """Give a new visitor the cookie that their forms' token is bound to."""
    visitor = getattr(request.state, "visitor", None)
    if visitor is not None:
        response.set_cookie(
            COOKIE, visitor, httponly=True, samesite="strict", secure=desk.secure, path="/"
        )


def check(request: Request, desk: Desk, form: Any) -> None:
    """Refuse a form that another site sent.

    Raises
    ------
    HTTPException
        403: it comes from elsewhere, or without the token of this session.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != _own_origin(request, desk):
        raise HTTPException(403, _REFUSED)
    given = str(form.get("csrf", "")) or request.headers.get("x-csrf-token", "")
    if not hmac.compare_digest(given.encode(), request.state.csrf.encode()):
        raise HTTPException(403, _REFUSED)


def _own_origin(request: Request, desk: Desk) -> str:
    return desk.origin or f"{request.url.scheme}://{request.headers.get('host', '')}"
