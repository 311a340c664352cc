"""One's own page: password, keys, logins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError
from foretaste.core.ledger import Role, User
from foretaste.review.auth import sessions, throttling
from foretaste.review.desk import Desk
from foretaste.review.rendering import KEYS, render
from foretaste.review.routing import Page

_DONE: Final = {
    "password": "Your password is changed; every other login has ended.",
    "keys": "Your keys are kept.",
}
_NAMED: Final = frozenset({"Enter", "Backspace", "Delete"})


def show(request: Request, desk: Desk, user: User) -> Response:
    """Show the page."""
    today = desk.now().date().isoformat()
    return render(
        request,
        "account.html.j2",
        done=_DONE.get(request.query_params.get("done", ""), ""),
        has_password=user.password is not None,
        opened=desk.ledger.exposure(user.name, today),
        allowed=desk.policy.review.exposure_per_day,
        common=KEYS,
    )


def change_password(request: Request, desk: Desk, user: User) -> Response:
    """Change one's password; who does not know the old one cannot."""
    form = request.state.form
    if throttling.must_wait(request, desk, user.name):
        raise HTTPException(429, "Too many tries; wait some minutes.")
    if not desk.passwords.fits(str(form.get("old", "")), user.password):
        raise HTTPException(403, "The old password does not fit.")
    throttling.forgive(request, desk, user.name)
    if form.get("new") != form.get("again"):
        raise ContractError("the two new passwords differ")
    fresh = desk.passwords.hash(str(form.get("new", "")), name=user.name)
    desk.ledger.set_password(user.name, fresh, at=desk.now(), by=user.name)
    response = RedirectResponse("/account?done=password", status_code=303)
    sessions.start(request, response, desk, user.name)
    return response


def change_keys(request: Request, desk: Desk, user: User) -> Response:
    """Keep one's own keys; those that are as everybody's are not kept."""
    form = request.state.form
    chosen = {action: str(form.get(action, "")).strip() or key for action, key in KEYS.items()}
    _check_keys(chosen)
    own = {action: key for action, key in chosen.items() if key != KEYS[action]}
    desk.ledger.set_keys(user.name, own, at=desk.now(), by=user.name)
    return RedirectResponse("/account?done=keys", status_code=303)


def _check_keys(chosen: Mapping[str, str]) -> None:
    odd = [
        key
        for key in chosen.values()
        if not (len(key) == 1 and key.isprintable()) | (key in _NAMED)
    ]
    if odd:
        raise ContractError("a key is one character, Enter, Backspace or Delete")
    twice = sorted({key for key in chosen.values() if list(chosen.values()).count(key) > 1})
    if twice:
        raise ContractError(f"two actions have the key {twice[0]}")


def end_logins(request: Request, desk: Desk, user: User) -> Response:
    """End all of one's logins, this one too."""
    response = RedirectResponse("/login", status_code=303)
    desk.ledger.end_sessions(user.name)
    desk.ledger.log("logged out everywhere", by=user.name, at=desk.now(), payload={})
    sessions.end(request, response, desk)
    return response


PAGES = (
    Page("/account", show, role=Role.VIEWER, name="account"),
    Page("/account/password", change_password, methods=("POST",), role=Role.VIEWER),
    Page("/account/keys", change_keys, methods=("POST",), role=Role.VIEWER),
    Page("/account/logins", end_logins, methods=("POST",), role=Role.VIEWER),
)
