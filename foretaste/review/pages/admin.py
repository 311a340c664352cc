"""People: who may do what, and how well their judgements hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from foretaste.core.errors import ContractError
from foretaste.core.ledger import Role, User
from foretaste.review.desk import Desk
from foretaste.review.rendering import render
from foretaste.review.routing import Page
from foretaste.views import people
from foretaste.views.agreement import agreement

_DONE: Final = {
    "added": "Added.",
    "role": "The role is changed.",
    "disabled": "They are kept out from now on; what they said stays.",
    "enabled": "They may log in again.",
    "accounts": "Their own accounts are noted.",
    "password": "They have a new password; their logins have ended.",
}


def show(request: Request, desk: Desk, user: User) -> Response:  # noqa: ARG001
    """Show everybody, and how they judge."""
    today = desk.now().date().isoformat()
    names = [one.name for one in desk.ledger.users()]
    return render(
        request,
        "admin.html.j2",
        done=_DONE.get(request.query_params.get("done", ""), ""),
        people=people.listed(desk.ledger),
        roles=list(Role),
        reliability=desk.ledger.reliability(),
        agreement=agreement(desk.ledger.agreement()),
        exposure={name: desk.ledger.exposure(name, today) for name in names},
        allowed=desk.policy.review.exposure_per_day,
        provider=desk.provider is not None,
    )


def add(request: Request, desk: Desk, user: User) -> Response:
    """Add somebody, with a password or with what the provider calls them."""
    form = request.state.form
    name, subject = str(form.get("name", "")).strip(), str(form.get("subject", "")).strip()
    password = str(form.get("password", ""))
    if bool(password) == bool(subject):
        raise ContractError("give either a password or a subject of the identity provider")
    desk.ledger.add_user(
        name,
        people.role_named(str(form.get("role", ""))),
        password_hash=desk.passwords.hash(password, name=name) if password else None,
        subject=subject or None,
        accounts=people.own_accounts(desk.workspace.key, str(form.get("accounts", "")).split()),
        at=desk.now(),
        by=user.name,
    )
    return _back("added")


def change(request: Request, desk: Desk, user: User) -> Response:
    """Change somebody's role or password, keep them out or let them in, note their accounts."""
    form, name = request.state.form, str(request.path_params["name"])
    what = str(form.get("what", ""))
    if name == user.name and what != "accounts":
        raise HTTPException(403, "Somebody else does that to you: nobody locks themselves out.")
    if what not in _CHANGES:
        raise HTTPException(400, "Nothing to change was named.")
    _CHANGES[what](desk, form, name, user.name)
    return _back(what)


def _set_role(desk: Desk, form: FormData, name: str, by: str) -> None:
    role = people.role_named(str(form.get("role", "")))
    desk.ledger.set_role(name, role, at=desk.now(), by=by)


def _set_password(desk: Desk, form: FormData, name: str, by: str) -> None:
    hashed = desk.passwords.hash(str(form.get("password", "")), name=name)
    desk.ledger.set_password(name, hashed, at=desk.now(), by=by)


def _set_accounts(desk: Desk, form: FormData, name: str, by: str) -> None:
    own = people.own_accounts(desk.workspace.key, str(form.get("accounts", "")).split())
    desk.ledger.set_accounts(name, own, at=desk.now(), by=by)


def _disable(desk: Desk, form: FormData, name: str, by: str) -> None:  # noqa: ARG001
    desk.ledger.disable_user(name, at=desk.now(), by=by)


def _enable(desk: Desk, form: FormData, name: str, by: str) -> None:  # noqa: ARG001
    desk.ledger.enable_user(name, at=desk.now(), by=by)


_CHANGES: Final[dict[str, Callable[[Desk, FormData, str, str], None]]] = {
    "role": _set_role,
    "password": _set_password,
    "accounts": _set_accounts,
    "disabled": _disable,
    "enabled": _enable,
}


def _back(done: str) -> Response:
    return RedirectResponse(f"/admin?done={done}", status_code=303)


PAGES = (
    Page("/admin", show, role=Role.ADMIN, name="admin", nav="People"),
    Page("/admin/users", add, methods=("POST",), role=Role.ADMIN),
    Page("/admin/users/{name}", change, methods=("POST",), role=Role.ADMIN),
)
