"""Collect rows of a text file into chunks of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import numpy as np

from foretaste.intake.cells import Column
from foretaste.intake.problems import BadFile
from foretaste.intake.readers.lines import Lines
from foretaste.intake.readers.table import CHUNK_BYTES, CHUNK_ROWS, Broken, Chunk, Rows, Wanted

#: Of a longer row only the beginning is kept.
MAX_ORIGINAL: Final = 16 << 20

Record = TypeVar("Record")


@dataclass(slots=True)
class Gatherer(Generic[Record]):
    """Rows of the chunk in the making.

    Parameters
    ----------
    lines
        Where the rows come from.
    wanted
        Limits.
    restore
        Turns spooled bytes back into landed ones.
    columns
        Turns records into columns.
    """

    lines: Lines
    wanted: Wanted
    restore: Callable[[bytes], bytes]
    columns: Callable[[list[Record]], Mapping[str, Column]]
    _next: int = 0
    _size: int = 0
    _rows: list[int] = field(default_factory=list)
    _spans: list[tuple[int, int]] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)
    _broken: list[Broken] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether it is time to give a chunk."""
        return len(self._rows) + len(self._broken) >= CHUNK_ROWS or self._size >= CHUNK_BYTES

    def add(self, record: Record) -> None:
        """Take the record that ``lines`` stands behind."""
        self._rows.append(self._count())
        self._spans.append((self.lines.start, self.lines.end))
        self._records.append(record)
        self._size += self.lines.end - self.lines.start

    def reject(self, code: str) -> None:
        """Take the same record as broken."""
        start, end = self.lines.start, self.lines.end
        raw = self.lines.raw(start, min(end, start + MAX_ORIGINAL))
        self._broken.append(Broken(self._count(), code, self.restore(raw)))
        self._size += len(raw)

    def take(self) -> Chunk:
        """Give the chunk and start the next one."""
        spans = self._spans
        chunk = Chunk(
            rows=np.array(self._rows, dtype=np.int64),
            columns=self.columns(self._records),
            broken=tuple(self._broken),
            originals=lambda positions: self._originals(spans, positions),
        )
        self._rows, self._spans, self._records, self._broken = [], [], [], []
        self._size = 0
        return chunk

    def _originals(self, spans: list[tuple[int, int]], positions: Rows) -> list[bytes]:
        return [self.restore(self.lines.raw(*spans[position])) for position in positions]

    def _count(self) -> int:
        self._next += 1
        if self._next > self.wanted.max_rows:
            raise BadFile(f"more than {self.wanted.max_rows} rows", code="too_many_rows")
        return self._next - 1
