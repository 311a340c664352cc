"""Guesses cost time: few tries for a name, few from an address."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

    from foretaste.review.desk import Desk


def must_wait(request: Request, desk: Desk, name: str) -> int:
    """Count a try, before it is looked at; give the seconds to wait, 0 to go on."""
    rules = desk.policy.review
    window = timedelta(minutes=rules.login_wait_minutes)
    counts = [
        desk.ledger.throttle(key, at=desk.now(), window=window)
        for key in _keys(request, desk, name)
    ]
    return int(window.total_seconds()) if max(counts) > rules.login_attempts else 0


def forgive(request: Request, desk: Desk, name: str) -> None:
    """Forget the failed tries of one who then knew the password."""
    for key in _keys(request, desk, name):
        desk.ledger.clear_throttle(key)


def _keys(request: Request, desk: Desk, name: str) -> tuple[str, str]:
    """Keyed hashes: what people type as a name may be their password."""
    address = request.client.host if request.client else ""
    return f"name:{desk.seal('name', name)}", f"address:{desk.seal('address', address)}"
