"""Tables as files for people: CSV that no spreadsheet runs, Parquet, JSON Lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from foretaste.core.errors import ContractError
from foretaste.core.files import temp_of

FORMATS: Final = ("csv", "parquet", "jsonl")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_BATCH: Final = 500
_MAX_MB: Final = 256
_MAX_CELL: Final = 2**27
_Lines = list[tuple[int, dict[str, Any]]]


def safe_cell(value: Any) -> str:
    """Write a CSV cell that no spreadsheet takes for a formula.

    Digits with a sign are numbers, not formulas. What starts with an apostrophe gets
    another one, so that ``plain_cell`` gives back what there was.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.lstrip().startswith((*_FORMULA, "'")) or _odd(text) else text


def plain_cell(text: str) -> str:
    """Read what ``safe_cell`` wrote."""
    return text.removeprefix("'")


class Sheet(Protocol):
    """Takes lines by name of column."""

    def write(self, line: Mapping[str, Any]) -> None:
        """Write a line."""
        ...


@contextmanager
def open_sheet(path: Path, form: str, schema: pa.Schema) -> Iterator[Sheet]:
    """Open a file that is there whole, or not at all.

    Raises
    ------
    ContractError
        If there is no such format, or the file cannot be written.
    """
    if form not in FORMATS:
        raise ContractError(
            "no such format", location="--format", hint=f"one of {', '.join(FORMATS)}"
        )
    temp = temp_of(path)
    try:
        if form == "parquet":
            with pq.ParquetWriter(temp, schema) as writer:
                sink = _Parquet(writer, schema)
                yield sink
                sink.flush()
        else:
            with temp.open("w", encoding="utf-8", newline="") as file:
                yield _Csv(file, schema) if form == "csv" else _JsonLines(file)
        temp.replace(path)
    except OSError as error:
        raise ContractError(
            f"the file cannot be written: {error.strerror}", location=str(path)
        ) from None
    finally:
        temp.unlink(missing_ok=True)


class _Csv:
    def __init__(self, file: Any, schema: pa.Schema) -> None:
        self._names = schema.names
        self._writer = csv.writer(file, lineterminator="\r\n")
        self._writer.writerow(self._names)

    def write(self, line: Mapping[str, Any]) -> None:
        self._writer.writerow([safe_cell(_scalar(line[name])) for name in self._names])


class _JsonLines:
    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, line: Mapping[str, Any]) -> None:
        plain = {name: _scalar(value) for name, value in line.items()}
        self._file.write(json.dumps(plain, sort_keys=True) + "\n")


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema
        self._waiting: list[Mapping[str, Any]] = []

    def write(self, line: Mapping[str, Any]) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, self._schema))
            self._waiting = []


def read_sheet(path: Path, fields: Iterable[str], needed: Iterable[str]) -> _Lines:
    """Read lines by name of column, numbered as an editor does.

    Parameters
    ----------
    fields
        Columns to read; others are left.
    needed
        Those that must be there.

    Raises
    ------
    ContractError
        If the file cannot be read; the message names it, and the line.
    """
    form = path.suffix.removeprefix(".")
    if form not in FORMATS:
        raise ContractError(
            "the name ends in no known format",
            location=path.name,
            hint=f"one of {', '.join(f'.{name}' for name in FORMATS)}",
        )
    try:
        if path.stat().st_size > _MAX_MB * 2**20:
            raise ContractError(f"the file is larger than {_MAX_MB} MB", location=path.name)
        return _READERS[form](path, tuple(fields), tuple(needed))
    except (OSError, UnicodeDecodeError, pa.ArrowException, csv.Error):
        raise ContractError("the file cannot be read", location=path.name) from None


def _from_csv(path: Path, fields: tuple[str, ...], needed: tuple[str, ...]) -> _Lines:
    csv.field_size_limit(_MAX_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _require(path, reader.fieldnames or (), needed)
        return [
            (reader.line_num, {k: plain_cell(v or "") for k, v in line.items() if k in fields})
            for line in reader
        ]


def _from_jsonl(path: Path, fields: tuple[str, ...], needed: tuple[str, ...]) -> _Lines:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        where = f"{path.name}:{number}"
        if not isinstance(content, dict):
            raise ContractError("the line is no JSON object", location=where)
        if missing := sorted(set(needed) - set(content)):
            raise ContractError(f"there is no {', '.join(missing)}", location=where)
        found.append((number, {k: v for k, v in content.items() if k in fields}))
    return found


def _from_parquet(path: Path, fields: tuple[str, ...], needed: tuple[str, ...]) -> _Lines:
    names = pq.read_schema(path).names
    _require(path, names, needed)
    table = pq.ParquetFile(path).read([name for name in fields if name in names])
    return list(enumerate(table.to_pylist(), start=1))


_READERS: Final = {"csv": _from_csv, "jsonl": _from_jsonl, "parquet": _from_parquet}


def _require(path: Path, names: Iterable[str], needed: Iterable[str]) -> None:
    missing = set(needed) - set(names)
    if missing:
        raise ContractError(f"there is no column {', '.join(sorted(missing))}", location=path.name)


def _odd(text: str) -> bool:
    """White space in front of a formula is dropped by some spreadsheets."""
    return text[:1] in ("\t", "\r", "\n")


def _scalar(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
