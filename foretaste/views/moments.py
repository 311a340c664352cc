"""The one place where a command looks at the clock, unless it is told the time."""

from __future__ import annotations

from datetime import UTC, datetime

from foretaste.core.errors import ContractError


def moment(as_of: str | None) -> datetime:
    """Give "now" in UTC: what ``--as-of`` says, else the clock's.

    Raises
    ------
    ContractError
        If it is no date, and no ISO time with a zone.
    """
    if as_of is None:
        return datetime.now(UTC)
    try:
        told = datetime.fromisoformat(as_of)
    except ValueError:
        raise ContractError(
            "not a time", location="--as-of", hint="YYYY-MM-DD, or 2026-01-31T02:00:00+00:00"
        ) from None
    if told.tzinfo is None and len(as_of) > len("YYYY-MM-DD"):
        raise ContractError(
            "a time needs its zone", location="--as-of", hint="append Z, or an offset as +01:00"
        )
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
