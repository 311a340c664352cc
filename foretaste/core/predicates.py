"""Hand-written SQL predicates over rows that attackers wrote.

A predicate is one expression of columns, constants and pure functions. It runs in a
connection of its own that opens no file, loads no extension and keeps its settings; a
row on which it fails (a cast of hostile text) is no hit, and never a failed night.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa

from foretaste.core.errors import PolicyError

_LOCKED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_FORBIDDEN: Final = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
}


def hits(table: pa.Table, predicate: str, *, rule: str, threads: int, memory_mb: int) -> np.ndarray:
    """(n,) bool: rows of ``table`` for which ``predicate`` is true; null is no hit.

    Times are UTC and carry no zone there.

    Raises
    ------
    PolicyError
        If it is no single Boolean expression of the table's columns; the location
        names the rule.
    """
    import duckdb

    config = {**_LOCKED, "threads": str(threads), "memory_limit": f"{memory_mb}MB"}
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET lock_configuration = true")
        try:
            _check(connection, predicate, rule)
            connection.register("rows", _naive(table))
            found = connection.sql(f"SELECT TRY((\n{predicate}\n)) FROM rows")  # noqa: S608
            if str(found.types[0]) != "BOOLEAN":
                raise _refusal(rule, f"it gives {found.types[0]}, not true or false")
            hit = found.to_arrow_table().column(0).fill_null(False)
        except duckdb.Error as error:
            raise _refusal(rule, str(error).splitlines()[0]) from None
    return np.asarray(hit.to_numpy(), dtype=bool)


def _naive(table: pa.Table) -> pa.Table:
    """Times as plain UTC: DuckDB's time zones need an extension, which is not loaded."""
    zoned = [f for f in table.schema if pa.types.is_timestamp(f.type) and f.type.tz]
    for field in zoned:
        place = table.schema.get_field_index(field.name)
        plain = table[field.name].cast(pa.timestamp(field.type.unit))
        table = table.set_column(place, field.name, plain)
    return table


def _refusal(rule: str, why: str) -> PolicyError:
    return PolicyError(
        f"the predicate cannot be used: {why}",
        location=f"rules.{rule}.where",
        hint="write one true-or-false expression of the columns, as behind WHERE in DuckDB",
    )


def _check(connection: Any, predicate: str, rule: str) -> None:
    """Refuse what is more than an expression, by the parser's own tree."""
    query = f"SELECT (\n{predicate}\n) FROM rows"  # noqa: S608
    text = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
    tree = json.loads(text[0][0])
    if tree["error"]:
        raise _refusal(rule, tree["error_message"].splitlines()[0])
    first, *others = [statement["node"] for statement in tree["statements"]]
    if others or first["type"] != "SELECT_NODE" or len(first["select_list"]) != 1:
        raise _refusal(rule, "it is more than one expression")
    for part in _walk(first["select_list"]):
        kind = part.get("class", "")
        if kind in _FORBIDDEN:
            raise _refusal(rule, f"it holds {_FORBIDDEN[kind]}")
        if kind == "FUNCTION" and part["function_name"] not in _pure_functions():
            raise _refusal(rule, f"{part['function_name']} is not a pure function of a row")


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON tree."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            yield part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


@cache
def _pure_functions() -> frozenset[str]:
    """Scalar functions whose value depends on their arguments alone."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        names = connection.execute(
            "SELECT function_name FROM duckdb_functions() GROUP BY function_name "
            "HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')"
        ).fetchall()
    return frozenset(name for (name,) in names)
