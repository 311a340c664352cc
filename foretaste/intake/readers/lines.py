"""Physical lines of a text file, with what a record reader must know about them."""

from __future__ import annotations

from typing import IO


class RowTooLong(Exception):
    """The record exceeds what a row may have; reading can go on behind it."""


class Lines:
    r"""Iterate over decoded lines; remember where the current record began.

    Lines end at ``\n``. A line that is not UTF-8 is decoded with escapes and noted.

    Parameters
    ----------
    file
        Bytes of the file.
    limit
        Bytes that a record may have.

    Attributes
    ----------
    start, end
        Byte span of the current record so far.
    first_end
        End of its first line.
    count
        Lines that it has so far.
    clean
        Whether all of them are UTF-8.
    one_line
        Whether records end with their line, whatever their quotes say.
    """

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file = file
        self._limit = limit
        self.one_line = False
        file.seek(0)
        mark = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
        self.start = self.end = self.first_end = mark
        self.count = 0
        self.clean = True
        file.seek(mark)

    def begin(self) -> None:
        """Start a new record here."""
        self.start = self.first_end = self.end
        self.count = 0
        self.clean = True

    def retreat(self) -> None:
        """Go back to the end of the record's first line."""
        self.end = self.first_end
        self._file.seek(self.end)

    def raw(self, start: int, end: int) -> bytes:
        """Bytes of a span; the place of reading does not move."""
        here = self._file.tell()
        self._file.seek(start)
        found = self._file.read(end - start)
        self._file.seek(here)
        return found

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self.one_line and self.count:
            raise StopIteration
        line = self._file.readline(self._limit)
        if not line:
            raise StopIteration
        self.end += len(line)
        if len(line) == self._limit:
            self._skip_rest(line)
        if not self.count:
            self.first_end = self.end
        self.count += 1
        if self.end - self.start >= self._limit:
            raise RowTooLong
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.clean = False
            return line.decode("utf-8", "surrogateescape")

    def _skip_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._file.readline(self._limit)
            self.end += len(line)
