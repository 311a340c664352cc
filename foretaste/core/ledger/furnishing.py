"""What a case shows: its rows, its story, the words by which it is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from foretaste.core.errors import WorkspaceError
from foretaste.core.ledger import audit
from foretaste.core.ledger.cases import CHUNK, SHOWN, case_of, insert_many, one_case
from foretaste.core.ledger.connection import transaction
from foretaste.core.ledger.records import WAITING, Case, CaseRow, Furnishing
from foretaste.core.ledger.tables import (
    case_details,
    case_rows,
    case_tags,
    case_words,
    cases,
    gold,
)

ROW_ORDERS: Final = ("posterior", "weight", "time", "contributor", "row")
"""How the rows of a case may be ordered."""

_SEARCHED: Final = 8_000
"""Characters of a case that a search reads: all of them are read for every search."""

_WORD: Final = 200
_READ: Final = 2_000
_COLUMNS: Final = [column for column in case_rows.c if column.name != "case_id"]
_ORDERS: Final = {
    "posterior": case_rows.c.posterior.desc(),
    "weight": case_rows.c.weight.desc(),
    "time": case_rows.c.contributed_at,
    "contributor": case_rows.c.contributor_id,
    "row": case_rows.c.row_id,
}


class Furnishings:
    """The part of the ledger that a case's page is made of."""

    _engine: sa.Engine

    def furnish(self, found: Sequence[Furnishing], *, at: datetime) -> int:
        """Write what cases show; those that show something already stay. Give how many did not.

        Raises
        ------
        WorkspaceError
            If one of the cases was never opened.
        """
        with transaction(self._engine, write=True) as connection:
            fresh = [one for one in found if _bare(connection, one.case_id)]
            for one in fresh:
                _furnish(connection, one, at)
            if fresh:
                payload = {"cases": [one.case_id for one in fresh]}
                audit.append(
                    connection, at=at, actor="run", action="cases furnished", payload=payload
                )
        return len(fresh)

    def unfurnished(self) -> list[Case]:
        """List the cases that wait and show nothing yet."""
        bare = cases.c.furnished.is_(None) & cases.c.state.in_(WAITING)
        wanted = sa.select(*SHOWN).where(bare).order_by(cases.c.id)
        with transaction(self._engine, write=False) as connection:
            return [case_of(row) for row in connection.execute(wanted).mappings()]

    def rows_of(
        self,
        case_id: str,
        *,
        offset: int = 0,
        limit: int = 50,
        order: str = "posterior",
        contributor: str | None = None,
        letters: int = 4_000,
    ) -> list[CaseRow]:
        """List some of a case's rows.

        Parameters
        ----------
        order
            One of ``ROW_ORDERS``; unknown ones count as the first.
        letters
            Characters of each text that are read; ``row`` gives all.
        """
        first = _ORDERS.get(order, _ORDERS["posterior"])
        ids = sa.select(case_rows.c.row_id).where(_within(case_id, contributor))
        page = ids.order_by(first, case_rows.c.row_id).limit(limit).offset(offset)
        short = [c for c in _COLUMNS if c.name != "text"]
        text = sa.func.substr(case_rows.c.text, 1, letters).label("text")
        with transaction(self._engine, write=False) as connection:
            names = list(connection.execute(page).scalars())
            same = (case_rows.c.case_id == case_id) & case_rows.c.row_id.in_(names)
            rows = connection.execute(sa.select(*short, text).where(same)).mappings()
            known = {row["row_id"]: _row(row) for row in rows}
        return [known[name] for name in names]

    def row_count(self, case_id: str, contributor: str | None = None) -> int:
        """Count a case's rows."""
        wanted = sa.select(sa.func.count()).select_from(case_rows)
        with transaction(self._engine, write=False) as connection:
            return connection.execute(wanted.where(_within(case_id, contributor))).scalar_one()

    def row(self, case_id: str, row_id: str) -> CaseRow:
        """Give one row of a case, whole.

        Raises
        ------
        WorkspaceError
            If the case has no such row.
        """
        same = (case_rows.c.case_id == case_id) & (case_rows.c.row_id == row_id)
        with transaction(self._engine, write=False) as connection:
            row = connection.execute(sa.select(*_COLUMNS).where(same)).mappings().first()
        if row is None:
            raise WorkspaceError(f"case {case_id} has no such row")
        return _row(row)

    def contributors_of(self, case_id: str, limit: int = 50) -> list[tuple[str, int, float]]:
        """List who sent a case's rows: pseudonym, rows, mean posterior; most rows first."""
        who, rows = case_rows.c.contributor_id, sa.func.count()
        wanted = sa.select(who, rows, sa.func.avg(case_rows.c.posterior))
        grouped = wanted.where(_within(case_id, None)).group_by(who).order_by(rows.desc(), who)
        with transaction(self._engine, write=False) as connection:
            found = connection.execute(grouped.limit(limit)).all()
        return [(str(name), int(count), float(mean)) for name, count, mean in found]

    def same(
        self,
        *,
        contributor: str | None = None,
        subnet: str | None = None,
        item: str | None = None,
        not_case: str | None = None,
        limit: int = 20,
    ) -> list[Case]:
        """List cases that a contributor, a network or an item is in, newest first."""
        wanted = (("contributor_id", contributor), ("subnet_id", subnet), ("item_id", item))
        asked = {name: value for name, value in wanted if value is not None}
        if not asked:
            return []
        touching = sa.select(case_rows.c.case_id).where(
            *(case_rows.c[name] == value for name, value in asked.items())
        )
        # A copy with a known answer would betray itself beside what it is a copy of.
        copies = sa.select(gold.c.case_id)
        source = sa.select(gold.c.source).where(gold.c.case_id == not_case)
        others = cases.c.id.in_(touching) & cases.c.id.not_in(copies) & cases.c.id.not_in(source)
        chosen = sa.select(*SHOWN).where(others & (cases.c.id != (not_case or "")))
        ordered = chosen.order_by(cases.c.night.desc(), cases.c.id).limit(limit)
        with transaction(self._engine, write=False) as connection:
            return [case_of(row) for row in connection.execute(ordered).mappings()]


def searched(words: Iterable[str]) -> str:
    """Join words for a search: lower case, each once, as many as are kept."""
    kept: dict[str, None] = {}
    size = 0
    for word in words:
        short = word[:_WORD]
        if short in kept:
            continue
        size += len(short) + 1
        if size > _SEARCHED:
            break
        kept[short] = None
    return " ".join(kept)


def _bare(connection: sa.Connection, case_id: str) -> bool:
    return one_case(connection, case_id)["furnished"] is None


def _furnish(connection: sa.Connection, one: Furnishing, at: datetime) -> None:
    names = ("subject", "contributors", "minutes", "influence", "needs", "deadline")
    values = {name: getattr(one, name) for name in names}
    values |= {"furnished": at, "opened": sa.func.coalesce(cases.c.opened, at.isoformat())}
    same = cases.c.id == one.case_id
    (title,) = connection.execute(sa.select(cases.c.title).where(same)).one()
    connection.execute(cases.update().where(same).values(**values))
    _replace(connection, case_details, one.case_id, [{"details": dict(one.details)}])
    _replace(connection, case_words, one.case_id, [{"words": searched(_words(one, title))}])
    _replace(connection, case_tags, one.case_id, list(_tags(one)))
    given = {row.row_id: row for row in one.rows}
    _drop_rows(connection, one.case_id, list(given))
    _insert(connection, case_rows, one.case_id, [asdict(row) for row in given.values()])


def _tags(one: Furnishing) -> Iterator[dict[str, Any]]:
    for value in sorted(set(one.detectors)):
        yield {"kind": "detector", "value": value}
    # Cut as the table cuts: two that differ behind the cut are one there.
    for value in sorted({row.label[:_WORD] for row in one.rows}):
        yield {"kind": "label", "value": value}


def _words(one: Furnishing, title: str) -> Iterator[str]:
    yield from f"{one.case_id} {title} {one.subject}".casefold().split()
    rows = sorted(one.rows, key=lambda row: (-row.posterior, row.row_id))
    for row in rows:
        yield from f"{row.label} {row.item_id or ''}"[:_READ].casefold().split()
    for row in rows:
        yield from (row.text or "")[:_READ].casefold().split()


def _replace(
    connection: sa.Connection, table: sa.Table, case_id: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    connection.execute(table.delete().where(table.c.case_id == case_id))
    _insert(connection, table, case_id, rows)


def _drop_rows(connection: sa.Connection, case_id: str, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), CHUNK):
        part = case_rows.c.row_id.in_(ids[start : start + CHUNK])
        connection.execute(case_rows.delete().where((case_rows.c.case_id == case_id) & part))


def _insert(
    connection: sa.Connection, table: sa.Table, case_id: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    insert_many(connection, table, [{**row, "case_id": case_id} for row in rows])


def _within(case_id: str, contributor: str | None) -> sa.ColumnElement[bool]:
    same = case_rows.c.case_id == case_id
    return same if contributor is None else same & (case_rows.c.contributor_id == contributor)


def _row(row: Mapping[Any, Any]) -> CaseRow:
    return CaseRow(**{**row, "evidence": tuple(row["evidence"])})
