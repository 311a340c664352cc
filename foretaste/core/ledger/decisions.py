"""Decisions: what the next run acts on, exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import Decision, Judgement
from foretaste.core.ledger.runs import RUNNING
from foretaste.core.ledger.tables import decisions, runs

LIVE: Final = decisions.c.undone_at.is_(None) & decisions.c.replaced_by.is_(None)
_WAITS: Final = LIVE & decisions.c.applied_in.is_(None)
_HIDDEN: Final = ("claimed_in", "replaced_by", "undone_at")
_SHOWN: Final = [column for column in decisions.c if column.name not in _HIDDEN]
_TARGET: Final = ("case_id", "row_id", "contributor_id")


class Decisions:
    """The part of the ledger that holds what was decided."""

    _engine: sa.Engine

    def decide(
        self,
        decision: Judgement,
        *,
        by: str,
        at: datetime,
        reason_code: str,
        row_id: str | None = None,
        contributor_id: str | None = None,
        label: str | None = None,
        note: str = "",
    ) -> int:
        """Write down a decision about a row or a contributor outside any case; give its number.

        Cases are decided by votes.

        Raises
        ------
        WorkspaceError
            If it is about nothing, or a relabelling has no label.
        """
        if not (row_id or contributor_id):
            raise WorkspaceError("a decision is about a case, a row or a contributor")
        if (decision is Judgement.RELABEL) != (label is not None):
            raise WorkspaceError("a label belongs to a relabelling, and to nothing else")
        about = {"case_id": None, "row_id": row_id, "contributor_id": contributor_id}
        said = {"decision": decision, "reason_code": reason_code, "label": label, "note": note}
        with transaction(self._engine, write=True) as connection:
            return write_decision(connection, {**about, **said, "by": by, "at": at})

    def decisions(self) -> list[Decision]:
        """List the decisions that stand, oldest first."""
        return self._decisions(LIVE)

    def pending_decisions(self) -> list[Decision]:
        """List the decisions that no run has acted on, oldest first."""
        return self._decisions(_WAITS)

    def claim(self, numbers: Sequence[int], *, run_id: str) -> None:
        """Keep decisions for a run: while it goes on, nobody takes them back.

        The claim ends with the run, however it ends.
        """
        with transaction(self._engine, write=True) as connection:
            for number in numbers:
                mine = decisions.update().where(_WAITS & (decisions.c.id == number))
                connection.execute(mine.values(claimed_in=run_id))

    def mark_applied(self, numbers: Sequence[int], *, run_id: str) -> None:
        """Write down that a run acted on decisions; for the same run, again and again.

        Raises
        ------
        WorkspaceError
            If one was taken back, or applied by another run: it lands in one version only.
        """
        with transaction(self._engine, write=True) as connection:
            free = decisions.c.applied_in.is_(None) | (decisions.c.applied_in == run_id)
            for number in numbers:
                change = decisions.update().where(LIVE & free & (decisions.c.id == number))
                if connection.execute(change.values(applied_in=run_id)).rowcount == 0:
                    raise WorkspaceError(
                        f"decision {number} was taken back, or applied by another run"
                    )

    def _decisions(self, where: sa.ColumnElement[bool]) -> list[Decision]:
        wanted = sa.select(*_SHOWN).where(where).order_by(decisions.c.id)
        with transaction(self._engine, write=False) as connection:
            rows = list(connection.execute(wanted).mappings())
        return [Decision(**{**row, "decision": Judgement(row["decision"])}) for row in rows]


def write_decision(connection: sa.Connection, row: Mapping[str, Any]) -> int:
    """Write a decision in place of one about the same that still waits; give its number.

    Raises
    ------
    WorkspaceError
        If a run is just acting on the one before.
    """
    before = pending(connection, _about(row))
    for number in before:
        refuse_claimed(connection, number)
    (number,) = connection.execute(decisions.insert().values(**row)).inserted_primary_key or (0,)
    older = decisions.update().where(decisions.c.id.in_(before))
    connection.execute(older.values(replaced_by=number))
    # Notes are free text about people: the log names the decision, not its prose.
    names = (*_TARGET, "decision", "reason_code")
    payload = {"id": number} | {name: row[name] for name in names}
    audit.append(connection, at=row["at"], actor=row["by"], action="decided", payload=payload)
    return int(number)


def withdraw(connection: sa.Connection, number: int, at: datetime) -> None:
    """Take back a decision that waits; the one before it stands again.

    Raises
    ------
    WorkspaceError
        If it does not wait, or a run is just acting on it.
    """
    if not pending(connection, decisions.c.id == number):
        raise WorkspaceError(
            f"decision {number} does not wait any more",
            hint="a run has applied it, or it was taken back; decide anew, or take the case "
            "up again: the next run applies that",
        )
    refuse_claimed(connection, number)
    gone = decisions.update().where(decisions.c.id == number)
    connection.execute(gone.values(undone_at=at))
    older = decisions.update().where(decisions.c.replaced_by == number)
    connection.execute(older.values(replaced_by=None))


def pending(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[int]:
    """Give the numbers of those decisions that wait for a run."""
    wanted = sa.select(decisions.c.id).where(_WAITS & which).order_by(decisions.c.id)
    return list(connection.execute(wanted).scalars())


def refuse_claimed(connection: sa.Connection, number: int) -> None:
    """Refuse where a run that goes on is acting on a decision.

    Raises
    ------
    WorkspaceError
        If so: its outcome is being written.
    """
    acting = decisions.join(runs, runs.c.id == decisions.c.claimed_in)
    mine = (decisions.c.id == number) & (runs.c.state == RUNNING)
    run = connection.execute(sa.select(runs.c.id).select_from(acting).where(mine)).scalar()
    if run is not None:
        raise WorkspaceError(
            f"the run {run} is applying decision {number}",
            hint="wait for its end; then take the case up again",
        )


def _about(row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(decisions.c[name].is_not_distinct_from(row[name]) for name in _TARGET))
