"""Who works at the desk: added, changed, told of; for the command line and the page alike."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from foretaste.core.errors import ContractError, WorkspaceError
from foretaste.core.keys import WorkspaceKey
from foretaste.core.ledger import Ledger, Role, User

COLUMNS: Final = ("name", "role", "state", "login", "accounts", "since")
_PSEUDONYM: Final = re.compile(r"c[0-9a-f]{16}")


def listed(ledger: Ledger) -> list[dict[str, Any]]:
    """List everybody, without anything that logs in."""
    return [described(user) for user in ledger.users()]


def described(user: User) -> dict[str, Any]:
    """Describe somebody without their password's hash, their subject or their accounts."""
    ways = [
        word for word, there in (("password", user.password), ("provider", user.subject)) if there
    ]
    return {
        "name": user.name,
        "role": str(user.role),
        "state": "disabled" if user.disabled else "active",
        "login": " or ".join(ways) or "none",
        "accounts": len(user.accounts),
        "since": user.created,
    }


def role_named(text: str) -> Role:
    """Read a role.

    Raises
    ------
    ContractError
        If there is none of that name.
    """
    try:
        return Role(text)
    except ValueError:
        raise ContractError("no such role", location="role", hint=", ".join(Role)) from None


def own_accounts(key: WorkspaceKey, raw: Iterable[str]) -> tuple[str, ...]:
    """Give the pseudonyms of somebody's own accounts, told by raw id or by pseudonym."""
    given = sorted({one.strip() for one in raw} - {""})
    return tuple(
        one if _PSEUDONYM.fullmatch(one) else key.pseudonym("contributor", one) for one in given
    )


def somebody_can_log_in(ledger: Ledger, *, provider: bool) -> bool:
    """Say whether the desk has users of its own."""
    return any(
        user.disabled is None and (user.password or (provider and user.subject))
        for user in ledger.users()
    )


def local_admin(ledger: Ledger, account: str, *, at: datetime) -> str:
    """Give the name under which the owner of the workspace works, an admin.

    Raises
    ------
    WorkspaceError
        If that name is somebody's who was disabled or has another role.
    """
    name = re.sub(r"[^A-Za-z0-9._@-]", "-", account).lstrip("._@-")[:64] or "owner"
    found = ledger.user(name)
    if found is None:
        ledger.add_user(name, Role.ADMIN, at=at, by=name)
    elif found.disabled is not None or found.role is not Role.ADMIN:
        raise WorkspaceError(
            f"{name} is a user of the desk, but no active admin",
            hint=f"`foretaste users enable {name}`, `foretaste users role {name} --role admin`",
        )
    return name
