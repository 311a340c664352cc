"""The dialect of a CSV file, anchored in the contract: no guess depends on row content alone.

``csv.Sniffer`` runs backtracking patterns over the sample, which an attacker can stall;
here each candidate is simply tried.
"""

from __future__ import annotations

import csv
import re
from typing import IO, Any, Final

from foretaste.intake.readers.table import Wanted

_SAMPLE: Final = 1 << 16
_ROWS: Final = 100
_DELIMITERS: Final = (",", ";", "\t", "|", ":", "^", "~", "\x1f", " ")
_QUOTES: Final = ('"', "'")


def find_dialect(file: IO[bytes], wanted: Wanted) -> dict[str, Any]:
    """Choose delimiter, quote and escape.

    The quote is the one that encloses more fields. The best candidate finds most of the
    contract's columns in the header, then most rows as wide as the header; ties go to the
    commoner one.

    Parameters
    ----------
    file
        UTF-8 text.
    wanted
        Columns of the contract.

    Returns
    -------
    dict
        Keyword arguments for ``csv.reader``.
    """
    file.seek(0)
    sample = file.read(_SAMPLE)
    if len(sample) == _SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode("utf-8-sig", "replace")
    lines = text.splitlines(keepends=True)
    candidates = [
        {
            "delimiter": delimiter,
            "quotechar": quote,
            "escapechar": escape,
            "doublequote": escape is None,
            "strict": True,
        }
        for delimiter in _DELIMITERS
        for quote in [_quote(text, delimiter)]
        for escape in ([None, "\\"] if f"\\{quote}" in text else [None])
    ]
    return max(candidates, key=lambda candidate: _fit(lines, candidate, wanted))


def _quote(text: str, delimiter: str) -> str:
    """Give the quote that encloses more fields; an apostrophe alone proves nothing."""

    def enclosed(quote: str) -> int:
        edge = re.escape(delimiter)
        field = f"(?:^|{edge}){quote}[^{quote}]*{quote}(?={edge}|$)"
        return len(re.findall(field, text, re.MULTILINE))

    return max(_QUOTES, key=enclosed)


def _fit(lines: list[str], candidate: dict[str, Any], wanted: Wanted) -> tuple[int, int]:
    """How many columns of the contract are found, and how many rows fit the header."""
    reader = csv.reader(lines, **candidate)
    header: list[str] = []
    fitting = 0
    for _ in range(_ROWS):
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
        if not header:
            header = record
        fitting += len(record) == len(header)
    return len(wanted.names.intersection(name.strip() for name in header)), fitting
