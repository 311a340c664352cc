"""Cases out to a file and decisions in from one: CSV, Parquet or JSON Lines.

An export with its columns ``judgement``, ``reason``, ``note`` and ``new_label`` filled in is
an import. Parquet and JSON Lines lose nothing; in CSV a cell that a spreadsheet would take
for a formula starts with an apostrophe, and the import takes that off again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from foretaste.core.errors import ContractError
from foretaste.core.ledger import Case, CaseRow, Judgement, Ledger, Query
from foretaste.steps.sheets import open_sheet, read_sheet

_PAGE: Final = 500
_FILLED: Final = ("judgement", "reason", "note", "new_label")
_FIELDS: Final = ("case_id", "row_id", "contributor_id", *_FILLED)
_NEEDED: Final = ("case_id", "judgement")
_ALL: Final = 2**30

CASE_SCHEMA: Final = pa.schema(
    [
        ("case_id", pa.string()),
        ("night", pa.string()),
        ("kind", pa.string()),
        ("title", pa.string()),
        ("state", pa.string()),
        ("size", pa.int64()),
        ("contributors", pa.int64()),
        ("weight", pa.float64()),
        ("posterior", pa.float64()),
        ("influence", pa.float64()),
        ("needs", pa.int64()),
        ("deadline", pa.timestamp("us", tz="UTC")),
        *((name, pa.string()) for name in _FILLED),
    ]
)
"""One line per case; the last four columns are for whoever decides."""

ROW_SCHEMA: Final = pa.schema(
    [
        ("case_id", pa.string()),
        ("row_id", pa.string()),
        ("contributor_id", pa.string()),
        ("item_id", pa.string()),
        ("contributed_at", pa.timestamp("us", tz="UTC")),
        ("label", pa.string()),
        ("verdict", pa.string()),
        ("weight", pa.float64()),
        ("posterior", pa.float64()),
        ("text", pa.string()),
        ("content", pa.string()),
        *((name, pa.string()) for name in _FILLED),
    ]
)
"""One line per row of a case; ``content`` is JSON."""


@dataclass(frozen=True, slots=True)
class Told:
    """A decision as a file tells it.

    Parameters
    ----------
    where
        File and line, for messages.
    row_id, contributor_id
        None for the whole case.
    label
        The new label of a relabelling.
    """

    where: str
    case_id: str
    judgement: Judgement
    reason: str
    note: str
    row_id: str | None
    contributor_id: str | None
    label: str | None


def export_cases(
    ledger: Ledger, query: Query, path: Path, form: str, *, rows: bool, text: bool
) -> int:
    """Write the cases of a query, or their rows, to a file; give the number of lines.

    Parameters
    ----------
    form
        One of ``sheets.FORMATS``.
    rows
        A line per row instead of one per case.
    text
        Write contributed texts and features too.

    Raises
    ------
    ContractError
        If there is no such format.
    """
    schema = ROW_SCHEMA if rows else CASE_SCHEMA
    lines = _row_lines(ledger, query, text=text) if rows else _case_lines(ledger, query)
    written = 0
    with open_sheet(path, form, schema) as sink:
        for line in lines:
            sink.write(line)
            written += 1
    return written


def read_told(path: Path) -> list[Told]:
    """Read decisions; lines without a judgement say nothing.

    Raises
    ------
    ContractError
        If the file or a line of it cannot be read; the message names file and line.
    """
    found = []
    for number, line in read_sheet(path, _FIELDS, _NEEDED):
        if told := _told(f"{path.name}:{number}", line):
            found.append(told)
    return found


def _cases(ledger: Ledger, query: Query) -> Iterator[Case]:
    page, pages = 1, 1
    while page <= pages:
        found = ledger.queue(replace(query, page=page, per=_PAGE))
        yield from found.items
        page, pages = page + 1, found.pages


def _case_lines(ledger: Ledger, query: Query) -> Iterator[dict[str, Any]]:
    for case in _cases(ledger, query):
        line = {name: getattr(case, name, None) for name in CASE_SCHEMA.names}
        yield line | {"case_id": case.id, "state": str(case.state), **dict.fromkeys(_FILLED)}


def _row_lines(ledger: Ledger, query: Query, *, text: bool) -> Iterator[dict[str, Any]]:
    for case in _cases(ledger, query):
        for row in _rows(ledger, case.id):
            line = {name: getattr(row, name, None) for name in ROW_SCHEMA.names}
            line |= {"case_id": case.id, **dict.fromkeys(_FILLED)}
            line["content"] = json.dumps(dict(row.content), sort_keys=True) if text else None
            yield line | ({} if text else {"text": None})


def _rows(ledger: Ledger, case_id: str) -> Iterator[CaseRow]:
    offset = 0
    while page := ledger.rows_of(case_id, offset=offset, limit=_PAGE, order="row", letters=_ALL):
        yield from page
        offset += len(page)


def _told(where: str, line: Mapping[str, Any]) -> Told | None:
    cells = {name: str(line.get(name) or "").strip() for name in _FIELDS}
    if not cells["judgement"]:
        return None
    try:
        judgement = Judgement(cells["judgement"].lower())
    except ValueError:
        raise ContractError(
            "no such judgement", location=where, hint=f"one of {', '.join(Judgement)}"
        ) from None
    if not cells["case_id"]:
        raise ContractError("a decision without a case", location=where)
    return Told(
        where,
        cells["case_id"],
        judgement,
        cells["reason"] or "imported",
        cells["note"],
        cells["row_id"] or None,
        # An export names each row's contributor: a line with both is about the row.
        None if cells["row_id"] else cells["contributor_id"] or None,
        cells["new_label"] or None,
    )
