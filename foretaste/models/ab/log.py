"""Read the outcomes log, whatever somebody wrote into it.

Columns ``unit_id, ts, arm, model, prediction, outcome, outcome_ts`` and, where it is
kept, ``latency_ms``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from foretaste.core.errors import ContractError, Unavailable

log = logging.getLogger(__name__)

COLUMNS: Final = ("unit_id", "ts", "arm", "model", "prediction", "outcome", "outcome_ts")
LATENCY: Final = "latency_ms"
_TEXTS: Final = ("unit_id", "arm", "model", "prediction", "outcome")


def read_log(source: str, root: Path, table: str) -> tuple[pd.DataFrame, int]:
    """Read the whole log; columns that it lacks are null.

    Parameters
    ----------
    source
        Folder of parquet files, relative to ``root``, or an SQLAlchemy URL.
    root
        The workspace.
    table
        Name of the table, for a URL.

    Returns
    -------
    The rows, and the number of files that cannot be read.
    """
    parts = [typed(_read_table(source, table))] if "://" in source else _read_files(root / source)
    good = [part for part in parts if part is not None]
    rows = pd.concat(good, ignore_index=True) if good else typed(pd.DataFrame())
    return rows, sum(part is None for part in parts)


def _read_files(folder: Path) -> list[pd.DataFrame | None]:
    # Hidden files are drafts of a writer that is not done.
    found = sorted(path for path in folder.glob("*.parquet") if path.name[0] != ".")
    return [_read_file(path) for path in found]


def _read_file(path: Path) -> pd.DataFrame | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            there = [c for c in (*COLUMNS, LATENCY) if c in file.schema_arrow.names]
            part = file.read(columns=there)
        part.validate(full=True)  # text that is none is found here, not rows later
        # What a file says of pandas could take a column away as an index.
        return typed(part.to_pandas(ignore_metadata=True))
    except (OSError, pa.ArrowException, ValueError, LookupError) as error:
        log.warning("the outcomes log %s cannot be read: %s", path.name, error)
        return None


def _read_table(url: str, table: str) -> pd.DataFrame:
    import sqlalchemy as sa

    try:
        engine = sa.create_engine(url)
        try:
            found = sa.Table(table, sa.MetaData(), autoload_with=engine)
            # Without their types: one cell that is not of its column's would end the reading.
            wanted: list[Any] = [sa.column(c) for c in (*COLUMNS, LATENCY) if c in found.c]
            with engine.connect() as connection:
                return pd.read_sql_query(sa.select(*wanted).select_from(found), connection)
        finally:
            engine.dispose()
    except sa.exc.NoSuchTableError:
        raise ContractError(
            f"the outcomes log has no table {table}", location="params.yaml: ab.table"
        ) from None
    except (sa.exc.ArgumentError, ModuleNotFoundError):
        # What was wrong may quote the URL, and with it a password.
        raise ContractError(
            "the outcomes log's URL cannot be used",
            location="params.yaml: ab.outcomes",
            hint="dialect+driver://user@host/database, the driver installed",
        ) from None
    except sa.exc.DBAPIError as error:
        raise Unavailable(f"the outcomes log cannot be read: {error.orig}") from None


def typed(part: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type; what cannot be read as such is null.

    ``unreadable`` and ``slow_lie`` mark times and latencies that are there and are none.
    """
    part = part.reindex(columns=[*COLUMNS, LATENCY])
    columns = {name: _text(part[name]) for name in _TEXTS}
    columns |= {name: _moments(part[name]) for name in ("ts", "outcome_ts")}
    # A time that is there and cannot be read is a lie, not a missing outcome.
    columns["unreadable"] = columns["outcome_ts"].isna() & part["outcome_ts"].notna()
    latency = pd.to_numeric(part[LATENCY], errors="coerce").astype("float64")
    columns["slow_lie"] = part[LATENCY].notna() & ~(np.isfinite(latency) & (latency >= 0))
    return pd.DataFrame(columns | {LATENCY: latency})


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Read as text; whole numbers that became floats beside a null are whole again."""
    if pd.api.types.is_float_dtype(column) and not column.isna().all():
        known = column.dropna()
        if (np.isfinite(known) & (known % 1 == 0) & (known.abs() < 2**53)).all():
            column = column.astype("Int64")
    return _written(column)


def _written(column: pd.Series[Any]) -> pd.Series[Any]:
    """Write values out; half a character, which no file can hold, is spelt out."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.astype("str")

    def plain(value: object) -> str:
        return str(value).encode("utf-8", "backslashreplace").decode()

    return column.astype(object).map(plain, na_action="ignore").astype("str")


def _moments(column: pd.Series[Any]) -> pd.Series[Any]:
    if not pd.api.types.is_datetime64_any_dtype(column):
        # Numbers could be seconds or nanoseconds: nobody guesses.
        column = _written(column)
        column = column.where(column.str.contains("-", regex=False, na=False))
    read = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
    return read.astype("datetime64[us, UTC]")
