"""Cases for people, and what people decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import Case, CaseState, Decision, Judgement, NewCase
from foretaste.core.ledger.tables import case_rows, cases, decisions

_CHUNK = 5_000
_LIVE = decisions.c.undone_at.is_(None)
_SHOWN = [column for column in decisions.c if column.name != "undone_at"]


class Cases:
    """The part of the ledger that reviewers work on."""

    _engine: sa.Engine

    def open_cases(self, found: Sequence[NewCase], *, run_id: str, night: str, at: datetime) -> int:
        """Open cases; those that are there already stay as they are. Give how many are new."""
        with transaction(self._engine, write=True) as connection:
            known = set(connection.execute(sa.select(cases.c.id)).scalars())
            fresh = [case for case in found if case.id not in known]
            for case in fresh:
                row = asdict(case)
                ids = row.pop("rows")
                row |= {"run_id": run_id, "night": night, "size": len(ids)}
                connection.execute(cases.insert().values(**row, state=CaseState.OPEN))
                links = [{"case_id": case.id, "row_id": row_id} for row_id in ids]
                for start in range(0, len(links), _CHUNK):
                    connection.execute(case_rows.insert(), links[start : start + _CHUNK])
            if fresh:
                payload = {"run": run_id, "cases": [case.id for case in fresh]}
                audit.append(connection, at=at, actor="run", action="cases opened", payload=payload)
        return len(fresh)

    def cases(self, state: CaseState | None = None, limit: int = 1_000) -> list[Case]:
        """List cases, the most suspicious weight first."""
        wanted = sa.select(cases) if state is None else sa.select(cases).where(_in(state))
        ordered = wanted.order_by((cases.c.posterior * cases.c.weight).desc(), cases.c.id)
        with transaction(self._engine, write=False) as connection:
            return [_case(row) for row in connection.execute(ordered.limit(limit)).mappings()]

    def case(self, case_id: str) -> Case:
        """Give one case.

        Raises
        ------
        WorkspaceError
            If there is none of that id.
        """
        with transaction(self._engine, write=False) as connection:
            return _one_case(connection, case_id)

    def case_rows(self, case_id: str) -> list[str]:
        """List the rows of a case."""
        wanted = sa.select(case_rows.c.row_id).where(case_rows.c.case_id == case_id)
        with transaction(self._engine, write=False) as connection:
            return list(connection.execute(wanted.order_by(case_rows.c.row_id)).scalars())

    def assign(self, case_id: str, *, to: str, by: str, at: datetime) -> None:
        """Give a case to a reviewer."""
        with transaction(self._engine, write=True) as connection:
            _require_open(_one_case(connection, case_id))
            change = {"state": CaseState.ASSIGNED, "assignee": to}
            connection.execute(cases.update().where(cases.c.id == case_id).values(**change))
            payload = {"case": case_id, "to": to}
            audit.append(connection, at=at, actor=by, action="assigned", payload=payload)

    def expire_cases(self, before: str, *, at: datetime) -> int:
        """Close undecided cases of nights before ``YYYY-MM-DD``; give how many."""
        waiting = cases.c.state.in_([CaseState.OPEN, CaseState.ASSIGNED])
        with transaction(self._engine, write=True) as connection:
            change = cases.update().where(waiting & (cases.c.night < before))
            count = connection.execute(change.values(state=CaseState.EXPIRED)).rowcount
            if count:
                payload = {"before": before, "count": count}
                audit.append(connection, at=at, actor="run", action="expired", payload=payload)
        return count

    def decide(
        self,
        decision: Judgement,
        *,
        by: str,
        at: datetime,
        reason_code: str,
        case_id: str | None = None,
        row_id: str | None = None,
        contributor_id: str | None = None,
        label: str | None = None,
        note: str = "",
    ) -> int:
        """Write down a reviewer's decision; give its number.

        It waits until a run applies it. A decision about a case closes the case, unless
        it escalates it; one with ``row_id`` too is about that row of the case alone.

        Raises
        ------
        WorkspaceError
            If it is about nothing, the case is closed or unknown, or a relabelling has
            no label.
        """
        about = {"case_id": case_id, "row_id": row_id, "contributor_id": contributor_id}
        if not any(about.values()):
            raise WorkspaceError("a decision is about a case, a row or a contributor")
        if (decision is Judgement.RELABEL) != (label is not None):
            raise WorkspaceError("a label belongs to a relabelling, and to nothing else")
        said = {"decision": decision, "reason_code": reason_code, "label": label, "note": note}
        with transaction(self._engine, write=True) as connection:
            if case_id is not None:
                _require_open(_one_case(connection, case_id))
            insert = decisions.insert().values(**about, **said, by=by, at=at)
            (number,) = connection.execute(insert).inserted_primary_key or (0,)
            if case_id is not None and row_id is None and decision is not Judgement.ESCALATE:
                _move(connection, case_id, CaseState.DECIDED)
            # Notes are free text about people: the log names the decision, not its prose.
            payload = {"id": number, **about, "decision": decision, "reason_code": reason_code}
            audit.append(connection, at=at, actor=by, action="decided", payload=payload)
        return int(number)

    def undo(self, number: int, *, by: str, at: datetime) -> None:
        """Take a decision back while it waits; its case opens again.

        Raises
        ------
        WorkspaceError
            If it was applied, was taken back before, or never made.
        """
        with transaction(self._engine, write=True) as connection:
            waits = _LIVE & decisions.c.applied_in.is_(None) & (decisions.c.id == number)
            found = connection.execute(sa.select(decisions).where(waits)).first()
            if found is None:
                raise WorkspaceError(
                    f"decision {number} does not wait any more",
                    hint="decide anew; the next run applies that",
                )
            change = decisions.update().where(decisions.c.id == number)
            connection.execute(change.values(undone_at=at))
            if found.case_id is not None and found.row_id is None:
                _move(connection, found.case_id, CaseState.OPEN)
            audit.append(connection, at=at, actor=by, action="undone", payload={"id": number})

    def decisions(self, *, since: int = 0) -> list[Decision]:
        """List decisions that stand, applied or not, by number; those after ``since``."""
        return self._decisions(_LIVE & (decisions.c.id > since))

    def pending_decisions(self) -> list[Decision]:
        """List decisions that wait for a run, oldest first."""
        return self._decisions(_LIVE & decisions.c.applied_in.is_(None))

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
                change = decisions.update().where(_LIVE & free & (decisions.c.id == number))
                if connection.execute(change.values(applied_in=run_id)).rowcount == 0:
                    raise WorkspaceError(
                        f"decision {number} was taken back, or applied by another run"
                    )

    def _decisions(self, where: sa.ColumnElement[bool]) -> list[Decision]:
        wanted = sa.select(*_SHOWN).where(where).order_by(decisions.c.id)
        with transaction(self._engine, write=False) as connection:
            rows = list(connection.execute(wanted).mappings())
        return [Decision(**{**row, "decision": Judgement(row["decision"])}) for row in rows]


def _in(state: CaseState) -> sa.ColumnElement[bool]:
    return cases.c.state == state


def _one_case(connection: sa.Connection, case_id: str) -> Case:
    row = connection.execute(sa.select(cases).where(cases.c.id == case_id)).mappings().first()
    if row is None:
        raise WorkspaceError(f"there is no case {case_id}", hint="`foretaste cases` lists them")
    return _case(row)


def _case(row: Mapping[Any, Any]) -> Case:
    return Case(**{**row, "state": CaseState(row["state"]), "reasons": tuple(row["reasons"])})


def _require_open(case: Case) -> None:
    if case.state not in (CaseState.OPEN, CaseState.ASSIGNED):
        raise WorkspaceError(f"case {case.id} is {case.state}", hint="undo the decision first")


def _move(connection: sa.Connection, case_id: str, state: CaseState) -> None:
    connection.execute(cases.update().where(cases.c.id == case_id).values(state=state))
