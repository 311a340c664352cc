"""Logging in elsewhere: out to the identity provider, and back."""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.ledger import User
from foretaste.review.auth import sessions
from foretaste.review.auth.safe_return import HOME, safe_return
from foretaste.review.desk import Desk
from foretaste.review.routing import Page

if TYPE_CHECKING:
    from foretaste.review.auth.oidc import Provider, Started

COOKIE: Final = "foretaste_login"
_RETURN: Final = "/login/return"
_LASTS: Final = timedelta(minutes=10)


def go(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Send the browser to the provider."""
    target = safe_return(request.query_params.get("next", HOME))
    url, started = _provider(desk).begin(_own(request, desk), target)
    response = RedirectResponse(url, status_code=303)
    response.set_cookie(
        COOKIE,
        _sealed(desk, started),
        max_age=int(_LASTS.total_seconds()),
        httponly=True,
        # Strict would keep it back on the way home from the provider.
        samesite="lax",
        secure=desk.secure,
        path="/login",
    )
    return response


def come(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Let in whom the provider names, if we know them by that name."""
    provider, query = _provider(desk), request.query_params
    started = _opened(desk, request.cookies.get(COOKIE, ""))
    if started is None or "code" not in query:
        raise HTTPException(403, "That login was not finished; begin it again.")
    subject = provider.subject(
        started,
        state=query.get("state", ""),
        code=query["code"],
        issuer=query.get("iss"),
        redirect_uri=_own(request, desk),
    )
    found = desk.ledger.user_of(subject)
    if found is None or found.disabled is not None:
        desk.ledger.log("login refused", by="desk", at=desk.now(), payload={"how": "provider"})
        raise HTTPException(403, f"Nobody here has that login. Its subject is {subject}.")
    response = RedirectResponse(safe_return(started.target), status_code=303)
    sessions.start(request, response, desk, found.name)
    response.delete_cookie(COOKIE, path="/login")
    return response


def _provider(desk: Desk) -> Provider:
    if desk.provider is None:
        raise HTTPException(404, "This desk has no identity provider.")
    return desk.provider


def _own(request: Request, desk: Desk) -> str:
    origin = desk.origin or f"{request.url.scheme}://{request.headers['host']}"
    return origin + _RETURN


def _sealed(desk: Desk, started: Started) -> str:
    until = (desk.now() + _LASTS).isoformat()
    text = json.dumps(asdict(started) | {"until": until})
    return f"{desk.seal('login', text)}.{text.encode().hex()}"


def _opened(desk: Desk, cookie: str) -> Started | None:
    """Read the cookie back; None when it is not ours, or too old."""
    from foretaste.review.auth.oidc import Started

    seal, _, body = cookie.partition(".")
    try:
        text = bytes.fromhex(body).decode()
    except ValueError:
        return None
    if not hmac.compare_digest(seal.encode(), desk.seal("login", text).encode()):
        return None
    content = json.loads(text)
    if datetime.fromisoformat(content.pop("until")) < desk.now():
        return None
    return Started(**content)


PAGES = (
    Page("/login/elsewhere", go, role=None, name="elsewhere"),
    Page(_RETURN, come, role=None, name="return"),
)
