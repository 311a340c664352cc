"""What the ledger forgets with a purge: contents go, that something was decided stays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.ledger import audit
from foretaste.core.ledger.cases import CHUNK
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.tables import case_details, case_rows, case_words, cases

_EMPTY: Final[Mapping[str, Any]] = {"text": None, "content": {}, "item_id": None}
_TELLING: Final = ("spans", "alike")
"""Parts of a case's details, by row, that hold words of texts."""


class Forgetting:
    """The part of the ledger that a purge works on."""

    _engine: sa.Engine

    def forget(self, contributors: Collection[str], *, by: str, at: datetime) -> int:
        """Empty what cases show of contributors' rows; give how many rows held something.

        Ids, labels, verdicts, evidence and decisions stay: what was decided about whom must
        remain provable. Cases that these rows are in are found by their title alone from
        then on, and no case shows one of the rows as a neighbour.
        """
        theirs = case_rows.c.contributor_id.in_(sorted(contributors))
        full = theirs & (
            case_rows.c.text.is_not(None) | (sa.cast(case_rows.c.content, sa.Text) != "{}")
        )
        with transaction(self._engine, write=True) as connection:
            found = connection.execute(
                sa.select(case_rows.c.case_id, case_rows.c.row_id).where(theirs)
            )
            rows = [(str(case), str(row)) for case, row in found]
            count = connection.execute(case_rows.update().where(full).values(_EMPTY)).rowcount
            touched = sorted({case for case, _ in rows})
            _retitle(connection, touched)
            _tell_less(connection, set(touched), {row for _, row in rows})
            if count:
                payload = {"contributors": sorted(contributors), "rows": count}
                audit.append(connection, at=at, actor=by, action="forgotten", payload=payload)
        return count


def _retitle(connection: sa.Connection, touched: Sequence[str]) -> None:
    for start in range(0, len(touched), CHUNK):
        part = touched[start : start + CHUNK]
        title = sa.select(sa.func.lower(cases.c.title)).where(cases.c.id == case_words.c.case_id)
        change = case_words.update().where(case_words.c.case_id.in_(part))
        connection.execute(change.values(words=title.scalar_subquery()))


def _tell_less(connection: sa.Connection, touched: set[str], rows: set[str]) -> None:
    """Drop words and neighbours from the details of every case that shows such a row."""
    for case_id, told in connection.execute(sa.select(case_details)).all():
        less = _less(told, rows, whole=case_id in touched)
        if less != told:
            change = case_details.update().where(case_details.c.case_id == case_id)
            connection.execute(change.values(details=less))


def _less(told: Mapping[str, Any], rows: set[str], *, whole: bool) -> dict[str, Any]:
    if whole:
        return {name: part for name, part in told.items() if name not in _TELLING}
    near = {
        row: [one for one in ones if one.get("row_id") not in rows]
        for row, ones in told.get("alike", {}).items()
    }
    return {**told, "alike": near} if "alike" in told else dict(told)
