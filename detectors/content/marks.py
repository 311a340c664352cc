"""Marks that rows carry: word runs of texts, pairs of rare values of features.

A mark is a 40-bit id. Marks come in chunks and are never all in memory; what survives a
first, hashed count is looked at exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from detectors.content.tokens import scramble

Marks = Iterator[tuple[np.ndarray, np.ndarray]]
"""Chunks of (row numbers, mark ids), each pair once."""

_BUCKETS = 2**22
_MAX_PAIRS = 20_000_000
_CHUNK = 20_000
_RARE_VALUES = 8
_BIN = 0.5
_LEVELS = 41
_IDS = np.uint64(2**40 - 1)


@dataclass(frozen=True, slots=True)
class Carried:
    """Rows that carry suspicious marks.

    Parameters
    ----------
    row, mark
        (m,) row numbers and mark ids, sorted by mark.
    tried
        Marks that were rare and frequent enough to be looked at, about.
    """

    row: np.ndarray
    mark: np.ndarray
    tried: int


def suspicious(
    marks: Callable[[], Marks],
    margin: np.ndarray,
    *,
    min_rows: int,
    max_share: float,
    least: float,
) -> Carried:
    """Find rare marks whose rows, together, speak against their own labels.

    Two passes: the first adds up margins in hashed buckets, the second collects the rows
    of the buckets that stand out, at most 20 million pairs.

    Parameters
    ----------
    marks
        Gives the chunks anew at every call.
    margin
        (n,) nats by which the content speaks against the label.
    min_rows, max_share
        Rows below which a mark is no pattern; share of rows above which it is not rare.
    least
        Nats that a bucket must stand out by.
    """
    rows = np.zeros(_BUCKETS, dtype=np.int64)
    against = np.zeros(_BUCKETS)
    doubt = np.maximum(margin, 0.0)
    for row, mark in marks():
        bucket = _bucket(mark)
        np.add.at(rows, bucket, 1)
        np.add.at(against, bucket, doubt[row])
    usual = max(0.3, 3.0 * float(doubt.mean()) if doubt.size else 0.0)
    excess = against - usual * rows
    fits = (rows >= min_rows) & (rows <= max(max_share * margin.size, 4 * min_rows))
    order = np.flatnonzero(fits & (excess > least))
    order = order[np.argsort(-excess[order], kind="stable")]
    chosen = np.zeros(_BUCKETS, dtype=bool)
    chosen[order[np.cumsum(rows[order]) <= _MAX_PAIRS]] = True
    return _collect(marks(), chosen, int(fits.sum()))


def _collect(marks: Marks, chosen: np.ndarray, tried: int) -> Carried:
    found = [(row[keep], mark[keep]) for row, mark in marks for keep in [chosen[_bucket(mark)]]]
    row = np.concatenate([r for r, _ in found]) if found else np.zeros(0, np.int64)
    mark = np.concatenate([m for _, m in found]) if found else np.zeros(0, np.uint64)
    order = np.argsort(mark, kind="stable")
    return Carried(row[order], mark[order], tried)


def _bucket(mark: np.ndarray) -> np.ndarray:
    return (mark % np.uint64(_BUCKETS)).astype(np.int64)


def value_marks(x: np.ndarray, *, min_rows: int, max_share: float) -> Marks:
    """Pairs of rare values: each row's eight rarest, in steps of half a robust deviation.

    Parameters
    ----------
    x
        (n, d) robust-scaled features within ±10.
    min_rows, max_share
        Rows below which a value is no pattern, share above which it is not rare.
    """
    n, d = x.shape
    offset = np.arange(d) * _LEVELS
    count = np.zeros(d * _LEVELS, dtype=np.int64)
    for start in range(0, n, _CHUNK):
        count += np.bincount(
            _values(x[start : start + _CHUNK], offset).ravel(), minlength=count.size
        )
    rare = (count >= min_rows) & (count <= max(max_share * n, 4 * min_rows))
    rank = np.where(rare, count, n + 1)
    width = min(_RARE_VALUES, d)
    left, right = np.triu_indices(width, 1)
    for start in range(0, n, _CHUNK):
        value = _values(x[start : start + _CHUNK], offset)
        place = np.argsort(rank[value], axis=1, kind="stable")[:, :width]
        best = np.sort(np.take_along_axis(value, place, axis=1), axis=1).astype(np.uint64)
        both = rare[best[:, left]] & rare[best[:, right]]
        row, pair = np.nonzero(both)
        packed = best[row, left[pair]] * np.uint64(d * _LEVELS) + best[row, right[pair]]
        yield row + start, scramble(packed, 7) & _IDS


def _values(x: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """(n, d) codes of (feature, level)."""
    levels = np.clip(np.rint(x / _BIN), -(_LEVELS // 2), _LEVELS // 2).astype(np.int64)
    coded: np.ndarray = levels + _LEVELS // 2 + offset
    return coded
