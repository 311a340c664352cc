"""Leases: who works on a case, so that no two do without knowing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.ballots import hindrance
from foretaste.core.ledger.cases import (
    FREE,
    case_of,
    change,
    holder,
    leased,
    one_case,
    waiting_case,
)
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import WAITING, Case, CaseState


class Leases:
    """The part of the ledger that says who works on what."""

    _engine: sa.Engine

    def assign(self, case_id: str, *, to: str, by: str, at: datetime) -> None:
        """Give a case to a reviewer; others may still take it up."""
        with transaction(self._engine, write=True) as connection:
            row = waiting_case(connection, case_id)
            change(connection, case_id, at=at, **FREE | {"assignee": to, "state": _taken(row)})
            payload = {"case": case_id, "to": to}
            audit.append(connection, at=at, actor=by, action="assigned", payload=payload)

    def lease(self, case_id: str, *, by: str, at: datetime, minutes: float) -> Case:
        """Keep a case for one person for a while; who has it already keeps it longer.

        Raises
        ------
        WorkspaceError
            If the case is closed, another holds it, or it is not theirs to judge.
        """
        length = timedelta(minutes=minutes)
        with transaction(self._engine, write=True) as connection:
            row = waiting_case(connection, case_id)
            if (who := holder(row, at)) not in (None, by):
                raise leased(row)
            if why := hindrance(connection, row, by):
                raise WorkspaceError(f"case {case_id} {why}")
            # Opening the page again and again is no news.
            if who is None or row["leased_until"] - at < length / 2:
                since = at if who is None else row["leased_at"]
                taken: dict[str, Any] = {
                    "assignee": by,
                    "leased_until": at + length,
                    "leased_at": since,
                }
                change(connection, case_id, at=at, **taken, state=_taken(row))
                payload = {"case": case_id, "minutes": minutes}
                audit.append(connection, at=at, actor=by, action="leased", payload=payload)
            return case_of(one_case(connection, case_id))

    def release_lease(self, case_id: str, *, by: str, at: datetime) -> None:
        """Give a case back undecided; nothing happens where somebody else has it."""
        with transaction(self._engine, write=True) as connection:
            if end_lease(connection, one_case(connection, case_id), by, at):
                payload = {"case": case_id}
                audit.append(connection, at=at, actor=by, action="lease ended", payload=payload)


def end_lease(connection: sa.Connection, row: Mapping[Any, Any], by: str, at: datetime) -> bool:
    """Let go of a case that somebody has; say whether they had it."""
    if row["state"] not in WAITING or row["assignee"] != by:
        return False
    state = CaseState(row["state"])
    now = CaseState.OPEN if state is CaseState.ASSIGNED else state
    change(connection, row["id"], at=at, **FREE | {"state": now})
    return True


def _taken(row: Mapping[Any, Any]) -> CaseState:
    state = CaseState(row["state"])
    return CaseState.ASSIGNED if state is CaseState.OPEN else state
