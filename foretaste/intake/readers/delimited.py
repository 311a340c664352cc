"""CSV of any dialect, record by record, so that one bad line costs one row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from foretaste.intake.problems import BadFile
from foretaste.intake.readers.dialect import find_dialect
from foretaste.intake.readers.gather import Gatherer
from foretaste.intake.readers.lines import Lines, RowTooLong
from foretaste.intake.readers.table import Chunk, RawTable, Wanted

if TYPE_CHECKING:
    from foretaste.intake.spool import Spooled

#: A stray quote swallows the lines behind it; they are read again. Beyond this many bytes
#: read twice, somebody is playing, and quotes no longer join lines.
_MAX_RESCAN: Final = 64 << 20


def open_csv(spooled: Spooled, wanted: Wanted) -> RawTable:
    """Open a CSV file; its first record names the columns."""
    # The module's own limit is lower than our bound on a row, and global.
    csv.field_size_limit(max(csv.field_size_limit(), wanted.max_row_bytes))
    dialect = find_dialect(spooled.file, wanted)
    lines = Lines(spooled.file, wanted.max_row_bytes)
    reader = csv.reader(lines, **dialect)
    header = _header(reader, lines)
    wanted.check(header)
    places = {name: place for place, name in enumerate(header) if name in wanted.names}

    def columns(records: list[list[str]]) -> dict[str, pa.Array]:
        return {
            name: pa.array([record[place] for record in records], pa.string())
            for name, place in places.items()
        }

    gatherer = Gatherer(lines, wanted, spooled.restore, columns)
    return RawTable(
        chunks=_chunks(reader, lines, len(header), gatherer),
        textual=True,
        extra=set(header) - wanted.names,
    )


def _header(reader: Any, lines: Lines) -> list[str]:
    header: list[str] = []
    try:
        while not header:
            lines.begin()
            header = next(reader)
    except StopIteration:
        raise BadFile("empty", code="empty") from None
    except (csv.Error, RowTooLong):
        raise BadFile("the header cannot be read", code="bad_header") from None
    if not lines.clean:
        raise BadFile("the header is not UTF-8", code="bad_header")
    return [name.strip() for name in header]


def _chunks(
    reader: Any, lines: Lines, width: int, gatherer: Gatherer[list[str]]
) -> Iterator[Chunk]:
    rescanned = 0
    while True:
        lines.begin()
        code = ""
        record: list[str] = []
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            code = "csv_malformed"
        except RowTooLong:
            code = "row_too_long"
        code = code or _fault(record, width, lines)
        if code in {"csv_malformed", "csv_ragged", "row_too_long"} and lines.count > 1:
            rescanned += lines.end - lines.first_end
            lines.one_line = lines.one_line or rescanned > _MAX_RESCAN
            lines.retreat()
            code = "csv_malformed"
        if code:
            gatherer.reject(code)
        elif record:
            gatherer.add(record)
        if gatherer.full:
            yield gatherer.take()
    yield gatherer.take()


def _fault(record: list[str], width: int, lines: Lines) -> str:
    """Name what is wrong with a record; an empty line is no record."""
    if record and len(record) != width:
        return "csv_ragged"
    return "" if lines.clean else "invalid_utf8"
