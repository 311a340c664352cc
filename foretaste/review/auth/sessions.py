"""Sessions: a random token in a cookie, of which the ledger knows only the hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from foretaste.core.ledger import Role, Session, User

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from foretaste.review.desk import Desk

COOKIE: Final = "foretaste"
NOBODY: Final = User(name="", role=Role.VIEWER, created=datetime(1970, 1, 1, tzinfo=UTC))
"""Stands for whoever is not logged in, on pages that everybody may see."""

_TOKEN_LENGTH: Final = 43


def current(request: Request, desk: Desk) -> Session | None:
    """Find the session of a request; None without one, or when it ended."""
    token = request.cookies.get(COOKIE, "")
    if len(token) != _TOKEN_LENGTH:
        return None
    idle = desk.policy.review.idle_minutes
    return desk.ledger.session(_digest(token), desk.now(), idle_minutes=idle)


def start(request: Request, response: Response, desk: Desk, name: str) -> None:
    """Log a user in: a fresh token each time, whatever the browser brought along."""
    end(request, response, desk)
    token = secrets.token_urlsafe(32)
    at = desk.now()
    lasts = timedelta(hours=desk.policy.review.session_hours)
    desk.ledger.open_session(
        name, token_digest=_digest(token), csrf=secrets.token_urlsafe(32), at=at, expires=at + lasts
    )
    # Lax, not strict: a link in a notification opens its case. Forms are checked anyway.
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=desk.secure,
        path="/",
    )


def end(request: Request, response: Response, desk: Desk) -> None:
    """Log out: here and in the ledger."""
    token = request.cookies.get(COOKIE, "")
    if len(token) == _TOKEN_LENGTH:
        desk.ledger.end_session(_digest(token))
    response.delete_cookie(COOKIE, path="/")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
