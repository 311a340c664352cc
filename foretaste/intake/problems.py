"""What can be wrong with a row or a file: stable codes, each with its one sentence.

Messages never repeat what was contributed: a rejected value may be somebody's account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from foretaste.core.errors import ContractError

Mask = npt.NDArray[np.bool_]

REJECTIONS: Final[dict[str, str]] = {
    "csv_malformed": "the line does not follow the file's own quoting",
    "csv_ragged": "the line has more or fewer fields than the header",
    "duplicate": "the same row was taken in before",
    "extra_key": "the row has a key that the policy does not name",
    "feature_missing": "a feature is empty",
    "feature_not_finite": "a feature is not a finite number",
    "feature_not_numeric": "a feature is not a number",
    "feature_out_of_range": "a feature is 2^63 or more in magnitude",
    "id_control": "an id has control, invisible or direction characters",
    "id_lookalike": "an id imitates another script's letters",
    "id_missing": "an id is empty",
    "id_not_normalised": "an id changes under Unicode normalisation (NFKC)",
    "id_pattern": "an id does not match the policy's pattern",
    "id_too_long": "an id is longer than the policy's pattern allows",
    "invalid_utf8": "the row is not valid UTF-8",
    "json_duplicate_key": "the object has a key twice",
    "json_malformed": "the line is not JSON",
    "json_nested": "the object is nested too deeply",
    "json_not_object": "the line is not a JSON object",
    "label_control": "a label has control or invisible characters",
    "label_missing": "the label is empty",
    "label_not_allowed": "the label is none of the policy's values",
    "label_not_finite": "the label is not a finite number",
    "label_not_numeric": "the label is not a number",
    "label_too_long": "the label has more than 128 characters",
    "nul_byte": "a text has a NUL character",
    "row_too_long": "the row is longer than any row may be",
    "row_too_wide": "the row has more columns than any row may have",
    "text_too_long": "a text is longer than the policy allows",
    "tier_unknown": "the tier is none of anonymous, registered, verified, trusted",
    "time_malformed": "a time is not ISO 8601",
    "time_missing": "the time is empty",
    "time_naive": "a time has no zone and the policy names none",
    "time_no_unit": "a time is a bare number, whose unit would be a guess",
    "time_out_of_range": "a time lies before 1970 or after 2199",
    "value_nested": "a value is a list or an object",
    "value_type": "a value has the wrong type",
}
"""Codes of rows that never become contributions."""

HOLDS: Final[dict[str, str]] = {
    "conflict": "another version of this row was taken in first",
    "future_time": "the time lies in the future",
    "too_many_classes": "the label is beyond the number of classes that the policy allows",
}
"""Codes of well-formed rows that are quarantined."""

WARNINGS: Final[dict[str, str]] = {
    "extra_column": "columns that the policy does not name were dropped",
    "ip_junk": "an address could not be read; the row has no network",
}
"""Codes that are counted but reject nothing."""


class BadFile(ContractError):
    """A file that must be set aside whole, while the night goes on.

    Parameters
    ----------
    code
        Stable snake_case code, e.g. ``truncated`` or ``column_missing``.
    columns
        Required columns that are missing, for ``column_missing`` only.
    """

    def __init__(self, message: str, *, code: str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.columns = columns


@dataclass(slots=True)
class Problems:
    """The first problem of each row of a chunk; the rules' order is fixed, so is the code.

    Parameters
    ----------
    rows
        Number of rows.
    """

    rows: int
    _code: npt.NDArray[np.int16] = field(init=False)
    _column: npt.NDArray[np.int16] = field(init=False)
    _codes: list[str] = field(init=False, default_factory=lambda: [""])
    _columns: list[str] = field(init=False, default_factory=lambda: [""])

    def __post_init__(self) -> None:
        self._code = np.zeros(self.rows, dtype=np.int16)
        self._column = np.zeros(self.rows, dtype=np.int16)

    @property
    def bad(self) -> Mask:
        """(n,) bool: rows that have a problem."""
        return self._code > 0

    def mark(self, mask: Mask, code: str, column: str) -> None:
        """Note a problem for the rows in ``mask`` that have none yet."""
        fresh = mask & (self._code == 0)
        if fresh.any():
            self._code[fresh] = _position(self._codes, code)
            self._column[fresh] = _position(self._columns, column)

    def of(self, row: int) -> tuple[str, str]:
        """Code and column of one row's problem."""
        return self._codes[self._code[row]], self._columns[self._column[row]]


def _position(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)
