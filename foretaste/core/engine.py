"""The engine: relational work, written once in Narwhals, run on DuckDB or pandas.

The same code gives the same table on every engine because of four rules, each learnt
from a difference that was measured: sums that matter are sums of integers; every
output column is cast to a declared schema; a missing number is null, never NaN, and
zero has one sign; tables leave in canonical order.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from foretaste.core import policy as policies
from foretaste.core.errors import ContractError
from foretaste.core.predicates import hits
from foretaste.core.tables import digest_table, write_table

BATCH_ROWS: Final = 65_536
"""Rows that ``Engine.map_batches`` hands out at once, whatever the number of workers."""

_WIDE: Final = (nw.Int128, nw.UInt128, nw.Decimal)


@dataclass(frozen=True)
class Engine:
    """Where relational work runs; no result depends on any of its parameters.

    Parameters
    ----------
    kind
        ``duckdb``, which spills to disk, or ``pandas``, which holds everything in
        memory and wraps integer sums above 2**63.
    threads, memory_mb
        What DuckDB may use.
    """

    kind: Literal["duckdb", "pandas"] = "duckdb"
    threads: int = 2
    memory_mb: int = 2048

    @classmethod
    def of(cls, settings: policies.Engine) -> Engine:
        """Build the engine that a policy asks for."""
        return cls(settings.kind, settings.threads, settings.memory_mb)

    def scan(self, *paths: Path) -> nw.LazyFrame[Any]:
        """Read parquet files, lazily; a column that a file lacks is null there."""
        if self.kind == "duckdb":
            # DuckDB would read brackets in a folder's name as a pattern.
            names = [glob.escape(os.fspath(path)) for path in paths]
            return _lazy(
                self._connection.read_parquet(names, union_by_name=True, hive_partitioning=False)
            )
        parts = [pq.read_table(path, partitioning=None) for path in paths]
        return self.frame(pa.concat_tables(parts, promote_options="permissive"))

    def frame(self, table: pa.Table) -> nw.LazyFrame[Any]:
        """Take a table that is in memory already."""
        if self.kind == "duckdb":
            return _lazy(self._connection.from_arrow(table))
        import pandas as pd

        native = _plain(table).to_pandas(types_mapper=pd.ArrowDtype)
        frame: nw.DataFrame[Any] = nw.from_native(native)
        return frame.lazy()

    def collect(self, frame: nw.LazyFrame[Any], schema: pa.Schema) -> pa.Table:
        """Run a query; cast every column to ``schema``; sort by row id, or by all columns.

        Raises
        ------
        ContractError
            If a column is missing, or a value does not fit its declared type.
        """
        names = frame.collect_schema()
        if missing := [n for n in schema.names if n not in names]:
            raise ContractError(f"the result lacks the columns {', '.join(missing)}")
        wanted = nw.Schema.from_arrow(schema)
        columns = [
            nw.col(n).cast(wanted[n]) if isinstance(names[n], _WIDE) else nw.col(n)
            for n in schema.names
        ]
        keys = ["row_id"] if "row_id" in schema.names else schema.names
        try:
            raw = frame.select(columns).collect("pyarrow").to_arrow()
            table = raw.replace_schema_metadata(None).cast(schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, self._fault) as error:
            raise ContractError(f"a result does not fit its schema: {error}") from None
        return table.sort_by([(key, "ascending") for key in keys]).combine_chunks()

    def counts(self, frame: nw.LazyFrame[Any], *by: str) -> pa.Table:
        """Count rows per distinct value of the columns ``by``: those, then ``rows``."""
        kinds = nw.Schema({n: _in_utc(frame.collect_schema()[n]) for n in by}).to_arrow()
        grouped = frame.group_by(*by).agg(nw.len().alias("rows"))
        return self.collect(grouped, pa.schema([*kinds, pa.field("rows", pa.int64())]))

    def filter_sql(
        self, table: pa.Table, predicate: str, *, rule: str = "", seconds: float | None = None
    ) -> np.ndarray:
        """(n,) bool: rows for which a hand-written predicate is true; see ``predicates``.

        Raises
        ------
        PolicyError
            If it is no single Boolean expression, or takes more than ``seconds``; the
            location names the rule.
        """
        return hits(
            _plain(table),
            predicate,
            rule=rule,
            threads=self.threads,
            memory_mb=self.memory_mb,
            seconds=seconds,
        )

    def map_batches(
        self, fn: Callable[[pa.Table], pa.Table], table: pa.Table, *, workers: int = 1
    ) -> pa.Table:
        """Apply a pure function to batches of ``BATCH_ROWS`` rows, in processes, in order.

        Batches do not depend on ``workers``, so neither does the result.
        """
        starts = range(0, max(table.num_rows, 1), BATCH_ROWS)
        if workers == 1 or len(starts) == 1:
            return pa.concat_tables([fn(table.slice(s, BATCH_ROWS)) for s in starts])
        from joblib import Parallel, delayed

        done = Parallel(n_jobs=workers)(
            delayed(_remote)(fn, _to_bytes(table.slice(s, BATCH_ROWS))) for s in starts
        )
        return pa.concat_tables([_from_bytes(part) for part in done])

    def write(self, table: pa.Table, path: Path) -> None:
        """Write parquet atomically, with page checksums; equal tables give equal bytes."""
        write_table(table, path)

    def digest(self, table: pa.Table) -> str:
        """SHA-256 of a table's logical content, whatever its order and chunks."""
        return digest_table(table)

    @cached_property
    def _connection(self) -> Any:
        import duckdb

        spill = tempfile.mkdtemp(prefix="foretaste-")
        weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)
        config: dict[str, Any] = {
            "threads": str(self.threads),
            "memory_limit": f"{self.memory_mb}MB",
            "temp_directory": spill,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        return duckdb.connect(":memory:", config=config)

    @property
    def _fault(self) -> type[Exception]:
        import duckdb

        return duckdb.Error


def _lazy(relation: Any) -> nw.LazyFrame[Any]:
    """A DuckDB relation with null for NaN and one zero."""
    kinds = [str(kind) for kind in relation.types]
    plain = relation.project(", ".join(map(_plain_sql, relation.columns, kinds)))
    frame: nw.LazyFrame[Any] = nw.from_native(plain)
    return frame


def _plain_sql(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind not in {"DOUBLE", "FLOAT"}:
        return quoted
    return f"CASE WHEN isnan({quoted}) THEN NULL ELSE {quoted} + 0 END AS {quoted}"


def _in_utc(kind: nw.dtypes.DType) -> nw.dtypes.DType:
    """A type whose time zone is UTC by that name, whatever the session calls it."""
    if isinstance(kind, nw.Datetime) and kind.time_zone is not None:
        return nw.Datetime(kind.time_unit, "UTC")
    return kind


def _plain(table: pa.Table) -> pa.Table:
    """The same on Arrow."""
    return pa.table([_plain_column(c) for c in table.columns], names=table.column_names)


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column
    nothing, zero = pa.scalar(None, column.type), pa.scalar(0.0, column.type)
    return pc.if_else(pc.is_nan(column), nothing, pc.add(column, zero))


def _remote(fn: Callable[[pa.Table], pa.Table], batch: bytes) -> bytes:
    return _to_bytes(fn(_from_bytes(batch)))


def _to_bytes(table: pa.Table) -> bytes:
    """A table as a stream: pickling a slice would send all that it is a slice of."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _from_bytes(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()
