"""Columns as they landed become text or numbers; what does not fit is marked.

A column is an Arrow array (Parquet, CSV) or a list of Python objects (JSON Lines). A type
that cannot hold what the policy says sets a Parquet file aside; in JSON it marks the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foretaste.intake.problems import BadFile, Mask

Column = Any
"""A ``pa.Array`` or a ``list`` of JSON values."""

_NUMBER: Final = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_WORD: Final = r"(?i)^[+-]?(nan|inf|infinity)$"


@dataclass(frozen=True, slots=True)
class Cells:
    """A column in the contract's type; null where empty or bad.

    Parameters
    ----------
    values
        (n,) Arrow array: string, float64 or UTC microseconds.
    problems
        Code to (n,) bool: rows whose cell is bad.
    """

    values: pa.Array
    problems: dict[str, Mask] = field(default_factory=dict)


def as_text(values: Column) -> Cells:
    """Read text; whole numbers and truth values become their text, "" becomes null.

    Raises
    ------
    BadFile
        If an Arrow column is of another type.
    """
    if isinstance(values, list):
        cells = json_text(values)
    elif pa.types.is_dictionary(values.type):
        inner = as_text(values.dictionary)
        return _spread(inner, values.indices)
    else:
        cells = _arrow_text(values)
    empty = pc.equal(pc.binary_length(cells.values), 0)
    return Cells(pc.if_else(pc.fill_null(empty, False), None, cells.values), cells.problems)


def as_number(values: Column, *, parse: bool) -> Cells:
    """Read numbers as float64; NaN and infinities stay, for the rules to reject.

    Parameters
    ----------
    values
        The column.
    parse
        Whether text is read as a number: in CSV everything is text.

    Raises
    ------
    BadFile
        If an Arrow column is of another type.
    """
    if isinstance(values, list):
        return _json_number(values)
    if pa.types.is_dictionary(values.type):
        return _spread(as_number(values.dictionary, parse=parse), values.indices)
    kind = values.type
    if parse and pa.types.is_string(kind):
        return _parsed_number(values)
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return Cells(values.cast(pa.float64()))
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return Cells(values.cast(pa.float64(), safe=False))
    raise wrong_type("a number", kind)


def mask_of(array: pa.Array) -> Mask:
    """(n,) bool of a boolean Arrow array; null counts as False."""
    mask: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return mask


def _spread(inner: Cells, indices: pa.Array) -> Cells:
    """Give every row what its dictionary entry got."""
    problems = {
        code: mask_of(pc.take(pa.array(mask), indices)) for code, mask in inner.problems.items()
    }
    return Cells(pc.take(inner.values, indices), problems)


def wrong_type(wanted: str, kind: pa.DataType) -> BadFile:
    """Say that a column's type cannot hold what the policy says; a nested one by its family."""
    family = str(kind).split("<", maxsplit=1)[0].split("[", maxsplit=1)[0]
    return BadFile(f"a column holds {family}, not {wanted}", code="column_type")


def _arrow_text(values: pa.Array) -> Cells:
    kind = values.type
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return Cells(values.cast(pa.string()))
    textual = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    if not any(is_it(kind) for is_it in textual + binary):
        raise wrong_type("text", kind)
    try:
        values.validate(full=True)
        return Cells(values.cast(pa.binary()).cast(pa.string()))
    except pa.ArrowInvalid:
        return _decoded(values)


def _decoded(values: pa.Array) -> Cells:
    """Decode one by one: some value is not UTF-8."""
    texts, broken = [], np.zeros(len(values), dtype=bool)
    for row, raw in enumerate(_bytes_of(values).to_pylist()):
        try:
            texts.append(None if raw is None else raw.decode("utf-8"))
        except UnicodeDecodeError:
            texts.append(None)
            broken[row] = True
    return Cells(pa.array(texts, pa.string()), {"invalid_utf8": broken})


def _bytes_of(values: pa.Array) -> pa.Array:
    if pa.types.is_string_view(values.type):
        return values.cast(pa.binary_view())
    return values.cast(pa.large_binary() if pa.types.is_large_string(values.type) else pa.binary())


def json_text(values: list[Any], *, numbers: str | None = None) -> Cells:
    """Read JSON values as text; ``numbers`` is the code of numbers, None takes whole ones."""
    try:
        return Cells(pa.array(values, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return each(values, lambda value: _text_or_code(value, numbers), pa.string())


def _text_or_code(value: Any, numbers: str | None) -> tuple[str | None, str]:
    if isinstance(value, str):
        return (value, "") if _encodes(value) else (None, "invalid_utf8")
    if isinstance(value, list | dict):
        return None, "value_nested"
    if isinstance(value, bool):
        return ("true" if value else "false", "") if numbers is None else (None, "value_type")
    if numbers is not None:
        return None, numbers
    return (str(value), "") if isinstance(value, int) else (None, "value_type")


def _encodes(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _json_number(values: list[Any]) -> Cells:
    try:
        return Cells(pa.array(values, pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return each(values, _number_or_code, pa.float64())


def _number_or_code(value: Any) -> tuple[float | None, str]:
    if isinstance(value, list | dict):
        return None, "value_nested"
    if isinstance(value, str):
        return None, "value_type"
    try:
        return float(value), ""
    except OverflowError:
        return float("inf"), ""


def each(values: list[Any], read: Callable[[Any], tuple[Any, str]], kind: pa.DataType) -> Cells:
    """Read values one by one into an array of ``kind``; ``read`` gives a value and a code."""
    out: list[Any] = []
    problems: dict[str, Mask] = {}
    for row, value in enumerate(values):
        found, code = (None, "") if value is None else read(value)
        out.append(found)
        if code:
            problems.setdefault(code, np.zeros(len(values), dtype=bool))[row] = True
    return Cells(pa.array(out, kind), problems)


def _parsed_number(values: pa.Array) -> Cells:
    text = pc.utf8_trim_whitespace(as_text(values).values)
    text = pc.if_else(pc.fill_null(pc.equal(pc.binary_length(text), 0), False), None, text)
    try:
        return Cells(text.cast(pa.float64()))
    except pa.ArrowInvalid:
        legal = pc.or_(
            pc.match_substring_regex(text, _NUMBER), pc.match_substring_regex(text, _WORD)
        )
        numbers = pc.if_else(legal, text, None).cast(pa.float64())
        return Cells(numbers, {"value_type": ~mask_of(legal) & mask_of(text.is_valid())})
