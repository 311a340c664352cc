"""Parquet in bounded batches; nothing that its metadata claims is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.intake.problems import BadFile
from foretaste.intake.readers.table import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    MAX_COLUMNS,
    Chunk,
    RawTable,
    Rows,
    Wanted,
)

if TYPE_CHECKING:
    from foretaste.intake.spool import Spooled

_MAX_ROW_GROUPS: Final = 100_000
_MAX_FOOTER_BYTES: Final = 64 << 20
_MAX_FOOTER_ITEMS: Final = 1_000_000


def open_parquet(spooled: Spooled, wanted: Wanted) -> RawTable:
    """Open a Parquet file; only the wanted columns are ever decoded."""
    schema = _opened(spooled, []).schema_arrow
    wanted.check(schema.names)
    present = [name for name in schema.names if name in wanted.names]
    lazy = [name for name in present if _is_bytes(schema.field(name).type)]
    if nested := [name for name in present if pa.types.is_nested(schema.field(name).type)]:
        raise BadFile(f"column {nested[0]} is nested", code="column_type")
    file = _opened(spooled, lazy)
    # Only an honest bomb says so here; the batches are counted as they come, too.
    if _claimed(file.metadata, present) > wanted.max_bytes:
        raise BadFile(f"decodes to more than {wanted.max_bytes >> 20} MB", code="bomb")
    return RawTable(
        chunks=_chunks(file, present, wanted),
        extra=set(schema.names) - wanted.names,
    )


def _opened(spooled: Spooled, lazy: list[str]) -> Any:
    """Open the file, with ``lazy`` columns left as dictionaries, and bound its shape."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(
            spooled.file,
            read_dictionary=lazy,
            page_checksum_verification=True,
            thrift_string_size_limit=_MAX_FOOTER_BYTES,
            thrift_container_size_limit=_MAX_FOOTER_ITEMS,
        )
        columns, groups = file.metadata.num_columns, file.metadata.num_row_groups
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        raise BadFile("damaged or truncated Parquet", code="truncated") from None
    if columns > MAX_COLUMNS or groups > _MAX_ROW_GROUPS:
        raise BadFile("too many columns or row groups", code="too_many_columns")
    return file


def _claimed(metadata: Any, present: list[str]) -> int:
    """Bytes that the wanted columns take before encoding, by the footer's own claim."""
    wanted = [
        place
        for place in range(metadata.num_columns)
        if metadata.schema.column(place).path in present
    ]
    return sum(
        metadata.row_group(group).column(place).total_uncompressed_size
        for group in range(metadata.num_row_groups)
        for place in wanted
    )


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )


def _chunks(file: Any, present: list[str], wanted: Wanted) -> Iterator[Chunk]:
    seen, size = 0, 0
    batches = file.iter_batches(batch_size=CHUNK_ROWS, columns=present)
    while (batch := _next(batches)) is not None:
        tamed = [_tamed(batch.column(name), wanted.max_text_chars) for name in present]
        widths = sum((_widths(column) for column in tamed), np.zeros(batch.num_rows, np.int64))
        size += int(widths.sum())
        if seen + batch.num_rows > wanted.max_rows:
            raise BadFile(f"more than {wanted.max_rows} rows", code="too_many_rows")
        if size > wanted.max_bytes:
            raise BadFile(f"decodes to more than {wanted.max_bytes >> 20} MB", code="bomb")
        for start, stop in _slices(widths):
            columns = {
                name: column.slice(start, stop - start)
                for name, column in zip(present, tamed, strict=True)
            }
            yield _chunk(columns, seen + start, stop - start)
        seen += batch.num_rows


def _next(batches: Iterator[Any]) -> Any:
    try:
        return next(batches, None)
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        raise BadFile("damaged Parquet", code="damaged") from None


def _tamed(column: Any, max_chars: int) -> Any:
    """Cut dictionary entries that are too long for any rule to accept, before they multiply."""
    if not pa.types.is_dictionary(column.type) or not _is_bytes(column.type.value_type):
        return column
    entries = column.dictionary
    cap = 4 * (max_chars + 1)
    long = pc.greater(pc.binary_length(entries), cap)
    if not pc.any(long).as_py():
        return column
    raw = entries.cast(pa.large_binary()).to_pylist()
    cut = [
        None if e is None else e.decode("utf-8", "replace")[: max_chars + 1] if len(e) > cap else e
        for e in raw
    ]
    values = [e.encode() if isinstance(e, str) else e for e in cut]
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(values, pa.binary()))


def _widths(column: Any) -> Any:
    """(n,) bytes that each cell takes once decoded."""
    if pa.types.is_dictionary(column.type) and _is_bytes(column.type.value_type):
        lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
        return pc.fill_null(lengths, 0).cast(pa.int64()).to_numpy(zero_copy_only=False) + 4
    return np.full(len(column), 8, dtype=np.int64)


def _slices(widths: Any) -> Iterator[tuple[int, int]]:
    """Cut a batch where the decoded bytes of a slice would exceed a chunk's."""
    bucket = np.cumsum(widths) // CHUNK_BYTES
    edges = [0, *(np.flatnonzero(np.diff(bucket)) + 1).tolist(), len(widths)]
    for start, stop in pairwise(edges):
        if stop > start:
            yield start, stop


def _chunk(columns: dict[str, Any], first: int, count: int) -> Chunk:
    return Chunk(
        rows=np.arange(first, first + count, dtype=np.int64),
        columns=columns,
        broken=(),
        originals=lambda positions: _rendered(columns, positions),
    )


def _rendered(columns: dict[str, Any], positions: Rows) -> list[bytes]:
    """Render rows as JSON: in Parquet a row has no bytes of its own."""
    taken = [_plain(column.take(pa.array(positions))) for column in columns.values()]
    return [
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str).encode(
            "utf-8", "surrogatepass"
        )
        for row in zip(*taken, strict=True)
    ]


def _plain(column: Any) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        # As numbers: a hostile one lies beyond every calendar.
        numbers = column.cast(pa.timestamp(kind.unit)).cast(pa.int64()).to_pylist()
        return [None if n is None else f"{n} {kind}" for n in numbers]
    if pa.types.is_date(kind):
        width = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        return [None if n is None else f"{n} {kind}" for n in column.view(width).to_pylist()]
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if _is_bytes(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if b is None else b.decode("utf-8", "backslashreplace") for b in raw]
    rendered: list[Any] = column.to_pylist()
    return rendered
