"""Logging in and out; the look of the pages."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.ledger import Role, User
from foretaste.review.auth import sessions, throttling
from foretaste.review.auth.safe_return import HOME, safe_return
from foretaste.review.desk import Desk
from foretaste.review.rendering import THEMES, render
from foretaste.review.routing import Page

_WRONG: Final = "Name and password do not fit."
_YEAR: Final = 365 * 86_400


def ask(request: Request, desk: Desk, user: User) -> Response:
    """Show the form."""
    target = safe_return(request.query_params.get("next", HOME))
    if user.name:
        return RedirectResponse(target, status_code=303)
    return _form(request, desk, target)


def _form(
    request: Request, desk: Desk, target: str, *, wrong: str = "", status: int = 200
) -> Response:
    return render(
        request,
        "login.html.j2",
        status=status,
        target=target,
        wrong=wrong,
        provider=desk.provider is not None,
        invited=desk.invitation is not None,
    )


def answer(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Let in who knows the password; everything else looks the same from outside."""
    form = request.state.form
    name, password = str(form.get("name", ""))[:128], str(form.get("password", ""))
    target = safe_return(str(form.get("next", HOME)))
    if wait := throttling.must_wait(request, desk, name):
        words = f"Too many tries; wait {-(-wait // 60)} minutes."
        response = _form(request, desk, target, wrong=words, status=429)
        response.headers["Retry-After"] = str(wait)
        return response
    found = desk.ledger.user(name)
    usable = found.password if found is not None and found.disabled is None else None
    if not desk.passwords.fits(password, usable):
        desk.ledger.log(
            "login failed", by="desk", at=desk.now(), payload={"known": found is not None}
        )
        return _form(request, desk, target, wrong=_WRONG, status=401)
    throttling.forgive(request, desk, name)
    _rehash(desk, name, password, usable)
    response = RedirectResponse(target, status_code=303)
    sessions.start(request, response, desk, name)
    return response


def _rehash(desk: Desk, name: str, password: str, hashed: str | None) -> None:
    if hashed is not None and desk.passwords.outdated(hashed):
        fresh = desk.passwords.hash(password)
        desk.ledger.set_password(name, fresh, by=name, at=desk.now())


def enter(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Let in the one who started the desk, by the link on their terminal."""
    invitation = desk.invitation
    if invitation is None or not invitation.redeem(request.query_params.get("token", "")):
        raise HTTPException(403, "That link was used, or is not of this desk.")
    response = RedirectResponse(HOME, status_code=303)
    sessions.start(request, response, desk, invitation.name)
    return response


def leave(request: Request, desk: Desk, user: User) -> Response:
    """Log out."""
    response = RedirectResponse("/login", status_code=303)
    sessions.end(request, response, desk)
    desk.ledger.log("logged out", by=user.name, at=desk.now(), payload={})
    return response


def look(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Keep in a cookie whether pages are light, dark, or as the system is."""
    chosen = str(request.state.form.get("theme", "auto"))
    response = RedirectResponse(
        safe_return(str(request.state.form.get("next", HOME))), status_code=303
    )
    response.set_cookie(
        "theme",
        chosen if chosen in THEMES else "auto",
        max_age=_YEAR,
        httponly=True,
        samesite="lax",
        secure=desk.secure,
    )
    return response


PAGES = (
    Page("/login", ask, role=None, name="login"),
    Page("/login", answer, methods=("POST",), role=None, name="login-answer"),
    Page("/enter", enter, role=None, name="enter"),
    Page("/logout", leave, methods=("POST",), role=Role.VIEWER, name="logout"),
    Page("/look", look, methods=("POST",), role=None, name="look"),
)
