"""What every reader gives: named columns in bounded chunks, and the rows that broke."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from foretaste.intake.cells import Column
from foretaste.intake.problems import BadFile

if TYPE_CHECKING:
    from foretaste.intake.spool import Spooled

MAX_COLUMNS: Final = 10_000
CHUNK_ROWS: Final = 32_768
CHUNK_BYTES: Final = 32 << 20

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the policy asks of a file.

    Parameters
    ----------
    required
        Columns without which a file is set aside.
    optional
        Columns that are read where they are.
    time
        The one of them that a file has for all rows or for none.
    allow_extra
        Whether other columns are dropped, or set the file (in JSON: the row) aside.
    max_rows
        Rows that a file may have.
    max_text_chars
        Characters that a text may have.
    max_bytes
        Bytes that a file may have, unpacked and decoded.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    time: str | None
    allow_extra: bool
    max_rows: int
    max_text_chars: int
    max_bytes: int

    @property
    def names(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset(self.required) | frozenset(self.optional)

    @property
    def max_row_bytes(self) -> int:
        """Bytes that one row of a text file may have."""
        return max(8 << 20, 8 * self.max_text_chars)

    def check(self, names: Sequence[str]) -> None:
        """Refuse a header that is ambiguous, too wide, or lacks a required column.

        Raises
        ------
        BadFile
            Naming only columns that the policy names: a missing header would otherwise
            put the first row's ids into a message.
        """
        if len(names) > MAX_COLUMNS:
            raise BadFile(f"more than {MAX_COLUMNS} columns", code="too_many_columns")
        counts = Counter(_folded(name) for name in names)
        if max(counts.values(), default=0) > 1:
            clash = sorted(name for name in self.names if counts[_folded(name)] > 1)
            named = f" ({', '.join(clash)})" if clash else ""
            raise BadFile(
                f"two columns differ in nothing but case or spelling{named}",
                code="column_duplicate",
            )
        if missing := tuple(name for name in self.required if name not in names):
            raise BadFile(f"no column {', '.join(missing)}", code="column_missing", columns=missing)
        if not self.allow_extra and set(names) - self.names:
            raise BadFile("columns that the policy does not name", code="column_extra")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that never became cells.

    Parameters
    ----------
    row
        0-based row in its file.
    code
        What is wrong.
    original
        Its bytes as they landed.
    """

    row: int
    code: str
    original: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file.

    Parameters
    ----------
    rows
        (n,) 0-based rows in the file.
    columns
        Wanted column to its n cells, as they landed.
    broken
        Rows met on the way that are not among ``rows``.
    originals
        Gives the landed bytes of rows, by position in ``rows``.
    """

    rows: Rows
    columns: Mapping[str, Column]
    broken: tuple[Broken, ...]
    originals: Callable[[Rows], list[bytes]]


@dataclass(frozen=True, slots=True)
class RawTable:
    """An opened file.

    Parameters
    ----------
    chunks
        Its rows, once.
    textual
        Whether numbers are written as text, as in CSV.
    extra
        Columns that the policy does not name; complete when the chunks are read.
    """

    chunks: Iterator[Chunk]
    textual: bool = False
    extra: set[str] = field(default_factory=set)


def open_table(spooled: Spooled, wanted: Wanted) -> RawTable:
    """Open a file by its content and check its columns.

    Raises
    ------
    BadFile
        If it must be set aside; also while its chunks are read.
    """
    from foretaste.intake.readers import delimited, jsonl, parquet

    openers = {
        "parquet": parquet.open_parquet,
        "csv": delimited.open_csv,
        "jsonl": jsonl.open_jsonl,
    }
    return openers[spooled.kind](spooled, wanted)
