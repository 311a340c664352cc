"""Hand-written SQL predicates over rows that attackers wrote.

What a predicate may say is checked first (``rule_sql``). It runs in a connection of its
own that opens no file, loads no extension and keeps its settings; a row on which it fails
(a cast of hostile text) is no hit, and never a failed night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Final

import numpy as np
import pyarrow as pa

from foretaste.core.rule_sql import canonical, refusal

_LOCKED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


def hits(
    table: pa.Table,
    predicate: str,
    *,
    rule: str,
    threads: int,
    memory_mb: int,
    seconds: float | None = None,
) -> np.ndarray:
    """(n,) bool: rows of ``table`` for which ``predicate`` is true; null is no hit.

    Times are UTC and carry no zone there.

    Parameters
    ----------
    seconds
        After which it is stopped; None: never, so that no verdict depends on the load.

    Raises
    ------
    PolicyError
        If it is no single Boolean expression of the table's columns, or takes too long;
        the location names the rule.
    """
    import duckdb

    safe = canonical(predicate, table.column_names, rule=rule)
    config = {**_LOCKED, "threads": str(threads), "memory_limit": f"{memory_mb}MB"}
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET lock_configuration = true")
        try:
            connection.register("rows", _naive(table))
            found = connection.sql(f"SELECT TRY(({safe})) FROM rows")  # noqa: S608
            if str(found.types[0]) != "BOOLEAN":
                raise refusal(rule, f"it gives {found.types[0]}, not true or false")
            with _stopped_after(seconds, connection.interrupt):
                hit = found.to_arrow_table().column(0).fill_null(False)
        except duckdb.InterruptException:
            raise refusal(rule, f"it takes longer than {seconds:g} s") from None
        except duckdb.Error as error:
            raise refusal(rule, str(error).splitlines()[0]) from None
    return np.asarray(hit.to_numpy(), dtype=bool)


@contextmanager
def _stopped_after(seconds: float | None, stop: Callable[[], object]) -> Iterator[None]:
    """Call ``stop`` when what is inside takes too long."""
    if seconds is None:
        yield
        return
    timer = Timer(seconds, stop)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _naive(table: pa.Table) -> pa.Table:
    """Times as plain UTC: DuckDB's time zones need an extension, which is not loaded."""
    zoned = [f for f in table.schema if pa.types.is_timestamp(f.type) and f.type.tz]
    for field in zoned:
        place = table.schema.get_field_index(field.name)
        plain = table[field.name].cast(pa.timestamp(field.type.unit))
        table = table.set_column(place, field.name, plain)
    return table
