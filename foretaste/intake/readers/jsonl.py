"""JSON Lines, one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from foretaste.intake.readers.gather import Gatherer
from foretaste.intake.readers.lines import Lines, RowTooLong
from foretaste.intake.readers.table import MAX_COLUMNS, Chunk, RawTable, Wanted

if TYPE_CHECKING:
    from foretaste.intake.spool import Spooled

Row = dict[str, Any]


class _DuplicateKey(Exception):
    """An object has a key twice: which value is meant would be a guess."""


def _object(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise _DuplicateKey
    return row


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object)


def open_jsonl(spooled: Spooled, wanted: Wanted) -> RawTable:
    """Open a JSON Lines file; a column is there if any row has its key."""
    missing = _missing(Lines(spooled.file, wanted.max_row_bytes), wanted)
    names = sorted(wanted.names - missing)
    wanted.check(names)
    lines = Lines(spooled.file, wanted.max_row_bytes)

    def columns(rows: list[Row]) -> Mapping[str, list[Any]]:
        return {name: [row.get(name) for row in rows] for name in names}

    gatherer = Gatherer(lines, wanted, spooled.restore, columns)
    extra: set[str] = set()
    return RawTable(_chunks(lines, wanted, gatherer, extra), extra=extra)


def _missing(lines: Lines, wanted: Wanted) -> set[str]:
    """Find keys that no row has, of those that matter; mostly the first row has them all."""
    missing = {*wanted.required} | ({wanted.time} if wanted.time else set())
    while missing:
        lines.begin()
        try:
            row, _ = _read(next(lines), lines.clean)
        except StopIteration:
            break
        except RowTooLong:
            continue
        missing -= row.keys()
    return missing


def _chunks(
    lines: Lines, wanted: Wanted, gatherer: Gatherer[Row], extra: set[str]
) -> Iterator[Chunk]:
    names = wanted.names
    while True:
        lines.begin()
        try:
            line = next(lines)
            row, code = _read(line, lines.clean)
        except StopIteration:
            break
        except RowTooLong:
            line, row, code = "?", {}, "row_too_long"
        code = code or _width(row, names, wanted, extra)
        if code:
            gatherer.reject(code)
        elif line.strip():
            gatherer.add(row)
        if gatherer.full:
            yield gatherer.take()
    yield gatherer.take()


def _read(line: str, clean: bool) -> tuple[Row, str]:
    """Read one line: the object, or an empty one and what is wrong."""
    if not clean:
        return {}, "invalid_utf8"
    if not (text := line.strip(" \t\r\n\ufeff")):
        return {}, ""
    try:
        row = _DECODER.decode(text)
    except _DuplicateKey:
        return {}, "json_duplicate_key"
    except RecursionError:
        return {}, "json_nested"
    except ValueError:
        return {}, "json_malformed"
    return (row, "") if isinstance(row, dict) else ({}, "json_not_object")


def _width(row: Row, names: frozenset[str], wanted: Wanted, extra: set[str]) -> str:
    if row.keys() <= names:
        return ""
    if not wanted.allow_extra:
        return "extra_key"
    if len(row) > MAX_COLUMNS:
        return "row_too_wide"
    if len(extra) < MAX_COLUMNS:
        extra.update(row.keys() - names)
    return ""
