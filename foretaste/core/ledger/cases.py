"""Cases for people: opened, listed, closed when their time is over, taken up again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.decisions import pending, refuse_claimed
from foretaste.core.ledger.records import WAITING, Case, CaseState, NewCase
from foretaste.core.ledger.tables import (
    case_details,
    case_rows,
    case_words,
    cases,
    decisions,
    gold,
)

CHUNK: Final = 5_000
SHOWN: Final = [c for c in cases.c if c.name not in ("furnished", "round", "changed")]
FREE: Final[dict[str, Any]] = {"assignee": None, "leased_until": None, "leased_at": None}
CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_WAITS: Final = cases.c.state.in_(WAITING)


class Cases:
    """The part of the ledger that keeps cases."""

    _engine: sa.Engine

    def open_cases(self, found: Sequence[NewCase], *, run_id: str, night: str, at: datetime) -> int:
        """Open cases; those that are there already stay as they are. Give how many are new."""
        with transaction(self._engine, write=True) as connection:
            known = set(connection.execute(sa.select(cases.c.id)).scalars())
            fresh = [case for case in found if case.id not in known]
            for case in fresh:
                _open(connection, case, run_id, night, at)
            if fresh:
                payload = {"run": run_id, "cases": [case.id for case in fresh]}
                audit.append(connection, at=at, actor="run", action="cases opened", payload=payload)
        return len(fresh)

    def cases(self, state: CaseState | None = None, limit: int = 1_000) -> list[Case]:
        """List cases, the most suspicious weight first."""
        wanted = sa.select(*SHOWN) if state is None else sa.select(*SHOWN).where(_in(state))
        ordered = wanted.order_by((cases.c.posterior * cases.c.weight).desc(), cases.c.id)
        with transaction(self._engine, write=False) as connection:
            return [case_of(row) for row in connection.execute(ordered.limit(limit)).mappings()]

    def case(self, case_id: str) -> Case:
        """Give one case, with its details.

        Raises
        ------
        WorkspaceError
            If there is none of that id.
        """
        wanted = sa.select(*SHOWN, case_details.c.details).outerjoin(case_details)
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(wanted.where(cases.c.id == case_id)).mappings().first()
        if row is None:
            raise unknown(case_id)
        return case_of({**row, "details": row["details"] or {}})

    def case_rows(self, case_id: str) -> list[str]:
        """List the rows of a case."""
        wanted = sa.select(case_rows.c.row_id).where(case_rows.c.case_id == case_id)
        with transaction(self._engine, write=False) as connection:
            return list(connection.execute(wanted.order_by(case_rows.c.row_id)).scalars())

    def expire_due(self, at: datetime) -> list[Case]:
        """Close the cases whose deadline is over; give them.

        A case that somebody is working on waits for the end of the lease. Cases with a
        known answer get a new deadline like the one they had.
        """
        free = cases.c.leased_until.is_(None) | (cases.c.leased_until <= at)
        due = _WAITS & (cases.c.deadline <= at) & free
        wanted = sa.select(*SHOWN, gold.c.case_id).outerjoin(gold, gold.c.case_id == cases.c.id)
        with transaction(self._engine, write=True) as connection:
            found = connection.execute(wanted.where(due).order_by(cases.c.id)).mappings().all()
            over = [case_of(row) for row in found if row["case_id"] is None]
            for row in found:
                if row["case_id"] is not None:
                    change(connection, row["id"], at=at, deadline=_again(row, at))
            for case in over:
                gone = FREE | {"state": CaseState.EXPIRED}
                change(connection, case.id, news="its deadline was over", at=at, **gone)
            if over:
                payload = {"cases": [case.id for case in over]}
                audit.append(connection, at=at, actor="run", action="expired", payload=payload)
            return [case_of(one_case(connection, case.id)) for case in over]

    def reopen(self, case_id: str, *, by: str, at: datetime, reason: str) -> None:
        """Take up a closed case again: what was said before stays, what is said now counts.

        A decision about the whole case that no run has applied is taken back; one that was
        applied stays, and a new one reverses it.

        Parameters
        ----------
        reason
            A short code, as of decisions.

        Raises
        ------
        WorkspaceError
            If the case is not closed, or a run is just applying its decision.
        """
        if not CODE.fullmatch(reason):
            raise WorkspaceError("a reason is lower-case letters, digits, _ and -")
        with transaction(self._engine, write=True) as connection:
            row = one_case(connection, case_id)
            if row["state"] in WAITING:
                raise WorkspaceError(f"case {case_id} is {row['state']}: nothing to take up again")
            taken_back = _take_back(connection, case_id, at)
            fresh: dict[str, Any] = FREE | {"state": CaseState.OPEN, "round": cases.c.round + 1}
            if row["deadline"] is not None:
                fresh |= {"deadline": _again(row, at)}
            change(connection, case_id, news=f"{by} took it up again", at=at, **fresh)
            payload = {"case": case_id, "reason_code": reason, "taken_back": taken_back}
            audit.append(connection, at=at, actor=by, action="reopened", payload=payload)


def one_case(connection: sa.Connection, case_id: str) -> Mapping[Any, Any]:
    """Read a case as the table holds it.

    Raises
    ------
    WorkspaceError
        If there is none of that id.
    """
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().first()
    if row is None:
        raise unknown(case_id)
    return row


def case_of(row: Mapping[Any, Any]) -> Case:
    """Make the record of what the table holds."""
    names = [column.name for column in SHOWN] + ["details"] * ("details" in row)
    told = {name: row[name] for name in names}
    return Case(**{**told, "state": CaseState(row["state"]), "reasons": tuple(row["reasons"])})


def insert_many(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, many at a time."""
    insert = table.insert()
    if connection.dialect.name == "postgresql":
        # Without something to return the driver sends them one by one.
        insert = insert.returning(sa.literal(1))
    for start in range(0, len(rows), CHUNK):
        connection.execute(insert, rows[start : start + CHUNK])


def holder(row: Mapping[Any, Any], at: datetime) -> str | None:
    """Name who holds a case now; None for nobody."""
    until = row["leased_until"]
    return str(row["assignee"]) if until is not None and until > at else None


def leased(row: Mapping[Any, Any]) -> WorkspaceError:
    """Say that somebody else holds a case."""
    until = f"{row['leased_until']:%Y-%m-%d %H:%M} UTC"
    return WorkspaceError(
        f"case {row['id']} is leased by {row['assignee']} until {until}",
        hint="take another, or wait until then",
    )


def unknown(case_id: str) -> WorkspaceError:
    """Say that there is no such case."""
    return WorkspaceError(f"there is no case {case_id}", hint="`foretaste cases` lists them")


def closed(row: Mapping[Any, Any]) -> WorkspaceError:
    """Say that a case takes no more opinions."""
    return WorkspaceError(
        f"case {row['id']} is {row['state']}",
        hint="take the decision back, or take the case up again",
    )


def _open(connection: sa.Connection, case: NewCase, run_id: str, night: str, at: datetime) -> None:
    row = asdict(case)
    ids = row.pop("rows")
    row |= {"run_id": run_id, "night": night, "size": len(ids), "opened": at}
    connection.execute(cases.insert().values(**row, state=CaseState.OPEN))
    words = f"{case.id} {case.title}".casefold()
    connection.execute(case_words.insert().values(case_id=case.id, words=words))
    links = [{"case_id": case.id, "row_id": row_id} for row_id in ids]
    insert_many(connection, case_rows, links)


def change(
    connection: sa.Connection, case_id: str, *, news: str = "", at: datetime, **values: Any
) -> None:
    """Change a case; with ``news`` who saw the older one is told of it."""
    if news:
        told = f"{news} at {at:%Y-%m-%d %H:%M} UTC"
        values |= {"changed": told, "version": cases.c.version + 1}
    connection.execute(cases.update().where(cases.c.id == case_id).values(**values))


def waiting_case(connection: sa.Connection, case_id: str) -> Mapping[Any, Any]:
    """Read a case that waits for somebody.

    Raises
    ------
    WorkspaceError
        If it is closed, or there is none of that id.
    """
    row = one_case(connection, case_id)
    if row["state"] not in WAITING:
        raise closed(row)
    return row


def _again(row: Mapping[Any, Any], at: datetime) -> datetime:
    """Give a deadline as far away as the first one was."""
    given: timedelta = row["deadline"] - (row["opened"] or row["deadline"])
    return at + max(given, timedelta(days=1))


def _take_back(connection: sa.Connection, case_id: str, at: datetime) -> list[int]:
    whole = decisions.c.row_id.is_(None) & decisions.c.contributor_id.is_(None)
    numbers = pending(connection, whole & (decisions.c.case_id == case_id))
    for number in numbers:
        refuse_claimed(connection, number)
    which = decisions.update().where(decisions.c.id.in_(numbers))
    connection.execute(which.values(undone_at=at))
    return numbers


def _in(state: CaseState) -> sa.ColumnElement[bool]:
    return cases.c.state == state
