"""Count violations over all rows with Arrow; what cannot be counted is NaN, which fails."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def column_of(rows: pa.Table, name: str) -> pa.ChunkedArray | None:
    """Give a column, or None where the table lacks it."""
    return rows[name] if name in rows.column_names else None


def count_repeats(column: pa.ChunkedArray | None) -> float:
    """Values beyond the first of their kind."""
    if column is None:
        return float("nan")
    return float(len(column) - pc.count_distinct(column, mode="all").as_py())


def count_distinct(column: pa.ChunkedArray | None) -> float:
    """Different values, nulls left out."""
    return float("nan") if column is None else float(pc.count_distinct(column).as_py())


def count_empty(column: pa.ChunkedArray | None) -> float:
    """Nulls and empty texts."""
    if column is None:
        return float("nan")
    blank = true_of(pc.equal(column, "")) if pa.types.is_string(column.type) else 0.0
    return float(column.null_count) + blank


def count_outside(column: pa.ChunkedArray | None, allowed: list[str]) -> float:
    """Values that are not allowed, nulls among them."""
    if column is None or not pa.types.is_string(column.type):
        return float("nan")
    return true_of(pc.invert(pc.is_in(column, pa.array(allowed, pa.string()))))


def count_wild(column: pa.ChunkedArray | None) -> float:
    """Infinities and NaN; a null is only missing."""
    if column is None or not pa.types.is_floating(column.type):
        return float("nan")
    return true_of(pc.invert(pc.is_finite(column)))


def true_of(flags: pa.ChunkedArray) -> float:
    """Number of true values."""
    return float(pc.sum(flags).as_py() or 0)


def share_of(part: float, whole: float) -> float:
    """A share; nothing of nothing is 0."""
    return part / whole if whole else 0.0
