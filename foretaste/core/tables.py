"""Tables as logical values: one digest whatever their order, one file whatever their chunks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core.files import make_folder, move_into_place, temp_of

_ROW_GROUP = 131_072


def write_table(table: pa.Table, path: Path) -> None:
    """Write parquet with page checksums under another name, sync it, rename it.

    Equal tables in equal row order give equal bytes, however they are chunked.
    """
    make_folder(path.parent)
    temp = temp_of(path)
    plain = table.replace_schema_metadata(None).combine_chunks()
    try:
        with temp.open("wb") as file:
            pq.write_table(
                plain,
                file,
                row_group_size=_ROW_GROUP,
                compression="zstd",
                write_page_checksum=True,
            )
            file.flush()
            os.fsync(file.fileno())
        move_into_place(temp, path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def digest_table(table: pa.Table) -> str:
    """SHA-256 of a table's logical content.

    It depends on column names, types and values, not on the order of rows, chunks,
    metadata or encodings. Every NaN is one value, and so is zero of either sign; null
    is a value of its own.
    """
    plain = pa.table([_plain(c) for c in table.columns], names=table.column_names)
    if plain.num_columns:
        plain = plain.sort_by([(name, "ascending") for name in plain.column_names])
    digest = hashlib.sha256(f"{plain.num_rows}".encode())
    for name, column in zip(plain.column_names, plain.columns, strict=True):
        digest.update(f"\0{len(name.encode())}:{name}\0{column.type}\0".encode())
        for part in _parts(column):
            digest.update(part)
    return digest.hexdigest()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """One encoding per logical type, one NaN, one zero."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        nan, zero = pa.scalar(float("nan"), kind), pa.scalar(0.0, kind)
        return pc.if_else(pc.is_nan(column), nan, pc.add(column, zero))
    return column


def _parts(column: pa.ChunkedArray) -> list[bytes]:
    """Bytes that say which values are null and what the others are."""
    missing = column.is_null().to_numpy().tobytes()
    if pa.types.is_null(column.type):
        return [missing]
    if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
        chunks = [c.fill_null("").cast(pa.large_binary()) for c in column.chunks]
        lengths = [pc.binary_length(c).to_numpy().astype("<i8").tobytes() for c in chunks]
        return [missing, *lengths, *(_bytes_of(c) for c in chunks)]
    if pa.types.is_temporal(column.type):
        width = pa.int32() if column.type.bit_width == 32 else pa.int64()
        column = column.cast(width)
    zero = pa.scalar(0).cast(column.type) if not pa.types.is_boolean(column.type) else False
    return [missing, np.ascontiguousarray(column.fill_null(zero).to_numpy()).tobytes()]


def _bytes_of(chunk: pa.LargeBinaryArray) -> bytes:
    """All values of a chunk behind each other."""
    if not len(chunk):
        return b""
    _, offsets, data = chunk.buffers()
    bounds = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
    return bytes(data[bounds[0] : bounds[-1]]) if data is not None else b""
